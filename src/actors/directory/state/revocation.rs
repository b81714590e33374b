//! All sessions, or some, are to end. This says which, and which have confirmed that they are over. Pure.

use time::OffsetDateTime;

use super::{Directory, SKEW};
use crate::actors::directory::row::RowStatus;
use crate::actors::directory::state::concerns;
use crate::actors::directory_message::{DirectoryError, RevokeAll};
use crate::credential::ActorId;

/// How a session is over that was to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It has ended, now or before.
    Ended,
    /// It lives in another actor.
    Moved,
    /// There is no such session.
    Unknown,
}

impl Directory {
    /// All sessions are to end: those that do from now on. Those that could not be reached at an earlier time are among
    /// them, and those that are over are not asked.
    pub fn revoke_all(&mut self, now: OffsetDateTime, revoke: &RevokeAll) -> Result<Vec<ActorId>, DirectoryError> {
        if let Some(token) = &revoke.logout_token {
            let replayed = self.facts.logout_tokens.insert(token.jti.clone(), token.expires_at).is_some();
            if replayed {
                let unfinished = self.revoking();
                return if unfinished.is_empty() { Err(DirectoryError::Replayed) } else { Ok(unfinished) };
            }
        }
        // The clock of a login that began before this request may be ahead of this one. A login that begins after the answer is
        // new by any clock, as the answer waits ([`SKEW`]).
        let at = self.stamp(now).saturating_add(SKEW);
        self.facts.revocations.push((at, revoke.counterpart.clone()));
        let living = self.rows.values_mut().filter(|row| row.standing == RowStatus::Living);
        for row in living.filter(|row| concerns(&revoke.counterpart, &row.counterpart)) {
            row.revoking = Some((revoke.reason, revoke.cause.clone()));
        }
        Ok(self.revoking())
    }

    /// The sessions that are to end and have not confirmed it yet.
    pub fn revoking(&self) -> Vec<ActorId> {
        self.rows.iter().filter(|(_, row)| row.revoking.is_some()).map(|(actor, _)| actor.clone()).collect()
    }

    /// The first of them behind `after`, and how many there are behind those.
    pub fn revoking_behind(&self, after: Option<&ActorId>, at_most: u32) -> (Vec<ActorId>, u32) {
        let mut actors: Vec<ActorId> = self.revoking().into_iter().filter(|actor| Some(actor) > after).collect();
        let left = actors.len().saturating_sub(usize::try_from(at_most).unwrap_or(usize::MAX));
        actors.truncate(actors.len().saturating_sub(left));
        (actors, u32::try_from(left).unwrap_or(u32::MAX))
    }

    /// A session said how it is over.
    pub fn revoked(&mut self, now: OffsetDateTime, actor: &ActorId, how: Gone) {
        let stamp = self.stamp(now);
        match (self.rows.get_mut(actor), how) {
            (Some(row), Gone::Ended) => row.end(stamp, None),
            // Its successor has a row of its own. It reports its own state when its grace is over.
            (Some(row), Gone::Moved) => row.revoking = None,
            // Nobody lists what never was.
            (_, Gone::Unknown) => drop(self.rows.remove(actor)),
            (None, _) => {}
        }
    }

    /// The sessions that are to end are asked again at this time at the latest.
    pub fn retry_by(&mut self, at: OffsetDateTime) {
        self.retry_at = Some(self.retry_at.map_or(at, |known| known.min(at)));
    }

    /// The sessions that are to end are being asked now. `next` is the next time.
    pub fn retried(&mut self, next: OffsetDateTime) {
        self.retry_at = Some(next);
    }
}
