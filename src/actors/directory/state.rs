//! What a directory knows, and what it makes of what it is asked. It decides; the shell does. Pure.
//!
//! ```text
//!   Register ──► row ── Observe ──► row, moved now         (at most once in a minimum stay)
//!                 ├─── RevokeAll, or too many ─► row, revoking ──► row, ended  (the session said that it is over)
//!                 ├─── Report ─► row, begun; or seen now; or ended; or moved
//!                 └─── Forget, or its time is up ──► gone
//! ```
//!
//! Every decision takes the time. A revocation is remembered for as long as a login that began before it can be under
//! way, and a logout token for as long as it could be presented again.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};

use super::message::{DirectoryError, News, Observe, Register, RevokeAll, Verdict};
use super::page::CursorKey;
use super::row::{Beginning, Row, Standing};
use crate::actors::log::Cause;
use crate::actors::session::message::EndReason;
use crate::config::{RegionPolicy, Regions};
use crate::credential::ActorId;

/// When to try again to end a session that could not be reached.
pub const TRY_AGAIN: Duration = Duration::seconds(10);
/// When a session that has not said that it has begun is asked: its login is over by then, as a rule.
pub const LOOK_AFTER: Duration = Duration::seconds(30);
/// How much longer than a session a row is kept that nobody took away, and a fact after its time: clocks differ.
pub(super) const MARGIN: Duration = Duration::hours(1);
/// How far the clocks of two machines may be apart, at most. A login began by another clock than the directory's.
pub const SKEW: Duration = Duration::milliseconds(250);
/// How long a session that was taken away is not registered again: the message that registers it may still be on its way.
const TAKEN_AWAY_FOR: Duration = Duration::minutes(10);
/// How far back this directory's own clock may go without what it writes down getting out of order.
const STEPS_BACK: Duration = Duration::minutes(1);

/// What outlives the rows it was about.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// When sessions were ended: all, or those of a session of the provider.
    pub revocations: Vec<(OffsetDateTime, Option<String>)>,
    /// The logout tokens that have counted, by `jti`, and until when they would be accepted.
    pub logout_tokens: BTreeMap<String, OffsetDateTime>,
    /// The sessions that were taken away, and until when they are not registered again.
    pub taken_away: BTreeMap<ActorId, OffsetDateTime>,
    /// What authenticates the cursors of lists; none before the first one.
    pub cursor_key: Option<CursorKey>,
}

/// A directory.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// Its sessions.
    pub rows: BTreeMap<ActorId, Row>,
    /// The rest.
    pub facts: Facts,
    /// The last time that was written down; none until it is known.
    latest: Option<OffsetDateTime>,
    /// When those that are to end are asked again; none while there are none. What is written meanwhile does not put it off.
    retry_at: Option<OffsetDateTime>,
}

impl Directory {
    /// The time, later than every time before, so that what is written down has an order. A clock that goes back by much
    /// is believed: what it says holds for the logins of the hours to come.
    pub fn stamp(&mut self, now: OffsetDateTime) -> OffsetDateTime {
        let known = self.latest.or_else(|| {
            let ends = self.rows.values().filter_map(|row| match row.standing {
                Standing::Ended { at, .. } => Some(at),
                Standing::Living | Standing::Moved => None,
            });
            self.rows.values().map(|row| row.seen_at).chain(ends).max()
        });
        let next = known.map(|known| known.saturating_add(Duration::MICROSECOND));
        let next = next.filter(|next| *next <= now.saturating_add(STEPS_BACK));
        let stamp = next.map_or(now, |next| next.max(now));
        self.latest = Some(stamp);
        stamp
    }

    /// A session is about to begin, unless all were ended since its login or move began. Where there is a limit, room is made for
    /// it once it has ([`Directory::begun`]).
    pub fn register(&mut self, now: OffsetDateTime, register: Register, has_limit: bool) -> Result<(), DirectoryError> {
        let Register { actor, began_at, sid, place, created_at, expires_at, predecessor, limited } = register;
        if self.facts.taken_away.contains_key(&actor) {
            return Err(DirectoryError::TakenAway);
        }
        let overtaken = |(at, ended): &(OffsetDateTime, Option<String>)| *at >= began_at && concerns(ended, &sid);
        if self.facts.revocations.iter().any(overtaken) {
            return Err(DirectoryError::Overtaken);
        }
        let old = predecessor.as_ref().and_then(|predecessor| self.rows.get(predecessor));
        // A session that is to end and has not heard of it yet does not get away by a move. (A login is a new session.)
        let is_move = |old: &&Row| old.created_at == created_at && predecessor.as_ref() != Some(&actor);
        if old.filter(is_move).is_some_and(|old| old.revoking.is_some()) {
            return Err(DirectoryError::Overtaken);
        }
        let moved_at = old.and_then(|old| {
            // An administrator moves sessions, too; the user's next region is not to move them straight back.
            if old.place.region == place.region { old.moved_at } else { Some(now) }
        });
        // Right before it in a list: a list that shows the one does not show the other.
        let seen_before = old.map(|old| old.seen_at.saturating_add(Duration::NANOSECOND));
        // A session that is known already makes itself known by another `sid`.
        let known = self.rows.get(&actor);
        let beginning = match known {
            Some(row) => row.beginning.clone(),
            None => {
                (has_limit && limited).then(|| Beginning { predecessor, look_at: Some(now.saturating_add(LOOK_AFTER)) })
            }
        };
        let revoking = known.and_then(|row| row.revoking);
        let standing = known.map_or(Standing::Living, |row| row.standing.clone());
        let seen_at = self.stamp(now);
        let row =
            Row { sid, place, created_at, expires_at, moved_at, revoking, seen_at, seen_before, standing, beginning };
        self.rows.insert(actor, row);
        Ok(())
    }

    /// A session that was registered has begun. Of more than `limit` those are to end that were registered or refreshed least
    /// recently: which. A login that fails after it was registered ends none.
    pub fn begun(&mut self, now: OffsetDateTime, actor: &ActorId, limit: Option<u32>) -> Vec<ActorId> {
        let Some(row) = self.rows.get_mut(actor) else { return Vec::new() };
        let (Some(beginning), Some(limit)) = (row.beginning.take(), limit) else { return Vec::new() };
        if row.standing != Standing::Living || row.revoking.is_some() {
            return Vec::new();
        }
        self.make_room(now, actor, beginning.predecessor.as_ref(), limit)
    }

    /// Those that were registered a while ago and have not said that they have begun, the first ones first: at most so many.
    pub fn to_look_at(&self, now: OffsetDateTime, at_most: usize) -> Vec<ActorId> {
        let due = self.rows.iter().filter(|(_, row)| row.look_at().is_some_and(|at| now >= at));
        let mut due: Vec<(OffsetDateTime, &ActorId)> = due.map(|(actor, row)| (row.seen_at, actor)).collect();
        due.sort_unstable();
        due.into_iter().take(at_most).map(|(_, actor)| actor.clone()).collect()
    }

    /// One of them has not begun. It is looked at once more `at` that time; where there is none, it says itself that it has.
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
        let counts = |actor: &ActorId, row: &Row| {
            row.standing == Standing::Living
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

    /// What has become of a session: whether the directory knows it.
    pub fn report(&mut self, now: OffsetDateTime, actor: &ActorId, news: News) -> bool {
        let stamp = self.stamp(now);
        let Some(row) = self.rows.get_mut(actor) else { return false };
        match news {
            News::Refreshed => {
                row.seen_before = Some(row.seen_at);
                row.seen_at = stamp;
            }
            News::Began => {}
            News::Ended { last_used_at } => row.end(stamp, last_used_at),
            News::Moved => {
                row.standing = Standing::Moved;
                row.revoking = None;
            }
        }
        true
    }

    /// A list of the moment `at` found a session to be over: it comes among those that were by then.
    pub fn found_over(&mut self, at: OffsetDateTime, actor: &ActorId, last_used_at: Option<OffsetDateTime>) {
        if let Some(row) = self.rows.get_mut(actor) {
            row.end(at, last_used_at);
        }
    }

    /// A session is gone: whether the directory knew it. It does not come back.
    pub fn forget(&mut self, now: OffsetDateTime, actor: &ActorId) -> bool {
        self.facts.taken_away.insert(actor.clone(), now.saturating_add(TAKEN_AWAY_FOR));
        self.rows.remove(actor).is_some()
    }

    /// What it means that a session was used from another region. A move that is granted counts from now on, however
    /// it comes out: a provider that refuses it is not asked again before the minimum stay is over.
    pub fn observe(&mut self, now: OffsetDateTime, observe: &Observe, regions: &Regions) -> Verdict {
        let stay = Verdict::Stay { until: now.saturating_add(regions.min_stay) };
        let verdict = match regions.policy {
            RegionPolicy::Reauthenticate => Verdict::Reauthenticate,
            RegionPolicy::Migrate => Verdict::Migrate,
            RegionPolicy::Pin => return stay,
        };
        let Some(row) = self.rows.get_mut(&observe.actor) else { return stay };
        if row.revoking.is_some() || row.standing != Standing::Living || row.place.region == observe.region {
            return stay;
        }
        match row.moved_at.map(|at| at.saturating_add(regions.min_stay)) {
            Some(until) if now < until => Verdict::Stay { until },
            _ => {
                row.moved_at = Some(now);
                verdict
            }
        }
    }

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
        // By the clock of a login that began before this was asked for it may be later. One that begins after the answer is a
        // new one by any clock: the answer waits ([`SKEW`]).
        let at = self.stamp(now).saturating_add(SKEW);
        self.facts.revocations.push((at, revoke.sid.clone()));
        let living = self.rows.values_mut().filter(|row| row.standing == Standing::Living);
        for row in living.filter(|row| concerns(&revoke.sid, &row.sid)) {
            row.revoking = Some((revoke.reason, revoke.cause));
        }
        Ok(self.revoking())
    }

    /// The sessions that have not said yet that they are over.
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
            // Its successor has a row of its own; what it is itself it says once its grace is over.
            (Some(row), Gone::Moved) => row.revoking = None,
            // Nobody lists what never was.
            (_, Gone::Unknown) => drop(self.rows.remove(actor)),
            (None, _) => {}
        }
    }

    /// Drops what has ended: the rows that went. `login` is how long a login can be under way.
    pub fn tidy(&mut self, now: OffsetDateTime, login: Duration) -> Vec<ActorId> {
        self.facts.revocations.retain(|(at, _)| now < counts_until(*at, login));
        self.facts.logout_tokens.retain(|_, expires_at| now < expires_at.saturating_add(MARGIN));
        self.facts.taken_away.retain(|_, until| now < *until);
        let gone = self.rows.iter().filter(|(_, row)| now >= row.kept_until()).map(|(actor, _)| actor.clone());
        let gone: Vec<ActorId> = gone.collect();
        for actor in &gone {
            self.rows.remove(actor);
        }
        gone
    }

    /// Those that are to end are asked again at this time at the latest.
    pub fn retry_by(&mut self, at: OffsetDateTime) {
        self.retry_at = Some(self.retry_at.map_or(at, |known| known.min(at)));
    }

    /// Those that are to end are being asked, and the next time is this one.
    pub fn retried(&mut self, next: OffsetDateTime) {
        self.retry_at = Some(next);
    }

    /// When there is something to do by itself; never for an empty directory.
    pub fn next_alarm(&mut self, now: OffsetDateTime, login: Duration) -> Option<OffsetDateTime> {
        let is_revoking = self.rows.values().any(|row| row.revoking.is_some());
        let at_last = now.saturating_add(TRY_AGAIN);
        // The clock may have gone back.
        let retry = is_revoking.then(|| self.retry_at.map_or(at_last, |at| at.min(at_last)));
        self.retry_at = retry;
        let rows = self.rows.values().map(|row| row.look_at().unwrap_or_else(|| row.kept_until()));
        let revocations = self.facts.revocations.iter().map(|(at, _)| counts_until(*at, login));
        let tokens = self.facts.logout_tokens.values().map(|expires_at| expires_at.saturating_add(MARGIN));
        let taken_away = self.facts.taken_away.values().copied();
        rows.chain(revocations).chain(tokens).chain(taken_away).chain(retry).min()
    }
}

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

/// Whether the end of `ended` (all, or a session of the provider) is the end of one with this `sid`, too: one of which
/// no `sid` is known may be any.
fn concerns(ended: &Option<String>, sid: &Option<String>) -> bool {
    ended.is_none() || sid.is_none() || ended == sid
}

fn counts_until(revoked_at: OffsetDateTime, login: Duration) -> OffsetDateTime {
    revoked_at.saturating_add(login).saturating_add(MARGIN)
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
