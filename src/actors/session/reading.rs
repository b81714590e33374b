//! What can be read of a session in any of its states. Pure.

use time::OffsetDateTime;

use super::message::{Summary, UserPlace, Whereabouts};
use super::state::{Active, Arriving, State};

impl State {
    /// The session where it is live.
    pub const fn active(&self) -> Option<&Active> {
        match self {
            Self::Active(active) => Some(active),
            Self::Pending(_) | Self::Ended(_) | Self::Moved(_) | Self::Arriving(_) => None,
        }
    }

    /// `iss` and `sub`; none where the login never came back.
    pub fn user(&self) -> Option<(String, String)> {
        match self {
            Self::Pending(_) => None,
            Self::Active(active) | Self::Arriving(Arriving { active, .. }) => Some(active.identity.user()),
            Self::Ended(ended) => ended.user.clone(),
            Self::Moved(moved) => Some(moved.user.clone()),
        }
    }

    /// Counts the owners of the grant.
    pub fn epoch(&self) -> u32 {
        match self {
            Self::Pending(_) | Self::Ended(_) => 0,
            Self::Active(active) | Self::Arriving(Arriving { active, .. }) => active.epoch,
            Self::Moved(moved) => moved.epoch,
        }
    }

    /// Where the session lives now, where it is not here.
    pub fn moved_to(&self) -> Option<&Whereabouts> {
        match self {
            Self::Moved(moved) => Some(&moved.to),
            Self::Pending(_) | Self::Active(_) | Self::Ended(_) | Self::Arriving(_) => None,
        }
    }

    /// One line of a list of sessions.
    pub fn summary(&self) -> Summary {
        match self {
            Self::Pending(p) => summary(&p.place, "pending", p.began_at, None, p.expires_at),
            Self::Active(a) | Self::Arriving(Arriving { active: a, .. }) => {
                summary(&a.place, "active", a.created_at, Some(a.last_used_at), a.expires_at)
            }
            Self::Moved(m) => summary(&m.place, "moved", m.created_at, Some(m.last_used_at), m.to.expires_at),
            Self::Ended(e) => summary(&e.place, "ended", e.created_at, e.last_used_at, e.expires_at),
        }
    }

    /// Where the login began.
    pub fn place(&self) -> &UserPlace {
        match self {
            Self::Pending(pending) => &pending.place,
            Self::Active(active) | Self::Arriving(Arriving { active, .. }) => &active.place,
            Self::Ended(ended) => &ended.place,
            Self::Moved(moved) => &moved.place,
        }
    }
}

fn summary(
    place: &UserPlace,
    state: &str,
    created_at: OffsetDateTime,
    last_used_at: Option<OffsetDateTime>,
    expires_at: OffsetDateTime,
) -> Summary {
    Summary {
        region: place.region,
        country: place.country.clone(),
        state: state.to_owned(),
        created_at,
        last_used_at,
        expires_at,
        user_agent: place.user_agent.clone(),
    }
}
