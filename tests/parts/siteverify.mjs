// A stand-in for Cloudflare Turnstile's siteverify, which cannot run here: it answers as documented, and takes each
// token once. https://developers.cloudflare.com/turnstile/get-started/server-side-validation/
import { createServer } from "node:http";
import { HANG } from "./hostile.mjs";

/**
 * Starts the stand-in: `{ url, secret, calls, answer, close }`. A token is the JSON of what is to be answered beside the
 * defaults, so that a test says in the token what the challenge was. `answer(valid)` replaces the answer.
 */
export async function startSiteverifyStandIn({ hostname = "127.0.0.1", action = "gateway" } = {}) {
  const secret = "the-captcha-secret";
  const calls = [];
  const used = new Set();
  const standIn = { secret, calls, answer: undefined };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const params = Object.fromEntries(new URLSearchParams(body));
    calls.push(params);
    const valid = verify(params);
    const answer = standIn.answer ? await standIn.answer(valid) : valid;
    if (answer === HANG) return;
    response.writeHead(200, { "content-type": "application/json" }).end(typeof answer === "string" ? answer : JSON.stringify(answer));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  standIn.url = `http://127.0.0.1:${server.address().port}/siteverify`;
  standIn.close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return standIn;

  function verify({ secret: given, response: token }) {
    const refused = (code) => ({ success: false, "error-codes": [code] });
    if (given !== secret) return refused("invalid-input-secret");
    if (used.has(token)) return refused("timeout-or-duplicate");
    used.add(token);
    try {
      const { n, ...more } = JSON.parse(token);
      return { success: true, hostname, action, challenge_ts: new Date().toISOString(), "error-codes": [], ...more };
    } catch {
      return refused("invalid-input-response");
    }
  }
}

let number = 0;
/** A token of a challenge that was just solved; `more` is what the verifier says otherwise. */
export const solved = (more) => JSON.stringify({ n: (number += 1), ...more });
