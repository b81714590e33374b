//! Streams outlive the request that opened them: while a WebSocket or an event stream of a session is open, the gateway listens to the
//! session, and closes the stream when that ends. While it cannot listen, it asks at intervals. Neither is a use of the session.
//!
//! ```text
//!            ┌──────────── it lives ────────────┐
//!            ▼                                  │
//!   ──►  listening ── moved, or lost ───────► asking ── over, or no answer ──► close
//!          │   │                                ▲
//!          │   └─ cannot listen ──► waiting ────┘
//!          └───── ended ─────────────────────────────────────────────────────► close
//! ```
//!
//! A connection that is lost as soon as it was made is a reason to wait, too, but not for long.

use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};

use crate::actors::AskError;
use crate::actors::end_reason::EndReason;
use crate::actors::session::follow;
use crate::actors::session::listeners::Push;
use crate::actors::session::message::{Credential, Denied, IsAlive};
use crate::credential::ActorId;
use crate::runtime::{Actors, CallError, Isolate};

/// A push may be lost with nobody to notice. After so long without one the watch asks.
const LOOK_AGAIN: Duration = Duration::from_secs(15 * 60);
/// A connection that was lost within this time costs a pause as long. Otherwise an actor that keeps none would be asked without end.
const BRIEF: Duration = Duration::from_secs(1);

/// Looks after one stream.
pub struct Watch {
    isolate: Rc<dyn Isolate>,
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
    /// Over a stream of this session. It asks `every` so often while it cannot listen.
    pub fn new(
        isolate: &Rc<dyn Isolate>,
        actors: &Rc<dyn Actors>,
        session: &Credential,
        every: time::Duration,
    ) -> Self {
        let (isolate, actors) = (Rc::clone(isolate), Rc::clone(actors));
        Self { isolate, actors, session: session.clone(), every: every.unsigned_abs() }
    }

    /// Waits until the stream has to be closed.
    pub async fn closing(self) -> Closing {
        let mut lives_in = self.session.actor.clone();
        loop {
            let lasting = self.isolate.now().saturating_add(BRIEF.try_into().unwrap_or_default());
            let mut is_refused = false;
            let pause = match self.actors.listen(&lives_in).await {
                Ok(mut heard) => loop {
                    let next = match select(heard.next(), self.isolate.sleep(LOOK_AGAIN)).await {
                        Either::Left((next, _)) => next,
                        Either::Right(_) => break None,
                    };
                    match next.as_deref().map(Push::read) {
                        Some(Some(push)) if push.is_the_end() => return Closing::Over,
                        Some(Some(Push::Ended { .. })) => return Closing::Unsure,
                        Some(Some(Push::Moved { .. })) => break None,
                        None => break (self.isolate.now() < lasting).then_some(BRIEF.min(self.every)),
                        Some(Some(Push::Refreshed { .. }) | None) => {}
                    }
                },
                Err(CallError::NoSuchActor) => {
                    is_refused = true;
                    None
                }
                Err(_) => Some(self.every),
            };
            if let Some(pause) = pause {
                self.isolate.sleep(pause).await;
            }
            lives_in = match self.ask().await {
                // It answers for its successor for a moment: the browser is getting another cookie.
                Ok(actor) if is_refused && actor == lives_in => return Closing::Unsure,
                Ok(actor) => actor,
                Err(closing) => return closing,
            };
        }
    }

    /// Where the session lives.
    async fn ask(&self) -> Result<ActorId, Closing> {
        let is_alive = || IsAlive { secret: self.session.secret.clone() };
        let followed = follow::ask(&*self.actors, &self.session.actor, is_alive).await;
        match followed.map(|followed| (followed.reply, followed.moved_to)) {
            Ok((Ok(()), moved_to)) => Ok(moved_to.map_or_else(|| self.session.actor.clone(), |to| to.actor)),
            Ok((Err(Denied::Ended(reason)), _)) if reason != EndReason::Superseded => Err(Closing::Over),
            Ok((Err(Denied::Unknown), _)) | Err(AskError::NoSuchActor) => Err(Closing::Over),
            Ok((Err(_), _)) | Err(_) => Err(Closing::Unsure),
        }
    }
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
