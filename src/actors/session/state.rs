//! The session as a state machine: what it is, and what each event makes of it. It decides; the shell does.
//!
//! ```text
//!              complete               end (logout, revoke, idle, expired, refused)
//!   SigningIn ───────────► Active ───────────────────────────────────────────────► Ended ──► forgotten
//!      │        released ►  │  ▲ │
//!      │     Arriving ──────┘  │ └── departed, succeeded ──► Moved ──► forgotten    (see super::moved)
//!      │                       └── used, presenting → refreshed | deferred | lost
//!      └──► forgotten (the login failed)
//! ```
//!
//! Pure: every transition consumes the state, takes the time, and matches every variant. One that does not apply is an error
//! ([`DoesNotApply`]), and its caller says what that means: a logout during a refresh wins because `refreshed` does not apply to
//! `Ended`.

use time::OffsetDateTime;

pub use super::active::{Active, Identity, Moving, TargetToken};
pub use super::attempt::{Attempt, LoginReason, Predecessor, SigningIn};
pub use super::grant::{Grant, Refreshing};
use super::location::Successor;
pub use super::moved::{Afterwards, Arriving, Moved};
pub use super::superseding::Superseding;
use super::view::Inheritance;
use crate::actors::end_reason::EndReason;
use crate::actors::session::standing::Standing;
use crate::actors::summary::UserPlace;
use crate::config::Lifetimes;
use crate::credential::{ActorId, Secret, SecretHash};

pub mod due;
mod moving;
mod read;
mod refreshing;

/// A session, from the callback to the end of its retention.
#[derive(Clone, Debug)]
pub enum State {
    /// The user is back from the provider, and the code is being redeemed.
    SigningIn(SigningIn),
    /// The user is logged in.
    Active(Box<Active>),
    /// The session is over; a ledger remains, and no token.
    Ended(Ended),
    /// The session lives in another actor.
    Moved(Box<Moved>),
    /// The session comes from another actor, which has not let it go yet.
    Arriving(Arriving),
}

/// A session that is over.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Of the last cookie. A request with it is answered with the reason.
    pub secret_hash: SecretHash,
    /// Where the login began.
    pub place: UserPlace,
    /// `iss` and `sub`; none where the login never came back.
    pub user: Option<(String, String)>,
    /// Why.
    pub reason: EndReason,
    /// When.
    pub ended_at: OffsetDateTime,
    /// When the login began.
    pub created_at: OffsetDateTime,
    /// The end that was planned.
    pub expires_at: OffsetDateTime,
    /// The last use.
    pub last_used_at: Option<OffsetDateTime>,
    /// Counts the owners that the grant had.
    pub epoch: u32,
    /// The session that took its place, where a later login did.
    pub successor: Option<Box<Successor>>,
    /// The sessions whose place it had taken, and that have yet to be told.
    pub superseding: Superseding,
}

/// What a completed login makes a session of.
pub struct CompletedLogin<'a> {
    /// For the session cookie.
    pub secret: &'a Secret,
    /// Who logged in.
    pub identity: Identity,
    /// What the provider granted.
    pub grant: Grant,
    /// The sessions whose place it takes, and that have yet to be told.
    pub superseding: Superseding,
}

/// This cannot happen to the session in its state. The session stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the transition does not apply to the session as it is")]
pub struct DoesNotApply;

/// The session afterwards.
pub type Transition = Result<State, DoesNotApply>;

impl State {
    /// The code was exchanged and everything about it is in order.
    pub fn complete(
        self,
        now: OffsetDateTime,
        login: CompletedLogin<'_>,
        inheritance: Option<&Inheritance>,
        lifetimes: Lifetimes,
    ) -> Transition {
        let CompletedLogin { secret, identity, grant, superseding } = login;
        match self {
            Self::SigningIn(signing_in) => {
                let refresh =
                    match (grant.refresh, inheritance.and_then(|inheritance| inheritance.refresh_token.clone())) {
                        (Refreshing::Impossible, Some(token)) => Refreshing::Ready { token, not_before: None },
                        (refresh, _) => refresh,
                    };
                Ok(Self::Active(Box::new(Active {
                    secret_hash: secret.hash(),
                    place: signing_in.place,
                    identity,
                    grant: Grant { refresh, ..grant },
                    target_tokens: Vec::new(),
                    created_at: inheritance.map_or(now, |inheritance| inheritance.created_at),
                    expires_at: inheritance
                        .map_or(now.saturating_add(lifetimes.absolute), |inheritance| inheritance.expires_at),
                    last_used_at: now,
                    used: false,
                    forced_at: None,
                    epoch: inheritance.map_or(0, |inheritance| inheritance.epoch),
                    moving: None,
                    superseding,
                })))
            }
            Self::Active(_) | Self::Ended(_) | Self::Moved(_) | Self::Arriving(_) => Err(DoesNotApply),
        }
    }

    /// What the session is to a request that brings a secret with this hash.
    pub fn standing(&self, now: OffsetDateTime, secret: &SecretHash, lifetimes: Lifetimes) -> Standing<'_> {
        match self {
            Self::SigningIn(_) | Self::Arriving(_) => Standing::Unknown,
            Self::Active(active) if !active.secret_hash.is(secret) => Standing::Unknown,
            Self::Active(active) => active.over(now, lifetimes).map_or(Standing::Active(active), Standing::Over),
            Self::Ended(ended) if ended.secret_hash.is(secret) => Standing::Ended(ended.reason),
            Self::Moved(moved) if moved.secret_hash.is(secret) => moved.standing(now, lifetimes),
            Self::Ended(_) | Self::Moved(_) => Standing::Unknown,
        }
    }

    /// The session is over.
    pub fn end(self, now: OffsetDateTime, reason: EndReason) -> Transition {
        match self {
            Self::Active(active) => Ok(Self::Ended(Ended {
                secret_hash: active.secret_hash,
                place: active.place,
                user: Some(active.identity.user()),
                reason,
                ended_at: now,
                created_at: active.created_at,
                expires_at: active.expires_at,
                last_used_at: Some(active.last_used_at),
                epoch: active.epoch,
                successor: None,
                superseding: active.superseding,
            })),
            // Its login is under way, and no session will come of it.
            Self::SigningIn(signing_in) => Ok(Self::Ended(Ended {
                secret_hash: SecretHash::of_nothing(),
                place: signing_in.place,
                user: None,
                reason,
                ended_at: now,
                created_at: signing_in.began_at,
                expires_at: signing_in.forgotten_at,
                last_used_at: None,
                epoch: 0,
                successor: None,
                superseding: Superseding::default(),
            })),
            Self::Ended(_) | Self::Moved(_) | Self::Arriving(_) => Err(DoesNotApply),
        }
    }

    /// A later login took the session's place.
    pub fn superseded_by(self, now: OffsetDateTime, successor: &Successor) -> Transition {
        let ended = match self {
            Self::Ended(ended) => ended,
            state => match state.end(now, EndReason::Superseded)? {
                Self::Ended(ended) => ended,
                Self::SigningIn(_) | Self::Active(_) | Self::Moved(_) | Self::Arriving(_) => return Err(DoesNotApply),
            },
        };
        let is_last = ended.successor.as_ref().is_none_or(|known| successor.is_later_than(known));
        if ended.reason != EndReason::Superseded || !is_last {
            return Err(DoesNotApply);
        }
        Ok(Self::Ended(Ended { successor: Some(Box::new(successor.clone())), ..ended }))
    }

    /// The session gave way before. Now it has passed another login on to its successor; or that one is not there, and the login takes
    /// its place, `instead_of` it. It remembers the last login, as a login after that has to be passed on to it.
    pub fn passed_on(self, last: &Successor, instead_of: Option<&ActorId>) -> Transition {
        let is_last = |known: &Successor| match instead_of {
            Some(gone) => known.actor == *gone,
            None => last.is_later_than(known),
        };
        match self {
            Self::Moved(moved) => {
                let is_last = is_last(&moved.successor());
                Ok(Self::Moved(Box::new(moved.passed_on(last, is_last).ok_or(DoesNotApply)?)))
            }
            Self::Ended(ended)
                if ended.reason == EndReason::Superseded && ended.successor.as_deref().is_some_and(is_last) =>
            {
                Ok(Self::Ended(Ended { successor: Some(Box::new(last.clone())), ..ended }))
            }
            Self::SigningIn(_) | Self::Active(_) | Self::Ended(_) | Self::Arriving(_) => Err(DoesNotApply),
        }
    }

    /// These sessions, whose place this one took, do not know that yet.
    pub fn superseding(self, superseding: Superseding) -> Transition {
        match self {
            Self::Active(active) => Ok(Self::Active(Box::new(Active { superseding, ..*active }))),
            Self::Ended(ended) => Ok(Self::Ended(Ended { superseding, ..ended })),
            Self::SigningIn(_) | Self::Moved(_) | Self::Arriving(_) => Err(DoesNotApply),
        }
    }

    pub(super) fn map_active(self, change: impl FnOnce(Active) -> Result<Active, DoesNotApply>) -> Transition {
        match self {
            Self::Active(active) => Ok(Self::Active(Box::new(change(*active)?))),
            Self::SigningIn(_) | Self::Ended(_) | Self::Moved(_) | Self::Arriving(_) => Err(DoesNotApply),
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
