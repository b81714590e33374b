//! A published document that many requests ask for at once: what each of them does, and who fetches it. Pure.
//!
//! [`super::cache`] says for how long it serves. While one fetch is under way nobody starts another; after one that
//! failed there is a pause. So neither forged key ids nor an outage make every request a fetch.

use time::{Duration, OffsetDateTime};

use super::cache::{COOLDOWN, Cached, Refetch};

/// The pause after a fetch that failed, where there is nothing to serve meanwhile.
const PAUSE: Duration = Duration::seconds(5);
/// How long a fetch may be under way, before it is taken for dead.
const IN_FLIGHT: Duration = Duration::seconds(25);

/// A document, and how its fetching stands.
#[derive(Debug)]
pub struct Document<T> {
    kept: Option<Cached<T>>,
    /// The last fetch that was not because of an unknown key: when it began, and whether it failed.
    attempt: Option<(OffsetDateTime, bool)>,
    /// Whether the fetch that is under way is because of an unknown key.
    missed: bool,
}

/// What one who asks has to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Use this.
    Use(T),
    /// Ask again in a moment: somebody fetches it.
    Wait,
    /// There is none, and it cannot be had now.
    Unavailable,
}

/// The answer to one who asks.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What to do.
    pub step: Step<T>,
    /// Whether the asker is the one who has to start a fetch, and to report with [`Document::fetched`].
    pub fetch: bool,
}

impl<T> Default for Document<T> {
    fn default() -> Self {
        Self { kept: None, attempt: None, missed: false }
    }
}

impl<T: Clone> Document<T> {
    /// Somebody wants the document.
    pub fn ask(&mut self, now: OffsetDateTime) -> Answer<T> {
        if let Some(fresh) = self.kept.as_ref().and_then(|kept| kept.fresh(now)) {
            return Answer { step: Step::Use(fresh.clone()), fetch: false };
        }
        let last_good = self.kept.as_ref().and_then(|kept| kept.last_good(now)).cloned();
        let pause = if last_good.is_some() { COOLDOWN } else { PAUSE };
        let (waits, is_out) = match self.attempt {
            Some((at, false)) => (now < at.saturating_add(IN_FLIGHT), false),
            Some((at, true)) => (now < at.saturating_add(pause), true),
            None => (false, false),
        };
        if !waits {
            self.attempt = Some((now, false));
        }
        let step = match last_good {
            Some(last_good) => Step::Use(last_good),
            None if waits && is_out => Step::Unavailable,
            None => Step::Wait,
        };
        Answer { step, fetch: !waits }
    }

    /// Somebody who asked at `asked_at` did not find a key in it.
    pub fn ask_again(&mut self, asked_at: OffsetDateTime, now: OffsetDateTime) -> Answer<T> {
        let Some(kept) = &mut self.kept else { return self.ask(now) };
        let Some(last_good) = kept.last_good(now).cloned() else { return self.ask(now) };
        if kept.is_from(asked_at) {
            return Answer { step: Step::Use(last_good), fetch: false };
        }
        match kept.miss(now) {
            None => {
                self.missed = true;
                Answer { step: Step::Wait, fetch: true }
            }
            Some(Refetch::InFlight) => Answer { step: Step::Wait, fetch: false },
            Some(Refetch::Done | Refetch::Failed) => Answer { step: Step::Use(last_good), fetch: false },
        }
    }

    /// A fetch brought the document, or nothing.
    pub fn fetched(&mut self, value: Option<T>, now: OffsetDateTime) {
        match &mut self.kept {
            Some(kept) if std::mem::take(&mut self.missed) => kept.refetched(value, now),
            kept => {
                self.attempt = value.is_none().then_some((now, true));
                *kept = value.map(|value| Cached::new(value, now)).or_else(|| kept.take());
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "fixed times")]
mod tests {
    use super::*;
    use crate::provider::cache::{FRESH, LAST_GOOD};

    const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const SECOND: Duration = Duration::SECOND;

    fn answer<T>(step: Step<T>, fetch: bool) -> Answer<T> {
        Answer { step, fetch }
    }

    #[test]
    fn the_first_one_fetches_and_the_others_wait_for_it() {
        let mut document = Document::default();
        assert_eq!(document.ask(T0), answer(Step::Wait, true));
        assert_eq!(document.ask(T0), answer(Step::Wait, false));
        assert_eq!(document.ask(T0 + IN_FLIGHT), answer(Step::Wait, true), "the first one died");
        document.fetched(Some(1), T0 + IN_FLIGHT);
        assert_eq!(document.ask(T0 + IN_FLIGHT), answer(Step::Use(1), false));
    }

    #[test]
    fn a_stale_document_serves_while_one_fetch_is_under_way_and_after_it_failed() {
        let mut document = Document::default();
        document.fetched(Some(1), T0);
        assert_eq!(document.ask(T0 + FRESH), answer(Step::Use(1), true));
        assert_eq!(document.ask(T0 + FRESH), answer(Step::Use(1), false));
        document.fetched(None, T0 + FRESH);
        assert_eq!(document.ask(T0 + FRESH + COOLDOWN - SECOND), answer(Step::Use(1), false));
        assert_eq!(document.ask(T0 + FRESH + COOLDOWN), answer(Step::Use(1), true));
        document.fetched(None, T0 + LAST_GOOD);
        assert_eq!(document.ask(T0 + LAST_GOOD), answer(Step::Unavailable, false));
        assert_eq!(document.ask(T0 + LAST_GOOD + PAUSE), answer(Step::Wait, true));
    }

    #[test]
    fn unknown_keys_cause_one_fetch_in_a_cooldown_and_none_in_a_document_that_is_newer_than_the_question() {
        let mut document = Document::default();
        document.fetched(Some(1), T0);
        assert_eq!(document.ask_again(T0 - SECOND, T0), answer(Step::Use(1), false));
        assert_eq!(document.ask_again(T0 + SECOND, T0 + SECOND), answer(Step::Wait, true));
        assert_eq!(document.ask_again(T0 + SECOND, T0 + SECOND), answer(Step::Wait, false));
        document.fetched(Some(2), T0 + SECOND * 2);
        for seconds in 3..31 {
            let at = T0 + SECOND * seconds;
            assert_eq!(document.ask_again(at, at), answer(Step::Use(2), false));
        }
        let at = T0 + SECOND * 31;
        assert_eq!(document.ask_again(at, at), answer(Step::Wait, true));
        document.fetched(None, at);
        assert_eq!(document.ask_again(at, at), answer(Step::Use(2), false), "unknown meanwhile");
    }
}
