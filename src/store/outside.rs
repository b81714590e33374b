//! A store outside of the actor: what it is asked, and what it may know.

use std::time::Duration;

use time::OffsetDateTime;

use super::error::StoreError;
use crate::credential::ActorId;
use crate::runtime::Isolate;

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

/// What a write has replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwritten {
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
    async fn write(
        &self,
        actor: &ActorId,
        generation: u64,
        sealed: &[u8],
        about: &About,
    ) -> Result<Overwritten, StoreError>;
    /// Deletes the record.
    async fn delete(&self, actor: &ActorId) -> Result<(), StoreError>;
}

/// Waits for a store, but not for long.
pub(super) async fn within<T>(
    isolate: &dyn Isolate,
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let too_late = || StoreError::Unavailable(format!("no answer within {} s", limit.as_secs()));
    isolate.within(limit, work).await.unwrap_or_else(|| Err(too_late()))
}
