//! The providers of which more is known beforehand: one table, a row a provider, with what it does differently.
//!
//! All of it is defaults for `OIDC_…` variables, and words for an operator who has left one out. What a variable says counts.

use super::token_auth::{SecretIs, TokenAuth};

/// A row.
pub(super) struct Preset {
    /// As `PROVIDER` spells it.
    pub(super) name: &'static str,
    /// Its issuer, where all its customers have the same.
    pub(super) issuer: Option<&'static str>,
    /// What to put into `OIDC_ISSUER`.
    pub(super) issuer_is: &'static str,
    /// What to put into `OIDC_CLIENT_ID`.
    pub(super) client_id_is: &'static str,
    /// What to put into `OIDC_CLIENT_SECRET`.
    pub(super) secret_is: SecretIs,
    /// `OIDC_TOKEN_AUTH`; none: as discovered.
    pub(super) token_auth: Option<TokenAuth>,
    /// Whether what a client's key signs is for the issuer. Else it is for the token endpoint.
    pub(super) assertions_for_issuer: bool,
    /// `OIDC_SCOPES`.
    pub(super) scopes: &'static str,
    /// `OIDC_AUTHORIZATION_PARAMS`, one by one.
    pub(super) params: &'static [(&'static str, &'static str)],
    /// `OIDC_RESPONSE_MODE` is `form_post`.
    pub(super) form_post: bool,
    /// `OIDC_NONCE` is `optional`.
    pub(super) nonce_optional: bool,
    /// Whether it logs out at `COGNITO_DOMAIN`.
    pub(super) cognito_logout: bool,
    /// What an operator can do about a login that brought no refresh token.
    pub(super) no_refresh_token: Option<&'static str>,
}

/// The scopes where nothing else is said.
const USUAL_SCOPES: &str = "openid profile email offline_access";
/// The scopes where a refresh token comes without being asked for, or is asked for in another way.
const NO_OFFLINE_ACCESS: &str = "openid profile email";

/// Any OpenID Connect issuer.
pub(super) const OIDC: Preset = Preset {
    name: "oidc",
    issuer: None,
    issuer_is: "the provider's issuer URL, exactly as its discovery document has it",
    client_id_is: "the id under which this gateway is registered at the provider",
    secret_is: SecretIs::Given("the client secret of this gateway's registration at the provider"),
    token_auth: None,
    assertions_for_issuer: false,
    scopes: USUAL_SCOPES,
    params: &[],
    form_post: false,
    nonce_optional: false,
    cognito_logout: false,
    no_refresh_token: None,
};

/// Auth0, which has a domain in place of the issuer.
pub(super) const AUTH0: Preset = Preset {
    name: "auth0",
    client_id_is: "the Client ID in the Auth0 Dashboard under Applications, your application, Settings",
    secret_is: SecretIs::Given(
        "the Client Secret in the Auth0 Dashboard under Applications, your application, Settings",
    ),
    // This is the setting of a new "Regular Web Application".
    token_auth: Some(TokenAuth::Post),
    assertions_for_issuer: true,
    ..OIDC
};

/// The presets.
pub(super) static PRESETS: [Preset; 17] = [
    Preset {
        name: "entra",
        issuer_is: "https://login.microsoftonline.com/<Directory (tenant) ID>/v2.0, with the ID from the Overview of your app \
            registration in the Microsoft Entra admin center; for users of several tenants write {tenantid} in its place",
        client_id_is: "the Application (client) ID in the Microsoft Entra admin center under App registrations, your app, Overview",
        secret_is: SecretIs::Given(
            "the Value of a client secret in the Microsoft Entra admin center under App registrations, your app, \
            Certificates & secrets",
        ),
        ..OIDC
    },
    Preset {
        name: "google",
        issuer: Some("https://accounts.google.com"),
        client_id_is: "the Client ID (….apps.googleusercontent.com) in the Google Cloud console under Google Auth Platform, Clients",
        secret_is: SecretIs::Given(
            "the Client secret in the Google Cloud console under Google Auth Platform, Clients, your client",
        ),
        scopes: NO_OFFLINE_ACCESS,
        // Google has no scope for it, and gives a refresh token with a consent alone.
        params: &[("access_type", "offline"), ("prompt", "consent")],
        no_refresh_token: Some(
            "no refresh token came: Google gives one with access_type=offline and prompt=consent, which OIDC_AUTHORIZATION_PARAMS \
             may have replaced",
        ),
        ..OIDC
    },
    Preset {
        name: "okta",
        issuer_is: "the Issuer URI in the Okta Admin Console under Security, API, Authorization Servers, such as \
            https://dev-1.okta.com/oauth2/default; or https://dev-1.okta.com for the org authorization server",
        client_id_is: "the Client ID in the Okta Admin Console under Applications, your app integration, General",
        secret_is: SecretIs::Given(
            "the client secret in the Okta Admin Console under Applications, your app integration, General",
        ),
        no_refresh_token: Some(
            "no refresh token came: in the Okta Admin Console, turn on the grant type Refresh Token of the app integration (General), \
             and allow offline_access in the authorization server's access policy",
        ),
        ..OIDC
    },
    Preset {
        name: "keycloak",
        issuer_is: "https://<host of Keycloak>/realms/<realm>",
        client_id_is: "the Client ID in Keycloak's admin console under Clients",
        secret_is: SecretIs::Given(
            "the Client Secret in Keycloak's admin console under Clients, your client, Credentials",
        ),
        // Here offline_access asks for a session that outlives the logout.
        scopes: NO_OFFLINE_ACCESS,
        no_refresh_token: Some(
            "no refresh token came: in Keycloak's admin console, turn on Use refresh tokens under Clients, your client, Advanced, \
             OpenID Connect Compatibility Modes",
        ),
        ..OIDC
    },
    Preset {
        name: "cognito",
        issuer_is: "https://cognito-idp.<region>.amazonaws.com/<User pool ID>, with the ID from the user pool's Overview in the \
            Amazon Cognito console",
        client_id_is: "the Client ID in the Amazon Cognito console under your user pool, App clients",
        secret_is: SecretIs::Given(
            "the Client secret in the Amazon Cognito console under your user pool, App clients, your app client",
        ),
        scopes: NO_OFFLINE_ACCESS,
        cognito_logout: true,
        no_refresh_token: Some(
            "no refresh token came: Amazon Cognito gives one with each code. In its console, look at the grant types of your app client; OIDC_SCOPES \
             needs no further scope",
        ),
        ..OIDC
    },
    Preset {
        name: "zitadel",
        issuer_is: "the address of your ZITADEL instance, such as https://my-instance-1.zitadel.cloud",
        client_id_is: "the Client ID in ZITADEL's console under Projects, your project, your application",
        secret_is: SecretIs::Given("the Client Secret that ZITADEL's console showed when your application was made"),
        no_refresh_token: Some(
            "no refresh token came: in ZITADEL's console, turn on the grant type Refresh Token of your application",
        ),
        ..OIDC
    },
    Preset {
        name: "linkedin",
        issuer: Some("https://www.linkedin.com/oauth"),
        client_id_is: "the Client ID on LinkedIn's developer portal under My apps, your app, Auth",
        secret_is: SecretIs::Given(
            "the Primary Client Secret on LinkedIn's developer portal under My apps, your app, Auth",
        ),
        token_auth: Some(TokenAuth::Post),
        scopes: NO_OFFLINE_ACCESS,
        nonce_optional: true,
        no_refresh_token: Some(
            "no refresh token came: LinkedIn gives one to few of its partners. A session goes on through LinkedIn when its access \
             token ends, after 60 days",
        ),
        ..OIDC
    },
    Preset {
        name: "apple",
        issuer: Some("https://appleid.apple.com"),
        client_id_is: "the Services ID on Apple's developer site under Certificates, Identifiers & Profiles, Identifiers",
        secret_is: SecretIs::AppleKey,
        token_auth: Some(TokenAuth::Post),
        scopes: "openid name email",
        // Apple demands it where a name or an address is asked for.
        form_post: true,
        no_refresh_token: Some("no refresh token came: Apple gives one with each code, and has no setting for it"),
        ..OIDC
    },
    Preset {
        name: "gitlab",
        issuer: Some("https://gitlab.com"),
        client_id_is: "the Application ID in GitLab under Edit profile, Access, Applications, or in the admin area under Applications",
        secret_is: SecretIs::Given("the Secret that GitLab showed when the application was made"),
        scopes: NO_OFFLINE_ACCESS,
        no_refresh_token: Some(
            "no refresh token came: GitLab gives one with each code where access tokens expire: in an older GitLab of your own, turn on \
             Expire access tokens of the application",
        ),
        ..OIDC
    },
    Preset {
        name: "adfs",
        issuer_is: "https://<host of AD FS>/adfs",
        client_id_is: "the Client Identifier in AD FS Management under Application Groups, your group, Server application",
        secret_is: SecretIs::Given(
            "the shared secret that AD FS Management showed when the Server application was made",
        ),
        scopes: NO_OFFLINE_ACCESS,
        no_refresh_token: Some(
            "no refresh token came: in AD FS, run Set-AdfsWebApiApplication with -IssueOAuthRefreshTokensTo AllDevices for the Web API of your \
             application group",
        ),
        ..OIDC
    },
    Preset {
        name: "pingone",
        issuer_is: "the Issuer ID in the PingOne console under Applications, your application, Overview, such as \
            https://auth.pingone.eu/<environment id>/as",
        client_id_is: "the Client ID in the PingOne console under Applications, your application, Overview",
        secret_is: SecretIs::Given(
            "the Client Secret in the PingOne console under Applications, your application, Overview",
        ),
        scopes: NO_OFFLINE_ACCESS,
        no_refresh_token: Some(
            "no refresh token came: in the PingOne console, turn on the grant type Refresh Token of your application (Configuration)",
        ),
        ..OIDC
    },
    Preset {
        name: "authentik",
        issuer_is: "the OpenID Configuration Issuer on your provider's page in authentik's admin interface, such as \
            https://<host>/application/o/<slug>/; the slash at the end belongs to it",
        client_id_is: "the Client ID in authentik's admin interface under Applications, Providers, your provider",
        secret_is: SecretIs::Given(
            "the Client Secret in authentik's admin interface under Applications, Providers, your provider",
        ),
        no_refresh_token: Some(
            "no refresh token came: in authentik's admin interface, add the scope mapping offline_access to your provider (Advanced \
             protocol settings, Scopes)",
        ),
        ..OIDC
    },
    Preset {
        name: "authelia",
        issuer_is: "the address of Authelia's portal, such as https://auth.example.com",
        client_id_is: "the client_id of your entry in Authelia's configuration under identity_providers.oidc.clients",
        secret_is: SecretIs::Given("the client secret in plain text; Authelia's configuration has its hash"),
        no_refresh_token: Some(
            "no refresh token came: in Authelia's configuration, add the scope offline_access and the grant type refresh_token to \
             your client",
        ),
        ..OIDC
    },
    Preset {
        name: "dex",
        issuer_is: "the issuer of Dex's configuration, such as https://dex.example.com",
        client_id_is: "the id of your entry in Dex's configuration under staticClients",
        secret_is: SecretIs::Given("the secret of your entry in Dex's configuration under staticClients"),
        scopes: "openid profile email groups offline_access",
        no_refresh_token: Some(
            "no refresh token came: Dex's connector may have none, or its configuration leaves refresh_token out of oauth2.grantTypes",
        ),
        ..OIDC
    },
    Preset {
        name: "ory",
        issuer_is: "https://<project slug>.projects.oryapis.com or your custom domain; of Hydra alone its URLS_SELF_ISSUER",
        client_id_is: "the Client ID in the Ory Console under OAuth2, OAuth2 Clients, or what `hydra create client` printed",
        secret_is: SecretIs::Given("the client secret that the Ory Console, or `hydra create client`, showed once"),
        no_refresh_token: Some(
            "no refresh token came: allow the OAuth2 client the scope offline_access and the grant type refresh_token",
        ),
        ..OIDC
    },
    Preset {
        name: "salesforce",
        issuer_is: "your My Domain, such as https://example.my.salesforce.com; Setup, My Domain shows it",
        client_id_is: "the Consumer Key in Salesforce's Setup under External Client App Manager, your app, OAuth Settings",
        secret_is: SecretIs::Given(
            "the Consumer Secret in Salesforce's Setup under External Client App Manager, your app, OAuth Settings",
        ),
        no_refresh_token: Some(
            "no refresh token came: add the OAuth scope \"Perform requests at any time (refresh_token, offline_access)\" to the app \
             in Salesforce's Setup",
        ),
        ..OIDC
    },
    Preset {
        name: "twitch",
        issuer: Some("https://id.twitch.tv/oauth2"),
        client_id_is: "the Client ID in Twitch's developer console under Applications, your application, Manage",
        secret_is: SecretIs::Given(
            "the Client Secret in Twitch's developer console under Applications, your application, Manage",
        ),
        token_auth: Some(TokenAuth::Post),
        scopes: "openid user:read:email",
        // Twitch's ID tokens have no more than `sub` unless these are asked for.
        params: &[("claims", r#"{"id_token":{"email":null,"email_verified":null,"preferred_username":null}}"#)],
        no_refresh_token: Some("no refresh token came: Twitch gives one with each code, and has no setting for it"),
        ..OIDC
    },
];
