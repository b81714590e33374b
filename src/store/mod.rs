//! Where the record of a session is kept.
//!
//! A store keeps one record per actor: bytes that it does not understand, and a generation that grows with every
//! write. The actor does not know which store it has.

use worker::SqlStorage;

pub mod durable;

/// Why a record could not be read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The store did not answer, or refused.
    #[error("the session store does not answer: {0}")]
    Unavailable(String),
    /// What it holds is no record of this version.
    #[error("the record cannot be read")]
    Corrupt,
}

impl From<worker::Error> for StoreError {
    fn from(error: worker::Error) -> Self {
        // Callers fold this into `store_unavailable`; the operator needs the platform's own words.
        worker::console_error!("the session store failed: {error}");
        Self::Unavailable(error.to_string())
    }
}

/// A record and the number of its write.
#[derive(Debug)]
pub struct Record {
    /// Grows by one with every write.
    pub generation: u64,
    /// The state, see [`crate::actors::wire`].
    pub bytes: Vec<u8>,
}

/// Keeps the record of one actor.
#[allow(async_fn_in_trait, reason = "actors are single-threaded; no future is sent anywhere")]
pub trait Store {
    /// The record; none where this actor never began.
    async fn load(&self) -> Result<Option<Record>, StoreError>;
    /// Writes the record; the first write makes what is needed for it.
    async fn save(&self, record: &Record) -> Result<(), StoreError>;
}

/// The store of this actor.
pub fn of(sql: SqlStorage) -> impl Store {
    durable::Durable::new(sql)
}
