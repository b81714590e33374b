//! `OIDC_…`: what OpenID Connect providers have in common, and how this gateway is registered there.

use openidconnect::{ClientId, ClientSecret, IssuerUrl};
use time::Duration;
use url::Url;

use super::origin::is_allowed;
use super::preset::Preset;
use super::reader::Reader;
use super::store;

/// The variables that describe the OpenID provider.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// `OIDC_ISSUER`.
    pub issuer: IssuerUrl,
    /// The variable that names the issuer. With Auth0 it is another one.
    pub issuer_variable: &'static str,
    /// `OIDC_CLIENT_ID`.
    pub client_id: ClientId,
    /// `OIDC_CLIENT_SECRET`; none where `OIDC_TOKEN_AUTH` says that there is none.
    pub client_secret: Option<ClientSecret>,
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

/// How this client authenticates at the token endpoint (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenAuth {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
    /// `none`: a public client.
    None,
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

/// Parameters of the authorization request that are the gateway's own.
const OWN_PARAMETERS: [&str; 15] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "request",
    "request_uri",
    "audience",
    "resource",
    "client_secret",
    "id_token_hint",
];

/// `OIDC_TOKEN_AUTH`.
const TOKEN_AUTH: [(&str, TokenAuth); 3] =
    [("client_secret_basic", TokenAuth::Basic), ("client_secret_post", TokenAuth::Post), ("none", TokenAuth::None)];

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// What OpenID Connect providers have in common. What a variable says counts, and the preset where it says nothing.
    pub(super) fn oidc(&mut self, preset: &Preset, issuer: Option<IssuerUrl>) -> Option<OidcSettings> {
        let client_id = self.required("OIDC_CLIENT_ID", &format!("is missing: {}", preset.client_id_is));
        let token_auth = self.optional_choice("OIDC_TOKEN_AUTH", &TOKEN_AUTH);
        let client_secret = self.client_secret(token_auth, preset.secret_is);
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
        let par = self.choice("OIDC_PAR", &[("auto", Par::Auto), ("always", Par::Always), ("never", Par::Never)]);
        let reuse_leeway = self.seconds("OIDC_REUSE_LEEWAY_SECONDS", 0, 0);
        let resource = self.text("OIDC_RESOURCE");
        if resource.as_deref().is_some_and(|resource| Url::parse(resource).is_err()) {
            self.problem("OIDC_RESOURCE", "is no absolute URI (RFC 8707): put the API's identifier there");
        }
        Some(OidcSettings {
            issuer: issuer?,
            issuer_variable: "OIDC_ISSUER",
            client_id: ClientId::new(client_id?),
            client_secret,
            token_auth: token_auth.or(preset.token_auth),
            id_token_algorithms,
            scopes,
            form_post: form_post?,
            authorization_params,
            audience: self.text("OIDC_AUDIENCE"),
            resource,
            par: par?,
            reuse_leeway,
            trusted_audiences: self.list("OIDC_TRUSTED_AUDIENCES"),
            nonce_optional: nonce_optional?,
            no_refresh_token: preset.no_refresh_token,
        })
    }

    /// The client secret. A public client has none, and has to say so. Otherwise a forgotten secret would make a public client.
    fn client_secret(&mut self, token_auth: Option<TokenAuth>, secret_is: &str) -> Option<ClientSecret> {
        if token_auth == Some(TokenAuth::None) {
            if self.text("STATE_KEYS").is_none() {
                let why = "is missing, and with OIDC_TOKEN_AUTH=none there is no client secret to derive keys from";
                self.problem("STATE_KEYS", &format!("{why}; {}", store::GENERATE_KEY));
            }
            return None;
        }
        let secret = self.text("OIDC_CLIENT_SECRET").map(ClientSecret::new);
        // One mistake is reported once.
        if secret.is_none() && (token_auth.is_some() || self.text("OIDC_TOKEN_AUTH").is_none()) {
            let message = format!(
                "is missing: {secret_is}; set it with `npx wrangler secret put OIDC_CLIENT_SECRET`, on your own machine in .dev.vars. A public client, which has \
                 none, says so with OIDC_TOKEN_AUTH = \"none\""
            );
            self.problem("OIDC_CLIENT_SECRET", &message);
        }
        secret
    }

    /// What ID tokens may be signed with, where that is configured.
    fn id_token_algorithms(&mut self) -> Option<Vec<&'static str>> {
        let text = self.text("OIDC_ID_TOKEN_ALG")?;
        let named = text.split(',').map(str::trim);
        let known = |name: &str| ID_TOKEN_ALGORITHMS.into_iter().find(|known| *known == name);
        let algorithms: Option<Vec<_>> = named.map(known).collect();
        if algorithms.is_none() {
            let message =
                format!("must be one of these, or several with commas between: {}", ID_TOKEN_ALGORITHMS.join(", "));
            self.problem("OIDC_ID_TOKEN_ALG", &message);
        }
        algorithms
    }

    pub(super) fn issuer(&mut self, preset: &Preset) -> Option<IssuerUrl> {
        let Some(text) = self.text("OIDC_ISSUER").or_else(|| preset.issuer.map(str::to_owned)) else {
            self.problem("OIDC_ISSUER", &format!("is missing: {}", preset.issuer_is));
            return None;
        };
        match Url::parse(&text) {
            Ok(url) if is_allowed(&url) && url.query().is_none() && url.fragment().is_none() => {
                IssuerUrl::new(text).ok()
            }
            _ => {
                self.problem(
                    "OIDC_ISSUER",
                    "must be an https URL without query and fragment (http on loopback hosts only)",
                );
                None
            }
        }
    }

    /// The parameters that the variable names. Those of `usual` that it does not name stay; an empty value takes one away.
    pub(super) fn authorization_params(&mut self, usual: &[(&str, &str)]) -> Vec<(String, String)> {
        let text = self.text("OIDC_AUTHORIZATION_PARAMS").unwrap_or_else(|| "{}".to_owned());
        let Ok(params) = serde_json::from_str::<std::collections::BTreeMap<String, String>>(&text) else {
            self.problem(
                "OIDC_AUTHORIZATION_PARAMS",
                "must be a JSON object of strings, such as {\"acr_values\":\"mfa\"}",
            );
            return Vec::new();
        };
        for name in params.keys().filter(|name| OWN_PARAMETERS.contains(&name.as_str())) {
            let message = format!("sets {name}, which the gateway sets itself: leave it out");
            self.problem("OIDC_AUTHORIZATION_PARAMS", &message);
        }
        // A hint or a silent login replaces this prompt. With `none` for all logins, nobody could log in.
        if params.get("prompt").is_some_and(|prompt| prompt.split_ascii_whitespace().any(|word| word == "none")) {
            let message = "sets prompt to none, which the gateway does itself for silent logins: leave it out";
            self.problem("OIDC_AUTHORIZATION_PARAMS", message);
        }
        let mut all: std::collections::BTreeMap<String, String> =
            usual.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let is_usual = |name: &str| usual.iter().any(|(known, _)| *known == name);
        all.extend(params);
        all.into_iter().filter(|(name, value)| !(value.is_empty() && is_usual(name))).collect()
    }
}
