//! A session moves from one actor to another. At each step the grant has exactly one owner. Pure.
//!
//! ```text
//!   old actor   Active ── departing ──► Active, moving ── departed ──► Moved, forwarding
//!                 │                        │    └── staying ──► Active
//!                 │                        ▼ Adopt              ▲ Release: departed, if it is the one it moves to
//!   new actor     │                     Arriving ───────────────┴─ released ──► Active
//!                 │                        └── not released ──► forgotten
//!                 └── succeeded (the new actor has a grant of its own) ──► Moved, in its grace ──► Moved
//! ```
//!
//! A session that has arrived has no owner until the old actor has written that it let go. After a crash at any step either actor is
//! able to find out from the other.

use time::{Duration, OffsetDateTime};

use super::active::{Active, Moving};
use super::attempt::Predecessor;
use super::grant::{Grant, Refreshing};
use super::location::{ActorLocation, Successor};
use super::standing::Standing;
use crate::actors::end_reason::{EndReason, RETENTION};
use crate::actors::summary::UserPlace;
use crate::config::Lifetimes;
use crate::credential::{ActorId, SecretHash};

/// How long an adopted session waits for a question, before it asks by itself whether it may stay.
const SETTLES_AFTER: Duration = Duration::minutes(1);

/// A session that lives in another actor now.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Of the last cookie that led here.
    pub secret_hash: SecretHash,
    /// Where it lived.
    pub place: UserPlace,
    /// `iss` and `sub`.
    pub user: (String, String),
    /// Where it lives now.
    pub to: ActorLocation,
    /// When it moved.
    pub moved_at: OffsetDateTime,
    /// When the login of the session that took its place was completed. If it forwards: when it moved.
    pub signed_in_at: OffsetDateTime,
    /// When the user logged in.
    pub created_at: OffsetDateTime,
    /// The last use here.
    pub last_used_at: OffsetDateTime,
    /// Counts the owners of the grant.
    pub epoch: u32,
    /// What requests get that still come here.
    pub afterwards: Afterwards,
}

/// What requests get that come to a session which has moved.
#[derive(Clone, Debug)]
pub enum Afterwards {
    /// The way to the new actor, which knows the same secret.
    Forwarding,
    /// The old access token for a while: the browser is getting another cookie.
    Grace {
        /// The session without its refresh token.
        active: Box<Active>,
        /// When that ends.
        until: OffsetDateTime,
    },
    /// Nothing any more.
    Superseded,
}

/// A session that has been adopted, and is not used before its old actor has released it.
#[derive(Clone, Debug)]
pub struct Arriving {
    /// The session, as it will be.
    pub active: Box<Active>,
    /// The old actor.
    pub from: ActorId,
    /// When it arrived.
    pub arrived_at: OffsetDateTime,
}

impl Active {
    /// Where the session will live once the move that is under way is done.
    fn location(&self, moving: &Moving) -> ActorLocation {
        ActorLocation { actor: moving.to.clone(), region: moving.region, expires_at: self.expires_at }
    }

    /// The session as its new actor is to have it.
    pub fn relocated(&self, moving: &Moving) -> Self {
        Self {
            place: UserPlace { region: moving.region, ..self.place.clone() },
            epoch: self.epoch.saturating_add(1),
            moving: None,
            ..self.clone()
        }
    }

    /// The whole grant has moved.
    pub fn departed(self, now: OffsetDateTime, moving: &Moving) -> Moved {
        let to = self.location(moving);
        self.moved(now, now, to, |_| Afterwards::Forwarding)
    }

    /// Another session took its place. Requests with the old cookie go on with this one's access token.
    pub fn succeeded(self, now: OffsetDateTime, successor: &Successor, grace: Duration) -> Moved {
        let to =
            ActorLocation { actor: successor.actor.clone(), region: successor.region, expires_at: self.expires_at };
        let until = now.saturating_add(grace);
        self.moved(now, successor.signed_in_at, to, |active| Afterwards::Grace { active: Box::new(active), until })
    }

    fn moved(
        self,
        now: OffsetDateTime,
        signed_in_at: OffsetDateTime,
        to: ActorLocation,
        afterwards: impl FnOnce(Self) -> Afterwards,
    ) -> Moved {
        Moved {
            secret_hash: self.secret_hash.clone(),
            place: self.place.clone(),
            user: (self.identity.issuer.clone(), self.identity.subject.clone()),
            to,
            moved_at: now,
            signed_in_at,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
            epoch: self.epoch.saturating_add(1),
            afterwards: afterwards(Self {
                // The fence: this actor may not keep what a refresh in flight brings.
                grant: Grant { refresh: Refreshing::Lost, ..self.grant },
                moving: None,
                ..self
            }),
        }
    }
}

impl Moved {
    /// What it is to one who brings the secret.
    pub fn standing(&self, now: OffsetDateTime, lifetimes: Lifetimes) -> Standing<'_> {
        match &self.afterwards {
            Afterwards::Forwarding if now < self.to.expires_at => Standing::Moved(&self.to),
            Afterwards::Forwarding => Standing::Ended(EndReason::Expired),
            Afterwards::Grace { active, until } if now < *until && active.grant.is_valid(now) => {
                // No grace outlasts what the session had left.
                active.over(now, lifetimes).map_or(Standing::Active(active), Standing::Ended)
            }
            Afterwards::Grace { .. } | Afterwards::Superseded => Standing::Ended(EndReason::Superseded),
        }
    }

    /// Whether requests with the old cookie are sent on.
    pub const fn forwards(&self) -> bool {
        matches!(self.afterwards, Afterwards::Forwarding)
    }

    /// The session that took this one's place.
    pub fn successor(&self) -> Successor {
        let (issuer, subject) = self.user.clone();
        Successor {
            actor: self.to.actor.clone(),
            region: self.to.region,
            issuer,
            subject,
            needs_refresh_token: false,
            signed_in_at: self.signed_in_at,
        }
    }

    /// The sessions whose place this one had taken and that had yet to be told, as far as that is still known.
    pub fn untold(&self) -> Vec<Predecessor> {
        match &self.afterwards {
            Afterwards::Grace { active, .. } => active.superseding.sessions().to_vec(),
            Afterwards::Forwarding | Afterwards::Superseded => Vec::new(),
        }
    }

    /// Whether requests with the old cookie may still be served here.
    pub const fn is_in_grace(&self) -> bool {
        matches!(self.afterwards, Afterwards::Grace { .. })
    }

    /// The grace is over: nothing of the grant stays. None: there was no grace.
    pub fn settled(self) -> Option<Self> {
        match self.afterwards {
            Afterwards::Grace { .. } => Some(Self { afterwards: Afterwards::Superseded, ..self }),
            Afterwards::Forwarding | Afterwards::Superseded => None,
        }
    }

    /// Another login was passed on to the successor, and this session answers nothing any more. If that login `is_last`, it is the
    /// one that is remembered. None: this changes nothing, or the session lives elsewhere.
    pub fn passed_on(self, last: &Successor, is_last: bool) -> Option<Self> {
        if self.forwards() || !(is_last || self.is_in_grace()) {
            return None;
        }
        let (to, signed_in_at) = if is_last {
            let to = ActorLocation { actor: last.actor.clone(), region: last.region, expires_at: self.to.expires_at };
            (to, last.signed_in_at)
        } else {
            (self.to, self.signed_in_at)
        };
        Some(Self { to, signed_in_at, afterwards: Afterwards::Superseded, ..self })
    }

    /// The end of the grace, while there is one.
    pub const fn grace_until(&self) -> Option<OffsetDateTime> {
        match &self.afterwards {
            Afterwards::Grace { until, .. } => Some(*until),
            Afterwards::Forwarding | Afterwards::Superseded => None,
        }
    }

    /// When it is forgotten: when the old cookie has expired and the retention is over.
    pub fn forgotten_at(&self) -> OffsetDateTime {
        self.to.expires_at.saturating_add(RETENTION)
    }
}

impl Arriving {
    /// When it asks by itself whether it may stay.
    pub fn settles_at(&self) -> OffsetDateTime {
        self.arrived_at.saturating_add(SETTLES_AFTER)
    }
}

#[cfg(test)]
#[path = "moved_tests.rs"]
mod tests;
