//! Streams outlive the request that opened them: while a WebSocket or an event stream of a session is open, the gateway
//! asks at intervals whether the session still lives, and closes it where it does not. That is no use of the session.

use std::rc::Rc;
use std::time::Duration;

use crate::actors::AskError;
use crate::actors::end_reason::EndReason;
use crate::actors::session::follow;
use crate::actors::session::message::{Credential, Denied, IsAlive};
use crate::runtime::Actors;

/// Looks after one stream.
pub struct Watch {
    actors: Rc<dyn Actors>,
    session: Credential,
    every: Duration,
}

/// Why a stream is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The session is over.
    Over,
    /// It cannot be found out, or another session has taken its place. A client that connects again gets the answer.
    Unsure,
}

impl Closing {
    /// The close code of a WebSocket: 401 in the range for applications (RFC 6455 section 7.4.2), and "try again later"
    /// (1013 of the registry).
    pub const fn code(self) -> u16 {
        match self {
            Self::Over => 4401,
            Self::Unsure => 1013,
        }
    }

    /// The close reason of a WebSocket.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Over => "the session has ended",
            Self::Unsure => "please connect again",
        }
    }
}

impl Watch {
    /// Over a stream of this session.
    pub fn new(actors: &Rc<dyn Actors>, session: &Credential, every: time::Duration) -> Self {
        Self { actors: Rc::clone(actors), session: session.clone(), every: every.unsigned_abs() }
    }

    /// How long to wait between two looks.
    pub const fn every(&self) -> Duration {
        self.every
    }

    /// Looks once. Some: the stream has to be closed, for this reason.
    pub async fn look(&self) -> Option<Closing> {
        let is_alive = || IsAlive { secret: self.session.secret.clone() };
        match follow::ask(&*self.actors, &self.session.actor, is_alive).await.map(|followed| followed.reply) {
            Ok(Ok(_)) => None,
            Ok(Err(Denied::Ended(reason))) if reason != EndReason::Superseded => Some(Closing::Over),
            Ok(Err(Denied::Unknown)) | Err(AskError::NoSuchActor) => Some(Closing::Over),
            Ok(Err(_)) | Err(_) => Some(Closing::Unsure),
        }
    }
}
