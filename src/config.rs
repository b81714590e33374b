//! The configuration, typed: read once per isolate from the Worker's variables and secrets.
//!
//! Every problem is found in one pass and named by its variable, with what to put there instead; a gateway with
//! problems serves nothing but that list. Pure: the variables come in as a function from name to text.

use std::rc::Rc;

use time::Duration;

use crate::sealing::SealingKeys;

pub mod admin;
pub mod apple;
pub mod captcha;
pub mod client_key;
pub mod credentials;
pub mod hosts;
pub mod identity_headers;
mod issuers;
pub mod jwt;
pub mod oidc;
pub mod origin;
pub mod pattern;
mod preset;
pub mod provider;
mod read;
pub mod reader;
pub mod regions;
pub mod require;
mod route_table;
pub mod routes;
pub mod rules;
pub mod sessions;
pub mod spelling;
pub mod store;
pub mod tenants;
pub mod upstream;

pub use admin::AdminToken;
pub use apple::AppleKey;
pub use client_key::{ClientKey, PrivateKey};
pub use credentials::{Credentials, TokenAuth};
pub use oidc::{ID_TOKEN_ALGORITHMS, Logout, OidcSettings, Par};
pub use origin::{Origin, is_allowed, is_loopback};
pub use provider::{Auth0Settings, ProviderSettings, WorkOsSettings};
pub use reader::ConfigProblem;
pub use regions::{RegionPolicy, Regions};
pub use sessions::{Lifetimes, LogSubject, SameSite};
pub use spelling::misspelled;
pub use store::{APPLICATION_NAME, DatabaseSettings, StoreKind, StoreSettings};

/// The configuration, or everything that is wrong with it.
pub type Configured = Result<Rc<Config>, Vec<ConfigProblem>>;

/// Everything that an operator decides.
#[derive(Clone, Debug)]
pub struct Config {
    /// `PUBLIC_ORIGIN`. Empty: the request's own origin counts.
    pub public_origins: Vec<Origin>,
    /// `AUTH_PREFIX`, with a leading and without a trailing slash.
    pub auth_prefix: String,
    /// `ROUTES`, or the one route that `UPSTREAM` is.
    pub routes: Vec<routes::Route>,
    /// Whether `ROUTES` has them, and not `UPSTREAM` alone.
    pub has_route_table: bool,
    /// Which of them have the same rules.
    pub rules: rules::Rules,
    /// `UPSTREAM_TIMEOUT_SECONDS`: to the first byte.
    pub upstream_timeout: Duration,
    /// `IDENTITY_HEADERS`.
    pub identity_headers: identity_headers::IdentityHeaders,
    /// `STREAM_CHECK_SECONDS`: how often an open stream asks whether its session still lives.
    pub stream_check: Duration,
    /// `CAPTCHA_…`.
    pub captcha: Option<captcha::Captcha>,
    /// `JWKS…`, `JWT_…`: set where a route accepts bearer tokens.
    pub jwt: Option<jwt::JwtSettings>,
    /// The provider, and how this gateway is registered there.
    pub provider: ProviderSettings,
    /// The keys of login cookies. They are derived from `STATE_KEYS`, or without these from the client's secret or key.
    pub login_keys: SealingKeys,
    /// How long sessions live.
    pub lifetimes: Lifetimes,
    /// `SESSIONS_PER_USER`. None: there is no limit.
    pub sessions_per_user: Option<u32>,
    /// `COOKIE_SAME_SITE`.
    pub same_site: SameSite,
    /// `COOKIE_PREFIX`: tells this gateway's cookies from those of another one on the same host.
    pub cookie_prefix: Rc<str>,
    /// `DEFAULT_REGION`, `REGION_*` and `JURISDICTION`: where sessions live, and when they move.
    pub regions: Regions,
    /// `SESSION_STORE` and what belongs to it.
    pub store: StoreSettings,
    /// `ADMIN_TOKEN`; none: there is no administration.
    pub admin_token: Option<AdminToken>,
    /// `ADMIN_ORIGIN`: the console's own host. None: there is no console.
    pub admin_origin: Option<Origin>,
    /// `LOG_SUBJECT`: how log lines name a user.
    pub log_subject: LogSubject,
}

impl Config {
    /// The variable that names this route's upstream.
    pub fn upstream_variable(&self, route: &routes::Route) -> String {
        let index = self.routes.iter().position(|known| std::ptr::eq(known, route));
        hosts::upstream_variable(index.filter(|_| self.has_route_table))
    }

    /// Where the application begins.
    pub fn home(&self) -> &str {
        home(&self.auth_prefix)
    }
}

/// Where the application begins: `AUTH_PREFIX` without its last segment.
pub fn home(auth_prefix: &str) -> &str {
    auth_prefix.rfind('/').and_then(|at| auth_prefix.get(..=at)).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 4] = [
        ("OIDC_ISSUER", "https://login.example"),
        ("OIDC_CLIENT_ID", "gateway"),
        ("OIDC_CLIENT_SECRET", "s3cret"),
        ("UPSTREAM", "https://app.internal/"),
    ];

    fn read(more: &[(&str, &str)]) -> Result<Config, Vec<ConfigProblem>> {
        let vars: std::collections::HashMap<&str, &str> = GOOD.iter().chain(more).copied().collect();
        Config::read(|name| vars.get(name).map(|text| (*text).to_owned()))
    }

    fn problems(more: &[(&str, &str)]) -> Vec<String> {
        read(more).err().unwrap_or_default().into_iter().map(|problem| problem.variable.into_owned()).collect()
    }

    #[test]
    fn four_variables_are_enough() {
        let config = read(&[]).unwrap();
        assert_eq!(config.auth_prefix, "/auth");
        assert_eq!(config.routes[0].upstream, routes::Upstream::Origin("https://app.internal".into()));
        assert_eq!(config.lifetimes.idle, Duration::days(1));
        let ProviderSettings::Oidc(oidc) = config.provider else { panic!("the default is another kind") };
        assert_eq!(oidc.scopes, ["openid", "profile", "email", "offline_access"]);
    }

    #[test]
    fn every_problem_is_reported_at_once_by_variable() {
        let found = Config::read(|name| (name == "PROVIDER").then(|| "nobody".to_owned())).unwrap_err();
        let names: Vec<_> = found.iter().map(|problem| problem.variable.as_ref()).collect();
        assert_eq!(names, ["UPSTREAM", "PROVIDER", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"]);
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
        let none = r#"{"prompt":"none"}"#;
        assert_eq!(problems(&[("OIDC_AUTHORIZATION_PARAMS", none)]), ["OIDC_AUTHORIZATION_PARAMS"]);
        let consent = read(&[("OIDC_AUTHORIZATION_PARAMS", r#"{"prompt":"consent"}"#)]).unwrap();
        let ProviderSettings::Oidc(consent) = consent.provider else { panic!("the default is another kind") };
        assert_eq!(consent.authorization_params, [("prompt".to_owned(), "consent".to_owned())]);
    }

    #[test]
    fn values_out_of_their_range_are_refused() {
        assert_eq!(problems(&[("SESSION_IDLE_SECONDS", "0")]), ["SESSION_IDLE_SECONDS"]);
        assert_eq!(problems(&[("SESSION_IDLE_SECONDS", "1e3")]), ["SESSION_IDLE_SECONDS"]);
        assert_eq!(problems(&[("AUTH_PREFIX", "auth/")]), ["AUTH_PREFIX"]);
        assert_eq!(problems(&[("COOKIE_SAME_SITE", "none")]), ["COOKIE_SAME_SITE"]);
        for bad in ["x", "X-", "x_-", "a b-", "x;-", "é-", "-", "http-", &format!("{}-", "x".repeat(32))] {
            assert_eq!(problems(&[("COOKIE_PREFIX", bad)]), ["COOKIE_PREFIX"], "{bad}");
        }
        assert_eq!(&*read(&[("COOKIE_PREFIX", "shop-2-")]).unwrap().cookie_prefix, "shop-2-");
        assert_eq!(problems(&[("SESSION_STORE", "redis")]), ["SESSION_STORE"]);
        assert_eq!(problems(&[("JURISDICTION", "uk")]), ["JURISDICTION"]);
        assert_eq!(problems(&[("ADMIN_TOKEN", "short")]), ["ADMIN_TOKEN"]);
        assert_eq!(problems(&[("LOG_SUBJECT", "none")]), ["LOG_SUBJECT"]);
        for wrong in ["-1", "1.5", "many", "1000001"] {
            assert_eq!(problems(&[("SESSIONS_PER_USER", wrong)]), ["SESSIONS_PER_USER"], "{wrong}");
        }
    }

    #[test]
    fn a_user_may_have_a_hundred_sessions_or_as_many_as_is_said_and_zero_says_without_limit() {
        for (vars, limit) in
            [(&[][..], Some(100)), (&[("SESSIONS_PER_USER", "3")], Some(3)), (&[("SESSIONS_PER_USER", "0")], None)]
        {
            assert_eq!(read(vars).unwrap().sessions_per_user, limit);
        }
    }

    #[test]
    fn the_console_has_an_origin_of_its_own_or_none() {
        let admin = |origin: &str| read(&[("PUBLIC_ORIGIN", "https://app.example"), ("ADMIN_ORIGIN", origin)]);
        assert_eq!(read(&[]).unwrap().admin_origin, None);
        for (good, host) in [
            ("https://admin.app.example", "admin.app.example"),
            ("https://admin.example:8443/", "admin.example:8443"),
            ("http://admin.localhost:1", "admin.localhost:1"),
        ] {
            assert_eq!(admin(good).unwrap().admin_origin.unwrap().host, host);
        }
        for bad in [
            "https://app.example",
            "https://APP.example.",
            "https://app.example:443",
            "http://admin.example",
            "https://admin.example/auth",
            "https://admin.example?x",
            "https://admin.example, https://other.example",
            "https://ada@admin.example",
            "admin.example",
        ] {
            let named: Vec<_> = admin(bad).unwrap_err().into_iter().map(|problem| problem.variable).collect();
            assert_eq!(named, ["ADMIN_ORIGIN"], "{bad}");
        }
        // Plain http on loopback and https there are one host to the gateway.
        let both = [("PUBLIC_ORIGIN", "http://localhost:1"), ("ADMIN_ORIGIN", "https://localhost:1")];
        assert_eq!(problems(&both), ["ADMIN_ORIGIN"]);
    }

    #[test]
    fn a_jurisdiction_pins_sessions() {
        assert_eq!(read(&[]).unwrap().regions.policy, RegionPolicy::Reauthenticate);
        assert_eq!(read(&[("JURISDICTION", "eu")]).unwrap().regions.policy, RegionPolicy::Pin);
        let both = read(&[("JURISDICTION", "eu"), ("REGION_POLICY", "migrate")]).unwrap();
        assert_eq!(both.regions.policy, RegionPolicy::Pin);
        assert_eq!(problems(&[("REGION_POLICY", "follow")]), ["REGION_POLICY"]);
    }

    #[test]
    fn an_admin_token_matches_itself_alone_and_does_not_show_itself() {
        let token = AdminToken::new("s3cret");
        assert!(token.is("s3cret") && !token.is("s3cre") && !token.is(""));
        assert_eq!(format!("{token:?}"), "AdminToken([redacted])");
    }

    #[test]
    fn a_client_secret_does_not_show_itself_in_debug_output() {
        let config = read(&[("OIDC_CLIENT_SECRET", "hunter2hunter2")]).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
