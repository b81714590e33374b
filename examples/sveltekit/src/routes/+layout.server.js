// That the layout is loaded on the server has a second use. Where the session has ended, SvelteKit gets a 401 for the data of the next page,
// and asks the server for the page itself: the gateway sends the user to log in, and back to that page.
export const load = ({ locals }) => ({ user: locals.user });
