//! Makes room for a session that has begun: a user may have a limited number (`SESSIONS_PER_USER`). Pure.

use time::OffsetDateTime;

use super::Directory;
use crate::actors::directory::row::{RowStatus, SessionRow};
use crate::actors::end_reason::EndReason;
use crate::actors::log::Cause;
use crate::credential::ActorId;

impl Directory {
    /// A session that was registered has begun. Of more than `limit` those are to end that were registered or refreshed least
    /// recently: which. A login that fails after it was registered ends none.
    pub fn begun(&mut self, now: OffsetDateTime, actor: &ActorId, limit: Option<u32>) -> Vec<ActorId> {
        let Some(row) = self.rows.get_mut(actor) else { return Vec::new() };
        let (Some(beginning), Some(limit)) = (row.beginning.take(), limit) else { return Vec::new() };
        if row.standing != RowStatus::Living || row.revoking.is_some() {
            return Vec::new();
        }
        self.make_room(now, actor, beginning.predecessor.as_ref(), limit)
    }

    /// At most so many sessions that were registered a while ago and have not said that they have begun, the oldest first.
    pub fn to_look_at(&self, now: OffsetDateTime, at_most: usize) -> Vec<ActorId> {
        let due = self.rows.iter().filter(|(_, row)| row.look_at().is_some_and(|at| now >= at));
        let mut due: Vec<(OffsetDateTime, &ActorId)> = due.map(|(actor, row)| (row.seen_at, actor)).collect();
        due.sort_unstable();
        due.into_iter().take(at_most).map(|(_, actor)| actor.clone()).collect()
    }

    /// One of them has not begun. It is asked once more `at` that time. Without a time, it reports by itself.
    pub fn not_begun(&mut self, actor: &ActorId, at: Option<OffsetDateTime>) {
        if let Some(beginning) = self.rows.get_mut(actor).and_then(|row| row.beginning.as_mut()) {
            beginning.look_at = at;
        }
    }

    /// Of more living sessions than `limit` the ones are to end that were registered or refreshed least recently. The one
    /// in whose place the new one comes goes anyway.
    fn make_room(
        &mut self,
        now: OffsetDateTime,
        new: &ActorId,
        predecessor: Option<&ActorId>,
        limit: u32,
    ) -> Vec<ActorId> {
        let counts = |actor: &ActorId, row: &SessionRow| {
            row.standing == RowStatus::Living
                && row.revoking.is_none()
                && row.beginning.is_none()
                && now < row.expires_at
                && actor != new
                && Some(actor) != predecessor
        };
        let living = self.rows.iter().filter(|(actor, row)| counts(actor, row));
        let mut living: Vec<(OffsetDateTime, ActorId)> =
            living.map(|(actor, row)| (row.seen_at, actor.clone())).collect();
        living.sort_unstable();
        let others = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(1);
        living.truncate(living.len().saturating_sub(others));
        for (_, actor) in &living {
            if let Some(row) = self.rows.get_mut(actor) {
                row.revoking = Some((EndReason::Limit, Cause::Directory));
            }
        }
        living.into_iter().map(|(_, actor)| actor).collect()
    }
}
