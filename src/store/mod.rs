//! Where the record of a session is kept: in the actor's own storage, in Workers KV, or in Postgres.
//!
//! An actor has one [`SessionStore`], and does not know which kind it is. A [`Store`] is a place outside of the actor; it
//! gets records [`seal`]ed and understands nothing of them. The actor's own storage ([`durable`]) holds the fence: which
//! write counts.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use time::OffsetDateTime;
use worker::Delay;

use self::seal::Unreadable;
use crate::credential::ActorId;

pub mod durable;
pub mod kv;
pub mod neon;
pub mod seal;
mod session_store;

pub use session_store::{Saved, SessionStore};

/// Why a record could not be read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The store did not answer, or refused.
    #[error("the session store cannot be used: {0}")]
    Unavailable(String),
    /// What it holds is no record of this version.
    #[error("the record cannot be read")]
    Corrupt,
    /// What it holds is not this session's last record.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl From<worker::Error> for StoreError {
    fn from(error: worker::Error) -> Self {
        // Callers fold this into `store_unavailable`; the operator needs the platform's own words.
        worker::console_error!("the session store failed: {error}");
        Self::Unavailable(error.to_string())
    }
}

/// What a store may know of a session in clear: what an operator asks for. No token, secret or claim.
#[derive(Clone, Debug)]
pub struct About {
    /// `active`, `moved` or `ended`.
    pub state: &'static str,
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// Where the actor lives.
    pub region: &'static str,
    /// When the user logged in.
    pub created_at: OffsetDateTime,
    /// The last use that was written down.
    pub last_used_at: Option<OffsetDateTime>,
    /// The end in any case.
    pub expires_at: OffsetDateTime,
    /// When the store may drop it.
    pub kept_until: OffsetDateTime,
}

/// What a write found in its place, and is there no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or what the actor had written before; or the store does not say.
    Own,
    /// A record that says it is of this generation, which the actor never wrote.
    Foreign(u64),
}

/// A place for sealed records, outside of the actor.
#[allow(async_fn_in_trait, reason = "actors are single-threaded; no future is sent anywhere")]
pub trait Store {
    /// The sealed record, whichever it is.
    async fn read(&self, actor: &ActorId) -> Result<Option<Vec<u8>>, StoreError>;
    /// Writes a sealed record, of a generation above all that were written before. Afterwards the store has it, or nobody
    /// knows.
    async fn write(&self, actor: &ActorId, generation: u64, sealed: &[u8], about: &About) -> Result<Found, StoreError>;
    /// Deletes the record.
    async fn delete(&self, actor: &ActorId) -> Result<(), StoreError>;
}

/// Waits for a store, but not for long.
async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match select(pin!(work), pin!(Delay::from(limit))).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => Err(StoreError::Unavailable(format!("no answer within {} s", limit.as_secs()))),
    }
}
