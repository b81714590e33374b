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

/// A document and its age.
#[derive(Clone, Debug)]
pub struct Cached<T> {
    value: T,
    fetched_at: OffsetDateTime,
    missed_at: Option<OffsetDateTime>,
}

impl<T> Cached<T> {
    /// A document that was fetched at `now`.
    pub const fn new(value: T, now: OffsetDateTime) -> Self {
        Self { value, fetched_at: now, missed_at: None }
    }

    /// Carries the time of the last miss over to a document fetched because of it.
    pub fn after_miss(mut self, at: OffsetDateTime) -> Self {
        self.missed_at = Some(at);
        self
    }

    /// The document, where it need not be fetched.
    pub fn fresh(&self, now: OffsetDateTime) -> Option<&T> {
        (now < self.fetched_at.saturating_add(FRESH)).then_some(&self.value)
    }

    /// The document, where it cannot be fetched.
    pub fn last_good(&self, now: OffsetDateTime) -> Option<&T> {
        (now < self.fetched_at.saturating_add(LAST_GOOD)).then_some(&self.value)
    }

    /// A key was not found. Whether to fetch again because of it: then the miss is noted.
    pub fn miss(&mut self, now: OffsetDateTime) -> bool {
        let due = self.missed_at.is_none_or(|missed_at| now >= missed_at.saturating_add(COOLDOWN));
        if due {
            self.missed_at = Some(now);
        }
        due
    }
}

#[cfg(test)]
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
        let mut cached = Cached::new((), T0);
        let fetches = (0..1000).filter(|ms| cached.miss(T0 + Duration::milliseconds(*ms))).count();
        assert_eq!(fetches, 1);
        assert!(cached.miss(T0 + COOLDOWN));
        assert!(!Cached::new((), T0).after_miss(T0).miss(T0 + Duration::seconds(29)));
    }
}
