// The kinds of providers that the same tests are run against, each with one way to start it. What they share:
// `calls.token`, `answers.token` (see recorder.mjs), `issued()`, `subjectOf(user)`, `close()`.
import { startAuth0 } from "./auth0.mjs";
import { startCanaille } from "./canaille.mjs";
import { DROP } from "./hostile.mjs";
import { startProvider } from "./provider.mjs";
import { startWorkOs } from "./workos.mjs";

/** By name: `start(options)`, options being `{ accessTokenSeconds }`; `canaille` is a generic provider, too. */
export const KINDS = {
  oidc: startOidc,
  canaille: async (options) => withIssued(await startCanaille(options)),
  auth0: async (options) => withIssued(await startAuth0(options)),
  workos: async (options) => withIssued(await startWorkOs(options)),
};

/** oidc-provider, its token endpoint answered as recorder.mjs has it. */
async function startOidc(options) {
  const provider = await startProvider(options);
  provider.answers = {};
  provider.around.token = async (next, call, ctx) => {
    const replace = provider.answers.token;
    if (!replace) return next();
    const valid = async () => {
      await next();
      return { status: ctx.status, json: ctx.body };
    };
    const answer = await replace(valid, call);
    if (answer === DROP) {
      ctx.respond = false;
      return void ctx.req.socket.destroy();
    }
    ctx.status = answer.status ?? 200;
    ctx.set(answer.headers ?? {});
    ctx.body = answer.json ?? answer.body;
  };
  provider.subjectOf = (id) => id;
  provider.issued = () => provider.calls.token.flatMap(({ body }) => tokensIn(body));
  return provider;
}

/** The refresh and access tokens that came with answers. */
export function withIssued(provider) {
  return { ...provider, issued: () => provider.calls.token.flatMap(({ answer }) => tokensIn(answer?.json)) };
}

const tokensIn = (body) => [body?.access_token, body?.refresh_token].filter(Boolean);
