//! When a session has something to do by itself, and what. Pure.

use time::OffsetDateTime;

use super::State;
use crate::actors::end_reason::{EndReason, RETENTION};
use crate::config::Lifetimes;

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
}
