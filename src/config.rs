//! The configuration, typed: read once per isolate from the Worker's variables and secrets.
//!
//! Every problem is found in one pass and named by its variable, with what to put there instead; a gateway with
//! problems serves nothing but that list. Pure: the variables come in as a function from name to text.

use std::net::{Ipv4Addr, Ipv6Addr};

use openidconnect::{ClientId, ClientSecret, IssuerUrl};
use time::Duration;
use url::{Host, Url};

use crate::region::Region;

/// Everything that an operator decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// `PUBLIC_ORIGIN`; empty: the request's own origin counts.
    pub public_origins: Vec<Origin>,
    /// `AUTH_PREFIX`, with a leading and without a trailing slash.
    pub auth_prefix: String,
    /// `UPSTREAM`: an origin, optionally with a path prefix, without a trailing slash.
    pub upstream: String,
    /// `UPSTREAM_TIMEOUT_SECONDS`: to the first byte.
    pub upstream_timeout: Duration,
    /// The OpenID provider and this client's registration there.
    pub oidc: Oidc,
    /// How long sessions live.
    pub lifetimes: Lifetimes,
    /// `COOKIE_SAME_SITE`.
    pub same_site: SameSite,
    /// `DEFAULT_REGION`: of a visitor whose continent is not known.
    pub default_region: Region,
    /// `JURISDICTION`: the actors stay within it.
    pub jurisdiction: Option<Jurisdiction>,
}

/// A place that Durable Objects can be confined to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jurisdiction {
    /// The European Union.
    Eu,
    /// FedRAMP data centres.
    Fedramp,
}

impl Jurisdiction {
    /// As the platform spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Fedramp => "fedramp",
        }
    }
}

/// The variables that describe the OpenID provider.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// `OIDC_ISSUER`.
    pub issuer: IssuerUrl,
    /// `OIDC_CLIENT_ID`.
    pub client_id: ClientId,
    /// `OIDC_CLIENT_SECRET`; none: a public client.
    pub client_secret: Option<ClientSecret>,
    /// `OIDC_TOKEN_AUTH`; none: as discovered.
    pub token_auth: Option<TokenAuth>,
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
}

/// How long the states of a session last.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// `SESSION_IDLE_SECONDS`: without a use.
    pub idle: Duration,
    /// `SESSION_ABSOLUTE_SECONDS`: at the most.
    pub absolute: Duration,
    /// `LOGIN_TIMEOUT_SECONDS`: of a login that has not come back.
    pub login: Duration,
}

/// How this client authenticates at the token endpoint (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenAuth {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
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

/// The `SameSite` attribute of the session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Sent with navigations from other sites.
    Lax,
    /// Sent within the site alone.
    Strict,
}

/// An origin that browsers see the gateway under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// As in the `Origin` header: `https://app.example.com`.
    pub text: String,
    /// As in the `Host` header: with the port where it is not the scheme's own.
    pub host: String,
    /// Whether the scheme is https, which decides the cookies' names.
    pub https: bool,
}

impl Origin {
    /// The origin of an http or https URL.
    pub fn of(url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Some(Self { text: format!("{}://{host}", url.scheme()), host, https: url.scheme() == "https" })
    }
}

/// A variable that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Its name.
    pub variable: &'static str,
    /// What is wrong, and what to put there.
    pub message: String,
}

/// Whether a URL names this very machine, where plain http is allowed.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        None => false,
    }
}

/// Whether a URL may be called: https, or http on a loopback host.
pub fn is_allowed(url: &Url) -> bool {
    url.scheme() == "https" && url.has_host() || url.scheme() == "http" && is_loopback(url)
}

/// Parameters of the authorization request that are the gateway's own.
const OWN_PARAMETERS: [&str; 16] = [
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
    "prompt",
    "client_secret",
    "id_token_hint",
];

impl Config {
    /// Reads the variables that `vars` gives.
    pub fn read(vars: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader { vars, problems: Vec::new() };
        let config = reader.config();
        match config {
            Some(config) if reader.problems.is_empty() => Ok(config),
            _ => Err(reader.problems),
        }
    }
}

struct Reader<V> {
    vars: V,
    problems: Vec<Problem>,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    fn config(&mut self) -> Option<Config> {
        // Each line runs whatever the others found: an operator sees every problem at once.
        let public_origins = self.origins();
        let auth_prefix = self.auth_prefix();
        let upstream = self.upstream();
        let upstream_timeout = self.seconds("UPSTREAM_TIMEOUT_SECONDS", 30, 1).min(Duration::hours(1));
        let oidc = self.oidc();
        let lifetimes = Lifetimes {
            idle: self.seconds("SESSION_IDLE_SECONDS", 86_400, 1),
            absolute: self.seconds("SESSION_ABSOLUTE_SECONDS", 604_800, 1),
            login: self.seconds("LOGIN_TIMEOUT_SECONDS", 600, 1),
        };
        let same_site = self.choice("COOKIE_SAME_SITE", &[("lax", SameSite::Lax), ("strict", SameSite::Strict)]);
        let default_region = self.region();
        let jurisdiction = self
            .text("JURISDICTION")
            .and_then(|_| self.choice("JURISDICTION", &[("eu", Jurisdiction::Eu), ("fedramp", Jurisdiction::Fedramp)]));
        self.choice("SESSION_STORE", &[("durable", ())]);
        if self.text("ADMIN_TOKEN").is_some_and(|token| token.chars().count() < 32) {
            self.problem("ADMIN_TOKEN", "is too short to be safe: put at least 32 random characters there");
        }
        Some(Config {
            public_origins,
            auth_prefix,
            upstream: upstream?,
            upstream_timeout,
            oidc: oidc?,
            lifetimes,
            same_site: same_site?,
            default_region: default_region?,
            jurisdiction,
        })
    }

    fn oidc(&mut self) -> Option<Oidc> {
        let known = self.choice("PROVIDER", &[("oidc", ())]);
        let issuer = self.issuer();
        let client_id = self.text("OIDC_CLIENT_ID");
        if client_id.is_none() {
            self.problem("OIDC_CLIENT_ID", "is missing: the id under which this gateway is registered at the provider");
        }
        let token_auth = self.text("OIDC_TOKEN_AUTH").and_then(|_| {
            let known = [("client_secret_basic", TokenAuth::Basic), ("client_secret_post", TokenAuth::Post)];
            self.choice("OIDC_TOKEN_AUTH", &known)
        });
        let scopes = self.text("OIDC_SCOPES").unwrap_or_else(|| "openid profile email offline_access".to_owned());
        let scopes: Vec<String> = scopes.split_ascii_whitespace().map(str::to_owned).collect();
        if !scopes.iter().any(|scope| scope == "openid") {
            self.problem("OIDC_SCOPES", "lacks openid: put space-separated scopes there, openid among them");
        }
        let form_post = self.choice("OIDC_RESPONSE_MODE", &[("query", false), ("form_post", true)]);
        let authorization_params = self.authorization_params();
        let par = self.choice("OIDC_PAR", &[("auto", Par::Auto), ("always", Par::Always), ("never", Par::Never)]);
        let reuse_leeway = self.seconds("OIDC_REUSE_LEEWAY_SECONDS", 0, 0);
        let resource = self.text("OIDC_RESOURCE");
        if resource.as_deref().is_some_and(|resource| Url::parse(resource).is_err()) {
            self.problem("OIDC_RESOURCE", "is no absolute URI (RFC 8707): put the API's identifier there");
        }
        known?;
        Some(Oidc {
            issuer: issuer?,
            client_id: ClientId::new(client_id?),
            client_secret: self.text("OIDC_CLIENT_SECRET").map(ClientSecret::new),
            token_auth,
            scopes,
            form_post: form_post?,
            authorization_params,
            audience: self.text("OIDC_AUDIENCE"),
            resource,
            par: par?,
            reuse_leeway,
        })
    }

    fn issuer(&mut self) -> Option<IssuerUrl> {
        let Some(text) = self.text("OIDC_ISSUER") else {
            self.problem(
                "OIDC_ISSUER",
                "is missing: the provider's issuer URL, exactly as its discovery document has it",
            );
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

    fn authorization_params(&mut self) -> Vec<(String, String)> {
        let Some(text) = self.text("OIDC_AUTHORIZATION_PARAMS") else { return Vec::new() };
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
        params.into_iter().collect()
    }

    fn origins(&mut self) -> Vec<Origin> {
        let text = self.text("PUBLIC_ORIGIN").unwrap_or_default();
        let mut origins = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let origin = Url::parse(part).ok().filter(|url| {
                is_allowed(url) && url.path() == "/" && url.query().is_none() && url.fragment().is_none()
            });
            let origin = origin.filter(|url| url.username().is_empty() && url.password().is_none());
            match origin.as_ref().and_then(Origin::of) {
                Some(origin) => origins.push(origin),
                None => self.problem(
                    "PUBLIC_ORIGIN",
                    "must be an origin such as https://app.example.com, or several with commas between (http on loopback hosts only)",
                ),
            }
        }
        origins
    }

    fn auth_prefix(&mut self) -> String {
        let text = self.text("AUTH_PREFIX").unwrap_or_else(|| "/auth".to_owned());
        let segment = text.strip_prefix('/').unwrap_or_default();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/');
        if segment.is_empty() || segment.ends_with('/') || segment.contains("//") || !segment.bytes().all(plain) {
            self.problem(
                "AUTH_PREFIX",
                "must be a path such as /auth: a leading slash, no trailing one, letters, digits, - and _",
            );
        }
        text
    }

    fn upstream(&mut self) -> Option<String> {
        if self.text("ROUTES").is_some() {
            self.problem("ROUTES", "is not supported by this version: put the application's origin into UPSTREAM");
        }
        let Some(text) = self.text("UPSTREAM") else {
            self.problem(
                "UPSTREAM",
                "is missing: the origin of the application behind the gateway, such as https://app.internal",
            );
            return None;
        };
        match Url::parse(&text) {
            Ok(url)
                if is_allowed(&url)
                    && url.query().is_none()
                    && url.fragment().is_none()
                    && url.username().is_empty() =>
            {
                Some(url.as_str().trim_end_matches('/').to_owned())
            }
            _ => {
                self.problem(
                    "UPSTREAM",
                    "must be an https origin, optionally with a path (http on loopback hosts only)",
                );
                None
            }
        }
    }

    fn region(&mut self) -> Option<Region> {
        match self.text("DEFAULT_REGION").unwrap_or_else(|| "weur".to_owned()).parse() {
            Ok(region) => Some(region),
            Err(unknown) => {
                self.problem("DEFAULT_REGION", &format!("is {unknown}"));
                None
            }
        }
    }

    fn choice<T: Copy>(&mut self, variable: &'static str, known: &[(&str, T)]) -> Option<T> {
        let Some(text) = self.text(variable) else { return known.first().map(|(_, value)| *value) };
        let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.problem(variable, &format!("must be one of: {}", names.join(", ")));
        }
        found
    }

    fn seconds(&mut self, variable: &'static str, default: i64, least: i64) -> Duration {
        let most = 10 * 365 * 86_400;
        let seconds = self.text(variable).map_or(Ok(default), |text| text.parse::<i64>());
        match seconds {
            Ok(seconds) if (least..=most).contains(&seconds) => Duration::seconds(seconds),
            _ => {
                self.problem(variable, &format!("must be whole seconds, {least} to {most}; the default is {default}"));
                Duration::seconds(default)
            }
        }
    }

    /// A variable's text; an empty one counts as unset, as wrangler has no other way to unset one.
    fn text(&self, variable: &str) -> Option<String> {
        (self.vars)(variable).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn problem(&mut self, variable: &'static str, message: &str) {
        self.problems.push(Problem { variable, message: message.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 3] = [
        ("OIDC_ISSUER", "https://login.example"),
        ("OIDC_CLIENT_ID", "gateway"),
        ("UPSTREAM", "https://app.internal/"),
    ];

    fn read(more: &[(&str, &str)]) -> Result<Config, Vec<Problem>> {
        let vars: std::collections::HashMap<&str, &str> = GOOD.iter().chain(more).copied().collect();
        Config::read(|name| vars.get(name).map(|text| (*text).to_owned()))
    }

    fn problems(more: &[(&str, &str)]) -> Vec<&'static str> {
        read(more).err().unwrap_or_default().into_iter().map(|problem| problem.variable).collect()
    }

    #[test]
    fn three_variables_are_enough() {
        let config = read(&[]).unwrap();
        assert_eq!(config.auth_prefix, "/auth");
        assert_eq!(config.upstream, "https://app.internal");
        assert_eq!(config.lifetimes.idle, Duration::days(1));
        assert_eq!(config.oidc.scopes, ["openid", "profile", "email", "offline_access"]);
    }

    #[test]
    fn every_problem_is_reported_at_once_by_variable() {
        let found = Config::read(|name| (name == "PROVIDER").then(|| "nobody".to_owned())).unwrap_err();
        let names: Vec<_> = found.iter().map(|problem| problem.variable).collect();
        assert_eq!(names, ["UPSTREAM", "PROVIDER", "OIDC_ISSUER", "OIDC_CLIENT_ID"]);
    }

    #[test]
    fn plain_http_is_allowed_on_loopback_hosts_only() {
        assert_eq!(problems(&[("OIDC_ISSUER", "http://login.example")]), ["OIDC_ISSUER"]);
        assert_eq!(problems(&[("UPSTREAM", "http://app.internal")]), ["UPSTREAM"]);
        assert!(read(&[("OIDC_ISSUER", "http://127.0.0.1:4000"), ("UPSTREAM", "http://[::1]:1")]).is_ok());
        assert_eq!(problems(&[("PUBLIC_ORIGIN", "http://localhost:1, http://app.example")]), ["PUBLIC_ORIGIN"]);
    }

    #[test]
    fn a_parameter_that_is_the_gateways_own_is_refused() {
        let params = r#"{"acr_values":"mfa","state":"fixed"}"#;
        assert_eq!(problems(&[("OIDC_AUTHORIZATION_PARAMS", params)]), ["OIDC_AUTHORIZATION_PARAMS"]);
        assert_eq!(problems(&[("OIDC_AUTHORIZATION_PARAMS", "[]")]), ["OIDC_AUTHORIZATION_PARAMS"]);
    }

    #[test]
    fn values_out_of_their_range_are_refused() {
        assert_eq!(problems(&[("SESSION_IDLE_SECONDS", "0")]), ["SESSION_IDLE_SECONDS"]);
        assert_eq!(problems(&[("SESSION_IDLE_SECONDS", "1e3")]), ["SESSION_IDLE_SECONDS"]);
        assert_eq!(problems(&[("AUTH_PREFIX", "auth/")]), ["AUTH_PREFIX"]);
        assert_eq!(problems(&[("COOKIE_SAME_SITE", "none")]), ["COOKIE_SAME_SITE"]);
        assert_eq!(problems(&[("SESSION_STORE", "neon")]), ["SESSION_STORE"]);
        assert_eq!(problems(&[("JURISDICTION", "us")]), ["JURISDICTION"]);
        assert_eq!(problems(&[("ADMIN_TOKEN", "short")]), ["ADMIN_TOKEN"]);
    }

    #[test]
    fn a_client_secret_does_not_show_itself_in_debug_output() {
        let config = read(&[("OIDC_CLIENT_SECRET", "hunter2hunter2")]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
