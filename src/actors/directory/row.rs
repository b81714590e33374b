//! A session, as its directory knows it. Pure.

use time::{Duration, OffsetDateTime};

use crate::actors::end_reason::{EndReason, RETENTION};
use crate::actors::log::Cause;
use crate::actors::summary::{SessionState, Summary, UserPlace};
use crate::credential::ActorId;

/// How much longer a row is kept than its session, and a fact than its time, as clocks differ.
pub(super) const MARGIN: Duration = Duration::hours(1);

/// A session, as its directory knows it.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// In a user's directory, the provider's own session (`sid`); in the directory of that one, the user.
    pub counterpart: Option<String>,
    /// Where it lives, and the user's device.
    pub place: UserPlace,
    /// When the user logged in.
    pub created_at: OffsetDateTime,
    /// The end in any case.
    pub expires_at: OffsetDateTime,
    /// When this session, or one in whose place it came, was last sent to another region.
    pub moved_at: Option<OffsetDateTime>,
    /// It is to end, and has not confirmed that yet.
    pub revoking: Option<(EndReason, Cause)>,
    /// When it was registered or refreshed last.
    pub seen_at: OffsetDateTime,
    /// The time before: of the session itself, or of the one in whose place it came.
    pub seen_before: Option<OffsetDateTime>,
    /// What has become of it, as far as the directory was told.
    pub standing: RowStatus,
    /// It has not said yet that it has begun. When it does, room is made for it (`SESSIONS_PER_USER`).
    pub beginning: Option<Beginning>,
}

/// A session that was registered and may not have begun: its login may fail yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The session that it replaces, which ends anyway.
    pub predecessor: Option<ActorId>,
    /// When it is asked whether it has begun.
    pub look_at: Option<OffsetDateTime>,
}

/// What has become of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowStatus {
    /// Nobody said that it is over.
    Living,
    /// It is over.
    Ended {
        /// When the directory was told.
        at: OffsetDateTime,
        /// Its last use.
        last_used_at: Option<OffsetDateTime>,
    },
    /// It lives in another actor, which has a row of its own.
    Moved,
}

impl SessionRow {
    /// A session takes its own row away at the end of its retention. If it could not, the row goes at this time.
    pub(super) fn kept_until(&self) -> OffsetDateTime {
        self.expires_at.saturating_add(RETENTION).saturating_add(MARGIN)
    }

    /// When to ask it whether it has begun.
    pub(super) fn look_at(&self) -> Option<OffsetDateTime> {
        self.beginning.as_ref()?.look_at
    }

    /// It is over. What was known of its end before is kept.
    pub(super) fn end(&mut self, now: OffsetDateTime, last_used_at: Option<OffsetDateTime>) {
        self.revoking = None;
        self.beginning = None;
        let (at, known) = match &self.standing {
            RowStatus::Ended { at, last_used_at } => (*at, *last_used_at),
            RowStatus::Living | RowStatus::Moved => (now, None),
        };
        self.standing = RowStatus::Ended { at, last_used_at: last_used_at.or(known) };
    }

    /// What a list shows of a session that is not asked, or does not answer.
    pub fn summary(&self) -> Summary {
        let (state, last_used_at) = match self.standing {
            RowStatus::Living => (SessionState::Active, None),
            RowStatus::Ended { last_used_at, .. } => (SessionState::Ended, last_used_at),
            RowStatus::Moved => (SessionState::Moved, None),
        };
        Summary {
            region: self.place.region,
            country: self.place.country.clone(),
            state,
            created_at: self.created_at,
            last_used_at,
            expires_at: self.expires_at,
            user_agent: self.place.user_agent.clone(),
            bound_at: None,
            provider: self.place.provider.clone(),
        }
    }
}
