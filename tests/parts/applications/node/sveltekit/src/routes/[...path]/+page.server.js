export const load = ({ url }) => ({ url: url.href });
export const actions = { default: async ({ request }) => ({ word: (await request.formData()).get("word") }) };
