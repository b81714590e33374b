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
use crate::runtime::{Listening, Unheard};

/// How many pages of a session may listen. The oldest one goes.
pub const PAGES: usize = 20;
/// How many of an application's streams are watched over by listening. The gateway asks for the others at intervals. (An actor can have
/// 32,768 WebSockets on the platform.)
pub const WATCHES: usize = 1000;
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
        if let Some(push) = Push::of(before, after) {
            self.tell_listeners(&push);
        }
    }

    /// Tells listeners that the session is over, where nothing can be read of what it was.
    pub(super) fn push_end(&self, reason: EndReason) {
        self.tell_listeners(&Push::Ended { reason: reason.as_str().to_owned() });
    }

    fn tell_listeners(&self, push: &Push) {
        let text = serde_json::to_string(push).unwrap_or_default();
        self.listeners.tell(&text, push.closes());
    }

    /// Whether somebody may begin to listen: the session lives, and lives here. The gateway has checked the cookie. It makes room for one
    /// more page.
    pub async fn may_listen(self: &std::rc::Rc<Self>, listening: Listening) -> Result<(), Unheard> {
        let lives = self.ready().await.is_ok() && {
            let now = self.now();
            self.active(|active| active.over(now, self.lifetimes()).is_none()) == Some(true)
        };
        match listening {
            _ if !lives => Err(Unheard::Gone),
            Listening::Page => {
                self.listeners.keep_newest(PAGES.saturating_sub(1));
                Ok(())
            }
            Listening::Watch if self.listeners.watches() >= WATCHES => Err(Unheard::Full),
            Listening::Watch => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::actors::session::samples;

    fn active() -> State {
        State::Active(Box::new(samples::active()))
    }

    #[test]
    fn every_end_of_a_session_is_told_with_its_reason() {
        for reason in [EndReason::Logout, EndReason::Revoked, EndReason::Superseded, EndReason::Device] {
            let ended = active().end(samples::at(7), reason).unwrap();
            let push = Push::of(Some(&active()), &ended).unwrap();
            assert_eq!(push, Push::Ended { reason: reason.as_str().to_owned() });
            assert_eq!(push.closes(), Some(4001));
            assert_eq!(push.is_the_end(), reason != EndReason::Superseded, "{reason}");
            assert_eq!(Push::of(Some(&ended), &ended), None, "once");
        }
    }

    #[test]
    fn new_tokens_are_told_and_close_nothing() {
        let mut refreshed = samples::active();
        refreshed.grant.issued_at = samples::at(3);
        refreshed.grant.expires_at = Some(samples::at(4));
        let push = Push::of(Some(&active()), &State::Active(Box::new(refreshed))).unwrap();
        assert_eq!(push, Push::Refreshed { access_token_expires_at: Some(samples::at(4)) });
        assert_eq!(push.closes(), None);
        assert!(!push.is_the_end());
    }

    #[test]
    fn a_session_that_goes_on_elsewhere_says_where() {
        let moved = active().succeeded(samples::at(7), &samples::successor(), Duration::seconds(10)).unwrap();
        let push = Push::of(Some(&active()), &moved).unwrap();
        assert_eq!(push, Push::Moved { region: Region::Oc });
        assert_eq!(push.closes(), Some(4002));
        let settled = moved.clone().settled().unwrap();
        assert_eq!(Push::of(Some(&moved), &settled), None, "the end of its grace is nobody's business");
    }

    #[test]
    fn a_use_and_a_beginning_are_not_told() {
        let used = active().used(samples::at(7)).unwrap();
        assert_eq!(Push::of(Some(&active()), &used), None);
        assert_eq!(Push::of(None, &active()), None);
    }

    #[test]
    fn a_listener_reads_what_it_was_told_and_nothing_else() {
        for push in [
            Push::Ended { reason: "logout".to_owned() },
            Push::Refreshed { access_token_expires_at: Some(samples::at(4)) },
            Push::Refreshed { access_token_expires_at: None },
            Push::Moved { region: Region::Oc },
        ] {
            assert_eq!(Push::read(&serde_json::to_string(&push).unwrap()), Some(push));
        }
        for text in ["", "{}", r#"{"event":"other"}"#, r#"{"event":"ended"}"#] {
            assert_eq!(Push::read(text), None, "{text}");
        }
    }
}
