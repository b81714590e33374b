//! The actors, and the one way to talk to them.
//!
//! A message is bytes ([`wire`]) that travel over Durable Object RPC as `ask(bytes) -> bytes`. Its type names the
//! type of its reply, so that reading the wrong one does not compile, and the class of actors that it is for, so that it
//! cannot be sent to the other. Every message has a time limit: an actor that does not answer is an error, not a hang.
//!
//! Architecture Invariant: [`ask`] and [`serve`] are the only code that touches a message's bytes.

use std::future::Future;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use self::wire::WireError;
use crate::runtime::{self, Actors, CallError};

pub mod directory;
pub mod directory_message;
pub mod end_reason;
#[cfg(test)]
mod golden;
pub mod log;
pub mod session;
mod stored;
pub mod summary;
pub mod wire;

/// A message that names its reply.
pub trait Request {
    /// What the actor answers with.
    type Reply: Serialize + DeserializeOwned;
    /// The enum of all messages to this class of actors.
    type Message: Serialize + DeserializeOwned;
    /// How long the answer may take.
    const TIME_LIMIT_SECONDS: u32;
    /// The message as a variant of [`Request::Message`].
    fn into_message(self) -> Self::Message;
}

/// Declares that message types are variants of one enum, what each is answered with, and how long that may take.
macro_rules! requests {
    ($all:ident: $($message:ident -> $reply:ty, within $seconds:literal s;)*) => {$(
        impl $crate::actors::Request for $message {
            type Reply = $reply;
            type Message = $all;
            const TIME_LIMIT_SECONDS: u32 = $seconds;
            fn into_message(self) -> $all { $all::$message(self) }
        }
    )*
        #[cfg(test)]
        impl $all {
            /// All messages, by number.
            pub const NAMES: &[&str] = &[$(stringify!($message)),*];
        }
    };
}
pub(crate) use requests;

/// Why an actor does not answer a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum MessageRefusal {
    /// They are no message.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The actor itself is not configured, or has lost its platform, or cannot read its record now.
    #[error("the actor cannot work")]
    Broken,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The id was never issued by the platform for this namespace.
    #[error("no such actor")]
    NoSuchActor,
    /// The actor did not answer in time.
    #[error("the actor did not answer within {0} s")]
    TimedOut(u32),
    /// The call failed: the actor crashed, or the platform could not reach it.
    #[error("the actor could not be reached")]
    Unreachable,
    /// The actor answered that it cannot.
    #[error(transparent)]
    Refused(#[from] MessageRefusal),
}

impl AskError {
    /// The platform's error.
    pub(in crate::actors) const fn of(error: CallError, within_seconds: u32) -> Self {
        match error {
            CallError::NoSuchActor => Self::NoSuchActor,
            CallError::TimedOut => Self::TimedOut(within_seconds),
            CallError::Unreachable => Self::Unreachable,
        }
    }
}

/// Answers one message's bytes: decodes, handles, encodes.
pub async fn serve<M, F>(bytes: &[u8], handle: impl FnOnce(M) -> F) -> Vec<u8>
where
    M: DeserializeOwned,
    F: Future<Output = Result<Vec<u8>, MessageRefusal>>,
{
    let reply = match wire::decode::<M>(bytes) {
        Ok(message) => handle(message).await,
        Err(error) => Err(MessageRefusal::Wire(error)),
    };
    reply.or_else(|refusal| wire::encode(&Err::<(), _>(refusal))).unwrap_or_default()
}

/// Encodes the reply of a request as [`ask`] decodes it.
pub fn reply<R: Request>(reply: &R::Reply) -> Result<Vec<u8>, MessageRefusal> {
    Ok(wire::encode(&Ok::<_, MessageRefusal>(reply))?)
}

/// The address of an actor that takes messages of the type `M`.
pub struct TypedAddress<M> {
    to: runtime::ActorAddress,
    messages: PhantomData<fn(M)>,
}

impl<M> TypedAddress<M> {
    /// Its address on the platform.
    pub(in crate::actors) const fn new(to: runtime::ActorAddress) -> Self {
        Self { to, messages: PhantomData }
    }
}

/// Sends a message and waits for its reply. The platform refuses a forged id before any actor is touched.
pub async fn ask<R: Request>(
    actors: &dyn Actors,
    address: &TypedAddress<R::Message>,
    request: R,
) -> Result<R::Reply, AskError> {
    let bytes = wire::encode(&request.into_message()).map_err(MessageRefusal::Wire)?;
    let answer = actors.ask(&address.to, &bytes, R::TIME_LIMIT_SECONDS).await;
    let bytes = answer.map_err(|error| AskError::of(error, R::TIME_LIMIT_SECONDS))?;
    wire::decode::<Result<R::Reply, MessageRefusal>>(&bytes).map_err(MessageRefusal::Wire)?.map_err(AskError::Refused)
}
