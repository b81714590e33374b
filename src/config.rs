//! The configuration, typed: read once per isolate from the Worker's variables and secrets.
//!
//! Every problem is found in one pass and named by its variable, with what to put there instead; a gateway with
//! problems serves nothing but that list. Pure: the variables come in as a function from name to text.

use std::rc::Rc;

use time::Duration;

use crate::sealing::SealingKeys;

pub mod admin;
pub mod apple;
pub mod authentication;
mod authorization_params;
pub mod brand;
pub mod captcha;
pub mod client_key;
pub mod credentials;
pub mod device;
pub mod hosts;
pub mod identity_headers;
mod issuer;
mod issuers;
pub mod jwt;
pub mod oidc;
pub mod origin;
pub mod pattern;
mod preset;
pub mod provider;
mod provider_fields;
mod provider_table;
pub mod providers;
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
pub mod target;
pub mod tenants;
pub mod token_auth;
pub mod upstream;
pub mod workos;

pub use admin::{AdminAccess, AdminToken};
pub use apple::AppleKey;
pub use client_key::{ClientKey, PrivateKey};
pub use credentials::Credentials;
pub use device::{DevicePolicy, DeviceSettings};
pub use oidc::{ID_TOKEN_ALGORITHMS, Logout, OidcSettings, Par};
pub use origin::{Origin, is_allowed, is_loopback};
pub use provider::{Auth0Settings, ProviderSettings};
pub use provider_fields::in_fields;
pub use providers::{NamedProvider, Providers};
pub use reader::ConfigProblem;
pub use regions::{RegionPolicy, Regions};
pub use sessions::{Lifetimes, LogSubject, SameSite};
pub use spelling::misspelled;
pub use store::{APPLICATION_NAME, DatabaseSettings, StoreKind, StoreSettings};
pub use token_auth::TokenAuth;
pub use workos::WorkOsSettings;

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
    /// `JWKS…`, `JWT_…` or `JWT_ISSUERS`: whose bearer tokens routes accept.
    pub jwt: Vec<jwt::JwtSettings>,
    /// The providers, and how this gateway is registered at each.
    pub providers: Providers,
    /// The keys of login cookies. They are derived from `STATE_KEYS`, or without these from the client's secret or key.
    pub login_keys: SealingKeys,
    /// The keys of requests that wait for a login, and of the cookies that name them. They are derived from the same secrets.
    pub parked_keys: SealingKeys,
    /// `DEVICE_…`: how sessions are bound to devices.
    pub device: DeviceSettings,
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
    /// `ADMIN_TOKEN`.
    pub admin_token: Option<AdminToken>,
    /// `ADMIN_ACCESS`. It counts at `ADMIN_ORIGIN` alone.
    pub admin_access: Option<AdminAccess>,
    /// `ADMIN_ORIGIN`: the console's own host. None: there is no console.
    pub admin_origin: Option<Origin>,
    /// `LOG_SUBJECT`: how log lines name a user.
    pub log_subject: LogSubject,
    /// `BRAND`: how the gateway's own pages look.
    pub brand: Rc<brand::Brand>,
}

impl Config {
    /// The variable that names this route's upstream.
    pub fn upstream_variable(&self, route: &routes::Route) -> String {
        let index = self.routes.iter().position(|known| std::ptr::eq(known, route));
        hosts::upstream_variable(index.filter(|_| self.has_route_table))
    }

    /// The target of this key, if a route has it.
    pub fn target(&self, key: &target::TargetKey) -> Option<&target::Target> {
        self.routes.iter().filter_map(|route| route.target.as_ref()).find(|target| target.key == *key)
    }

    /// The `resource` of every route that takes sessions of this provider and whose token the refresh token gets, each once: the login
    /// asks for all of them (RFC 8707 section 2.1).
    pub fn resources(&self, provider: Option<&str>) -> Vec<&str> {
        let takes = |route: &&routes::Route| {
            route.providers.is_empty() || provider.is_some_and(|name| route.providers.iter().any(|known| known == name))
        };
        let refreshed = |target: &&target::Target| target.grant == target::TargetGrant::RefreshToken;
        let targets = self.routes.iter().filter(takes).filter_map(|route| route.target.as_ref()).filter(refreshed);
        let mut resources: Vec<&str> = targets.filter_map(|target| target.resource.as_deref()).collect();
        resources.sort_unstable();
        resources.dedup();
        resources
    }

    /// Whether anybody may administer sessions at this origin. Otherwise there is no administration there.
    pub fn has_administrators_at(&self, origin: &Origin) -> bool {
        self.admin_token.is_some() || self.access_at(origin).is_some()
    }

    /// `ADMIN_ACCESS`, where the origin is `ADMIN_ORIGIN`.
    pub fn access_at(&self, origin: &Origin) -> Option<&AdminAccess> {
        self.admin_access.as_ref().filter(|_| self.admin_origin.as_ref() == Some(origin))
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
#[path = "config/tests.rs"]
mod tests;
