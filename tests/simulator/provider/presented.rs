//! What the provider notes of refresh tokens that are presented: by whom, when, and whether pauses hold.

use std::rc::Rc;
use std::time::Duration;

use http::Request;
use time::OffsetDateTime;

use super::super::executor::Process;
use super::super::http::WAY;
use super::{Caller, Family, Provider, form};

/// The tries of a series: one, and three again.
const SERIES: usize = 4;
/// The least time that a series takes (half a second, one, two), where each try was answered "not now".
const SERIES_TAKES: Duration = Duration::from_millis(3_500);

/// How long somebody's wish for a refresh may be on its way.
const WISH_TAKES: Duration = Duration::from_secs(40);

/// How often who waits for a document looks whether it is there.
const LOOKS_EVERY: Duration = Duration::from_millis(20);

/// One time that a refresh token was presented.
pub struct Presentation {
    at: OffsetDateTime,
    process: Option<Process>,
    /// The provider asked for patience until then, and this process was told so.
    patience: Option<OffsetDateTime>,
}

/// A call that presents a refresh token, or fetches a document, and whose answer somebody waits for.
pub struct Watch {
    provider: Rc<Provider>,
    token: Option<String>,
    process: Option<Process>,
    is_document: bool,
}

impl Watch {
    /// The answer is there. Until it is checked and written down, the end of the process may still lose it.
    pub fn answered(self) {
        self.fetched();
        let (Some(token), Some(process)) = (self.token, self.process) else { return };
        let now = self.provider.now();
        self.provider.in_flight.borrow_mut().retain(|(known, by)| *known != token || *by != process);
        self.provider.answered.borrow_mut().insert(process, (token, now));
    }

    /// A document is there, or is not to be had.
    fn fetched(&self) {
        let Some(process) = self.process.filter(|_| self.is_document) else { return };
        let mut fetching = self.provider.fetching.borrow_mut();
        let at = fetching.iter().position(|known| *known == process);
        if let Some(at) = at {
            fetching.swap_remove(at);
        }
        self.provider.fetched_at.borrow_mut().insert(process, self.provider.now());
    }

    /// There is none.
    pub fn failed(self) {
        self.fetched();
        self.provider.doubt(self.token.as_deref());
    }
}

impl Provider {
    /// A process ended. It may not have written down yet what it was answered: not where it waits for the keys that the answer is checked with,
    /// nor in the moment that it has all it needs, for which it looks every 20 ms.
    pub fn process_ended(&self, process: Process) {
        let last = self.answered.borrow_mut().remove(&process);
        let fetched_at = self.fetched_at.borrow_mut().remove(&process);
        let is_fetching = self.fetching.borrow().contains(&process);
        self.fetching.borrow_mut().retain(|known| *known != process);
        let has_all = |at: OffsetDateTime| fetched_at.map_or(at, |then| at.max(then + LOOKS_EVERY));
        let is_unwritten = |at: OffsetDateTime| is_fetching || self.now() <= has_all(at);
        if let Some((token, _)) = last.filter(|(_, at)| is_unwritten(*at)) {
            self.doubt(Some(&token));
        }
        // (What a process waits for is not always dropped with it: a flight and its session hold each other.)
        let waiting: Vec<String> = {
            let in_flight = self.in_flight.borrow();
            in_flight.iter().filter(|(_, by)| *by == process).map(|(token, _)| token.clone()).collect()
        };
        self.in_flight.borrow_mut().retain(|(_, by)| *by != process);
        waiting.iter().for_each(|token| self.doubt(Some(token)));
    }

    /// Watches a call of the token endpoint that presents a refresh token, or one of a document.
    pub fn watch(self: &Rc<Self>, request: &Request<Vec<u8>>, process: Option<Process>) -> Watch {
        let token = (request.uri().path() == "/token").then(|| form(request.body()).remove("refresh_token")).flatten();
        if let (Some(token), Some(process)) = (&token, process) {
            self.in_flight.borrow_mut().push((token.clone(), process));
        }
        let is_document = matches!(request.uri().path(), "/jwks" | "/.well-known/openid-configuration");
        self.fetching.borrow_mut().extend(process.filter(|_| is_document));
        Watch { provider: Rc::clone(self), token, process, is_document }
    }

    /// The process that presents a refresh token, or else the one that was last answered.
    pub fn last_presenter(&self) -> Option<Process> {
        let presents = self.in_flight.borrow().last().map(|(_, process)| *process);
        let answered = || self.answered.borrow().iter().max_by_key(|(_, (_, at))| *at).map(|(process, _)| *process);
        presents.or_else(answered)
    }

    /// Whether a refresh token is on its way, or its answer.
    pub fn is_presenting(&self) -> bool {
        !self.in_flight.borrow().is_empty()
    }

    /// Nobody may know what became of this token.
    pub fn doubt(&self, token: Option<&str>) {
        let family = token.and_then(|token| self.tokens.borrow().get(token).map(|token| token.family));
        if let Some(family) = family
            && let Some(grant) = self.grants.borrow_mut().get_mut(&family)
        {
            grant.is_in_doubt = true;
        }
    }

    pub(super) fn ask_for_patience(&self, token: &str, span: Duration) {
        let until = self.now() + span;
        if let Some(last) = self.tokens.borrow_mut().get_mut(token).and_then(|token| token.presentations.last_mut()) {
            last.patience = Some(until);
        }
    }

    pub(super) fn note_presentation(&self, token: &str, caller: &Caller) {
        let now = self.now();
        let mut tokens = self.tokens.borrow_mut();
        let Some(known) = tokens.get_mut(token) else { return };
        let process = caller.actor.as_ref().map(|(_, process)| *process);
        if let Some((actor, _)) = &caller.actor {
            let mut grants = self.grants.borrow_mut();
            let presenters = &mut grants.entry(known.family).or_default().presenters;
            if presenters.last() != Some(actor) {
                let is_back = presenters.contains(actor) && !self.rules.one_grant.get();
                self.tally.must(!is_back, "a grant has two owners", || format!("{token} by {actor}, {presenters:?}"));
                presenters.push(actor.clone());
            }
        }
        known.presentations.push(Presentation { at: now, process, patience: None });
        let same: Vec<&Presentation> = known.presentations.iter().filter(|one| one.process == process).collect();
        if let [.., last, _] = same.as_slice() {
            // With a leeway a token is presented again at once where an answer was lost, and that one may have asked for patience.
            let asked = last.patience.filter(|_| self.rules.leeway.get().is_zero());
            let is_early = asked.is_some_and(|until| now + self.rules.tolerance.get() < until);
            self.tally.must(!is_early, "the provider's Retry-After was not kept", || format!("{token} by {process:?}"));
        }
        let least =
            least_span(same.len() - 1, self.rules.leeway.get().is_zero()).saturating_sub(self.rules.tolerance.get());
        self.tally.must(now >= same[0].at + least, "a pause after failures was not kept", || {
            format!("{token} the {}th time by {process:?}", same.len())
        });
    }

    /// New tokens come before those of the last time are old, and nobody asked for that.
    pub(super) fn check_single_flight(&self, subject: &str, family: Family) {
        let grants = self.grants.borrow();
        let Some(grant) = grants.get(&family) else { return };
        // Who inherits a refresh token has an access token of its own, which may be older.
        if self.rules.strips_offline.get() && grant.presenters.len() != grant.presenters_then {
            return;
        }
        let Some(last) = grant.granted_at.filter(|last| self.nobody_wanted_more(subject, *last)) else { return };
        let due = self.due_after(last);
        // A retry of the same token brings the same tokens once more.
        let excused = self.rules.one_grant.get() || !self.rules.leeway.get().is_zero();
        self.tally.must(excused || self.now() >= due, "more than one refresh for an expiry", || {
            format!("family {family} of {subject}, {} after the last", self.now() - last)
        });
    }
}

impl Provider {
    /// The same for an access token that a target has of its own.
    pub(super) fn check_single_flight_for(&self, target: &str, subject: &str, family: Family) {
        let mut grants = self.grants.borrow_mut();
        let Some(grant) = grants.get_mut(&family) else { return };
        let last = grant.granted_for_at.insert(target.to_owned(), self.now());
        let Some(last) = last.filter(|last| self.nobody_wanted_more(subject, *last)) else { return };
        // Who inherits a refresh token inherits no token for a target.
        let is_inherited = self.rules.strips_offline.get();
        let excused = is_inherited || self.rules.one_grant.get() || !self.rules.leeway.get().is_zero();
        let is_due = self.now() >= self.due_after(last);
        self.tally.must(excused || is_due, "more than one token for an expiry of a target", || {
            format!("{target}, family {family} of {subject}, {} after the last", self.now() - last)
        });
    }

    /// Whether nobody wants newer tokens than those of then.
    fn nobody_wanted_more(&self, subject: &str, last: OffsetDateTime) -> bool {
        self.forced.borrow().get(subject).is_none_or(|forced| *forced + WISH_TAKES < last)
    }

    /// When tokens may be renewed at the earliest. It is counted from when they were asked for.
    fn due_after(&self, last: OffsetDateTime) -> OffsetDateTime {
        let early = self.rules.tolerance.get() + WAY;
        last + self.rules.life.get().mul_f64(0.74).saturating_sub(early)
    }
}

/// How long after the first time a token may be presented once more, after so many times in one process.
fn least_span(times: usize, is_strict: bool) -> Duration {
    (0..times / SERIES).fold(Duration::ZERO, |sum, series| {
        let pause =
            Duration::from_secs(30).min(Duration::from_secs(5) * 2_u32.pow(u32::try_from(series).unwrap().min(8)));
        sum + pause + if is_strict { SERIES_TAKES } else { Duration::ZERO }
    })
}
