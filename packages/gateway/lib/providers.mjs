// The providers that `init` knows: what each is called, and which variables say where it is and who the gateway is there.

const OIDC = { issuer: "OIDC_ISSUER", clientId: "OIDC_CLIENT_ID", secret: "OIDC_CLIENT_SECRET" };

/** With an issuer that all customers share. */
const shared = { ...OIDC, issuer: undefined };

/** By the value of PROVIDER. `example` is what an issuer looks like. */
export const PROVIDERS = {
  oidc: { ...OIDC, label: "any OpenID Connect provider", example: "https://login.example.com" },
  auth0: { ...OIDC, issuer: "AUTH0_DOMAIN", label: "Auth0", example: "example.eu.auth0.com" },
  workos: { clientId: "WORKOS_CLIENT_ID", secret: "WORKOS_API_KEY", label: "WorkOS" },
  entra: { ...OIDC, label: "Microsoft Entra ID", example: "https://login.microsoftonline.com/<tenant id>/v2.0" },
  google: { ...shared, label: "Google" },
  okta: { ...OIDC, label: "Okta", example: "https://example.okta.com/oauth2/default" },
  keycloak: { ...OIDC, label: "Keycloak", example: "https://keycloak.example.com/realms/<realm>" },
  cognito: { ...OIDC, label: "Amazon Cognito", example: "https://cognito-idp.<region>.amazonaws.com/<user pool id>" },
  zitadel: { ...OIDC, label: "Zitadel", example: "https://example.zitadel.cloud" },
  linkedin: { ...shared, label: "LinkedIn" },
  apple: { ...shared, secret: "APPLE_PRIVATE_KEY", label: "Apple" },
  gitlab: { ...shared, label: "GitLab" },
  adfs: { ...OIDC, label: "AD FS", example: "https://adfs.example.com/adfs" },
  pingone: { ...OIDC, label: "PingOne", example: "https://auth.pingone.eu/<environment id>/as" },
  authentik: { ...OIDC, label: "authentik", example: "https://authentik.example.com/application/o/<slug>/" },
  authelia: { ...OIDC, label: "Authelia", example: "https://auth.example.com" },
  dex: { ...OIDC, label: "Dex", example: "https://dex.example.com" },
  ory: { ...OIDC, label: "Ory", example: "https://<project slug>.projects.oryapis.com" },
  salesforce: { ...OIDC, label: "Salesforce", example: "https://example.my.salesforce.com" },
  twitch: { ...shared, label: "Twitch" },
};
