//! Calls that leave the isolate: to a provider, to another actor, to the documents that isolates share.

use std::time::Duration;

use futures::future::LocalBoxFuture;
use time::OffsetDateTime;

use super::{Heard, Inbound};
use crate::credential::ActorId;
use crate::region::{Jurisdiction, Region};

/// How long one call to a provider may take, its body included.
pub const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The longest body of an answer that is read.
pub const MAX_BODY: usize = 1 << 20;

/// Why there is no complete answer. Never holds a URL: some carry codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Not https, and not loopback.
    #[error("the endpoint is neither https nor on a loopback host")]
    Forbidden,
    /// The request cannot be built.
    #[error("the request cannot be sent")]
    BadRequest,
    /// No connection, or it was lost.
    #[error("the provider could not be reached")]
    Unreachable,
    /// No complete answer in time.
    #[error("the provider did not answer within 10 s")]
    TimedOut,
    /// The body is too long.
    #[error("the provider's answer is longer than 1 MiB")]
    TooLarge,
}

/// Calls over HTTP.
pub trait Http {
    /// Sends a request, once, and reads the whole answer: its status, the headers that say its type and when to ask again, and a body of at
    /// most [`MAX_BODY`]. No redirect is followed. Done within [`TIME_LIMIT`]; a call that nobody waits for any longer is aborted.
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<http::Response<Vec<u8>>, HttpError>>;
}

/// Which actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActorAddress {
    /// A session's. If nobody has asked it yet, it comes to live near a region.
    Session {
        /// Its id.
        id: ActorId,
        /// Where it is to live.
        near: Option<Region>,
    },
    /// A directory, by its name.
    Directory {
        /// A hash.
        name: String,
        /// It stays within.
        jurisdiction: Option<Jurisdiction>,
    },
}

/// Why a call to an actor brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The id was never issued by the platform.
    NoSuchActor,
    /// No answer in time.
    TimedOut,
    /// The actor crashed, or the platform could not reach it.
    Unreachable,
}

/// Calls to actors.
pub trait Actors {
    /// Sends a message and waits so many seconds for its reply. A forged id is refused before any actor is touched.
    fn ask<'a>(
        &'a self,
        address: &'a ActorAddress,
        message: &'a [u8],
        within_seconds: u32,
    ) -> LocalBoxFuture<'a, Result<Vec<u8>, CallError>>;
    /// Begins to listen to a session.
    fn listen<'a>(&'a self, id: &'a ActorId) -> LocalBoxFuture<'a, Result<Box<dyn Heard>, CallError>>;
    /// Has a page of the browser's begin to listen to a session: the response that accepts its WebSocket.
    fn let_listen<'a>(&'a self, id: &'a ActorId) -> LocalBoxFuture<'a, Result<Inbound, CallError>>;
    /// The id of a session's actor that nobody has asked yet, within the jurisdiction where there is one. No actor is touched.
    fn new_session_id(&self, jurisdiction: Option<Jurisdiction>) -> Result<ActorId, CallError>;
}

/// A document, and when it was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// As it came.
    pub body: Vec<u8>,
    /// By the clock of the isolate that fetched it.
    pub fetched_at: OffsetDateTime,
}

/// JSON documents that the isolates of a data centre share. Best effort: there may be none.
pub trait Cache {
    /// The document of this key, a URL.
    fn get(&self, key: String) -> LocalBoxFuture<'static, Option<Cached>>;
    /// Keeps it for so long.
    fn put(&self, key: String, document: Cached, span: Duration) -> LocalBoxFuture<'static, ()>;
}
