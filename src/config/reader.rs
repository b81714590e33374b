//! Reads the variables, and collects every problem on the way.

use std::borrow::Cow;

use openidconnect::{ClientId, ClientSecret, IssuerUrl};
use time::Duration;
use url::Url;

use super::rules::Rules;
use super::{
    AdminToken, Config, ID_TOKEN_ALGORITHMS, Jurisdiction, Lifetimes, LogSubject, Oidc, Origin, Par, Problem, Provider,
    RegionPolicy, Regions, SameSite, TokenAuth, hosts, is_allowed, store,
};
use crate::region::Region;
use crate::sealing::SealingKeys;

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

/// What the keys of login cookies are derived for.
const LOGIN_COOKIE: &str = "edge-oauth-sessions login 1";
/// `OIDC_TOKEN_AUTH`.
const TOKEN_AUTH: [(&str, TokenAuth); 3] =
    [("client_secret_basic", TokenAuth::Basic), ("client_secret_post", TokenAuth::Post), ("none", TokenAuth::None)];
/// See [`Config::read`].
pub(super) fn read(vars: impl Fn(&str) -> Option<String>) -> Result<Config, Vec<Problem>> {
    let mut reader = Reader { vars, problems: Vec::new() };
    match reader.config() {
        Some(config) if reader.problems.is_empty() => Ok(config),
        _ => Err(reader.problems),
    }
}

/// The highest limit of a user's sessions that says anything.
const MOST_SESSIONS: u32 = 1_000_000;

/// The variables, and what is wrong with them so far.
pub(super) struct Reader<V> {
    pub(super) vars: V,
    problems: Vec<Problem>,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    fn config(&mut self) -> Option<Config> {
        // Each line runs whatever the others found: an operator sees every problem at once.
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
        let provider = self.provider();
        let captcha = self.captcha(routes.as_deref().unwrap_or_default());
        let issuer = provider.as_ref().map(Provider::issuer);
        let jwt = self.jwt(routes.as_deref().unwrap_or_default(), issuer);
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
        let admin_token = self.text("ADMIN_TOKEN");
        if admin_token.as_ref().is_some_and(|token| token.chars().count() < 32) {
            self.problem("ADMIN_TOKEN", "is too short to be safe: put at least 32 random characters there");
        }
        let state_keys = store.as_ref().map(|store| &store.keys);
        let login_keys = match (state_keys, provider.as_ref().and_then(Provider::secret)) {
            (Some(keys), _) if !keys.is_empty() => SealingKeys::derive(keys.secrets(), LOGIN_COOKIE),
            (_, secret) => SealingKeys::derive(secret.into_iter().map(str::as_bytes), LOGIN_COOKIE),
        };
        let log_subject = self.choice("LOG_SUBJECT", &[("hash", LogSubject::Hash), ("plain", LogSubject::Plain)]);
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
            provider: provider?,
            login_keys,
            lifetimes,
            sessions_per_user,
            same_site: same_site?,
            cookie_prefix: cookie_prefix.into(),
            regions: regions?,
            store: store?,
            admin_token: admin_token.as_deref().map(AdminToken::new),
            admin_origin,
            log_subject: log_subject?,
        })
    }

    /// What OpenID Connect providers have in common.
    pub(super) fn oidc(
        &mut self,
        issuer: Option<IssuerUrl>,
        client_id: Option<String>,
        secret_is: &str,
    ) -> Option<Oidc> {
        let token_auth = self.optional_choice("OIDC_TOKEN_AUTH", &TOKEN_AUTH);
        let client_secret = self.client_secret(token_auth, secret_is);
        let id_token_algorithms = self.id_token_algorithms();
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
        Some(Oidc {
            issuer: issuer?,
            issuer_variable: "OIDC_ISSUER",
            client_id: ClientId::new(client_id?),
            client_secret,
            token_auth,
            id_token_algorithms,
            scopes,
            form_post: form_post?,
            authorization_params,
            audience: self.text("OIDC_AUDIENCE"),
            resource,
            par: par?,
            reuse_leeway,
        })
    }

    /// The client secret. A public client has none, and has to say so: one that was forgotten would make one of this.
    fn client_secret(&mut self, token_auth: Option<TokenAuth>, secret_is: &str) -> Option<ClientSecret> {
        if token_auth == Some(TokenAuth::None) {
            if self.text("STATE_KEYS").is_none() {
                let why = "is missing, and with OIDC_TOKEN_AUTH=none there is no client secret to derive keys from";
                self.problem("STATE_KEYS", &format!("{why}; {}", store::GENERATE_KEY));
            }
            return None;
        }
        let secret = self.text("OIDC_CLIENT_SECRET").map(ClientSecret::new);
        // One mistake is told once.
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

    pub(super) fn issuer(&mut self) -> Option<IssuerUrl> {
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

    pub(super) fn authorization_params(&mut self) -> Vec<(String, String)> {
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
        // A hint or a silent login puts another prompt in its place; `none` for everybody would let nobody log in.
        if params.get("prompt").is_some_and(|prompt| prompt.split_ascii_whitespace().any(|word| word == "none")) {
            let message = "sets prompt to none, which the gateway does itself for silent logins: leave it out";
            self.problem("OIDC_AUTHORIZATION_PARAMS", message);
        }
        params.into_iter().collect()
    }

    fn origins(&mut self) -> Vec<Origin> {
        let text = self.text("PUBLIC_ORIGIN").unwrap_or_default();
        let mut origins = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match origin(part) {
                Some(origin) => origins.push(origin),
                None => self.problem(
                    "PUBLIC_ORIGIN",
                    "must be an origin such as https://app.example.com, or several with commas between (http on loopback hosts only)",
                ),
            }
        }
        origins
    }

    /// Where the console is. A page on an origin of the application's could read what is typed into it.
    fn admin_origin(&mut self, public: &[Origin]) -> Option<Origin> {
        let text = self.text("ADMIN_ORIGIN")?;
        let Some(origin) = origin(&text) else {
            let message = "must be one origin such as https://admin.example.com (http on loopback hosts only)";
            self.problem("ADMIN_ORIGIN", message);
            return None;
        };
        if public.iter().any(|public| public.has_host_of(&origin)) {
            let message = "is one of PUBLIC_ORIGIN, whose pages could read what is typed into the console: \
                           give the console a host of its own, such as https://admin.example.com";
            self.problem("ADMIN_ORIGIN", message);
        }
        Some(origin)
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

    fn cookie_prefix(&mut self) -> String {
        let text = self.text("COOKIE_PREFIX").unwrap_or_default();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let name = text.strip_suffix('-').unwrap_or_default();
        // `http-` would make the device cookie's name one of those that browsers don't bind to a device.
        let named = (1..32).contains(&name.len()) && text.bytes().all(plain) && !text.starts_with("http-");
        if !text.is_empty() && !named {
            self.problem(
                "COOKIE_PREFIX",
                "must be lower-case letters, digits and - with a - at the end, 32 at the most, such as shop-; not http-",
            );
        }
        text
    }

    fn regions(&mut self) -> Option<Regions> {
        let default = self.default_region();
        let policies = [
            ("reauthenticate", RegionPolicy::Reauthenticate),
            ("migrate", RegionPolicy::Migrate),
            ("pin", RegionPolicy::Pin),
        ];
        let policy = self.choice("REGION_POLICY", &policies);
        let grace = self.seconds("REGION_GRACE_SECONDS", 10, 1);
        let min_stay = self.seconds("REGION_MIN_STAY_SECONDS", 3600, 1);
        let jurisdictions = [("eu", Jurisdiction::Eu), ("us", Jurisdiction::Us), ("fedramp", Jurisdiction::Fedramp)];
        let jurisdiction = self.optional_choice("JURISDICTION", &jurisdictions);
        // The actors stay within the jurisdiction, and so the sessions do.
        let policy = jurisdiction.map_or(policy?, |_| RegionPolicy::Pin);
        Some(Regions { default: default?, policy, grace, min_stay, jurisdiction })
    }

    /// How many sessions a user may have at once.
    fn sessions_per_user(&mut self) -> Option<u32> {
        let limit = self.text("SESSIONS_PER_USER").map_or(Ok(100), |text| text.parse::<u32>());
        match limit {
            Ok(limit) if limit <= MOST_SESSIONS => (limit > 0).then_some(limit),
            _ => {
                let message =
                    format!("must be a whole number, 0 to {MOST_SESSIONS}; the default is 100, and 0 is no limit");
                self.problem("SESSIONS_PER_USER", &message);
                None
            }
        }
    }

    fn default_region(&mut self) -> Option<Region> {
        match self.text("DEFAULT_REGION").unwrap_or_else(|| "weur".to_owned()).parse() {
            Ok(region) => Some(region),
            Err(unknown) => {
                self.problem("DEFAULT_REGION", &format!("is {unknown}"));
                None
            }
        }
    }

    fn optional_choice<T: Copy>(&mut self, variable: &'static str, known: &[(&str, T)]) -> Option<T> {
        self.text(variable)?;
        self.choice(variable, known)
    }

    /// The value that the variable names; the first one where it is unset.
    pub(super) fn choice<T: Copy>(&mut self, variable: &'static str, known: &[(&str, T)]) -> Option<T> {
        let Some(text) = self.text(variable) else { return known.first().map(|(_, value)| *value) };
        let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.problem(variable, &format!("must be one of: {}", names.join(", ")));
        }
        found
    }

    pub(super) fn seconds(&mut self, variable: &'static str, default: i64, least: i64) -> Duration {
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
    pub(super) fn text(&self, variable: &str) -> Option<String> {
        (self.vars)(variable).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    pub(super) fn problem(&mut self, variable: impl Into<Cow<'static, str>>, message: &str) {
        self.problems.push(Problem { variable: variable.into(), message: message.to_owned() });
    }
}

/// An origin that may be called, of a URL with nothing behind it.
fn origin(text: &str) -> Option<Origin> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| is_allowed(url) && url.path() == "/" && url.query().is_none() && url.fragment().is_none())?;
    Origin::of(&url).filter(|_| url.username().is_empty() && url.password().is_none())
}
