//! A session as it is stored, and as it moves to another actor: the second form. See `actors::stored`.

use openidconnect::{AccessToken, RefreshToken};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::attempt::Predecessor;
use super::location::{ActorLocation, Successor};
use super::state::{
    Active, Afterwards, Arriving, Ended, Grant, Identity, Moved, Moving, Refreshing, SigningIn, State, TargetToken,
};
use super::superseding::SupersedingV2;
use crate::actors::end_reason::EndReason;
use crate::actors::stored::{Storable, stored_as_it_is, stored_form};
use crate::actors::summary::UserPlace;
use crate::config::target::TargetKey;
use crate::credential::{ActorId, SecretHash};
use crate::region::Region;

stored_as_it_is! { UserPlace, ActorLocation, Successor, Predecessor, EndReason, TargetKey }

/// [`State`].
#[derive(Serialize, Deserialize)]
pub enum StateV2 {
    /// [`State::SigningIn`].
    SigningIn(SigningInV2),
    /// [`State::Active`].
    Active(Box<ActiveV2>),
    /// [`State::Ended`].
    Ended(EndedV2),
    /// [`State::Moved`].
    Moved(Box<MovedV2>),
    /// [`State::Arriving`].
    Arriving(ArrivingV2),
}

impl Storable for State {
    type Stored = StateV2;

    fn keep(&self) -> StateV2 {
        match self {
            Self::SigningIn(signing_in) => StateV2::SigningIn(signing_in.keep()),
            Self::Active(active) => StateV2::Active(active.keep()),
            Self::Ended(ended) => StateV2::Ended(ended.keep()),
            Self::Moved(moved) => StateV2::Moved(moved.keep()),
            Self::Arriving(arriving) => StateV2::Arriving(arriving.keep()),
        }
    }

    fn restore(stored: StateV2) -> Self {
        match stored {
            StateV2::SigningIn(signing_in) => Self::SigningIn(Storable::restore(signing_in)),
            StateV2::Active(active) => Self::Active(Storable::restore(active)),
            StateV2::Ended(ended) => Self::Ended(Storable::restore(ended)),
            StateV2::Moved(moved) => Self::Moved(Storable::restore(moved)),
            StateV2::Arriving(arriving) => Self::Arriving(Storable::restore(arriving)),
        }
    }
}

stored_form! {
    /// [`SigningIn`].
    SigningInV2 of SigningIn {
        place: UserPlace,
        began_at: OffsetDateTime,
        forgotten_at: OffsetDateTime,
    }
}

stored_form! {
    /// [`Active`].
    ActiveV2 of Active {
        secret_hash: SecretHash,
        place: UserPlace,
        identity: IdentityV2,
        grant: GrantV2,
        target_tokens: Vec<TargetTokenV2>,
        created_at: OffsetDateTime,
        expires_at: OffsetDateTime,
        last_used_at: OffsetDateTime,
        used: bool,
        forced_at: Option<OffsetDateTime>,
        epoch: u32,
        moving: Option<MovingV2>,
        superseding: SupersedingV2,
    }
}

stored_form! {
    /// [`Identity`].
    IdentityV2 of Identity {
        issuer: String,
        subject: String,
        sid: Option<String>,
        claims: String,
        id_token: String,
        user_info: String,
    }
}

stored_form! {
    /// [`Grant`].
    GrantV2 of Grant {
        access_token: AccessToken,
        issued_at: OffsetDateTime,
        expires_at: Option<OffsetDateTime>,
        refresh_at: Option<OffsetDateTime>,
        refresh: RefreshingV2,
        failed_series: u8,
    }
}

stored_form! {
    /// [`TargetToken`].
    TargetTokenV2 of TargetToken {
        key: TargetKey,
        access_token: AccessToken,
        issued_at: OffsetDateTime,
        expires_at: Option<OffsetDateTime>,
    }
}

/// [`Refreshing`].
#[derive(Serialize, Deserialize)]
pub enum RefreshingV2 {
    /// [`Refreshing::Impossible`].
    Impossible,
    /// [`Refreshing::Ready`].
    Ready {
        /// The same.
        token: RefreshToken,
        /// The same.
        not_before: Option<OffsetDateTime>,
    },
    /// [`Refreshing::Presented`].
    Presented {
        /// The same.
        token: RefreshToken,
        /// The same.
        first_at: OffsetDateTime,
        /// The same.
        not_before: Option<OffsetDateTime>,
    },
    /// [`Refreshing::Lost`].
    Lost,
}

impl Storable for Refreshing {
    type Stored = RefreshingV2;

    fn keep(&self) -> RefreshingV2 {
        match self.clone() {
            Self::Impossible => RefreshingV2::Impossible,
            Self::Ready { token, not_before } => RefreshingV2::Ready { token, not_before },
            Self::Presented { token, first_at, not_before } => RefreshingV2::Presented { token, first_at, not_before },
            Self::Lost => RefreshingV2::Lost,
        }
    }

    fn restore(stored: RefreshingV2) -> Self {
        match stored {
            RefreshingV2::Impossible => Self::Impossible,
            RefreshingV2::Ready { token, not_before } => Self::Ready { token, not_before },
            RefreshingV2::Presented { token, first_at, not_before } => Self::Presented { token, first_at, not_before },
            RefreshingV2::Lost => Self::Lost,
        }
    }
}

stored_form! {
    /// [`Moving`].
    MovingV2 of Moving {
        to: ActorId,
        region: Region,
        began_at: OffsetDateTime,
    }
}

stored_form! {
    /// [`Ended`].
    EndedV2 of Ended {
        secret_hash: SecretHash,
        place: UserPlace,
        user: Option<(String, String)>,
        reason: EndReason,
        ended_at: OffsetDateTime,
        created_at: OffsetDateTime,
        expires_at: OffsetDateTime,
        last_used_at: Option<OffsetDateTime>,
        epoch: u32,
        successor: Option<Box<Successor>>,
        superseding: SupersedingV2,
    }
}

stored_form! {
    /// [`Moved`].
    MovedV2 of Moved {
        secret_hash: SecretHash,
        place: UserPlace,
        user: (String, String),
        to: ActorLocation,
        moved_at: OffsetDateTime,
        signed_in_at: OffsetDateTime,
        created_at: OffsetDateTime,
        last_used_at: OffsetDateTime,
        epoch: u32,
        afterwards: AfterwardsV2,
    }
}

/// [`Afterwards`].
#[derive(Serialize, Deserialize)]
pub enum AfterwardsV2 {
    /// [`Afterwards::Forwarding`].
    Forwarding,
    /// [`Afterwards::Grace`].
    Grace {
        /// The same.
        active: Box<ActiveV2>,
        /// The same.
        until: OffsetDateTime,
    },
    /// [`Afterwards::Superseded`].
    Superseded,
}

impl Storable for Afterwards {
    type Stored = AfterwardsV2;

    fn keep(&self) -> AfterwardsV2 {
        match self {
            Self::Forwarding => AfterwardsV2::Forwarding,
            Self::Grace { active, until } => AfterwardsV2::Grace { active: active.keep(), until: *until },
            Self::Superseded => AfterwardsV2::Superseded,
        }
    }

    fn restore(stored: AfterwardsV2) -> Self {
        match stored {
            AfterwardsV2::Forwarding => Self::Forwarding,
            AfterwardsV2::Grace { active, until } => Self::Grace { active: Storable::restore(active), until },
            AfterwardsV2::Superseded => Self::Superseded,
        }
    }
}

stored_form! {
    /// [`Arriving`].
    ArrivingV2 of Arriving {
        active: Box<ActiveV2>,
        from: ActorId,
        arrived_at: OffsetDateTime,
    }
}

#[cfg(test)]
#[path = "stored_tests.rs"]
mod tests;
