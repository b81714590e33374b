//! The hot path: what becomes of a request, and of the application's response, decided in one call and told in one text.
//! `entry.mjs` packs, performs and decides nothing. Pure.
//!
//! ```text
//!   plan ──► P  this is the answer; T: with the headers that all of its type have
//!        ├─► F  fetch so                                    ──► judge
//!        ├─► A  ask this session, fetch so with its token   ──► judge
//!        ├─► N  the same, and the token stays here          ──► judge
//!        ├─► I  ask this session, then ──► identify ──► F, P or L
//!        └─► L  leave it to [`super::serve`], which can wait
//!
//!   judge ─► E  pass it on with these changes of its headers
//!         ├► P  this is the answer
//!         └► L  leave it to [`super::Gateway::resume`]
//! ```
//!
//! Nothing of a request stays in memory between two calls: a panic in another request loses none of them. What is decided here
//! is decided by the functions that [`super::application`] and [`super::proxy`] call, too.

use super::application::{self, Admitted, Claimant};
use super::arrival::{self, Arrival};
use super::forward::{self, Onward, Recipient};
use super::headers::Headers;
use super::identity::Claims;
use super::problem::Problem;
use super::request::{Arrived, Head};
use super::response::Outgoing;
use super::{captcha, proxy, refusal};
use crate::actors::session::line;
use crate::actors::session::message::{Get, Want};
use crate::actors::{AskError, Request};
use crate::config::routes::{Route, Token, Upstream};
use crate::config::{Config, Configured};
use crate::runtime::Isolate;

/// What is to be done, as `entry.mjs` reads it.
pub struct Plan {
    /// See the module.
    pub text: String,
    /// What the log says.
    pub line: Option<String>,
}

/// What went wrong on the way that a plan described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The session did not answer in time.
    Session,
    /// The application cannot be reached.
    Unreachable,
    /// The application does not answer in time.
    TooSlow,
}

impl Failure {
    /// The failure of this number, as `entry.mjs` counts them.
    pub const fn of(number: u32) -> Self {
        match number {
            0 => Self::Session,
            1 => Self::Unreachable,
            _ => Self::TooSlow,
        }
    }
}

fn later() -> Plan {
    Plan { text: "L".to_owned(), line: None }
}

fn answer(outgoing: Outgoing) -> Plan {
    let kind = if outgoing.headers.is_empty() { "T" } else { "P" };
    let mut text = format!("{kind}{}\n", outgoing.status);
    for (name, value) in outgoing.all_headers() {
        push(&mut text, &[name, ",", value, "\n"]);
    }
    push(&mut text, &["\n", outgoing.body.text().unwrap_or_default()]);
    Plan { text, line: outgoing.line }
}

fn push(text: &mut String, pieces: &[&str]) {
    for piece in pieces {
        text.push_str(piece);
    }
}

fn arrive<'a>(configured: &'a Configured, packed: &'a str, isolate: &'a dyn Isolate) -> Arrival<'a> {
    arrival::arrive(configured, Arrived { head: Head::read(packed), body: None, isolate })
}

/// What becomes of the request with this head.
pub fn plan(configured: &Configured, packed: &str, isolate: &dyn Isolate) -> Plan {
    let (request, route) = match arrive(configured, packed, isolate) {
        Arrival::Answered(outgoing) => return answer(outgoing),
        Arrival::Application(request, route) => (request, route),
        Arrival::Own(..) | Arrival::Administration(..) => return later(),
    };
    let Ok(config) = configured else { return later() };
    // What opens a connection, or has a body that has to be sent first, takes time.
    let has_body = request.header("content-length").is_some_and(|length| length != "0")
        || request.header("transfer-encoding").is_some();
    if request.is_web_socket || has_body {
        return later();
    }
    let Admitted { claimant, cleared_at } = match application::admit(config, &request, route) {
        Ok(admitted) => admitted,
        Err(problem) => return answer(refusal::of_application(config, &request, &problem)),
    };
    match claimant {
        Claimant::Nobody => {
            let onward = forward::request(config, &request, route, None, cleared_at);
            fetch("F\n".to_owned(), config, route, Recipient::Nobody, &onward)
        }
        Claimant::Session(session, want, navigation_from) => {
            let get = Get { secret: session.secret.clone(), want, navigation_from };
            let Some(line) = line::request(get) else { return later() };
            let kind = match (want, route.token) {
                (Want::AccessToken, Token::None) => "N",
                (Want::AccessToken, _) => "A",
                _ => return Plan { text: ["I", session.actor.as_str(), "\n", &line, "\n"].concat(), line: None },
            };
            let text = [kind, session.actor.as_str(), "\n", &line, "\n"].concat();
            let onward = forward::request(config, &request, route, None, cleared_at);
            fetch(text, config, route, Recipient::Known, &onward)
        }
        Claimant::Client(..) => later(),
    }
}

/// What becomes of a request whose session has answered this, where its claims matter.
pub fn identify(configured: &Configured, packed: &str, reply: &str, isolate: &dyn Isolate) -> Plan {
    let Arrival::Application(request, route) = arrive(configured, packed, isolate) else {
        return later();
    };
    let (Ok(config), Some((token, claims))) = (configured, line::read_reply(reply)) else { return later() };
    let claims: Claims = serde_json::from_str(claims).unwrap_or_default();
    let admitted = application::admit(config, &request, route)
        .and_then(|admitted| application::check_required(config, &claims, route).map(|()| admitted));
    match admitted {
        Ok(Admitted { claimant: Claimant::Session(..), cleared_at }) => {
            let mut onward = forward::request(config, &request, route, Some(&claims), cleared_at);
            if route.token != Token::None {
                onward.set.push(("authorization", token.into()));
            }
            fetch("F\n".to_owned(), config, route, Recipient::Known, &onward)
        }
        Ok(_) => later(),
        Err(problem) => answer(refusal::of_application(config, &request, &problem)),
    }
}

/// ```text
///   <binding> LF <URL> LF <no-store> LF <milliseconds> LF <Cache-Control> LF <removed>,… LF (<name>,<value> LF)*
/// ```
fn fetch(mut text: String, config: &Config, route: &Route, recipient: Recipient, onward: &Onward<'_>) -> Plan {
    let binding = match &route.upstream {
        Upstream::Origin(_) => "",
        Upstream::Binding(name) => name,
    };
    let limit = config.upstream_timeout.whole_milliseconds().to_string();
    let no_store = if onward.no_store { "no-store" } else { "" };
    let cache_control = forward::cache_control(route, recipient).unwrap_or_default();
    push(&mut text, &[binding, "\n", &onward.url, "\n", no_store, "\n", &limit, "\n", cache_control, "\n"]);
    for (number, name) in onward.removed.iter().enumerate() {
        push(&mut text, &[if number > 0 { "," } else { "" }, name]);
    }
    text.push('\n');
    for (name, value) in &onward.set {
        push(&mut text, &[name, ",", value, "\n"]);
    }
    Plan { text, line: None }
}

/// What becomes of the application's response with this status and these headers.
///
/// ```text
///   E<removed>,… LF <Cache-Control> LF (keep | replace) LF (<Set-Cookie> LF)*
/// ```
pub fn judge(configured: &Configured, packed: &str, status: u16, lines: &str, isolate: &dyn Isolate) -> Plan {
    let Arrival::Application(request, route) = arrive(configured, packed, isolate) else {
        return later();
    };
    let Ok(config) = configured else { return later() };
    let refused = |problem: &Problem| answer(refusal::of_application(config, &request, problem));
    let (recipient, cleared_at) = match application::admit(config, &request, route) {
        Ok(Admitted { claimant: Claimant::Nobody, cleared_at }) => (Recipient::Nobody, cleared_at),
        Ok(Admitted { claimant: Claimant::Session(..), cleared_at }) => (Recipient::Known, cleared_at),
        Ok(Admitted { claimant: Claimant::Client(..), .. }) => return later(),
        Err(problem) => return refused(&problem),
    };
    let seen = &Headers::read(lines);
    let is_known = recipient == Recipient::Known;
    let may_renew = is_known && status == 401 && route.token != Token::None && forward::says_invalid_token(seen);
    if may_renew || is_known && forward::is_event_stream(seen) {
        return later();
    }
    if forward::asks_for_captcha(seen)
        && let Some(problem) = captcha::asked_by_application(config, cleared_at, isolate.now())
    {
        return refused(&problem);
    }
    // Nobody asked for another protocol.
    if status == 101 {
        return refused(&Problem::UpstreamUnavailable);
    }
    let backward = forward::response(route, recipient, seen);
    let cookies = if backward.cookies.is_some() { "replace" } else { "keep" };
    let cache_control = backward.cache_control.unwrap_or_default();
    let mut text = ["E", &backward.removed.join(","), "\n", cache_control, "\n", cookies, "\n"].concat();
    for line in backward.cookies.into_iter().flatten() {
        push(&mut text, &[line, "\n"]);
    }
    Plan { text, line: None }
}

/// What the sender of a request is told of a failure on the way.
pub fn failed(configured: &Configured, packed: &str, failure: Failure, isolate: &dyn Isolate) -> Plan {
    let arrival = arrive(configured, packed, isolate);
    let (Ok(config), Arrival::Application(request, route)) = (configured, arrival) else { return later() };
    let problem = match failure {
        Failure::Session => AskError::TimedOut(<Get as Request>::TIME_LIMIT_SECONDS).into(),
        Failure::Unreachable => proxy::unreachable(config, route),
        Failure::TooSlow => proxy::too_slow(config, route),
    };
    answer(refusal::of_application(config, &request, &problem))
}
