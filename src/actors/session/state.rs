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

use openidconnect::AccessToken;
use time::{Duration, OffsetDateTime};

pub use super::active::{Active, Identity, Moving};
pub use super::attempt::{Attempt, LoginReason, Predecessor, SigningIn};
pub use super::grant::{Grant, Refreshing};
use super::location::Successor;
pub use super::moved::{Afterwards, Arriving, Moved};
pub use super::superseding::Superseding;
use super::view::Inheritance;
use crate::actors::end_reason::{EndReason, RETENTION};
use crate::actors::session::standing::Standing;
use crate::actors::summary::UserPlace;
use crate::config::Lifetimes;
use crate::credential::{ActorId, Secret, SecretHash};

mod read;

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
    /// Of the last cookie: its owner is told why.
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

/// The session is not in a state to which this could happen. It stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the transition does not apply to the session as it is")]
pub struct DoesNotApply;

/// The session afterwards.
pub type Transition = Result<State, DoesNotApply>;

/// What the alarm finds to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Due {
    /// Delete everything.
    Forget,
    /// End the session.
    End(EndReason),
    /// Tell the sessions that this one took the place of.
    Supersede,
    /// Refresh ahead.
    Refresh,
    /// Give up what is left of a session that has moved.
    Settle,
    /// Ask the old actor whether a session that has arrived may stay.
    Arrive,
    /// Nothing yet.
    Nothing,
}

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

    /// What the session is to one who brings a secret with this hash.
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
            // Its login is under way: there is nothing to come of it any more.
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

    /// A session that has given way already has passed a still later login on to the one in its place.
    pub fn passed_on(self, now: OffsetDateTime, last: &Successor) -> Transition {
        match self {
            Self::Moved(_) => self.settled(),
            Self::Ended(_) => self.superseded_by(now, last),
            Self::SigningIn(_) | Self::Active(_) | Self::Arriving(_) => Err(DoesNotApply),
        }
    }

    /// Of the sessions whose place this one took, these have yet to be told.
    pub fn superseding(self, superseding: Superseding) -> Transition {
        match self {
            Self::Active(active) => Ok(Self::Active(Box::new(Active { superseding, ..*active }))),
            Self::Ended(ended) => Ok(Self::Ended(Ended { superseding, ..ended })),
            Self::SigningIn(_) | Self::Moved(_) | Self::Arriving(_) => Err(DoesNotApply),
        }
    }

    /// A request was proxied for the session.
    pub fn used(self, now: OffsetDateTime) -> Transition {
        self.map_active(|active| Ok(Active { last_used_at: now.max(active.last_used_at), used: true, ..active }))
    }

    /// Somebody asked for a refresh.
    pub fn forced(self, now: OffsetDateTime) -> Transition {
        self.map_active(|active| Ok(Active { forced_at: Some(now), ..active }))
    }

    /// The refresh token is about to be presented: the intent that is written ahead of the call.
    pub fn presenting(self, now: OffsetDateTime) -> Transition {
        self.map_refreshing(|refreshing| match refreshing {
            Refreshing::Ready { token, .. } => Ok(Refreshing::Presented { token, first_at: now, not_before: None }),
            Refreshing::Presented { token, first_at, .. } => {
                Ok(Refreshing::Presented { token, first_at, not_before: None })
            }
            Refreshing::Impossible | Refreshing::Lost => Err(DoesNotApply),
        })
    }

    /// The provider said, in full, that it did not take the token for now.
    pub fn deferred(self, until: OffsetDateTime) -> Transition {
        self.map_refreshing(|refreshing| match refreshing {
            Refreshing::Presented { token, .. } | Refreshing::Ready { token, .. } => {
                Ok(Refreshing::Ready { token, not_before: Some(until) })
            }
            Refreshing::Impossible | Refreshing::Lost => Err(DoesNotApply),
        })
    }

    /// Whether the provider took the token is not known; it may be presented again, but not now.
    pub fn waiting(self, until: OffsetDateTime) -> Transition {
        self.map_refreshing(|refreshing| match refreshing {
            Refreshing::Presented { token, first_at, .. } => {
                Ok(Refreshing::Presented { token, first_at, not_before: Some(until) })
            }
            Refreshing::Impossible | Refreshing::Ready { .. } | Refreshing::Lost => Err(DoesNotApply),
        })
    }

    /// All tries were used up once more.
    pub fn series_failed(self) -> Transition {
        self.map_active(|active| {
            let failed_series = active.grant.failed_series.saturating_add(1);
            Ok(Active { grant: Grant { failed_series, ..active.grant }, ..active })
        })
    }

    /// UserInfo said something of the user that this access token is for. Where there is another one by now, it comes too
    /// late; without one it never does.
    pub fn informed(self, token: Option<&AccessToken>, inform: impl FnOnce(Identity) -> Identity) -> Transition {
        self.map_active(|active| {
            if token.is_some_and(|token| active.grant.access_token.secret() != token.secret()) {
                return Err(DoesNotApply);
            }
            Ok(Active { identity: inform(active.identity), ..active })
        })
    }

    /// Whether the provider took the token is not known, and asking again is not allowed.
    pub fn lost(self) -> Transition {
        self.map_refreshing(|refreshing| match refreshing {
            Refreshing::Presented { .. } => Ok(Refreshing::Lost),
            Refreshing::Impossible | Refreshing::Ready { .. } | Refreshing::Lost => Err(DoesNotApply),
        })
    }

    /// New tokens came; without a new refresh token the old one stays.
    pub fn refreshed(self, grant: Grant, renewed: Option<Identity>) -> Transition {
        self.map_active(|active| {
            let kept = match (grant.refresh, active.grant.refresh) {
                (Refreshing::Impossible, Refreshing::Presented { token, .. } | Refreshing::Ready { token, .. }) => {
                    Refreshing::Ready { token, not_before: None }
                }
                (refresh, _) => refresh,
            };
            let identity = match renewed {
                // The `sid` by which its directories know the session: see `known_by`. UserInfo may have said something since
                // the refresh began: some providers are asked at the login alone.
                Some(renewed) => {
                    let is_news = renewed.user_info != active.identity.user_info;
                    let renewed = if is_news { renewed.informed(active.identity.user_info()) } else { renewed };
                    Identity { sid: active.identity.sid, ..renewed }
                }
                None => active.identity,
            };
            Ok(Active { grant: Grant { refresh: kept, ..grant }, identity, used: false, ..active })
        })
    }

    /// The session's directories know it by this `sid`.
    pub fn known_by(self, sid: String) -> Transition {
        self.map_active(|active| Ok(Active { identity: Identity { sid: Some(sid), ..active.identity }, ..active }))
    }

    /// The whole grant is about to move: the intent that is written ahead.
    pub fn departing(self, moving: Moving) -> Transition {
        self.map_active(|active| Ok(Active { moving: Some(moving), ..active }))
    }

    /// The move that was under way is not made.
    pub fn staying(self) -> Transition {
        self.map_active(|active| match active.moving {
            Some(_) => Ok(Active { moving: None, ..active }),
            None => Err(DoesNotApply),
        })
    }

    /// The new actor has adopted the session: from now on it is that one's. One that ended meanwhile stays ended.
    pub fn departed(self, now: OffsetDateTime) -> Transition {
        match self {
            Self::Active(mut active) => {
                let moving = active.moving.take().ok_or(DoesNotApply)?;
                Ok(Self::Moved(Box::new(active.departed(now, &moving))))
            }
            Self::SigningIn(_) | Self::Ended(_) | Self::Moved(_) | Self::Arriving(_) => Err(DoesNotApply),
        }
    }

    /// The old actor has let the session go.
    pub fn released(self) -> Transition {
        match self {
            Self::Arriving(arriving) => Ok(Self::Active(arriving.active)),
            Self::SigningIn(_) | Self::Active(_) | Self::Ended(_) | Self::Moved(_) => Err(DoesNotApply),
        }
    }

    /// Another session took this one's place.
    pub fn succeeded(self, now: OffsetDateTime, successor: &Successor, grace: Duration) -> Transition {
        match self {
            Self::Active(active) => Ok(Self::Moved(Box::new(active.succeeded(now, successor, grace)))),
            Self::SigningIn(_) | Self::Ended(_) | Self::Moved(_) | Self::Arriving(_) => Err(DoesNotApply),
        }
    }

    /// What is left of a session that has moved is given up.
    pub fn settled(self) -> Transition {
        match self {
            Self::Moved(moved) => Ok(Self::Moved(Box::new(moved.settled().ok_or(DoesNotApply)?))),
            Self::SigningIn(_) | Self::Active(_) | Self::Ended(_) | Self::Arriving(_) => Err(DoesNotApply),
        }
    }

    /// Whether the session is `to`'s, who has adopted it.
    pub fn is_released_to(&self, to: &ActorId) -> bool {
        matches!(self, Self::Moved(moved) if moved.to.actor == *to)
    }

    /// When the actor has to act by itself.
    pub fn next_alarm(&self, lifetimes: Lifetimes) -> OffsetDateTime {
        match self {
            Self::SigningIn(signing_in) => signing_in.forgotten_at,
            Self::Active(active) => {
                let end = active.idle_expires_at(lifetimes).min(active.expires_at);
                [active.ahead_at(), active.superseding.due_at()].into_iter().flatten().fold(end, OffsetDateTime::min)
            }
            Self::Ended(ended) => {
                let end = ended.ended_at.saturating_add(RETENTION);
                ended.superseding.due_at().map_or(end, |due| due.min(end))
            }
            Self::Moved(moved) => moved.grace_until().unwrap_or_else(|| moved.forgotten_at()),
            Self::Arriving(arriving) => arriving.settles_at(),
        }
    }

    /// What there is to do by itself now.
    pub fn due(&self, now: OffsetDateTime, lifetimes: Lifetimes) -> Due {
        match self {
            Self::SigningIn(signing_in) if now >= signing_in.forgotten_at => Due::Forget,
            Self::Active(active) => match active.over(now, lifetimes) {
                Some(reason) => Due::End(reason),
                None if active.superseding.is_due(now) => Due::Supersede,
                None if active.ahead_at().is_some_and(|ahead| now >= ahead) => Due::Refresh,
                None => Due::Nothing,
            },
            Self::Ended(ended) if now >= ended.ended_at.saturating_add(RETENTION) => Due::Forget,
            Self::Ended(ended) if ended.superseding.is_due(now) => Due::Supersede,
            Self::Moved(moved) if moved.grace_until().is_some_and(|until| now >= until) => Due::Settle,
            Self::Moved(moved) if now >= moved.forgotten_at() => Due::Forget,
            Self::Arriving(arriving) if now >= arriving.settles_at() => Due::Arrive,
            Self::SigningIn(_) | Self::Ended(_) | Self::Moved(_) | Self::Arriving(_) => Due::Nothing,
        }
    }

    fn map_active(self, change: impl FnOnce(Active) -> Result<Active, DoesNotApply>) -> Transition {
        match self {
            Self::Active(active) => Ok(Self::Active(Box::new(change(*active)?))),
            Self::SigningIn(_) | Self::Ended(_) | Self::Moved(_) | Self::Arriving(_) => Err(DoesNotApply),
        }
    }

    fn map_refreshing(self, change: impl FnOnce(Refreshing) -> Result<Refreshing, DoesNotApply>) -> Transition {
        self.map_active(|active| {
            let grant = Grant { refresh: change(active.grant.refresh)?, ..active.grant };
            Ok(Active { grant, ..active })
        })
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
