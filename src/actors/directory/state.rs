//! What a directory knows, and how it decides. The shell acts. Pure.
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

use super::page::CursorKey;
use super::row::{Beginning, MARGIN, RowStatus, SessionRow};
use crate::actors::directory_message::{DirectoryError, News, Observe, RegionVerdict, Register};
use crate::config::{RegionPolicy, Regions};
use crate::credential::ActorId;

pub mod revocation;
mod room;

/// When to try again to end a session that could not be reached.
pub const TRY_AGAIN: Duration = Duration::seconds(10);
/// When a session that has not said that it has begun is asked. Most logins are over by then.
pub const LOOK_AFTER: Duration = Duration::seconds(30);
/// How far the clocks of two machines may be apart, at most. A login began by another clock than the directory's.
pub const SKEW: Duration = Duration::milliseconds(250);
/// How long a session that was taken away is not registered again: the message that registers it may still be on its way.
const TAKEN_AWAY_FOR: Duration = Duration::minutes(10);
/// How far back this directory's own clock may go before its entries get out of order.
const STEPS_BACK: Duration = Duration::minutes(1);

/// What outlives the rows it was about.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// When sessions were ended: all, or those with this counterpart.
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
    pub rows: BTreeMap<ActorId, SessionRow>,
    /// The rest.
    pub facts: Facts,
    /// The last time that was written down; none until it is known.
    latest: Option<OffsetDateTime>,
    /// When the sessions that are to end are asked again. None: there are none. Other writes do not put it off.
    retry_at: Option<OffsetDateTime>,
}

impl Directory {
    /// The present time, but later than every time before, so that entries have an order. If the clock goes back by much, it is
    /// believed, as the logins of the next hours go by it.
    pub fn stamp(&mut self, now: OffsetDateTime) -> OffsetDateTime {
        let known = self.latest.or_else(|| {
            let ends = self.rows.values().filter_map(|row| match row.standing {
                RowStatus::Ended { at, .. } => Some(at),
                RowStatus::Living | RowStatus::Moved => None,
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
        let Register { actor, began_at, counterpart, place, created_at, expires_at, predecessor, limited } = register;
        if self.facts.taken_away.contains_key(&actor) {
            return Err(DirectoryError::TakenAway);
        }
        let overtaken =
            |(at, ended): &(OffsetDateTime, Option<String>)| *at >= began_at && concerns(ended, &counterpart);
        if self.facts.revocations.iter().any(overtaken) {
            return Err(DirectoryError::Overtaken);
        }
        let old = predecessor.as_ref().and_then(|predecessor| self.rows.get(predecessor));
        // A session that is to end and has not heard of it yet does not get away by a move. (A login is a new session. A silent one goes on with
        // the age of the session before it, which it learns after it was registered.)
        let is_move = |old: &&SessionRow| created_at <= old.created_at && predecessor.as_ref() != Some(&actor);
        if old.filter(is_move).is_some_and(|old| old.revoking.is_some()) {
            return Err(DirectoryError::Overtaken);
        }
        let moved_at = old.and_then(|old| {
            // An administrator moves sessions, too. The user's region must not move them straight back.
            if old.place.region == place.region { old.moved_at } else { Some(now) }
        });
        // Its place is right before the old one's. So a list that shows one of them does not show the other.
        let seen_before = old.map(|old| old.seen_at.saturating_add(Duration::NANOSECOND));
        // A session that is known already makes itself known by another `sid`.
        let known = self.rows.get(&actor);
        let beginning = match known {
            Some(row) => row.beginning.clone(),
            None => {
                (has_limit && limited).then(|| Beginning { predecessor, look_at: Some(now.saturating_add(LOOK_AFTER)) })
            }
        };
        let revoking = known.and_then(|row| row.revoking.clone());
        let standing = known.map_or(RowStatus::Living, |row| row.standing.clone());
        let seen_at = self.stamp(now);
        let row = SessionRow {
            counterpart,
            place,
            created_at,
            expires_at,
            moved_at,
            revoking,
            seen_at,
            seen_before,
            standing,
            beginning,
        };
        self.rows.insert(actor, row);
        Ok(())
    }

    /// Takes a report of a session. False: the directory does not know the session.
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
                row.standing = RowStatus::Moved;
                row.revoking = None;
            }
        }
        true
    }

    /// A list of the moment `at` found that a session is over. It counts as over from that moment.
    pub fn found_over(&mut self, at: OffsetDateTime, actor: &ActorId, last_used_at: Option<OffsetDateTime>) {
        if let Some(row) = self.rows.get_mut(actor) {
            row.end(at, last_used_at);
        }
    }

    /// A session is gone, and does not come back.
    pub fn forget(&mut self, now: OffsetDateTime, actor: &ActorId) {
        self.facts.taken_away.insert(actor.clone(), now.saturating_add(TAKEN_AWAY_FOR));
        self.rows.remove(actor);
    }

    /// Decides about a session that was used from another region. A move that is granted counts from now on, whatever its
    /// outcome: a provider that refuses it is not asked again before the minimum stay is over.
    pub fn observe(&mut self, now: OffsetDateTime, observe: &Observe, regions: &Regions) -> RegionVerdict {
        let stay = RegionVerdict::Stay { until: now.saturating_add(regions.min_stay) };
        let verdict = match regions.policy {
            RegionPolicy::Reauthenticate => RegionVerdict::Reauthenticate,
            RegionPolicy::Migrate => RegionVerdict::Migrate,
            RegionPolicy::Pin => return stay,
        };
        let Some(row) = self.rows.get_mut(&observe.actor) else { return stay };
        if row.revoking.is_some() || row.standing != RowStatus::Living || row.place.region == observe.region {
            return stay;
        }
        match row.moved_at.map(|at| at.saturating_add(regions.min_stay)) {
            Some(until) if now < until => RegionVerdict::Stay { until },
            _ => {
                row.moved_at = Some(now);
                verdict
            }
        }
    }

    /// Drops what is over, and says which rows went. `login` is how long a login can be under way.
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

    /// When the alarm has something to do. None: the directory is empty.
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

/// Whether the end of all sessions, or of those with the counterpart `ended`, is the end of one with this counterpart, too. A
/// session whose counterpart is not known may be any.
pub(super) fn concerns(ended: &Option<String>, counterpart: &Option<String>) -> bool {
    ended.is_none() || counterpart.is_none() || ended == counterpart
}

fn counts_until(revoked_at: OffsetDateTime, login: Duration) -> OffsetDateTime {
    revoked_at.saturating_add(login).saturating_add(MARGIN)
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
