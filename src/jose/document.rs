//! A published document (discovery, keys) that many callers want at once. It decides what each of them does, and which one fetches it. Pure.
//!
//! ```text
//!   none ── ask ──► a call, everybody waits ─┬─ it comes ──► fresh for 10 minutes ──► stale: it serves, and one call
//!     ▲                                      └─ it fails ──► no call for 5 s          goes out for a new one
//!     └───────────────────────── an hour after it was fetched ◄────────────────────────────┘
//! ```
//!
//! One call at a time. A failure replaces nothing. A key that is not in the document, or under which a signature is bad,
//! causes a call at once, and the next one 30 s later: neither forged key ids nor an outage make every request a call. What
//! the provider itself handed over does not wait for the 30 s that anybody's token began.

use time::{Duration, OffsetDateTime};

use crate::ambient;

/// How long a document serves without being fetched again.
pub const FRESH: Duration = Duration::minutes(10);
/// How long it serves when it cannot be fetched again.
pub const LAST_GOOD: Duration = Duration::hours(1);
/// The least time between two calls because a document lacked something.
pub const COOLDOWN: Duration = Duration::seconds(30);
/// The pause after a call that failed.
pub const PAUSE: Duration = Duration::seconds(5);
/// How long a call may give no sign of life, before it is taken for dead: its request is gone, and the platform has
/// dropped it.
pub const SILENCE: Duration = Duration::seconds(5);

/// A document, and the state of its fetching. `E` says why it could not be had.
#[derive(Debug)]
pub struct Document<T, E> {
    kept: Option<KeptDocument<T>>,
    call: Option<Call>,
    /// Why the last call failed, and when; none where it did not.
    failure: Option<(OffsetDateTime, E)>,
    /// When the last call began that was made because the document lacked something for the provider's own token.
    missed_by_provider_at: Option<OffsetDateTime>,
    /// The same, for anybody's.
    missed_by_anybody_at: Option<OffsetDateTime>,
    calls: u64,
}

/// A document as it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptDocument<T> {
    /// What it says.
    pub value: T,
    fetched_at: OffsetDateTime,
    version: Version,
}

/// The call that brought a document, or is to bring one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(u64);

#[derive(Debug)]
struct Call {
    version: Version,
    seen_at: OffsetDateTime,
    because_of: Option<Presenter>,
}

/// Who brought the token for which the document lacks something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presenter {
    /// The provider, in an answer of its own.
    Provider,
    /// Anybody who can send a request: it may be forged.
    Anybody,
}

/// What the caller has to do.
#[derive(Debug, PartialEq, Eq)]
pub enum DocumentStep<T, E> {
    /// Use this.
    Use(KeptDocument<T>),
    /// Ask again in a moment: somebody fetches it.
    Wait,
    /// It cannot be had now.
    Fail(E),
}

/// The answer to the caller.
#[derive(Debug, PartialEq, Eq)]
pub struct DocumentAnswer<T, E> {
    /// What to do.
    pub step: DocumentStep<T, E>,
    /// The call that the asker has to make. It says [`Document::alive`] meanwhile, and [`Document::fetched`] in the end.
    pub call: Option<Version>,
}

impl<T, E> Default for Document<T, E> {
    fn default() -> Self {
        Self {
            kept: None,
            call: None,
            failure: None,
            missed_by_provider_at: None,
            missed_by_anybody_at: None,
            calls: 0,
        }
    }
}

impl<T: Clone, E: Clone> Document<T, E> {
    /// Somebody wants the document.
    pub fn ask(&mut self, now: OffsetDateTime) -> DocumentAnswer<T, E> {
        let kept = self.kept.clone().filter(|kept| within(kept.fetched_at, LAST_GOOD, now));
        match kept {
            Some(kept) if within(kept.fetched_at, FRESH, now) => {
                DocumentAnswer { step: DocumentStep::Use(kept), call: None }
            }
            Some(kept) => DocumentAnswer { step: DocumentStep::Use(kept), call: self.call_if_due(now, None).ok() },
            None => self.call_or_wait(now, None),
        }
    }

    /// Somebody who wanted it at `since` did not find in this one what the document ought to have. Where the answer is the
    /// same one again, there is no newer one for now.
    pub fn ask_newer(
        &mut self,
        than: Version,
        presenter: Presenter,
        since: OffsetDateTime,
        now: OffsetDateTime,
    ) -> DocumentAnswer<T, E> {
        let kept = self.kept.clone().filter(|kept| within(kept.fetched_at, LAST_GOOD, now));
        let Some(kept) = kept else { return self.ask(now) };
        if kept.version != than || kept.fetched_at >= since {
            return DocumentAnswer { step: DocumentStep::Use(kept), call: None };
        }
        let under_way = self.call_under_way(now);
        let recent = |at: Option<OffsetDateTime>| at.is_some_and(|at| within(at, COOLDOWN, now));
        let is_too_soon = recent(self.missed_by_provider_at)
            || matches!(presenter, Presenter::Anybody) && recent(self.missed_by_anybody_at);
        match &self.failure {
            Some((_, error)) if is_too_soon && !under_way => {
                DocumentAnswer { step: DocumentStep::Fail(error.clone()), call: None }
            }
            None if is_too_soon && !under_way => DocumentAnswer { step: DocumentStep::Use(kept), call: None },
            _ => self.call_or_wait(now, Some(presenter)),
        }
    }

    /// Somebody wants to know whether the document can be had at all: what it was that recently counts.
    pub fn probe(&mut self, recently: Duration, now: OffsetDateTime) -> DocumentAnswer<T, E> {
        match self.kept.clone().filter(|kept| self.failure.is_none() && within(kept.fetched_at, recently, now)) {
            Some(kept) => DocumentAnswer { step: DocumentStep::Use(kept), call: None },
            None => self.call_or_wait(now, None),
        }
    }

    /// Why there is no document to serve: the last call failed, and none is kept that is young enough.
    pub fn failure(&self, now: OffsetDateTime) -> Option<&E> {
        let serves = self.kept.as_ref().is_some_and(|kept| within(kept.fetched_at, LAST_GOOD, now));
        self.failure.as_ref().filter(|_| !serves).map(|(_, error)| error)
    }

    /// The call is still under way.
    pub fn alive(&mut self, call: Version, now: OffsetDateTime) {
        if let Some(current) = self.call.as_mut().filter(|current| current.version == call) {
            current.seen_at = now;
        }
    }

    /// A call brought the document, as it was at the time that comes with it, or did not.
    pub fn fetched(&mut self, call: Version, result: Result<(T, OffsetDateTime), E>, now: OffsetDateTime) {
        let is_current = self.call.as_ref().is_some_and(|current| current.version == call);
        if is_current {
            self.call = None;
        }
        match result {
            // A call that was taken for dead may end after the one that replaced it.
            Ok(_) if self.kept.as_ref().is_some_and(|kept| kept.version.0 > call.0) => {}
            Ok((value, fetched_at)) => {
                self.kept = Some(KeptDocument { value, fetched_at, version: call });
                self.failure = None;
            }
            Err(error) if is_current => self.failure = Some((now, error)),
            Err(_) => {}
        }
    }

    fn call_or_wait(&mut self, now: OffsetDateTime, because_of: Option<Presenter>) -> DocumentAnswer<T, E> {
        match self.call_if_due(now, because_of) {
            Ok(call) => DocumentAnswer { step: DocumentStep::Wait, call: Some(call) },
            Err(step) => DocumentAnswer { step, call: None },
        }
    }

    /// The call that the caller makes, or what it does instead.
    fn call_if_due(
        &mut self,
        now: OffsetDateTime,
        because_of: Option<Presenter>,
    ) -> Result<Version, DocumentStep<T, E>> {
        if self.call_under_way(now) {
            return Err(DocumentStep::Wait);
        }
        if let Some((_, error)) = self.failure.as_ref().filter(|(at, _)| within(*at, PAUSE, now)) {
            return Err(DocumentStep::Fail(error.clone()));
        }
        self.calls = self.calls.wrapping_add(1);
        let version = Version(self.calls);
        self.call = Some(Call { version, seen_at: now, because_of });
        self.missed(because_of, Some(now));
        Ok(version)
    }

    fn missed(&mut self, because_of: Option<Presenter>, at: Option<OffsetDateTime>) {
        match because_of {
            Some(Presenter::Provider) => self.missed_by_provider_at = at,
            Some(Presenter::Anybody) => self.missed_by_anybody_at = at,
            None => {}
        }
    }

    /// Whether a call is under way. A dead call does not count.
    fn call_under_way(&mut self, now: OffsetDateTime) -> bool {
        match &self.call {
            Some(call) if within(call.seen_at, SILENCE, now) => true,
            Some(call) => {
                let because_of = call.because_of;
                self.missed(because_of, None);
                self.call = None;
                false
            }
            None => false,
        }
    }
}

impl<T> KeptDocument<T> {
    /// Which one it is.
    pub const fn version(&self) -> Version {
        self.version
    }
}

/// Whether `at` is less than `span` ago. Clocks may go back: a time more than `span` in the future counts as over.
fn within(at: OffsetDateTime, span: Duration, now: OffsetDateTime) -> bool {
    ambient::between(at, now).abs() < span
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
