// A real OpenID provider of another make: LemonLDAP::NG, from Debian's packages, a portal in Perl on a loopback port with its demo
// accounts. Users come in by its form. Its logout page tells the gateway in a frame (front-channel logout); its refresh tokens do not
// rotate and come without offline_access.
import { createPublicKey } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { request } from "./http.mjs";
import { signingKey } from "./keys.mjs";
import { freePort, removeFolder, start, stop, temporaryFolder, until } from "./process.mjs";
import { startRecorder } from "./recorder.mjs";

const PATHS = {
  "/.well-known/openid-configuration": "discovery",
  "/oauth2/jwks": "jwks",
  "/oauth2/authorize": "authorization",
  "/oauth2/token": "token",
  "/oauth2/userinfo": "userinfo",
  "/oauth2/logout": "endSession",
};
const PORTAL = "/usr/share/perl5/Lemonldap/NG/Portal/Main.pm";
const CLIENT = { clientId: "the-gateway", clientSecret: "client-secret" };

/** Whether Debian's packages are there; scripts/install.sh providers brings them. */
export const hasLemonldap = () => existsSync(PORTAL) && existsSync("/usr/bin/plackup");

/** Starts it, once the gateway's origin is known, with a proxy before it; see recorder.mjs. */
export async function startLemonldap({ accessTokenSeconds = 300 } = {}) {
  const port = await freePort();
  const folder = temporaryFolder();
  const recorder = await startRecorder({ target: `http://127.0.0.1:${port}`, paths: PATHS });
  let child;
  return {
    ...recorder,
    ...CLIENT,
    issuer: `${recorder.origin}/`,
    subjectOf: (id) => id,
    fill,
    allow: async (origin) => {
      configure(folder, { portal: `${recorder.origin}/`, gateway: origin, accessTokenSeconds });
      const env = { ...process.env, LLNG_DEFAULTCONFFILE: path.join(folder, "lemonldap-ng.ini") };
      const script = path.join(import.meta.dirname, "lemonldap.psgi");
      child = start("plackup", ["--host", "127.0.0.1", "--port", String(port), "--env", "production", script], { cwd: folder, env });
      let over = false;
      child.gone.then(() => {
        over = true;
      });
      await until("LemonLDAP::NG answers", () => {
        if (over) throw new Error(`LemonLDAP::NG ended:\n${child.output.slice(-4000)}`);
        return request(`http://127.0.0.1:${port}/.well-known/openid-configuration`).catch(() => undefined);
      }, 60_000);
    },
    close: async () => {
      await recorder.close();
      if (child) await stop(child);
      removeFolder(folder);
    },
  };
}

/** What the user enters on its pages, or that they go on from one. */
function fill({ text }, user) {
  if (/name="password"/.test(text)) return { user, password: user };
  return /id="timer"/.test(text) ? {} : undefined;
}

function configure(folder, { portal, gateway, accessTokenSeconds }) {
  for (const name of ["conf", "sessions", "sessions/lock", "cache"]) mkdirSync(path.join(folder, name));
  const at = (name) => path.join(folder, name);
  const { privateKey, publicJwk } = signingKey("RS256", "lemonldap");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" });
  const storage = { Directory: at("sessions"), LockDirectory: at("sessions/lock"), generateModule: "Lemonldap::NG::Common::Apache::Session::Generate::SHA256" };
  const options = {
    ClientID: CLIENT.clientId,
    ClientSecret: CLIENT.clientSecret,
    RedirectUris: `${gateway}/auth/callback`,
    PostLogoutRedirectUris: `${gateway}/auth/logged-out`,
    LogoutUrl: `${gateway}/auth/frontchannel-logout`,
    LogoutType: "front",
    LogoutSessionRequired: 1,
    LogoutBypassConfirm: 1,
    BypassConsent: 1,
    RefreshToken: 1,
    IDTokenSignAlg: "RS256",
    IDTokenForceClaims: 1,
    AccessTokenExpiration: accessTokenSeconds,
    RequirePKCE: 1,
    UserIDAttr: "uid",
  };
  const configuration = {
    cfgNum: 1,
    cfgAuthor: "tests",
    cfgDate: "1",
    portal,
    domain: "127.0.0.1",
    cookieName: "lemonldap",
    securedCookie: 0,
    authentication: "Demo",
    userDB: "Same",
    passwordDB: "Demo",
    demoExportedVars: { cn: "cn", mail: "mail", uid: "uid" },
    whatToTrace: "$uid",
    key: "a key of these tests alone 123456",
    globalStorage: "Apache::Session::File",
    globalStorageOptions: storage,
    localSessionStorage: "Cache::FileCache",
    localSessionStorageOptions: { cache_depth: 3, cache_root: at("cache"), default_expires_in: 600, directory_umask: "007", namespace: "sessions" },
    requireToken: 0,
    persistentStorage: "Apache::Session::File",
    persistentStorageOptions: storage,
    issuerDBOpenIDConnectActivation: 1,
    issuerDBOpenIDConnectPath: "^/oauth2/",
    issuerDBOpenIDConnectRule: 1,
    oidcServiceMetaDataIssuer: portal,
    oidcServicePrivateKeySig: pem,
    oidcServicePublicKeySig: signingKeyPem(publicJwk),
    oidcServiceKeyIdSig: "lemonldap",
    oidcRPMetaDataOptions: { gateway: Object.fromEntries(Object.entries(options).map(([name, value]) => [`oidcRPMetaDataOptions${name}`, value])) },
    oidcRPMetaDataExportedVars: { gateway: { name: "cn", email: "mail", preferred_username: "uid" } },
    locationRules: {},
    exportedHeaders: {},
  };
  writeFileSync(at("conf/lmConf-1.json"), JSON.stringify(configuration));
  writeFileSync(at("lemonldap-ng.ini"), `[all]
logLevel = warn
logger = Lemonldap::NG::Common::Logger::Std
[configuration]
type = File
dirName = ${at("conf")}
[portal]
staticPrefix = /static
templateDir = /usr/share/lemonldap-ng/portal/templates
languages = en
`);
}

const signingKeyPem = (jwk) => createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "pem" });
