//! `OIDC_…`: what OpenID Connect providers have in common, and how this gateway is registered there.

use std::borrow::Cow;

use openidconnect::{ClientId, IssuerUrl};
use time::Duration;
use url::Url;

use super::credentials::Credentials;
use super::preset::Preset;
use super::reader::Reader;
use super::tenants::Tenants;
use super::token_auth::TokenAuth;

/// The variables that describe the OpenID provider.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// `OIDC_ISSUER`.
    pub issuer: IssuerUrl,
    /// The variable that names the issuer. With Auth0, and in a table, it is another one.
    pub issuer_variable: Cow<'static, str>,
    /// `OIDC_TENANTS`, where the issuer stands for several tenants (`{tenantid}`).
    pub tenants: Option<Tenants>,
    /// `OIDC_DISCOVERY_URL`, or where the issuer's discovery document lies.
    pub discovery_url: Url,
    /// The variable that says where the document lies: that one, or the issuer's.
    pub document_variable: Cow<'static, str>,
    /// Under which the document is kept. What is read of it depends on these settings, and so providers of a table share none.
    pub document_key: String,
    /// `OIDC_CLIENT_ID`.
    pub client_id: ClientId,
    /// `OIDC_CLIENT_SECRET`, `OIDC_CLIENT_KEY`, or none where `OIDC_TOKEN_AUTH` says that there is none.
    pub credentials: Credentials,
    /// Whether what the key signs is for the issuer (`aud`). Else it is for the token endpoint.
    pub assertions_for_issuer: bool,
    /// `OIDC_TOKEN_AUTH`; none: as discovered.
    pub token_auth: Option<TokenAuth>,
    /// `OIDC_ID_TOKEN_ALG`: what ID tokens and logout tokens may be signed with; none: as discovered.
    pub id_token_algorithms: Option<Vec<&'static str>>,
    /// `OIDC_SCOPES`.
    pub scopes: Vec<String>,
    /// `OIDC_RESPONSE_MODE` is `form_post`.
    pub form_post: bool,
    /// `OIDC_AUTHORIZATION_PARAMS`.
    pub authorization_params: Vec<(String, String)>,
    /// `OIDC_AUDIENCE`.
    pub audience: Option<String>,
    /// `OIDC_RESOURCE` (RFC 8707).
    pub resource: Option<String>,
    /// `OIDC_PAR` (RFC 9126).
    pub par: Par,
    /// `OIDC_REUSE_LEEWAY_SECONDS`: how long a used refresh token may be presented again.
    pub reuse_leeway: Duration,
    /// How a user logs out there.
    pub logout: Logout,
    /// `OIDC_TRUSTED_AUDIENCES`: who may stand beside this client in `aud` of a token without `azp`.
    pub trusted_audiences: Vec<String>,
    /// `OIDC_NONCE` is `optional`: an ID token without a nonce is accepted.
    pub nonce_optional: bool,
    /// What an operator can do about a login that brought no refresh token, where the provider is known.
    pub no_refresh_token: Option<&'static str>,
}

/// What [`OidcSettings::id_token_algorithms`] may name: public-key algorithms, as with a public key as the secret of an HMAC anybody
/// could sign.
pub const ID_TOKEN_ALGORITHMS: [&str; 11] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];

/// The variables that say where a provider is.
const ISSUER: &str = "OIDC_ISSUER";
const DISCOVERY_URL: &str = "OIDC_DISCOVERY_URL";

/// How a user logs out at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logout {
    /// At its end-session endpoint (OpenID Connect RP-Initiated Logout 1.0), where it has one.
    Standard,
    /// At Amazon Cognito's own, on `COGNITO_DOMAIN`.
    Cognito(Url),
}

/// When authorization requests are pushed (RFC 9126).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Par {
    /// Where the provider requires it.
    Auto,
    /// At every login.
    Always,
    /// At none.
    Never,
}

impl Par {
    /// Whether they are, at a provider that requires it or does not.
    pub const fn pushes(self, is_required: bool) -> bool {
        match self {
            Self::Auto => is_required,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// What OpenID Connect providers have in common. What a variable says counts, and the preset where it says nothing.
    pub(super) fn oidc(&mut self, preset: &Preset, issuer: Option<IssuerUrl>) -> Option<OidcSettings> {
        let tenants = self.tenants(issuer.as_ref());
        let discovery_url = self.discovery_url(issuer.as_ref(), tenants.as_ref());
        let document_key = discovery_url.as_ref().map(Url::to_string).unwrap_or_default();
        let client_id = self.required("OIDC_CLIENT_ID", &format!("is missing: {}", preset.client_id_is));
        let token_auth = self.token_auth();
        let credentials = self.credentials(token_auth, preset);
        let id_token_algorithms = self.id_token_algorithms();
        let scopes = self.text("OIDC_SCOPES").unwrap_or_else(|| preset.scopes.to_owned());
        let scopes: Vec<String> = scopes.split_ascii_whitespace().map(str::to_owned).collect();
        if !scopes.iter().any(|scope| scope == "openid") {
            self.problem("OIDC_SCOPES", "lacks openid: put space-separated scopes there, openid among them");
        }
        let form_post =
            self.choice_or("OIDC_RESPONSE_MODE", &[("query", false), ("form_post", true)], preset.form_post);
        let authorization_params = self.authorization_params(preset.params);
        let nonce_optional =
            self.choice_or("OIDC_NONCE", &[("required", false), ("optional", true)], preset.nonce_optional);
        let logout = self.logout(preset);
        let par = self.choice("OIDC_PAR", &[("auto", Par::Auto), ("always", Par::Always), ("never", Par::Never)]);
        let reuse_leeway = self.seconds("OIDC_REUSE_LEEWAY_SECONDS", 0, 0);
        let resource = self.text("OIDC_RESOURCE");
        if resource.as_deref().is_some_and(|resource| Url::parse(resource).is_err()) {
            self.problem("OIDC_RESOURCE", "is no absolute URI (RFC 8707): put the API's identifier there");
        }
        Some(OidcSettings {
            issuer: issuer?,
            issuer_variable: ISSUER.into(),
            tenants,
            discovery_url: discovery_url?,
            document_key,
            document_variable: self.text(DISCOVERY_URL).map_or(ISSUER, |_| DISCOVERY_URL).into(),
            client_id: ClientId::new(client_id?),
            credentials: credentials?,
            assertions_for_issuer: preset.assertions_for_issuer,
            token_auth: token_auth.or(preset.token_auth),
            id_token_algorithms,
            scopes,
            form_post: form_post?,
            authorization_params,
            audience: self.text("OIDC_AUDIENCE"),
            resource,
            par: par?,
            reuse_leeway,
            logout: logout?,
            trusted_audiences: self.list("OIDC_TRUSTED_AUDIENCES"),
            nonce_optional: nonce_optional?,
            no_refresh_token: preset.no_refresh_token,
        })
    }

    fn logout(&mut self, preset: &Preset) -> Option<Logout> {
        if !preset.cognito_logout {
            return Some(Logout::Standard);
        }
        let missing = "is missing: the domain of the user pool in the Amazon Cognito console under Domain, such as \
                       example.auth.eu-central-1.amazoncognito.com, where users log out";
        let domain = self.required("COGNITO_DOMAIN", missing)?;
        self.api_origin("COGNITO_DOMAIN", &domain, "example.auth.eu-central-1.amazoncognito.com").map(Logout::Cognito)
    }

    /// What ID tokens may be signed with, where that is configured.
    fn id_token_algorithms(&mut self) -> Option<Vec<&'static str>> {
        let text = self.text("OIDC_ID_TOKEN_ALG")?;
        let named = text.split(',').map(str::trim);
        let known = |name: &str| ID_TOKEN_ALGORITHMS.into_iter().find(|known| *known == name);
        let algorithms: Option<Vec<_>> = named.map(known).collect();
        if algorithms.is_none() {
            let message =
                format!("must be one of these, or several, separated by commas: {}", ID_TOKEN_ALGORITHMS.join(", "));
            self.problem("OIDC_ID_TOKEN_ALG", &message);
        }
        algorithms
    }
}
