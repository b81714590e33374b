//! What a move makes of a session; [`super::super::moved`] has the steps. Pure.

use time::{Duration, OffsetDateTime};

use super::{Active, Afterwards, DoesNotApply, Moving, State, Transition};
use crate::actors::session::location::Successor;
use crate::credential::ActorId;

impl State {
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

    /// The new actor has adopted the session and owns it from now on. A session that ended in the meantime stays ended.
    pub fn departed(self, now: OffsetDateTime) -> Transition {
        match self {
            Self::Active(mut active) => {
                let moving = active.moving.take().ok_or(DoesNotApply)?;
                Ok(Self::Moved(Box::new(active.departed(now, &moving))))
            }
            Self::SigningIn(_) | Self::Ended(_) | Self::Moved(_) | Self::Arriving(_) => Err(DoesNotApply),
        }
    }

    /// The old actor has let the session go, and served its last request at this time.
    pub fn released(self, used_at: OffsetDateTime) -> Transition {
        match self {
            Self::Arriving(mut arriving) => {
                arriving.active.was_used(used_at);
                Ok(Self::Active(arriving.active))
            }
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

    /// When the session was last used here, if `to` owns it, which has adopted it.
    pub fn released_to(&self, to: &ActorId) -> Option<OffsetDateTime> {
        match self {
            Self::Moved(moved) if moved.to.actor == *to => Some(moved.last_used_at),
            Self::SigningIn(_) | Self::Active(_) | Self::Ended(_) | Self::Moved(_) | Self::Arriving(_) => None,
        }
    }

    /// A use came while this state was written, and is not in it.
    pub fn was_used(&mut self, at: OffsetDateTime) {
        match self {
            Self::Active(active) => active.was_used(at),
            Self::Moved(moved) => {
                moved.last_used_at = at.max(moved.last_used_at);
                if let Afterwards::Grace { active, .. } = &mut moved.afterwards {
                    active.was_used(at);
                }
            }
            Self::SigningIn(_) | Self::Ended(_) | Self::Arriving(_) => {}
        }
    }
}
