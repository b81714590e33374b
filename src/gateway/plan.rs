//! The hot path: what becomes of a request, and of the application's response, decided in one call and told in one text.
//! `exchange.mjs` packs, performs and decides nothing. Pure.
//!
//! ```text
//!   plan ──► P  this is the answer; T: with the headers that all of its type have
//!        ├─► F  fetch so                                    ──► judge
//!        ├─► A  ask this session, fetch so with its token   ──► judge
//!        ├─► N  the same, and the token stays here          ──► judge
//!        ├─► I  ask this session, then ──► identify ──► F, P or none
//!        └─► none: [`crate::gateway::Gateway::serve`] has to wait for something
//!
//!   judge ─► E  pass it on with these changes of its headers
//!         ├► P  this is the answer
//!         └► none: [`crate::gateway::Gateway::resume`] has to
//! ```
//!
//! Nothing of a request stays in memory between two calls: a panic in another request loses none of them. What is decided here
//! is decided by the functions that [`crate::gateway::forward::access`] and [`crate::gateway::forward::proxy`] call, too.

pub mod text;

use crate::actors::session::line::{self, Question};
use crate::actors::session::message::GetToken;
use crate::actors::{AskError, Request};
use crate::config::Configured;
use crate::config::routes::{CaptchaRule, SessionRule, Token};
use crate::gateway::answer::refusal;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::arrival::{self, Arrival};
use crate::gateway::bearer::verified::VerifiedJwts;
use crate::gateway::device;
use crate::gateway::forward::access::{self, Admitted, Claimant};
use crate::gateway::forward::caller;
use crate::gateway::forward::edits::{self, Onward, Recipient};
use crate::gateway::forward::{captcha, proxy};
use crate::gateway::parked_form;
use crate::gateway::problem::Problem;
use crate::gateway::rendered_refusal::RenderedRefusal;
use crate::gateway::request::head::{Arrived, Head};
use crate::gateway::request::headers::Headers;
use crate::gateway::step_up;
use crate::jose::Claims;
use crate::runtime::Isolate;

/// What is to be done, as `exchange.mjs` reads it.
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
    /// The session's record cannot be read now.
    Store,
    /// The request's body cannot be read.
    Body,
}

/// The failures by name. Their places are the numbers by which `exchange.mjs` tells them.
const FAILURES: [(&str, Failure); 5] = [
    ("session", Failure::Session),
    ("unreachable", Failure::Unreachable),
    ("too_slow", Failure::TooSlow),
    ("store", Failure::Store),
    ("body", Failure::Body),
];

impl Failure {
    /// The names, in the order of their numbers.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FAILURES.iter().map(|(name, _)| *name)
    }

    /// The failure of this number.
    pub fn of(number: u32) -> Option<Self> {
        FAILURES.get(usize::try_from(number).ok()?).map(|(_, failure)| *failure)
    }
}

fn answer(outgoing: Outgoing) -> Plan {
    Plan { text: text::of_answer(&outgoing), line: outgoing.line }
}

/// Whether the visitor matters of a request that carries no cookie: where it is from, and whether it is a bot. Where every route
/// requires a session and none looks at bots, such a request is turned away whatever its visitor.
pub fn looks_at_strangers(configured: &Configured) -> bool {
    configured.as_ref().is_ok_and(|config| {
        config.routes.iter().any(|route| {
            let turns_away = route.session == SessionRule::Required && !route.bearer;
            !turns_away || route.captcha != CaptchaRule::Never || route.bot_score_min > 0
        })
    })
}

/// What plans are made with.
pub struct Planner<'a> {
    /// What the operator has decided.
    pub configured: &'a Configured,
    /// Time, randomness.
    pub isolate: &'a dyn Isolate,
    /// Clients' JWTs that were good just now.
    pub verified: &'a VerifiedJwts,
    /// The everyday refusal.
    pub rendered_refusal: &'a RenderedRefusal,
}

impl<'a> Planner<'a> {
    fn arrive(&self, packed: &'a str) -> Arrival<'a> {
        arrival::arrive(self.configured, Arrived { head: Head::read(packed), body: None, isolate: self.isolate })
    }

    /// What becomes of the request with this head.
    pub fn plan(&self, packed: &'a str) -> Option<Plan> {
        let (request, route) = match self.arrive(packed) {
            Arrival::Answered(outgoing) => return Some(answer(outgoing)),
            Arrival::Application(request, route) if !request.is_web_socket => (request, route),
            Arrival::Application(..) | Arrival::Own(..) | Arrival::Administration(..) => return None,
        };
        let Ok(config) = self.configured else { return None };
        if parked_form::may_come_again(&request) {
            return None;
        }
        let refused = |problem: &Problem| {
            // The everyday one says nothing of tokens.
            let rendered = || self.rendered_refusal.of(&request, problem, text::of_answer);
            match if route.bearer { None } else { rendered() } {
                Some(text) => Some(Plan { text, line: None }),
                None => Some(answer(refusal::of_application(config, &request, route, problem))),
            }
        };
        let Admitted { claimant, cleared_at } = match access::admit(config, &request, route) {
            Ok(admitted) => admitted,
            Err(problem) => return refused(&problem),
        };
        let onward = |claims| edits::request(config, &request, route, claims, cleared_at);
        let fetch = |start: String, recipient: Recipient, onward: &Onward<'_>| {
            let text = text::fetch(start, config, &request, route, recipient, onward);
            Some(Plan { text, line: None })
        };
        match claimant {
            Claimant::Nobody => fetch("F\n".to_owned(), Recipient::Nobody, &onward(None)),
            Claimant::Session(session, need, navigation_from) => {
                let secret = session.secret.clone();
                let is_proven = device::proven(config, &request, &session.actor).is_some();
                if route.requires_device && !is_proven {
                    return None;
                }
                let (identity, target) = need.asked();
                let kind = match caller::token(&request, route) {
                    _ if identity.is_some() => "I",
                    Token::None => "N",
                    Token::Access | Token::Id => "A",
                };
                let target = target.cloned();
                let takes_offer = device::takes_offer(config, &request);
                let let_in = config.providers.let_in(&request.origin, &route.providers);
                let question = Question { secret, navigation_from, identity, target, is_proven, takes_offer, let_in };
                let mut text = String::with_capacity(text::USUAL_LENGTH);
                text::push(&mut text, &[kind, session.actor.as_str(), "\n", &question.line(), "\n"]);
                if identity.is_some() {
                    return Some(Plan { text, line: None });
                }
                fetch(text, Recipient::Known, &onward(None))
            }
            Claimant::Client(jwt, _) => {
                let claims = self.verified.claims(jwt, request.now())?;
                if let Err(problem) = access::check_required(config, &claims, route, request.now()) {
                    return refused(&problem);
                }
                let mut onward = onward(Some(&claims));
                onward.set.extend(request.header("authorization").map(|own| ("authorization", own.into())));
                fetch("F\n".to_owned(), Recipient::Known, &onward)
            }
        }
    }

    /// What becomes of a request whose session has answered this, where its claims matter.
    pub fn identify(&self, packed: &'a str, reply: &str) -> Option<Plan> {
        let Arrival::Application(request, route) = self.arrive(packed) else { return None };
        let (Ok(config), Some((token, claims))) = (self.configured, line::read_reply(reply)) else { return None };
        let claims: Claims = serde_json::from_str(claims).unwrap_or_default();
        let admitted = access::admit(config, &request, route)
            .and_then(|admitted| access::check_required(config, &claims, route, request.now()).map(|()| admitted));
        match admitted {
            Ok(Admitted { claimant: Claimant::Session(..), cleared_at }) => {
                let mut onward = edits::request(config, &request, route, Some(&claims), cleared_at);
                if caller::token(&request, route) != Token::None {
                    onward.set.push(("authorization", token.into()));
                }
                let text = text::fetch("F\n".to_owned(), config, &request, route, Recipient::Known, &onward);
                Some(Plan { text, line: None })
            }
            Ok(_) => None,
            Err(problem) if parked_form::may_wait(&request, &problem) => None,
            Err(problem) => Some(answer(refusal::of_application(config, &request, route, &problem))),
        }
    }

    /// What becomes of the application's response with this status and these headers.
    pub fn judge(&self, packed: &'a str, status: u16, lines: &str) -> Option<Plan> {
        let Arrival::Application(request, route) = self.arrive(packed) else { return None };
        let Ok(config) = self.configured else { return None };
        let refused = |problem: &Problem| Some(answer(refusal::of_application(config, &request, route, problem)));
        let Admitted { claimant, cleared_at } = match access::admit_again(config, &request, route) {
            Ok(admitted) => admitted,
            Err(problem) => return refused(&problem),
        };
        let seen = &Headers::read(lines);
        if matches!(claimant, Claimant::Session(..)) {
            let may_renew =
                status == 401 && caller::token(&request, route) != Token::None && edits::says_invalid_token(seen);
            let may_step_up = status == 401 && request.is_navigation() && step_up::asked_by_application(seen).is_some();
            if may_renew || may_step_up || edits::is_event_stream(seen) {
                return None;
            }
        }
        if edits::asks_for_captcha(seen)
            && let Some(problem) = captcha::asked_by_application(config, cleared_at, request.now())
        {
            return refused(&problem);
        }
        // Nobody asked for another protocol.
        if status == 101 {
            return refused(&Problem::UpstreamUnavailable);
        }
        let recipient = if matches!(claimant, Claimant::Nobody) { Recipient::Nobody } else { Recipient::Known };
        let text = text::of_edits(&edits::response(&request.origin, route, recipient, seen));
        Some(Plan { text, line: None })
    }

    /// What the sender of a request is told of a failure on the way.
    pub fn failed(&self, packed: &'a str, failure: Failure) -> Option<Plan> {
        self.refusal(packed, failure).map(answer)
    }

    /// The same as an answer; none where the request is for no application.
    pub fn refusal(&self, packed: &'a str, failure: Failure) -> Option<Outgoing> {
        let (Ok(config), Arrival::Application(request, route)) = (self.configured, self.arrive(packed)) else {
            return None;
        };
        let problem = match failure {
            Failure::Session => AskError::TimedOut(<GetToken as Request>::TIME_LIMIT_SECONDS).into(),
            Failure::Unreachable => proxy::unreachable(config, route),
            Failure::TooSlow => proxy::too_slow(config, route),
            Failure::Store => Problem::StoreUnavailable,
            Failure::Body => proxy::unreadable_body(),
        };
        Some(refusal::of_application(config, &request, route, &problem))
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
