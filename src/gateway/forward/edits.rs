//! Which headers of a request go on to the application, and which of its response to the browser. Both are changes to what came. Pure.

use std::borrow::Cow;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::routes::{Route, SessionRule, Upstream};
use crate::config::{Config, Origin};
use crate::gateway::device;
use crate::gateway::forward::addresses::{self, ADDRESSES, Seam};
use crate::gateway::forward::hygiene::Hygiene;
use crate::gateway::forward::identity_headers;
use crate::gateway::request::Incoming;
use crate::gateway::request::cookie::Jar;
use crate::gateway::request::headers::Headers;
use crate::jose::Claims;

/// Headers of a response that direct caches beside `Cache-Control`.
const CACHE_HEADERS: [&str; 3] = ["cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control"];

/// Headers of a response that bind sessions to devices. The gateway alone does that.
const DEVICE_HEADERS: [&str; 2] = [device::REGISTRATION, device::CHALLENGE];

/// Headers of a response that need a decision. A response without any of them gets its `Cache-Control` and is passed on.
pub fn watched() -> impl Iterator<Item = &'static str> {
    ["set-cookie", "proxy-authenticate", "cf-challenge"].into_iter().chain(CACHE_HEADERS).chain(DEVICE_HEADERS)
}

/// The content type of server-sent events.
pub const EVENT_STREAM: &str = "text/event-stream";

/// The request to the application.
pub struct Onward<'a> {
    /// Its URL. If it goes to a binding, the host is the gateway's own.
    pub url: String,
    /// Whether no cache may answer it, or keep the answer.
    pub no_store: bool,
    /// The visitor's headers that go no further.
    pub removed: Vec<&'a str>,
    /// The headers that are put in. `Authorization` is not among them.
    pub set: Vec<(&'a str, Cow<'a, str>)>,
}

/// What the application is sent; `claims` are those that the route may forward.
pub fn request<'a>(
    config: &'a Config,
    request: &'a Incoming<'_>,
    route: &Route,
    claims: Option<&'a Claims>,
    cleared_at: Option<OffsetDateTime>,
) -> Onward<'a> {
    let connection = request.header("connection").unwrap_or_default();
    let hygiene = Hygiene {
        identity: &config.identity_headers,
        connection,
        is_web_socket: request.is_web_socket,
        keeps_authorization: route.passes_authorization,
        tells_methods_apart: config.rules.tells_methods_apart,
    };
    let mut removed: Vec<&str> = request.head.headers.names().filter(|name| hygiene.removes(name)).collect();
    let mut set: Vec<(&str, Cow<'_, str>)> = Vec::with_capacity(16);
    if request.cookies.any {
        match request.header("cookie").and_then(Jar::strip) {
            Some(rest) => set.push(("cookie", rest.into())),
            None => removed.push("cookie"),
        }
    }
    if let Some(claims) = claims.filter(|_| route.identity_headers) {
        for (name, value) in identity_headers::headers(&config.identity_headers, claims) {
            set.push((name, value.into()));
        }
    }
    set.push(("x-forwarded-host", request.origin.host.as_str().into()));
    set.push(("x-forwarded-proto", if request.origin.https { "https" } else { "http" }.into()));
    if let Some(address) = request.header("cf-connecting-ip") {
        set.push(("x-forwarded-for", address.into()));
    }
    for header in request.head.visitor.headers() {
        set.push(header);
    }
    if let Some(at) = cleared_at.and_then(|at| at.format(&Rfc3339).ok()) {
        set.push(("x-captcha-passed-at", at.into()));
    }
    if route.translates_origin
        && let Some((origin, prefix)) = route.upstream.origin_and_prefix()
    {
        let (own, header) = (request.origin.text.as_str(), |name| request.header(name));
        set.extend(header("origin").filter(|from| *from == own).map(|_| ("origin", Cow::Owned(origin.to_owned()))));
        let page = header("referer").and_then(|page| addresses::page_at(own, page));
        set.extend(page.map(|page| ("referer", Cow::Owned([origin, prefix, page].concat()))));
    }
    let at = match &route.upstream {
        Upstream::Origin(origin) => origin.as_str(),
        Upstream::Binding(_) => request.origin.text.as_str(),
    };
    // What a client's own credentials bring is for nobody else (RFC 9111 section 3.5).
    let brings_its_own = route.passes_authorization && request.header("authorization").is_some();
    let no_store = route.session != SessionRule::None || brings_its_own;
    Onward { url: [at, request.path_and_query()].concat(), no_store, removed, set }
}

/// Who a response goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// Nobody, or somebody that the route does not ask for.
    Nobody,
    /// A user with a session, or a client with a JWT of its own.
    Known,
}

/// What becomes of a response's headers. Those that would mislead a cache, and cookies with the gateway's names, are taken out.
pub struct Backward<'a> {
    /// `Cache-Control`.
    pub cache_control: Option<&'static str>,
    /// The headers that go no further.
    pub removed: Vec<&'a str>,
    /// The headers that are put in.
    pub set: Vec<(&'static str, String)>,
    /// The `Set-Cookie` lines that take the place of those that came.
    pub cookies: Option<Vec<Cow<'a, str>>>,
}

/// The `Cache-Control` of a response that sets no cookie.
pub const fn cache_control(route: &Route, recipient: Recipient) -> Option<&'static str> {
    match recipient {
        Recipient::Nobody => None,
        Recipient::Known => Some(route.cache.as_str()),
    }
}

/// What becomes of a response with these headers on its way to the browser, which sees the gateway at `origin`.
pub fn response<'a>(origin: &Origin, route: &Route, recipient: Recipient, seen: &Headers<'a>) -> Backward<'a> {
    let sets_cookies = seen.all("set-cookie").next().is_some();
    let cache_control = match recipient {
        // A route that knows no session is the application's own affair.
        Recipient::Nobody => (sets_cookies && route.session != SessionRule::None).then_some("no-store"),
        Recipient::Known => cache_control(route, recipient),
    };
    let is_removed = |name: &&str| {
        *name == "proxy-authenticate"
            || DEVICE_HEADERS.contains(name)
            || cache_control.is_some() && CACHE_HEADERS.contains(name)
    };
    let seam = if route.rewrite_redirects { Seam::of(origin, &route.upstream) } else { None };
    let rewritten = |name: &'static str| Some((name, seam.as_ref()?.header(name, seen.get(name)?)?));
    let cookie = |line| seam.as_ref().and_then(|seam| seam.cookie(line)).map_or(Cow::Borrowed(line), Cow::Owned);
    let lines: Vec<Cow<'_, str>> = seen.all("set-cookie").filter(|line| !Jar::is_kept_from(line)).map(cookie).collect();
    Backward {
        removed: seen.names().filter(is_removed).collect(),
        set: ADDRESSES.into_iter().filter_map(rewritten).collect(),
        cookies: (!seen.all("set-cookie").eq(lines.iter().map(Cow::as_ref))).then_some(lines),
        cache_control,
    }
}

/// Whether a response is a stream of server-sent events, which stays open.
pub fn is_event_stream(seen: &Headers<'_>) -> bool {
    let kind = seen.get("content-type").and_then(|kind| kind.get(..EVENT_STREAM.len()));
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case(EVENT_STREAM))
}

/// Whether an application says that the token is no good (RFC 6750 section 3.1).
pub fn says_invalid_token(seen: &Headers<'_>) -> bool {
    seen.get("www-authenticate").is_some_and(|challenge| {
        // A parameter may be a token or a quoted string (RFC 9110 section 11.2).
        let challenge = challenge.to_ascii_lowercase().replace([' ', '\t', '"'], "");
        challenge.contains("bearer") && challenge.contains("error=invalid_token")
    })
}

/// Whether an application asks for a captcha.
pub fn asks_for_captcha(seen: &Headers<'_>) -> bool {
    seen.get("cf-challenge").is_some_and(|challenge| challenge.eq_ignore_ascii_case("captcha"))
}
