//! A request as the gateway sees it.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use time::OffsetDateTime;
use url::form_urlencoded;

use crate::actors::session::location::ActorLocation;
use crate::config::Origin;
use crate::credential::ActorId;
use crate::gateway::problem::Problem;
use crate::gateway::request::address::Address;
use crate::gateway::request::cookie::{Cookies, Jar};
use crate::gateway::request::csrf::Provenance;
use crate::gateway::request::headers::{Headers, cut};
use crate::gateway::request::login_cookie::MAX_KEPT_RETURN_TO;
use crate::gateway::request::visitor::Visitor;
use crate::region::{self, Region, VisitorPlace};
use crate::runtime::{Isolate, ReadError, RequestBody};

pub mod address;
pub mod compatible;
pub mod cookie;
pub mod csrf;
pub mod headers;
pub mod login_cookie;
pub mod look_alike;
pub mod path;
pub mod return_cookie;
pub mod route;
pub mod visitor;

/// The longest body that an endpoint reads.
const MAX_BODY: usize = 64 << 10;
/// The longest address, its scheme and host included: what browsers and CDNs take is about as much.
const MAX_ADDRESS: usize = 16_000;
/// The longest headers, all together.
const MAX_HEADERS: usize = 64 << 10;
/// The most cookies: browsers keep no more of one site.
const MAX_COOKIES: usize = 180;

/// The destinations of a page within another page. No page of the gateway is one.
const FRAMES: [&str; 5] = ["iframe", "frame", "embed", "object", "fencedframe"];

/// What comes before a request's body, as the platform packs it into one text.
///
/// ```text
///   <method> LF <address> LF (<name>,<value> LF)* LF <the visitor's lines, see visitor.rs>
/// ```
#[derive(Clone, Debug)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a str,
    /// The URL as it came.
    pub address: &'a str,
    /// The headers.
    pub headers: Headers<'a>,
    /// The visitor, as far as Cloudflare knows.
    pub visitor: Visitor<'a>,
}

impl<'a> Head<'a> {
    /// Unpacks it.
    pub fn read(packed: &'a str) -> Self {
        let (method, rest) = cut(packed, b'\n').unwrap_or((packed, ""));
        let (address, rest) = cut(rest, b'\n').unwrap_or((rest, ""));
        let (headers, visitor) = Headers::read_front(rest);
        Self { method, address, headers, visitor: Visitor::read(visitor) }
    }
}

/// A request as it comes.
#[derive(Clone)]
pub struct Arrived<'a> {
    /// What comes before its body.
    pub head: Head<'a>,
    /// Its body; none where that does not matter.
    pub body: Option<&'a dyn RequestBody>,
    /// Where it is served.
    pub isolate: &'a dyn Isolate,
}

/// A request, its URL parsed and its host checked.
pub struct Incoming<'a> {
    /// What comes before its body.
    pub head: Head<'a>,
    /// Its body; none where that does not matter.
    pub body: Option<&'a dyn RequestBody>,
    /// Where it is served.
    pub isolate: &'a dyn Isolate,
    /// Its address, normalized: what is matched is what is forwarded.
    pub address: Address<'a>,
    /// The gateway's origin, as this browser sees it.
    pub origin: Cow<'a, Origin>,
    jar: Jar,
    /// The gateway's cookies; none where the headers are too large, which nobody reads any further.
    pub cookies: Cookies,
    /// Whether it asks to become a WebSocket (RFC 6455 section 4.1).
    pub is_web_socket: bool,
    /// Where the session lives, as was found out on the way: not where its cookie says.
    pub moved_to: RefCell<Option<ActorLocation>>,
    remark: RefCell<Option<String>>,
}

impl<'a> Incoming<'a> {
    /// A request to `origin`; `prefix` is `COOKIE_PREFIX`.
    pub fn new(arrived: Arrived<'a>, address: Address<'a>, origin: Cow<'a, Origin>, prefix: Rc<str>) -> Self {
        let Arrived { head, body, isolate } = arrived;
        let jar = Jar::of(&origin, prefix);
        let cookies = cookies(&jar, &head.headers);
        let protocol = head.headers.get("upgrade");
        let is_web_socket = protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("websocket"));
        Self {
            head,
            body,
            isolate,
            address,
            origin,
            jar,
            cookies,
            is_web_socket,
            moved_to: RefCell::default(),
            remark: RefCell::default(),
        }
    }

    /// The method.
    pub const fn method(&self) -> &'a str {
        self.head.method
    }

    /// The time.
    pub fn now(&self) -> OffsetDateTime {
        self.isolate.now()
    }

    /// A header's value; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.head.headers.get(name)
    }

    /// How long its body is, where it says so.
    pub fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// Refuses a request whose address or headers are longer than any honest one's.
    pub fn check_size(&self) -> Result<(), Problem> {
        let fits = self.head.address.len() < MAX_ADDRESS && fits(&self.head.headers);
        if fits { Ok(()) } else { Err(Problem::HeadersTooLarge) }
    }

    /// The cookies' names and attributes at this origin.
    pub const fn jar(&self) -> &Jar {
        &self.jar
    }

    /// The actor of the session that the cookie names, where it lives as far as is known.
    pub fn session_actor(&self) -> Option<ActorId> {
        let session = self.cookies.session.as_ref()?;
        Some(self.moved_to.borrow().as_ref().map_or_else(|| session.actor.clone(), |to| to.actor.clone()))
    }

    /// Whether a person will see the answer: a GET that opens a page, and is no prefetch.
    pub fn is_navigation(&self) -> bool {
        self.method() == "GET" && self.opens_page()
    }

    /// Whether a person will see the answer: that of a form, too. A frame gets no page, as none may be framed.
    pub fn wants_page(&self) -> bool {
        matches!(self.method(), "GET" | "POST") && self.opens_page()
    }

    fn opens_page(&self) -> bool {
        if self.header("sec-purpose").is_some() {
            return false;
        }
        match (self.header("sec-fetch-mode"), self.header("sec-fetch-dest")) {
            (None, None) => {
                self.header("accept").is_some_and(|accept| accept.to_ascii_lowercase().contains("text/html"))
            }
            // A service worker that passes a navigation on names no destination.
            (mode, dest) => mode == Some("navigate") && !dest.is_some_and(|dest| FRAMES.contains(&dest)),
        }
    }

    /// Refuses a request that another site may have sent.
    pub fn check_csrf(&self) -> Result<(), Problem> {
        if self.is_own() { Ok(()) } else { Err(Problem::CsrfRejected) }
    }

    /// Whether the request may act for the user whose cookies it carries.
    pub fn is_own(&self) -> bool {
        // Most requests are safe ones: they need no look at their headers.
        if csrf::is_safe(self.method()) && !self.is_web_socket {
            return true;
        }
        let provenance = Provenance {
            method: self.method(),
            site: self.header("sec-fetch-site"),
            origin: self.header("origin"),
            has_our_cookies: self.cookies.any,
            is_web_socket: self.is_web_socket,
        };
        csrf::passes(provenance, &self.origin.text)
    }

    /// What is asked for at this origin: the path and the query.
    pub fn path_and_query(&self) -> &str {
        self.address.path_and_query()
    }

    /// The parameters of the query.
    pub fn query(&self) -> Parameters {
        Parameters(form_urlencoded::parse(self.address.query().as_bytes()).into_owned().collect())
    }

    /// The parameters of a form in the body; none for any other body.
    pub async fn form(&self) -> Result<Parameters, Problem> {
        let form = "application/x-www-form-urlencoded";
        if !self.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with(form)) {
            return Ok(Parameters(Vec::new()));
        }
        let body = self.body().await?;
        Ok(Parameters(form_urlencoded::parse(&body).into_owned().collect()))
    }

    /// The JSON object in the body. (An array of the fields' values would be taken for one, too.)
    pub async fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Problem> {
        let body = self.body().await?;
        let object = body.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(&body).ok()).flatten();
        object.ok_or(Problem::BadRequest("The body is not the JSON object that this address takes."))
    }

    async fn body(&self) -> Result<Vec<u8>, Problem> {
        let Some(body) = self.body else { return Ok(Vec::new()) };
        body.read(MAX_BODY).await.map_err(|error| match error {
            ReadError::Broken => Problem::BadRequest("The request's body could not be read."),
            ReadError::TooLarge => Problem::TooLarge,
        })
    }

    /// Keeps a sentence for the log, should this request fail.
    pub fn remark(&self, remark: Option<String>) {
        self.remark.replace(remark);
    }

    /// That sentence.
    pub fn remarked(&self) -> Option<String> {
        self.remark.borrow().clone()
    }

    /// What finds the request in the log.
    pub fn ray(&self) -> String {
        ray(self.header("cf-ray"), self.isolate)
    }

    /// Where the visitor is, as far as Cloudflare knows.
    pub fn place(&self) -> VisitorPlace {
        self.head.visitor.place()
    }

    /// The visitor's region, on a navigation that may move a session: one to an address that a trip to the provider leads
    /// back to. That is `return_to`, where the navigation is one to `/login`.
    pub fn navigation_from(&self, return_to: &str) -> Option<Region> {
        let leads_back = return_to.len() <= MAX_KEPT_RETURN_TO;
        (leads_back && self.is_navigation()).then(|| region::of(&self.place())).flatten()
    }

    /// The region for a new session of this visitor.
    pub fn region(&self, default: Region) -> Region {
        region::of(&self.place()).unwrap_or(default)
    }
}

/// Whether the headers are no larger than any honest ones.
fn fits(headers: &Headers<'_>) -> bool {
    let cookies = headers.get("cookie").unwrap_or_default();
    headers.len() <= MAX_HEADERS && cookies.bytes().filter(|b| *b == b';').take(MAX_COOKIES).count() < MAX_COOKIES
}

/// The gateway's cookies. Sizes come first: what is too large is not read at all.
fn cookies(jar: &Jar, headers: &Headers<'_>) -> Cookies {
    headers.get("cookie").filter(|_| fits(headers)).map(|header| jar.read(header)).unwrap_or_default()
}

/// What finds a request in the log: Cloudflare's ray, which its header tells, or a random UUID.
pub fn ray(header: Option<&str>, isolate: &dyn Isolate) -> String {
    header.map_or_else(|| uuid::Builder::from_random_bytes(isolate.id()).into_uuid().to_string(), str::to_owned)
}

/// The parameters of a query or a form.
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The value of a parameter: the first one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that must not be there twice (RFC 6749 section 3.1).
    pub fn only(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = values.next();
        match values.next() {
            None => Ok(first),
            Some(_) => {
                Err(Problem::CallbackRejected("a parameter of the login provider's answer is there twice".to_owned()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Secret;

    fn read(cookie: &str) -> Cookies {
        let origin = Origin { text: "http://localhost".into(), host: "localhost".into(), https: false };
        cookies(&Jar::of(&origin, "".into()), &Headers::read(&format!("cookie,{cookie}")))
    }

    #[test]
    fn what_is_too_large_is_not_read_at_all() {
        let session = format!("edge-session=weur.{}.{}", "a".repeat(64), Secret::from_random([1; 32]).expose());
        let logins = |count: u32, value: &str| -> String {
            (0..count).map(|n| format!("; edge-login-{n:08x}={value}")).collect()
        };
        // As many as browsers keep, and 112 KB of them.
        let fits = read(&format!("{session}{}", logins(100, "x")));
        assert!(fits.session.is_some() && fits.logins.len() == 100);
        for too_large in [logins(5_000, "x"), logins(100, &"x".repeat(1_000)), logins(180, "x")] {
            let cookies = read(&format!("{session}{too_large}"));
            assert!(!cookies.any && cookies.session.is_none() && cookies.logins.is_empty(), "{}", too_large.len());
        }
    }
}
