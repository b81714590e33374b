//! What of a provider's published documents is kept, and when it is fetched again. Pure.
//!
//! Documents are fresh for [`FRESH`]; a stale one is fetched again, and goes on serving while that fails, until it
//! is older than [`LAST_GOOD`]. A key that is not in the set is asked for at once, and then at most once in
//! [`COOLDOWN`], so that forged key ids cannot make the gateway hammer its provider.

use time::{Duration, OffsetDateTime};

/// How long a document serves without being fetched again.
pub const FRESH: Duration = Duration::minutes(10);
/// How long it serves when it cannot be fetched again.
pub const LAST_GOOD: Duration = Duration::hours(1);
/// The least time between two fetches because of an unknown key.
pub const COOLDOWN: Duration = Duration::seconds(30);

/// How long a fetch because of an unknown key may be under way, before it is taken for dead.
const IN_FLIGHT: Duration = Duration::seconds(25);

/// A document and its age.
#[derive(Clone, Debug)]
pub struct Cached<T> {
    value: T,
    fetched_at: OffsetDateTime,
    missed: Option<(OffsetDateTime, Refetch)>,
}

/// How a fetch because of an unknown key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refetch {
    /// Somebody does it.
    InFlight,
    /// The document is what it brought.
    Done,
    /// It brought nothing.
    Failed,
}

impl<T> Cached<T> {
    /// A document that was fetched at `now`.
    pub const fn new(value: T, now: OffsetDateTime) -> Self {
        Self { value, fetched_at: now, missed: None }
    }

    /// The document, where it need not be fetched.
    pub fn fresh(&self, now: OffsetDateTime) -> Option<&T> {
        (now < self.fetched_at.saturating_add(FRESH)).then_some(&self.value)
    }

    /// The document, where it cannot be fetched.
    pub fn last_good(&self, now: OffsetDateTime) -> Option<&T> {
        (now < self.fetched_at.saturating_add(LAST_GOOD)).then_some(&self.value)
    }

    /// Whether the document was fetched at this time or later.
    pub fn is_from(&self, at: OffsetDateTime) -> bool {
        self.fetched_at >= at
    }

    /// A key was not found: how the fetch because of it stands. None: it is the caller's to do, and noted.
    pub fn miss(&mut self, now: OffsetDateTime) -> Option<Refetch> {
        let known = self.missed.filter(|(at, refetch)| {
            let counts = if *refetch == Refetch::InFlight { IN_FLIGHT } else { COOLDOWN };
            now < at.saturating_add(counts)
        });
        if known.is_none() {
            self.missed = Some((now, Refetch::InFlight));
        }
        known.map(|(_, refetch)| refetch)
    }

    /// The fetch because of an unknown key brought `value`, or nothing.
    pub fn refetched(&mut self, value: Option<T>, now: OffsetDateTime) {
        let began_at = self.missed.map_or(now, |(at, _)| at);
        self.missed = Some((began_at, if value.is_some() { Refetch::Done } else { Refetch::Failed }));
        if let Some(value) = value {
            self.value = value;
            self.fetched_at = now;
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "fixed times")]
mod tests {
    use super::*;

    const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    #[test]
    fn a_document_is_fresh_for_ten_minutes_and_the_last_good_one_for_an_hour() {
        let cached = Cached::new((), T0);
        assert!(cached.fresh(T0 + FRESH - Duration::seconds(1)).is_some());
        assert!(cached.fresh(T0 + FRESH).is_none());
        assert!(cached.last_good(T0 + LAST_GOOD - Duration::seconds(1)).is_some());
        assert!(cached.last_good(T0 + LAST_GOOD).is_none());
    }

    #[test]
    fn a_thousand_unknown_keys_cause_one_fetch_in_a_cooldown() {
        let mut cached = Cached::new(1, T0);
        assert_eq!(cached.miss(T0), None);
        assert_eq!(cached.miss(T0), Some(Refetch::InFlight));
        cached.refetched(Some(2), T0);
        let fetches = (0..1000).filter(|ms| cached.miss(T0 + Duration::milliseconds(*ms)).is_none()).count();
        assert_eq!(fetches, 0);
        assert_eq!(cached.fresh(T0), Some(&2));
        assert_eq!(cached.miss(T0 + COOLDOWN), None);
    }

    #[test]
    fn a_fetch_that_failed_or_died_is_told_apart_from_one_that_brought_nothing_new() {
        let mut cached = Cached::new((), T0);
        assert_eq!(cached.miss(T0), None);
        assert_eq!(cached.miss(T0 + IN_FLIGHT), None);
        cached.refetched(None, T0 + IN_FLIGHT);
        assert_eq!(cached.miss(T0 + IN_FLIGHT), Some(Refetch::Failed));
    }
}
