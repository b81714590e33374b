//! What an answer may say: every end has a cause, every session that cannot be served has one, and in a calm world nothing fails.

use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::config::DevicePolicy;
use serde_json::Value;
use time::OffsetDateTime;

use super::super::faults::Kind;
use super::super::gateway::Seen;
use super::super::provider::Family;
use super::browser::Browser;
use super::request::Request;
use super::truth::Known;
use super::{Run, THIEF};

pub const LOST: &str = "a session is lost without a cause";
const UNBOUND: &str = "a session that nobody bound wants a proof";
pub const NO_CAUSE: &str = "a session has ended for a reason that nobody gave";

impl Run {
    /// Judges what a browser is told.
    pub fn judge_answer(&self, browser: &Browser, sent: Option<&str>, request: &Request, seen: &Seen) {
        self.judge_calm(request, seen);
        let known = sent.and_then(|cookie| self.truth.of_cookie(cookie));
        let (Some(known), "401" | "503") = (known, seen.what.as_str()) else { return };
        let problem: Value = serde_json::from_str(&seen.body).unwrap_or_default();
        let what = || format!("{} of {}: {}", self.name_of(sent), known.user, seen.body);
        match (problem["code"].as_str(), problem["reason"].as_str()) {
            (Some("session_ended"), Some(reason)) => {
                self.world.tally.must(self.has_cause(&known, reason), NO_CAUSE, what);
            }
            (Some("device_proof_required"), _) => {
                self.world.tally.must(known.device.may_be_bound.get(), UNBOUND, what);
            }
            (Some("login_required"), _) => self.world.tally.must(self.may_need_login(&known), LOST, what),
            _ => {}
        }
        let _ = browser;
    }

    /// In a calm world nothing fails.
    pub fn judge_calm(&self, request: &Request, seen: &Seen) {
        // While a session moves it cannot be bound, and a browser that has no proof says so itself.
        let says_so = request.headers.iter().any(|(name, _)| *name == "secure-session-skipped");
        let is_of_device = request.target.starts_with("/auth/device/register") || says_so;
        // A session that got no refresh token gets no token for a target either; nor one whose grant another session of its user's has ended.
        let rules = &self.world.provider.rules;
        let is_of_target = seen.what == "502" && (rules.strips_offline.get() || rules.one_grant.get());
        let is_error = seen.what.as_str() >= "500" && !is_of_device && !is_of_target;
        self.world.tally.must(!(self.climate.is_calm && is_error), "an error without a cause", || {
            format!("{} {}: {} {}", request.method, request.target, seen.what, seen.body)
        });
    }

    /// Whether a session may have ended so.
    pub fn has_cause(&self, known: &Known, reason: &str) -> bool {
        let (now, slack) = (self.world.executor.now(), self.climate.apart * 2);
        let theirs = |other: &&Rc<Known>| other.browser == known.browser && other.user == known.user;
        match reason {
            // By clocks that differ by more than the product reckons with, a session may seem to have begun before all were ended; a refresh that
            // registers it by another `sid` then finds that.
            "backchannel" if self.truth.slack.is_positive() && self.truth.wanted(known, "revoked") => true,
            "logout" | "revoked" | "backchannel" => self.truth.wanted(known, reason),
            // A use is written down with some delay, and is lost where that cannot be.
            "idle" => {
                let is_due = now + slack >= known.last_used.get() + self.climate.idle.mul_f64(0.9);
                is_due || self.has_mishaps(known) || self.fell_at_its_last_use(known)
            }
            "expired" => {
                let first = self.truth.sessions.borrow().values().filter(theirs).map(|other| other.first_born).min();
                now + slack + std::time::Duration::from_secs(150) >= first.unwrap_or(known.born) + self.climate.absolute
            }
            "refresh_rejected" => self
                .families(known)
                .iter()
                .any(|family| self.world.provider.grants.borrow().get(family).is_some_and(|grant| grant.was_refused)),
            "superseded" => {
                let browser = &self.browsers[known.browser];
                let is_bound = known.device.bound_to.get().is_some() && self.truth.are_devices_asked();
                // A thief's login takes the place of what is not bound, and is itself followed by the owner's next one.
                let by_thief = browser.was_robbed.get() && !is_bound || known.browser == THIEF;
                browser.callbacks_since(known.login_began) > 1 || by_thief
            }
            "device" => self.world.config.device.policy == DevicePolicy::End && known.device.was_unproven.get(),
            "limit" => self.world.config.sessions_per_user == Some(4),
            _ => false,
        }
    }

    /// Whether a session may be without a token that can be renewed.
    pub fn may_need_login(&self, known: &Known) -> bool {
        let is_in_doubt = |family: &Family| {
            let grants = self.world.provider.grants.borrow();
            grants.get(family).is_some_and(|grant| grant.is_in_doubt || grant.was_refused)
        };
        known.ended.get().is_some()
            || known.was_succeeded.get()
            || self.world.provider.rules.strips_offline.get()
            || self.has_mishaps(known)
            || self.families(known).iter().any(is_in_doubt)
            || self.has_unchecked_tokens(known)
    }

    /// Whether new tokens of its user's came that nobody could check: the provider's keys were not to be had.
    fn has_unchecked_tokens(&self, known: &Known) -> bool {
        let user = format!("\"user\":\"{}\"", known.user);
        let log = self.world.log.borrow();
        log.iter().any(|line| line.contains(&user) && line.contains("the refreshed ID token cannot be checked"))
    }

    /// Whether sessions, directories and stores answer in time in this world.
    pub fn answers_in_time(&self) -> bool {
        let late = [
            Kind::MessageHangs,
            Kind::MessageFails,
            Kind::MessageLate,
            Kind::ReplyLost,
            Kind::ReplyLate,
            Kind::KvFails,
            Kind::KvLate,
            Kind::PostgresDrops,
            Kind::PostgresHangs,
            Kind::PostgresLate,
            Kind::PostgresFull,
            Kind::StoresSilent,
        ];
        !late.into_iter().any(|kind| self.world.faults.may(kind))
    }

    /// Whether the process ended right after the last use, which is written a millisecond later.
    fn fell_at_its_last_use(&self, known: &Known) -> bool {
        let used = known.last_used.get();
        let is_then = |at: OffsetDateTime| at >= used && at <= used + Duration::from_secs(1);
        let actors = known.actors.borrow();
        let mut fell = actors.iter().filter_map(|actor| self.world.session(actor)?.ended_at.get());
        fell.any(is_then)
    }

    /// Whether something befell the storage of one of its actors.
    pub fn has_mishaps(&self, known: &Known) -> bool {
        let actors = known.actors.borrow();
        actors.iter().filter_map(|actor| self.world.session(actor)).any(|actor| actor.mishaps.get() > 0)
    }

    /// The families of tokens that may be a session's.
    pub fn families(&self, known: &Known) -> Vec<Family> {
        let grants = self.world.provider.grants.borrow();
        let own = known.families.borrow();
        let is_own = |family: &Family, user: &str, sid: &str| {
            own.contains(family)
                || user == known.user && (sid == known.sid || self.world.provider.rules.one_grant.get())
        };
        grants
            .iter()
            .filter(|(family, grant)| is_own(family, &grant.subject, &grant.sid))
            .map(|(family, _)| *family)
            .collect()
    }
}
