//! A form that waits for its user's login: which one may, what the browser remembers of it, and how it comes again. Pure.
//!
//! ```text
//!   POST form ──► 303 /login, cookie ──► provider ──► /callback ──► page ──► POST form (a mark in place of the fields)
//!                    the actor of the session keeps the form                     the actor hands the form out, once
//! ```
//!
//! The form is sealed for the actor with a key that it does not have. A cookie, sealed too, has the ticket for it: no other browser can
//! send it. It is one of the login cookies, of a name that no login has.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::actors::session::message::SealedRequest;
use crate::actors::wire;
use crate::config::{Config, Origin};
use crate::credential::{ActorId, Secret};
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::gateway::request::parameters::Parameters;
use crate::runtime::Isolate;

/// The login cookie of this name has the ticket. Names of logins are drawn at random, and this one is never drawn.
pub const COOKIE: &str = "00000000";
/// The parameter of `/login` by which a login knows that a form waits for it.
pub const PARAMETER: &str = "form";
/// What a form that comes again holds in place of its fields, as `text/plain` (HTML section 4.10.22.8).
pub const MARK: &str = "edge-parked=1";
/// The longest id of a form.
const MAX_ID: usize = 8;
/// The longest form, its files included, in bytes.
pub const MAX_FORM: usize = 64 << 10;
/// The longest address whose login leads back to the whole of it, in bytes.
const MAX_ADDRESS: usize = 600;
/// What the bodies of forms are called (HTML section 4.10.19.6).
const KINDS: [&str; 3] = ["application/x-www-form-urlencoded", "multipart/form-data", PLAIN];
const PLAIN: &str = "text/plain";

/// What the browser remembers.
#[derive(Serialize, Deserialize)]
pub struct Ticket {
    /// Names the form to its own login. No other login sends it.
    pub id: String,
    /// Where the form waits.
    pub actor: ActorId,
    /// For which it is handed out.
    pub secret: Secret,
    /// Where it is to be sent: the path and the query.
    pub address: String,
}

/// What waits.
#[derive(Serialize, Deserialize)]
pub struct Form {
    /// `Content-Type`.
    pub content_type: String,
    /// The fields, and files.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Form({} bytes)", self.body.len())
    }
}

fn kind_of(request: &Incoming<'_>) -> Option<&'static str> {
    let given = request.header("content-type")?.to_ascii_lowercase();
    KINDS
        .into_iter()
        .find(|kind| given.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with([';', ' '])))
}

/// Whether a form that meets this problem may wait: its user has to log in, in this browser, and nothing else is wrong with it.
pub fn may_wait(request: &Incoming<'_>, problem: &Problem) -> bool {
    let needs_login = matches!(
        problem.plain(),
        Problem::LoginRequired | Problem::SessionEnded(_) | Problem::AuthenticationInsufficient(_)
    );
    let fits = request.content_length().is_some_and(|length| length <= MAX_FORM as u64);
    needs_login
        && request.method() == "POST"
        && request.wants_page()
        && request.is_own()
        && request.cookies.session.is_some()
        && fits
        && request.path_and_query().len() <= MAX_ADDRESS
        && kind_of(request).is_some()
}

/// The form that waits for the login with this query.
pub fn of_login(login: &Parameters) -> Option<String> {
    login.get(PARAMETER).filter(|id| !id.is_empty() && id.len() <= MAX_ID).map(str::to_owned)
}

/// Whether this may be a form that comes again: the body is as short as the mark. The cookie need not be there any more.
pub fn may_come_again(request: &Incoming<'_>) -> bool {
    request.method() == "POST"
        && request.content_length().is_some_and(|length| length <= 64)
        && kind_of(request) == Some(PLAIN)
        && request.wants_page()
}

/// Whether this body stands for a form.
pub fn is_mark(body: &[u8]) -> bool {
    body.trim_ascii() == MARK.as_bytes()
}

fn cookie<'a>(request: &'a Incoming<'_>) -> Option<&'a str> {
    request.cookies.logins.iter().find(|(name, _)| name == COOKIE)?.1.as_deref()
}

/// The ticket that the browser has for a form to this address.
pub fn ticket(config: &Config, request: &Incoming<'_>, address: &str) -> Option<Ticket> {
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(cookie(request)?).ok()?;
    let ticket: Ticket = open(config, &context(&request.origin, COOKIE), &sealed)?;
    (ticket.address == address).then_some(ticket)
}

/// The cookie's value.
pub fn seal_ticket(config: &Config, origin: &Origin, isolate: &dyn Isolate, ticket: &Ticket) -> Option<String> {
    Some(BASE64_URL_SAFE_NO_PAD.encode(seal(config, &context(origin, COOKIE), isolate, ticket)?))
}

/// The form as the actor keeps it. It opens for this address alone.
pub fn seal_form(
    config: &Config,
    origin: &Origin,
    address: &str,
    isolate: &dyn Isolate,
    form: &Form,
) -> Option<SealedRequest> {
    seal(config, &context(origin, address), isolate, form).map(SealedRequest)
}

/// The form that was sealed.
pub fn open_form(
    config: &Config,
    origin: &Origin,
    address: &str,
    SealedRequest(sealed): &SealedRequest,
) -> Option<Form> {
    open(config, &context(origin, address), sealed)
}

fn context(origin: &Origin, what: &str) -> Vec<u8> {
    format!("{}\n{what}", origin.text).into_bytes()
}

fn seal<T: Serialize>(config: &Config, context: &[u8], isolate: &dyn Isolate, value: &T) -> Option<Vec<u8>> {
    config.parked_keys.seal(isolate.random_bytes()?, context, &wire::encode(value).ok()?)
}

fn open<T: DeserializeOwned>(config: &Config, context: &[u8], sealed: &[u8]) -> Option<T> {
    wire::decode(&config.parked_keys.open(context, sealed)?).ok()
}
