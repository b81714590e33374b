// What `init` is told: by flags, and at a terminal by answers to questions.
import { parseArgs } from "node:util";
import { createInterface } from "node:readline/promises";
import { PROVIDERS } from "./providers.mjs";

/** The command line is wrong. */
export class UsageError extends Error {}

const FLAGS = {
  provider: { type: "string" },
  issuer: { type: "string" },
  "client-id": { type: "string" },
  upstream: { type: "string" },
  origin: { type: "string" },
  dir: { type: "string", default: "." },
  jsonc: { type: "boolean", default: false },
  force: { type: "boolean", default: false },
};

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\]|.+\.localhost)$/;

/** Why a text is no https URL (http on loopback hosts), or none. */
function isNoUrl(text, mayHavePath) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !(url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname)))) return "must be an https URL (http on localhost alone)";
  if (url.search !== "" || url.hash !== "") return "must have neither query nor fragment";
  if (!mayHavePath && text.replace(/\/$/, "") !== url.origin) return `must be an origin, without a path: ${url.origin}`;
  return undefined;
}

/** What is wrong with an option, or none. */
const CHECKS = {
  provider: (text) => (Object.hasOwn(PROVIDERS, text) ? undefined : `must be one of ${Object.keys(PROVIDERS).join(", ")}`),
  // A placeholder such as {tenantid} stands for a part of it.
  issuer: (text, { provider }) => (PROVIDERS[provider].issuer === "AUTH0_DOMAIN" ? undefined : isNoUrl(text.replace(/[{}]/g, ""), true)),
  upstream: (text) => (/^binding:\w+$/.test(text) ? undefined : isNoUrl(text, true)),
  origin: (text) => isNoUrl(text, false),
};

function check(name, text, options) {
  if (/[\u0000-\u001f\u007f]/.test(text)) return "must not have control characters";
  return CHECKS[name]?.(text, options);
}

/** The options that these arguments give. */
export function parse(args) {
  let values;
  try {
    ({ values } = parseArgs({ args, options: FLAGS, allowPositionals: false }));
  } catch (error) {
    throw new UsageError(error.message);
  }
  const options = { ...values, clientId: values["client-id"] };
  for (const name of ["provider", "issuer", "clientId", "upstream", "origin"]) {
    const wrong = options[name] === undefined ? undefined : check(name, options[name], { provider: "oidc", ...options });
    if (wrong) throw new UsageError(`--${name === "clientId" ? "client-id" : name} ${wrong}`);
  }
  return options;
}

/** Asks for what is missing. An empty answer leaves it out. */
export async function ask(options, input = process.stdin, output = process.stdout) {
  const answered = { ...options };
  const lines = createInterface({ input, output });
  const question = async (name, text) => {
    while (answered[name] === undefined) {
      const answer = (await lines.question(`${text}: `)).trim();
      if (answer === "") return;
      const wrong = check(name, answer, { provider: "oidc", ...answered });
      if (wrong) output.write(`  ${wrong}\n`);
      else answered[name] = answer;
    }
  };
  try {
    await question("provider", `Provider (${Object.keys(PROVIDERS).join(", ")})`);
    const { issuer, example, label } = PROVIDERS[answered.provider ?? "oidc"];
    if (issuer) await question("issuer", `${issuer}, such as ${example}`);
    await question("clientId", `Client id at ${label}`);
    await question("upstream", "Address of your application (upstream), such as https://app.internal.example.com");
    await question("origin", "Address that users will open, such as https://app.example.com");
  } finally {
    lines.close();
  }
  return answered;
}
