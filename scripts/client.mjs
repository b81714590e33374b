// Makes the types of packages/client from the OpenAPI document of the gateway, and builds it into its dist/.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { execFileSync } from "node:child_process";
import openapiTS, { astToString } from "openapi-typescript";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** The types of the document, as a file. */
export async function types() {
  const document = JSON.parse(readFileSync(at("src/gateway/endpoints/admin/openapi.json"), "utf8"));
  return `// Made from the gateway's OpenAPI document by \`make client\`.\n\n${astToString(await openapiTS(document))}`;
}

/** Compiles the client into `folder`. */
export function compile(folder = at("packages/client/dist")) {
  rmSync(folder, { recursive: true, force: true });
  execFileSync(at("node_modules/.bin/tsc"), ["--project", at("packages/client"), "--outDir", folder], { stdio: "inherit" });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(at("packages/client/src/openapi.ts"), await types());
  compile();
}
