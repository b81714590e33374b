//! The WebSockets that listen to a session: those of open pages, and those by which the gateway watches over an application's streams.
//! They are told what becomes of the session. They say nothing themselves, and outlive the actor's object: the platform keeps them while
//! that sleeps.
//!
//! ```text
//!   {"event":"refreshed","access_token_expires_at":…}      the session has new tokens
//!   {"event":"moved","region":…}     then 4002             it lives elsewhere: connect again
//!   {"event":"ended","reason":…}     then 4001             it is over
//! ```

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Session;
use super::state::State;
use crate::actors::end_reason::EndReason;
use crate::region::Region;
use crate::runtime::Listening;

/// How many pages of a session may listen. The oldest one goes.
pub const PAGES: usize = 20;
/// Close codes (RFC 6455 section 7.4.2: those of applications).
const ENDED: u16 = 4001;
const MOVED: u16 = 4002;

/// What listeners are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Push {
    /// It is over.
    Ended {
        /// As problem documents spell it.
        reason: String,
    },
    /// It has new tokens.
    Refreshed {
        /// None where the provider does not say.
        #[serde(with = "time::serde::rfc3339::option")]
        access_token_expires_at: Option<OffsetDateTime>,
    },
    /// It lives elsewhere.
    Moved {
        /// There.
        region: Region,
    },
}

impl Push {
    /// What a change of the session is to its listeners.
    fn of(before: Option<&State>, after: &State) -> Option<Self> {
        match (before?, after) {
            (State::Active(before), State::Active(after)) if before.grant.issued_at != after.grant.issued_at => {
                Some(Self::Refreshed { access_token_expires_at: after.grant.expires_at })
            }
            (State::Active(_), State::Moved(moved)) => Some(Self::Moved { region: moved.to.region }),
            (State::Active(_), State::Ended(ended)) => Some(Self::Ended { reason: ended.reason.as_str().to_owned() }),
            (
                State::SigningIn(_) | State::Active(_) | State::Ended(_) | State::Moved(_) | State::Arriving(_),
                State::SigningIn(_) | State::Active(_) | State::Ended(_) | State::Moved(_) | State::Arriving(_),
            ) => None,
        }
    }

    /// Reads what a listener was told.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// Whether the session is over and no other one has taken its place.
    pub fn is_the_end(&self) -> bool {
        matches!(self, Self::Ended { reason } if reason != EndReason::Superseded.as_str())
    }

    const fn closes(&self) -> Option<u16> {
        match self {
            Self::Ended { .. } => Some(ENDED),
            Self::Moved { .. } => Some(MOVED),
            Self::Refreshed { .. } => None,
        }
    }
}

impl Session {
    /// Tells listeners of a change.
    pub(super) fn push(&self, before: Option<&State>, after: &State) {
        let Some(push) = Push::of(before, after) else { return };
        let text = serde_json::to_string(&push).unwrap_or_default();
        self.listeners.tell(&text, push.closes());
    }

    /// Whether somebody may begin to listen: the session lives, and lives here. The gateway has checked the cookie. It makes room for one
    /// more page.
    pub async fn may_listen(self: &std::rc::Rc<Self>, listening: Listening) -> bool {
        let lives = self.ready().await.is_ok() && {
            let now = self.now();
            self.active(|active| active.over(now, self.lifetimes()).is_none()) == Some(true)
        };
        if lives && listening == Listening::Page {
            self.listeners.keep_newest(PAGES.saturating_sub(1));
        }
        lives
    }
}
