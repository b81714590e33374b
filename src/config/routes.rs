//! A route: which requests go to which application, and by which rules.

use serde_json::Value;

use super::pattern::Pattern;

/// One application and the rules of the way to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// `match`: the requests that go this way.
    pub pattern: Pattern,
    /// `upstream`: where they go.
    pub upstream: Upstream,
    /// `session`, which `require` makes required.
    pub session: SessionRule,
    /// `require`: claims and the values that they must have or hold.
    pub require: Vec<(String, Value)>,
    /// `token`: what goes into `Authorization`.
    pub token: Token,
    /// `bearer`: the client's own JWT is accepted.
    pub bearer: bool,
    /// `identity_headers`: claims are forwarded as `IDENTITY_HEADERS` says.
    pub identity_headers: bool,
    /// `captcha`: who has to solve one.
    pub captcha: CaptchaRule,
    /// `bot_score_min`: 1 is surely a bot, 99 surely none.
    pub bot_score_min: u8,
    /// `csrf_header`: what non-safe requests must carry, in lower case.
    pub csrf_header: Option<String>,
    /// `cross_site`: other sites' non-safe requests pass, without the gateway's cookies.
    pub cross_site: bool,
    /// `encoded_slashes`: `%2f` passes.
    pub encoded_slashes: bool,
    /// `cache`: who may keep responses to a request with a session.
    pub cache: CacheRule,
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// An origin, optionally with a path prefix, without a trailing slash.
    Origin(String),
    /// A service or assets binding of this name.
    Binding(String),
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Origin(origin) => f.write_str(origin),
            Self::Binding(name) => write!(f, "binding:{name}"),
        }
    }
}

/// Whether a route needs a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionRule {
    /// Without one there is no way through.
    Required,
    /// Requests with one carry token and identity, others pass without.
    Optional,
    /// No request carries any.
    None,
}

/// What a route's application gets in `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The access token.
    Access,
    /// The ID token.
    Id,
    /// Nothing.
    None,
}

/// Who has to solve a captcha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptchaRule {
    /// Nobody.
    Never,
    /// Everybody.
    Always,
    /// Those whose bot score is below `bot_score_min`.
    Bots,
}

/// `Cache-Control` of responses to a request with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheRule {
    /// Nobody keeps it.
    NoStore,
    /// The user's own browser may.
    Private,
}

impl CacheRule {
    /// As the header spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoStore => "no-store",
            Self::Private => "private",
        }
    }
}

impl Route {
    /// The one route that there is where `UPSTREAM` stands alone.
    pub(super) const fn everything(upstream: Upstream) -> Self {
        Self {
            pattern: Pattern::everything(),
            upstream,
            session: SessionRule::Required,
            require: Vec::new(),
            token: Token::Access,
            bearer: false,
            identity_headers: false,
            captcha: CaptchaRule::Never,
            bot_score_min: 0,
            csrf_header: None,
            cross_site: false,
            encoded_slashes: false,
            cache: CacheRule::NoStore,
        }
    }
}

impl Route {
    /// Whether both have the same rules: everything but which requests go this way, where they go, and what becomes of the
    /// response. A new field has to be thought of here.
    pub fn has_rules_of(&self, other: &Self) -> bool {
        let Self {
            pattern: _,
            upstream: _,
            cache: _,
            session,
            require,
            token,
            bearer,
            identity_headers,
            captcha,
            bot_score_min,
            csrf_header,
            cross_site,
            encoded_slashes,
        } = self;
        *session == other.session
            && *require == other.require
            && *token == other.token
            && *bearer == other.bearer
            && *identity_headers == other.identity_headers
            && *captcha == other.captcha
            && *bot_score_min == other.bot_score_min
            && *csrf_header == other.csrf_header
            && *cross_site == other.cross_site
            && *encoded_slashes == other.encoded_slashes
    }
}
