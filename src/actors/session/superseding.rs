//! The sessions whose place this one took: which of them do not know it yet, and when the next try is. Pure.
//!
//! It stands in the record from the very write that makes the login a session, so that no crash forgets it: the cookie from
//! before the login must not go on serving.

use time::{Duration, OffsetDateTime};

use super::attempt::Predecessor;
use crate::actors::stored::stored_form;
use crate::credential::ActorId;

/// The pauses between tries. The last one repeats.
const PAUSES: [Duration; 5] =
    [Duration::seconds(1), Duration::seconds(5), Duration::seconds(30), Duration::minutes(2), Duration::minutes(10)];

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Superseding {
    sessions: Vec<Predecessor>,
    /// When this session's own login was completed.
    signed_in_at: Option<OffsetDateTime>,
    next_at: Option<OffsetDateTime>,
    tries: u8,
}

stored_form! {
    /// [`Superseding`], as it is stored.
    SupersedingV2 of Superseding {
        sessions: Vec<Predecessor>,
        signed_in_at: Option<OffsetDateTime>,
        next_at: Option<OffsetDateTime>,
        tries: u8,
    }
}

impl Superseding {
    /// These are to be told, each once.
    pub fn of(now: OffsetDateTime, sessions: impl IntoIterator<Item = Predecessor>) -> Self {
        let mut all: Vec<Predecessor> = Vec::new();
        for session in sessions {
            match all.iter_mut().find(|known| known.actor == session.actor) {
                // Of one that is named twice, the better proof counts.
                Some(known) => known.is_proven |= session.is_proven,
                None => all.push(session),
            }
        }
        Self { sessions: all, signed_in_at: Some(now), ..Self::default() }.paused(now)
    }

    /// Those who have yet to be told.
    pub fn sessions(&self) -> &[Predecessor] {
        &self.sessions
    }

    /// When this session's own login was completed.
    pub const fn signed_in_at(&self) -> Option<OffsetDateTime> {
        self.signed_in_at
    }

    /// When to try again.
    pub const fn due_at(&self) -> Option<OffsetDateTime> {
        self.next_at
    }

    /// Whether to try again now.
    pub fn is_due(&self, now: OffsetDateTime) -> bool {
        self.next_at.is_some_and(|at| now >= at)
    }

    /// These know now; the others are told later.
    pub fn told(mut self, now: OffsetDateTime, told: &[ActorId]) -> Self {
        self.sessions.retain(|session| !told.contains(&session.actor));
        self.tries = self.tries.saturating_add(1);
        self.paused(now)
    }

    /// All know.
    pub fn all_told(self) -> Self {
        Self { signed_in_at: self.signed_in_at, ..Self::default() }
    }

    fn paused(self, now: OffsetDateTime) -> Self {
        let [.., last] = PAUSES;
        let pause = PAUSES.get(usize::from(self.tries)).copied().unwrap_or(last);
        let next_at = (!self.sessions.is_empty()).then(|| now.saturating_add(pause));
        Self { next_at, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::Secret;

    const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn predecessor(digit: &str) -> Predecessor {
        let secret_hash = Secret::from_random([1; 32]).hash();
        Predecessor { actor: digit.repeat(64).parse().unwrap(), secret_hash, is_proven: true }
    }

    #[test]
    fn a_session_that_does_not_answer_is_told_again_until_it_does() {
        let mut superseding = Superseding::of(T0, [predecessor("a"), predecessor("b"), predecessor("a")]);
        assert_eq!(superseding.sessions().len(), 2);
        let mut now = T0;
        for seconds in [1, 5, 30, 120, 600, 600, 600] {
            assert!(!superseding.is_due(now));
            now = now.saturating_add(Duration::seconds(seconds));
            assert!(superseding.is_due(now), "{seconds}");
            superseding = superseding.told(now, &[predecessor("b").actor]);
        }
        assert_eq!(superseding.sessions().len(), 1);
        let superseding = superseding.told(now, &[predecessor("a").actor]);
        assert!(superseding.sessions().is_empty() && superseding.due_at().is_none());
    }

    #[test]
    fn the_time_of_the_login_is_remembered_whoever_has_been_told() {
        let superseding = Superseding::of(T0, [predecessor("a"), predecessor("b")]);
        assert_eq!(superseding.signed_in_at(), Some(T0));
        let later = T0.saturating_add(Duration::seconds(1));
        let told = superseding.told(later, &[predecessor("a").actor]);
        assert_eq!((told.signed_in_at(), told.sessions().len()), (Some(T0), 1));
        let all_told = told.all_told();
        assert_eq!((all_told.signed_in_at(), all_told.sessions().len()), (Some(T0), 0));
        assert_eq!((all_told.due_at(), Superseding::default().signed_in_at()), (None, None));
    }

    #[test]
    fn of_a_session_that_is_named_twice_the_better_proof_counts() {
        let unproven = || Predecessor { is_proven: false, ..predecessor("a") };
        for (sessions, expected) in [([unproven(), predecessor("a")], true), ([unproven(), unproven()], false)] {
            let superseding = Superseding::of(T0, sessions);
            assert_eq!(superseding.sessions().iter().map(|known| known.is_proven).collect::<Vec<_>>(), [expected]);
        }
    }

    #[test]
    fn nothing_is_due_where_nobody_is_to_be_told() {
        assert_eq!(Superseding::of(T0, []).due_at(), None);
    }
}
