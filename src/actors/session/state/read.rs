//! What can be read of a session in any of its states. Pure.

use super::{Active, Afterwards, Arriving, State};
use crate::actors::session::location::ActorLocation;
use crate::actors::summary::{SessionState, Summary, UserPlace};
use crate::credential::SecretHash;

impl State {
    /// The session where it is live.
    pub const fn active(&self) -> Option<&Active> {
        match self {
            Self::Active(active) => Some(active),
            Self::SigningIn(_) | Self::Ended(_) | Self::Moved(_) | Self::Arriving(_) => None,
        }
    }

    /// What requests are served from: the live session, or in its grace what is left of it.
    pub fn serving(&self) -> Option<&Active> {
        match self {
            Self::Active(active) => Some(active),
            Self::Moved(moved) => match &moved.afterwards {
                Afterwards::Grace { active, .. } => Some(active),
                Afterwards::Forwarding | Afterwards::Superseded => None,
            },
            Self::SigningIn(_) | Self::Ended(_) | Self::Arriving(_) => None,
        }
    }

    /// `iss` and `sub`; none before the login is complete.
    pub fn user(&self) -> Option<(String, String)> {
        match self {
            Self::SigningIn(_) => None,
            Self::Active(active) | Self::Arriving(Arriving { active, .. }) => Some(active.identity.user()),
            Self::Ended(ended) => ended.user.clone(),
            Self::Moved(moved) => Some(moved.user.clone()),
        }
    }

    /// Whether this is the hash of the session cookie's secret, whatever has become of the session.
    pub fn knows(&self, secret: &SecretHash) -> bool {
        match self {
            Self::SigningIn(_) | Self::Arriving(_) => false,
            Self::Active(active) => active.secret_hash.is(secret),
            Self::Ended(ended) => ended.secret_hash.is(secret),
            Self::Moved(moved) => moved.secret_hash.is(secret),
        }
    }

    /// Counts the owners of the grant.
    pub fn epoch(&self) -> u32 {
        match self {
            Self::SigningIn(_) => 0,
            Self::Ended(ended) => ended.epoch,
            Self::Active(active) | Self::Arriving(Arriving { active, .. }) => active.epoch,
            Self::Moved(moved) => moved.epoch,
        }
    }

    /// Where the session lives now. None: here.
    pub fn moved_to(&self) -> Option<&ActorLocation> {
        match self {
            Self::Moved(moved) => Some(&moved.to),
            Self::SigningIn(_) | Self::Active(_) | Self::Ended(_) | Self::Arriving(_) => None,
        }
    }

    /// One line of a list of sessions; none where nobody has logged in yet.
    pub fn summary(&self) -> Option<Summary> {
        let (state, created_at, last_used_at, expires_at) = match self {
            Self::SigningIn(_) => return None,
            Self::Active(active) | Self::Arriving(Arriving { active, .. }) => {
                (SessionState::Active, active.created_at, Some(active.last_used_at), active.expires_at)
            }
            Self::Moved(moved) => {
                (SessionState::Moved, moved.created_at, Some(moved.last_used_at), moved.to.expires_at)
            }
            Self::Ended(ended) => (SessionState::Ended, ended.created_at, ended.last_used_at, ended.expires_at),
        };
        let UserPlace { region, country, user_agent, provider } = self.place().clone();
        let bound_at = None;
        Some(Summary { region, country, state, created_at, last_used_at, expires_at, user_agent, bound_at, provider })
    }

    /// Where the login began.
    pub fn place(&self) -> &UserPlace {
        match self {
            Self::SigningIn(signing_in) => &signing_in.place,
            Self::Active(active) | Self::Arriving(Arriving { active, .. }) => &active.place,
            Self::Ended(ended) => &ended.place,
            Self::Moved(moved) => &moved.place,
        }
    }
}
