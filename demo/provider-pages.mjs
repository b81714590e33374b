// The demo provider's pages: choosing a user, logging out, errors. They work without scripts and styles from
// elsewhere, in light and dark, and by keyboard.

const escapeHtml = (text) =>
  String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const page = (title, content) => `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="icon" href="data:,">
  <title>${escapeHtml(title)}</title>
  <style>
    :root { color-scheme: light dark; --line: light-dark(#d5d9e0, #3a4250); --soft: light-dark(#5b6472, #a0a9b8); }
    body { font: 1rem/1.5 system-ui, sans-serif; max-width: 24rem; margin: 12vh auto; padding: 0 1rem;
           background: light-dark(#f6f7f9, #14171c); color: light-dark(#1a1e25, #e8ebf0); }
    main { background: light-dark(#fff, #1d2129); border: 1px solid var(--line); border-radius: .75rem; padding: 1.5rem; }
    h1 { font-size: 1.3rem; margin: 0 0 .25rem; }
    p { margin: 0 0 1rem; color: var(--soft); }
    button { display: block; width: 100%; margin-top: .6rem; padding: .7rem 1rem; text-align: left; font: inherit;
             color: inherit; background: none; border: 1px solid var(--line); border-radius: .5rem; cursor: pointer; }
    button:hover, button:focus-visible { border-color: #3b7ddd; outline: 2px solid #3b7ddd; }
    button small { display: block; color: var(--soft); }
    button.quiet { border: 0; color: var(--soft); text-align: center; }
  </style>
</head>
<body><main>
<h1>${escapeHtml(title)}</h1>
${content}
</main></body>
</html>`;

/** One button for each user (`#ada`, `#grace`); the one hinted at comes with the focus. */
export function loginPage(uid, users, hint) {
  const focused = users.some(({ id }) => id === hint) ? hint : users[0].id;
  const buttons = users.map(
    ({ id, name, email }) => `<button id="${id}" name="user" value="${id}"${id === focused ? " autofocus" : ""}>
  Continue as ${escapeHtml(name)} <small>${escapeHtml(email)}</small></button>`,
  );
  return page(
    "Log in",
    `<p>This is the demo provider. Nobody here has a password.</p>
<form method="post" action="/interaction/${uid}">
${buttons.join("\n")}
<button id="cancel" class="quiet" name="user" value="">Cancel</button>
</form>`,
  );
}

/**
 * Asks whether to log out. Where the request proved with an `id_token_hint` that it comes from the application,
 * the answer is known, as it is to most providers, and the page goes on by itself.
 */
export function logoutPage(form, { confirmed }) {
  return page(
    "Log out",
    `<p>Log out of the demo provider too?</p>
${form}
<button id="confirm-logout" form="op.logoutForm" name="logout" value="yes" autofocus>Log out</button>
${confirmed ? `<script>document.getElementById("confirm-logout").click()</script>` : ""}`,
  );
}

export const errorPage = (message) => page("Demo provider", `<p>${escapeHtml(message)}</p>`);
