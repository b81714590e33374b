//! A route: which requests go to which application, and by which rules.

use super::authentication::Authentication;
use super::pattern::Pattern;
pub use super::require::Required;
use super::target::Target;
pub use super::upstream::Upstream;

/// One application and the rules of the way to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// `match`: the requests that go this way.
    pub pattern: Pattern,
    /// `upstream`: where they go.
    pub upstream: Upstream,
    /// `methods`: the route takes these alone. None: every one.
    pub methods: Vec<String>,
    /// `session`, which `require`, `require_any`, `acr`, `max_age`, `providers` and `device` make required.
    pub session: SessionRule,
    /// `require`: claims and the values that they must have or hold.
    pub require: Vec<Required>,
    /// `require_any`: of these sets one is enough.
    pub require_any: Vec<Vec<Required>>,
    /// `acr`, `max_age`: how the user must have logged in.
    pub authentication: Option<Authentication>,
    /// `providers`: the sessions of these are let in alone. None: all.
    pub providers: Vec<String>,
    /// `token`: what goes into `Authorization`.
    pub token: Token,
    /// `audience`, `resource`, `scopes` or `exchange`: the access token is not the session's own, but one for this. With [`Token::Access`] alone.
    pub target: Option<Target>,
    /// `bearer`: the client's own JWT is accepted.
    pub bearer: bool,
    /// `authorization` is `pass`: the client's own `Authorization` goes through.
    pub passes_authorization: bool,
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
    /// `origin` is `upstream`: the gateway's own `Origin` and `Referer` become the application's.
    pub translates_origin: bool,
    /// `device` is `required`: only sessions bound to a device pass.
    pub requires_device: bool,
    /// `rewrite_redirects`: the application's own address becomes the gateway's in responses.
    pub rewrite_redirects: bool,
}

/// What decides about a route beside host and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a str,
    /// The method that a CORS preflight asks about.
    pub preflight_for: Option<&'a str>,
}

impl<'a> Asked<'a> {
    /// Of a request that is no preflight.
    pub const fn plainly(method: &'a str) -> Self {
        Self { method, preflight_for: None }
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
    pub(crate) const fn everything(upstream: Upstream) -> Self {
        Self {
            pattern: Pattern::everything(),
            upstream,
            methods: Vec::new(),
            session: SessionRule::Required,
            require: Vec::new(),
            require_any: Vec::new(),
            authentication: None,
            providers: Vec::new(),
            token: Token::Access,
            target: None,
            bearer: false,
            passes_authorization: false,
            identity_headers: false,
            captcha: CaptchaRule::Never,
            bot_score_min: 0,
            csrf_header: None,
            cross_site: false,
            encoded_slashes: false,
            cache: CacheRule::NoStore,
            translates_origin: false,
            requires_device: false,
            rewrite_redirects: true,
        }
    }
}

impl Route {
    /// Whether it takes requests of this method. A preflight is for the method that it asks about, where it needs no session.
    pub fn takes(&self, asked: Asked<'_>) -> bool {
        let method = asked.preflight_for.filter(|_| self.bearer).unwrap_or(asked.method);
        self.methods.is_empty() || self.methods.iter().any(|known| known == method)
    }

    /// Whether it depends on claims who passes.
    pub const fn requires_claims(&self) -> bool {
        !self.require.is_empty() || !self.require_any.is_empty() || self.authentication.is_some()
    }

    /// Whether a response may hold the application's own address. A binding's is the gateway's.
    pub const fn rewrites(&self) -> bool {
        self.rewrite_redirects && matches!(self.upstream, Upstream::Origin(_))
    }

    /// Whether both have the same rules: everything but which paths go this way, where they go, how addresses are translated,
    /// and what becomes of the response. A new field has to be thought of here.
    pub fn has_rules_of(&self, other: &Self) -> bool {
        let Self {
            pattern: _,
            upstream: _,
            cache: _,
            translates_origin: _,
            rewrite_redirects: _,
            methods,
            session,
            require,
            require_any,
            authentication,
            providers,
            token,
            target,
            bearer,
            passes_authorization,
            identity_headers,
            captcha,
            bot_score_min,
            csrf_header,
            cross_site,
            encoded_slashes,
            requires_device,
        } = self;
        *methods == other.methods
            && *session == other.session
            && *require == other.require
            && *require_any == other.require_any
            && *authentication == other.authentication
            && *providers == other.providers
            && *token == other.token
            && *target == other.target
            && *bearer == other.bearer
            && *passes_authorization == other.passes_authorization
            && *identity_headers == other.identity_headers
            && *captcha == other.captcha
            && *bot_score_min == other.bot_score_min
            && *csrf_header == other.csrf_header
            && *cross_site == other.cross_site
            && *encoded_slashes == other.encoded_slashes
            && *requires_device == other.requires_device
    }
}
