//! A request as the gateway sees it.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use time::OffsetDateTime;
use url::form_urlencoded;

use crate::actors::session::location::ActorLocation;
use crate::config::Origin;
use crate::config::routes::Asked;
use crate::credential::ActorId;
use crate::device::Challenge;
use crate::gateway::problem::Problem;
use crate::gateway::request::address::Address;
use crate::gateway::request::cookie::{Cookies, Jar};
use crate::gateway::request::csrf::Provenance;
use crate::gateway::request::head::{Arrived, Head};
use crate::gateway::request::login_cookie::MAX_KEPT_RETURN_TO;
use crate::gateway::request::parameters::Parameters;
use crate::gateway::request::size::cookies;
use crate::region::{self, Region, VisitorPlace};
use crate::runtime::{Isolate, ReadError, RequestBody};

pub mod address;
pub mod compatible;
pub mod cookie;
pub mod csrf;
pub mod head;
pub mod headers;
pub mod login_cookie;
pub mod look_alike;
pub mod parameters;
pub mod path;
pub mod reinterpretation;
pub mod return_cookie;
pub mod route;
pub mod size;
pub mod visitor;

/// The longest body that an endpoint reads.
const MAX_BODY: usize = 64 << 10;
/// The destinations of a page within another page. No page of the gateway is one.
const FRAMES: [&str; 5] = ["iframe", "frame", "embed", "object", "fencedframe"];

/// A request whose URL is parsed and whose host is checked.
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
    /// Where the session lives, if it has moved since its cookie was set.
    pub moved_to: RefCell<Option<ActorLocation>>,
    /// The challenge of an offer to bind the session to the browser's device, for the answer.
    pub offer: RefCell<Option<Challenge>>,
    /// The ticket for a form that waited is of no more use.
    pub is_ticket_spent: Cell<bool>,
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
            offer: RefCell::default(),
            is_ticket_spent: Cell::default(),
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

    /// Refuses a request that is larger than any honest one.
    pub fn check_size(&self) -> Result<(), Problem> {
        size::check(&self.head)
    }

    /// The cookies' names and attributes at this origin.
    pub const fn jar(&self) -> &Jar {
        &self.jar
    }

    /// The actor of the session that the cookie names: its last known place.
    pub fn session_actor(&self) -> Option<ActorId> {
        let session = self.cookies.session.as_ref()?;
        Some(self.moved_to.borrow().as_ref().map_or_else(|| session.actor.clone(), |to| to.actor.clone()))
    }

    /// What decides about its route beside host and path.
    pub fn asked(&self) -> Asked<'a> {
        Asked { method: self.method(), preflight_for: self.preflight_for() }
    }

    /// The method that a CORS preflight asks about (Fetch section 4.8); none for any other request.
    pub fn preflight_for(&self) -> Option<&'a str> {
        if self.method() != "OPTIONS" || self.is_web_socket {
            return None;
        }
        self.header("origin").and_then(|_| self.header("access-control-request-method"))
    }

    /// Whether a person will see the answer: a GET that opens a page, and is no prefetch.
    pub fn is_navigation(&self) -> bool {
        self.method() == "GET" && self.opens_page()
    }

    /// Whether a person will see the answer, including that of a form. A frame gets no page, as no page may be framed.
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
        // Most requests are safe ones. Their headers need no look.
        if csrf::is_safe(self.method()) && !self.is_web_socket {
            return true;
        }
        csrf::passes(self.provenance(), &self.origin.text)
    }

    /// Whether the request changes nothing, or a page of this origin has sent it.
    pub fn is_by_own_page(&self) -> bool {
        csrf::is_by_own_page(self.provenance(), &self.origin.text)
    }

    fn provenance(&self) -> Provenance<'_> {
        Provenance {
            method: self.method(),
            site: self.header("sec-fetch-site"),
            origin: self.header("origin"),
            has_our_cookies: self.cookies.any,
            is_web_socket: self.is_web_socket,
        }
    }

    /// What is asked for at this origin: the path and the query.
    pub fn path_and_query(&self) -> &str {
        self.address.path_and_query()
    }

    /// The parameters of the query.
    pub fn query(&self) -> Parameters {
        Parameters::new(form_urlencoded::parse(self.address.query().as_bytes()).into_owned().collect())
    }

    /// The parameters of a form in the body; none for any other body.
    pub async fn form(&self) -> Result<Parameters, Problem> {
        let form = "application/x-www-form-urlencoded";
        if !self.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with(form)) {
            return Ok(Parameters::new(Vec::new()));
        }
        let body = self.body().await?;
        Ok(Parameters::new(form_urlencoded::parse(&body).into_owned().collect()))
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

    /// Keeps a sentence for the log, in case this request fails.
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

/// What finds a request in the log: Cloudflare's ray, which its header tells, or a random UUID.
pub fn ray(header: Option<&str>, isolate: &dyn Isolate) -> String {
    header.map_or_else(|| uuid::Builder::from_random_bytes(isolate.id()).into_uuid().to_string(), str::to_owned)
}
