//! `ROUTES`, read: a table for each route. `UPSTREAM` alone is one route.
//!
//! Every table is read field by field, so that each wrong one is named: `ROUTES[2].upstream`.

use serde_json::{Map, Value};

use super::authentication::Authentication;
use super::pattern::Pattern;
use super::reader::Reader;
use super::require;
use super::routes::{CacheRule, CaptchaRule, Required, Route, SessionRule, Token, Upstream};
use super::target::Target;

/// The fields of a route, as the table spells them.
const FIELDS: [&str; 26] = [
    "match",
    "upstream",
    "session",
    "require",
    "require_any",
    "token",
    "bearer",
    "identity_headers",
    "captcha",
    "bot_score_min",
    "csrf_header",
    "cross_site",
    "encoded_slashes",
    "cache",
    "methods",
    "origin",
    "rewrite_redirects",
    "authorization",
    "device",
    "audience",
    "resource",
    "scopes",
    "exchange",
    "acr",
    "max_age",
    "providers",
];

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// The routes, in the order in which they are tried.
    pub(super) fn routes(&mut self) -> Option<Vec<Route>> {
        let Some(text) = self.text("ROUTES") else {
            return self.upstream_alone().map(|upstream| vec![Route::everything(upstream)]);
        };
        let tables = match serde_json::from_str::<Vec<Value>>(&text) {
            Ok(tables) if !tables.is_empty() => tables,
            _ => {
                self.problem("ROUTES", "must be an array of tables, or the JSON of one, with at least one route in it");
                return None;
            }
        };
        let mut routes = Vec::new();
        for (index, table) in tables.into_iter().enumerate() {
            match table {
                Value::Object(fields) => routes.extend(Table { reader: self, index, fields }.read()),
                _ => self.problem(format!("ROUTES[{index}]"), "must be a table with match and upstream"),
            }
        }
        Some(routes)
    }
}

/// One element of `ROUTES`.
struct Table<'a, V> {
    reader: &'a mut Reader<V>,
    index: usize,
    fields: Map<String, Value>,
}

impl<V: Fn(&str) -> Option<String>> Table<'_, V> {
    fn read(mut self) -> Option<Route> {
        let unknown: Vec<String> =
            self.fields.keys().filter(|name| !FIELDS.contains(&name.as_str())).cloned().collect();
        for name in unknown {
            self.problem(&name, &format!("is no field of a route. There are: {}", FIELDS.join(", ")));
        }
        let pattern = self.pattern();
        let upstream = self.upstream();
        let sessions =
            [("required", SessionRule::Required), ("optional", SessionRule::Optional), ("none", SessionRule::None)];
        let session = self.choice("session", SessionRule::Required, &sessions);
        let (require, require_any) = (self.require(), self.require_any());
        let tokens = [("access", Token::Access), ("id", Token::Id), ("none", Token::None)];
        let token = self.choice("token", Token::Access, &tokens);
        let captchas = [("never", CaptchaRule::Never), ("always", CaptchaRule::Always), ("bots", CaptchaRule::Bots)];
        let captcha = self.choice("captcha", CaptchaRule::Never, &captchas);
        let bot_score_min = self.bot_score_min(captcha);
        let requires_device = self.choice("device", false, &[("optional", false), ("required", true)]);
        let (authentication, providers) = (self.authentication(), self.providers());
        let demands = requires_device
            || authentication.is_some()
            || !require.is_empty()
            || !require_any.is_empty()
            || !providers.is_empty();
        let session = if demands { SessionRule::Required } else { session };
        let target = self.target(session, token);
        let bearer = self.flag("bearer", false);
        Some(Route {
            methods: self.methods(),
            session,
            require,
            require_any,
            authentication,
            providers,
            token,
            target,
            bearer,
            passes_authorization: self.authorization(session, bearer),
            identity_headers: self.flag("identity_headers", false),
            captcha,
            bot_score_min,
            csrf_header: self.csrf_header(),
            cross_site: self.flag("cross_site", false),
            encoded_slashes: self.flag("encoded_slashes", false),
            cache: self.choice(
                "cache",
                CacheRule::NoStore,
                &[("no-store", CacheRule::NoStore), ("private", CacheRule::Private)],
            ),
            translates_origin: self.choice("origin", false, &[("public", false), ("upstream", true)]),
            rewrite_redirects: self.flag("rewrite_redirects", true),
            requires_device,
            pattern: pattern?,
            upstream: upstream?,
        })
    }

    fn pattern(&mut self) -> Option<Pattern> {
        let Some(text) = self.string("match") else {
            self.problem("match", "is missing: a path such as /api/*, with a host in front where that matters");
            return None;
        };
        let pattern = Pattern::parse(&text);
        if let Err(message) = &pattern {
            self.problem("match", message);
        }
        pattern.ok()
    }

    fn upstream(&mut self) -> Option<Upstream> {
        let Some(text) = self.string("upstream") else {
            self.problem("upstream", "is missing: the origin of an application, or binding:NAME");
            return None;
        };
        let upstream = self.reader.upstream(&text);
        if let Err(message) = &upstream {
            self.problem("upstream", message);
        }
        upstream.ok()
    }

    fn require(&mut self) -> Vec<Required> {
        let read = self.fields.get("require").map_or_else(|| Some(Vec::new()), require::read);
        if read.is_none() {
            self.problem(
                "require",
                "must be a table of claims and their values, such as {\"groups\":\"staff\"} or {\"groups\":[\"staff\",\"admins\"]}",
            );
        }
        read.unwrap_or_default()
    }

    fn require_any(&mut self) -> Vec<Vec<Required>> {
        let Some(given) = self.fields.get("require_any") else { return Vec::new() };
        let sets = require::read_any(given);
        match &sets {
            None => self.problem(
                "require_any",
                "must be an array of tables of claims and their values, such as [{\"groups\":\"staff\"},{\"email\":\"root@example.com\"}]",
            ),
            // Whether that is to let in everybody or nobody, it does not say.
            Some(sets) if sets.is_empty() => self.problem("require_any", "must hold at least one table"),
            Some(_) => {}
        }
        sets.unwrap_or_default()
    }

    fn authentication(&mut self) -> Option<Authentication> {
        Authentication::read(&self.fields).unwrap_or_else(|wrong| {
            for (field, message) in wrong {
                self.problem(field, message);
            }
            None
        })
    }

    fn target(&mut self, session: SessionRule, token: Token) -> Option<Target> {
        let target = match Target::read(&self.fields) {
            Ok(target) => target?,
            Err(wrong) => {
                for (field, message) in wrong {
                    self.problem(field, &message);
                }
                return None;
            }
        };
        if session == SessionRule::None {
            self.problem(
                "session",
                "is none, and so there is no access token for an audience, resource, scopes or exchange",
            );
        }
        if token != Token::Access {
            self.problem(
                "token",
                "must be access, or left out: audience, resource, scopes and exchange say which access token",
            );
        }
        Some(target)
    }

    /// Sorted, so that the same names are the same rule. Whether there are such providers is seen when these are read.
    fn providers(&mut self) -> Vec<String> {
        let named = match self.fields.get("providers") {
            None => return Vec::new(),
            Some(Value::Array(names)) => names.iter().map(|name| name.as_str().map(str::to_owned)).collect(),
            Some(_) => None,
        };
        // An empty array would let nobody in, and says that something was forgotten.
        let Some(mut providers) = named.filter(|names: &Vec<String>| !names.is_empty()) else {
            self.problem("providers", "must be an array of names of PROVIDERS, such as [\"corp\"]");
            return Vec::new();
        };
        providers.sort_unstable();
        providers.dedup();
        providers
    }

    fn bot_score_min(&mut self, captcha: CaptchaRule) -> u8 {
        let score = match self.fields.get("bot_score_min") {
            None => Some(0),
            Some(value) => value.as_u64().and_then(|score| u8::try_from(score).ok()).filter(|score| *score <= 99),
        };
        match score {
            None => self.problem("bot_score_min", "must be a whole number, 0 to 99; below 30 is likely a bot"),
            Some(0) if captcha == CaptchaRule::Bots => {
                self.problem("bot_score_min", "is missing: captcha = \"bots\" asks those below it, 30 for instance");
            }
            Some(_) => {}
        }
        score.unwrap_or_default()
    }

    fn csrf_header(&mut self) -> Option<String> {
        let text = self.string("csrf_header").filter(|text| !text.is_empty())?;
        if http::HeaderName::from_bytes(text.as_bytes()).is_err() {
            self.problem("csrf_header", "must be the name of a header, such as X-CSRF");
        }
        Some(text.to_ascii_lowercase())
    }

    fn flag(&mut self, field: &str, default: bool) -> bool {
        match self.fields.get(field) {
            None => default,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.problem(field, "must be true or false");
                default
            }
        }
    }

    /// Sorted, so that the same methods are the same rule.
    fn methods(&mut self) -> Vec<String> {
        // As browsers and servers spell them: another spelling would match nothing.
        let is_method = |name: &&str| {
            let mut bytes = name.bytes();
            !name.is_empty() && bytes.all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'))
        };
        let named = match self.fields.get("methods") {
            None => Some(Vec::new()),
            Some(Value::Array(names)) => {
                names.iter().map(|name| name.as_str().filter(is_method).map(str::to_owned)).collect()
            }
            Some(_) => None,
        };
        let Some(mut methods) = named else {
            self.problem("methods", "must be an array of methods in capitals, such as [\"GET\", \"HEAD\"]");
            return Vec::new();
        };
        methods.sort_unstable();
        methods.dedup();
        methods
    }

    /// Whether the client's own `Authorization` goes through. Where a session is required, or a JWT is checked, the header is
    /// the gateway's.
    fn authorization(&mut self, session: SessionRule, bearer: bool) -> bool {
        let passes = self.choice("authorization", false, &[("strip", false), ("pass", true)]);
        if passes && bearer {
            self.problem("authorization", "cannot be pass beside bearer = true, which checks the client's own token");
        } else if passes && session == SessionRule::Required {
            self.problem(
                "authorization",
                "can be pass only where session is none or optional (require, require_any, providers and device make it required): elsewhere the header has the session's token",
            );
        }
        passes
    }

    /// The value that the field names; the default where it is not there.
    fn choice<T: Copy>(&mut self, field: &str, default: T, known: &[(&str, T)]) -> T {
        let Some(value) = self.fields.get(field) else { return default };
        let found = known.iter().find(|(name, _)| value == name).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.problem(field, &format!("must be one of: {}", names.join(", ")));
        }
        found.unwrap_or(default)
    }

    fn string(&mut self, field: &str) -> Option<String> {
        match self.fields.get(field)? {
            Value::String(text) => Some(text.trim().to_owned()),
            _ => {
                self.problem(field, "must be text");
                Some(String::new())
            }
        }
    }

    fn problem(&mut self, field: &str, message: &str) {
        self.reader.problem(format!("ROUTES[{}].{field}", self.index), message);
    }
}

#[cfg(test)]
#[path = "route_table_tests.rs"]
mod tests;
