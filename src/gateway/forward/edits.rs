//! Which headers of a request go on to the application, and which of its response to the browser. Both are changes to what came. Pure.

use std::borrow::Cow;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::config::Config;
use crate::config::routes::{Route, SessionRule, Upstream};
use crate::gateway::forward::hygiene::Hygiene;
use crate::gateway::forward::identity_headers;
use crate::gateway::request::Incoming;
use crate::gateway::request::cookie::Jar;
use crate::gateway::request::headers::Headers;
use crate::jose::Claims;

/// Headers of a response that direct caches beside `Cache-Control`.
const CACHE_HEADERS: [&str; 3] = ["cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control"];

/// Headers of a response that need a decision. A response without any of them gets its `Cache-Control` and is passed on.
pub fn watched() -> impl Iterator<Item = &'static str> {
    ["set-cookie", "proxy-authenticate", "cf-challenge"].into_iter().chain(CACHE_HEADERS)
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
    let hygiene = Hygiene::new(&config.identity_headers, connection, request.is_web_socket);
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
    let at = match &route.upstream {
        Upstream::Origin(origin) => origin.as_str(),
        Upstream::Binding(_) => request.origin.text.as_str(),
    };
    Onward { url: [at, request.path_and_query()].concat(), no_store: route.session != SessionRule::None, removed, set }
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
    /// The `Set-Cookie` lines that take the place of those that came.
    pub cookies: Option<Vec<&'a str>>,
}

/// The `Cache-Control` of a response that sets no cookie.
pub const fn cache_control(route: &Route, recipient: Recipient) -> Option<&'static str> {
    match recipient {
        Recipient::Nobody => None,
        Recipient::Known => Some(route.cache.as_str()),
    }
}

/// What becomes of a response with these headers on its way to the browser.
pub fn response<'a>(route: &Route, recipient: Recipient, seen: &Headers<'a>) -> Backward<'a> {
    let sets_cookies = seen.all("set-cookie").next().is_some();
    let cache_control = match recipient {
        Recipient::Nobody => sets_cookies.then_some("no-store"),
        Recipient::Known => cache_control(route, recipient),
    };
    let is_removed =
        |name: &&str| *name == "proxy-authenticate" || cache_control.is_some() && CACHE_HEADERS.contains(name);
    let is_ours = seen.all("set-cookie").any(Jar::is_kept_from);
    Backward {
        removed: seen.names().filter(is_removed).collect(),
        cookies: is_ours.then(|| seen.all("set-cookie").filter(|line| !Jar::is_kept_from(line)).collect()),
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
