//! Reads the whole configuration.

use time::Duration;

use super::provider::ProviderSettings;
use super::providers::Providers;
use super::reader::{ConfigProblem, Reader};
use super::rules::Rules;
use super::sessions::{Lifetimes, LogSubject, SameSite};
use super::{Config, hosts, store};
use crate::device::DeviceKeys;
use crate::sealing::SealingKeys;

/// What the keys of login cookies are derived for.
const LOGIN_COOKIE: &str = "edge-oauth-sessions login 1";
/// What the keys of parked requests are derived for.
const PARKED_REQUEST: &str = "edge-oauth-sessions parked request 1";
impl Config {
    /// Reads the variables that `vars` gives. It is asked for bindings, too: `binding:NAME` is any text where there
    /// is one.
    pub fn read(vars: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<ConfigProblem>> {
        let vars: &dyn Fn(&str) -> Option<String> = &vars;
        let mut reader = Reader { vars, problems: Vec::new() };
        match reader.config() {
            Some(config) if reader.problems.is_empty() => Ok(config),
            _ => Err(reader.problems),
        }
    }
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    fn config(&mut self) -> Option<Config> {
        // Each line runs, whatever the others found. So an operator sees every problem at once.
        let public_origins = self.origins();
        let auth_prefix = self.auth_prefix();
        let routes = self.routes();
        let has_route_table = self.text("ROUTES").is_some();
        let admin_origin = self.admin_origin(&public_origins);
        if public_origins.is_empty() == self.text("PUBLIC_ORIGIN").is_none() {
            let routes = routes.as_deref().unwrap_or_default();
            self.problems.extend(hosts::problems(routes, &public_origins, has_route_table));
        }
        if let (Some(routes), Some(origin)) = (&routes, &admin_origin) {
            self.problems.extend(hosts::upstreams_on(routes, std::slice::from_ref(origin), has_route_table));
        }
        let identity_headers = self.identity_headers();
        let upstream_timeout = self.seconds("UPSTREAM_TIMEOUT_SECONDS", 30, 1).min(Duration::hours(1));
        let stream_check = self.seconds("STREAM_CHECK_SECONDS", 15, 1);
        let providers = self.providers(&public_origins);
        let single = providers.as_ref().and_then(Providers::single).map(|single| &single.settings);
        if let (Some(providers), Some(routes)) = (&providers, &routes) {
            self.problems.extend(providers.unknown_on(routes));
        }
        let captcha = self.captcha(routes.as_deref().unwrap_or_default());
        let jwt = self.jwt(routes.as_deref().unwrap_or_default(), single.map(ProviderSettings::issuer));
        let lifetimes = Lifetimes {
            idle: self.seconds("SESSION_IDLE_SECONDS", 86_400, 1),
            absolute: self.seconds("SESSION_ABSOLUTE_SECONDS", 604_800, 1),
            login: self.seconds("LOGIN_TIMEOUT_SECONDS", 600, 1),
        };
        let sessions_per_user = self.sessions_per_user();
        let same_site = self.choice("COOKIE_SAME_SITE", &[("lax", SameSite::Lax), ("strict", SameSite::Strict)]);
        let cookie_prefix = self.cookie_prefix();
        let regions = self.regions();
        let store = store::read(self);
        let (admin_token, admin_access) = (self.admin_token(), self.admin_access());
        let state_keys = store.as_ref().map(|store| &store.keys);
        let secrets: Vec<&[u8]> = match (state_keys, single.and_then(ProviderSettings::secret)) {
            (Some(keys), _) if !keys.is_empty() => keys.secrets().collect(),
            (_, secret) => secret.into_iter().collect(),
        };
        let login_keys = SealingKeys::derive(secrets.iter().copied(), LOGIN_COOKIE);
        let parked_keys = SealingKeys::derive(secrets.iter().copied(), PARKED_REQUEST);
        let device = self.device(routes.as_deref().unwrap_or_default(), DeviceKeys::derive(secrets.into_iter()));
        let log_subject = self.choice("LOG_SUBJECT", &[("hash", LogSubject::Hash), ("plain", LogSubject::Plain)]);
        let brand = self.brand();
        let routes = routes?;
        Some(Config {
            rules: Rules::of(&routes, &auth_prefix),
            public_origins,
            auth_prefix,
            routes,
            has_route_table,
            upstream_timeout,
            identity_headers,
            stream_check,
            captcha,
            jwt,
            providers: providers?,
            login_keys,
            parked_keys,
            device: device?,
            lifetimes,
            sessions_per_user,
            same_site: same_site?,
            cookie_prefix: cookie_prefix.into(),
            regions: regions?,
            store: store?,
            admin_token,
            admin_access,
            admin_origin,
            log_subject: log_subject?,
            brand: brand.into(),
        })
    }

    pub(super) fn auth_prefix(&mut self) -> String {
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
}
