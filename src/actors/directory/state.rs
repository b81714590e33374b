//! What a directory knows, and what it makes of what it is asked. It decides; the shell does. Pure.
//!
//! ```text
//!   Register ──► row ── Observe ──► row, moved now         (at most once in a minimum stay)
//!                 ├─── RevokeAll ─► row, revoking ──► row  (the session said that it is over)
//!                 └─── Forget, or its time is up ──► gone
//! ```
//!
//! Every decision takes the time. A revocation is remembered for as long as a login that began before it can be under
//! way, and a logout token for as long as it could be presented again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::message::{DirectoryError, Observe, Register, RevokeAll, Verdict};
use crate::actors::log::Cause;
use crate::actors::session::message::{EndReason, SessionState, Summary, UserPlace};
use crate::actors::session::state::RETENTION;
use crate::config::{RegionPolicy, Regions};
use crate::credential::ActorId;

/// When to try again to end a session that could not be reached.
pub const TRY_AGAIN: Duration = Duration::seconds(10);
/// How much longer than a session a row is kept that nobody took away, and a fact after its time: clocks differ.
const MARGIN: Duration = Duration::hours(1);

/// A session, as its directory knows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The provider's own session; in the directory of one, whose it is.
    pub sid: Option<String>,
    /// Where it lives, and the user's device.
    pub place: UserPlace,
    /// When the user logged in.
    pub created_at: OffsetDateTime,
    /// The end in any case.
    pub expires_at: OffsetDateTime,
    /// When this session, or one in whose place it came, was last sent to another region.
    pub moved_at: Option<OffsetDateTime>,
    /// It is to end, and has not said yet that it has.
    pub revoking: Option<(EndReason, Cause)>,
}

/// What outlives the rows it was about.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    /// When sessions were ended: all, or those of a session of the provider.
    pub revocations: Vec<(OffsetDateTime, Option<String>)>,
    /// The logout tokens that have counted, by `jti`, and until when they would be accepted.
    pub logout_tokens: BTreeMap<String, OffsetDateTime>,
}

/// A directory.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// Its sessions.
    pub rows: BTreeMap<ActorId, Row>,
    /// The rest.
    pub facts: Facts,
}

impl Directory {
    /// A session begins, unless all were ended since its login or move began.
    pub fn register(&mut self, now: OffsetDateTime, register: Register) -> Result<(), DirectoryError> {
        let Register { actor, began_at, sid, place, created_at, expires_at, predecessor } = register;
        let overtaken = |(at, ended): &(OffsetDateTime, Option<String>)| *at >= began_at && concerns(ended, &sid);
        if self.facts.revocations.iter().any(overtaken) {
            return Err(DirectoryError::Overtaken);
        }
        let moved_at = predecessor.and_then(|predecessor| self.rows.get(&predecessor)).and_then(|old| {
            // An administrator moves sessions, too; the user's next region is not to move them straight back.
            if old.place.region == place.region { old.moved_at } else { Some(now) }
        });
        // A session that is known already makes itself known by another `sid`.
        let revoking = self.rows.get(&actor).and_then(|row| row.revoking);
        self.rows.insert(actor, Row { sid, place, created_at, expires_at, moved_at, revoking });
        Ok(())
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
        if row.revoking.is_some() || row.place.region == observe.region {
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

    /// The sessions that are to end. Those that could not be reached at an earlier time are among them.
    pub fn revoke_all(&mut self, now: OffsetDateTime, revoke: &RevokeAll) -> Result<Vec<ActorId>, DirectoryError> {
        if let Some(token) = &revoke.logout_token {
            let replayed = self.facts.logout_tokens.insert(token.jti.clone(), token.expires_at).is_some();
            if replayed {
                let unfinished = self.revoking();
                return if unfinished.is_empty() { Err(DirectoryError::Replayed) } else { Ok(unfinished) };
            }
        }
        self.facts.revocations.push((now, revoke.sid.clone()));
        for row in self.rows.values_mut().filter(|row| concerns(&revoke.sid, &row.sid)) {
            row.revoking = Some((revoke.reason, revoke.cause));
        }
        Ok(self.revoking())
    }

    /// The sessions that have not said yet that they are over.
    pub fn revoking(&self) -> Vec<ActorId> {
        self.rows.iter().filter(|(_, row)| row.revoking.is_some()).map(|(actor, _)| actor.clone()).collect()
    }

    /// A session said that it is over.
    pub fn revoked(&mut self, actor: &ActorId) {
        if let Some(row) = self.rows.get_mut(actor) {
            row.revoking = None;
        }
    }

    /// Drops what has ended: the rows that went. `login` is how long a login can be under way.
    pub fn tidy(&mut self, now: OffsetDateTime, login: Duration) -> Vec<ActorId> {
        self.facts.revocations.retain(|(at, _)| now < counts_until(*at, login));
        self.facts.logout_tokens.retain(|_, expires_at| now < expires_at.saturating_add(MARGIN));
        let gone = self.rows.iter().filter(|(_, row)| now >= row.kept_until()).map(|(actor, _)| actor.clone());
        let gone: Vec<ActorId> = gone.collect();
        for actor in &gone {
            self.rows.remove(actor);
        }
        gone
    }

    /// When there is something to do by itself; never for an empty directory.
    pub fn next_alarm(&self, now: OffsetDateTime, login: Duration) -> Option<OffsetDateTime> {
        let retry = self.rows.values().any(|row| row.revoking.is_some()).then(|| now.saturating_add(TRY_AGAIN));
        let rows = self.rows.values().map(Row::kept_until);
        let revocations = self.facts.revocations.iter().map(|(at, _)| counts_until(*at, login));
        let tokens = self.facts.logout_tokens.values().map(|expires_at| expires_at.saturating_add(MARGIN));
        rows.chain(revocations).chain(tokens).chain(retry).min()
    }
}

impl Row {
    /// A session takes its own row away at the end of its retention; this is for one that could not.
    fn kept_until(&self) -> OffsetDateTime {
        self.expires_at.saturating_add(RETENTION).saturating_add(MARGIN)
    }

    /// What is known of a session that does not answer.
    pub fn summary(&self) -> Summary {
        Summary {
            region: self.place.region,
            country: self.place.country.clone(),
            state: SessionState::Active,
            created_at: self.created_at,
            last_used_at: None,
            expires_at: self.expires_at,
            user_agent: self.place.user_agent.clone(),
        }
    }
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
