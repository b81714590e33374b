//! The request that waits for its user's login, in a row of the actor's own database. There is at most one; it waits ten minutes.
//!
//! ```text
//!   parked   id = 1   record BLOB (wire bytes of ParkedV1)
//! ```

use std::cell::RefCell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::message::{Parked, SealedRequest};
use crate::actors::wire;
use crate::credential::{Secret, SecretHash};
use crate::runtime::{SqlValue, Storage};
use crate::store::StoreError;

/// How long a request waits.
pub const PARKED_FOR: Duration = Duration::minutes(10);

/// A request as it is kept. Another form gets a variant of its own.
#[derive(Clone, Serialize, Deserialize)]
enum Stored {
    V1(ParkedV1),
}

#[derive(Clone, Serialize, Deserialize)]
struct ParkedV1 {
    /// Of the secret that takes it back.
    ticket: SecretHash,
    /// Whose it is: `iss` and `sub`.
    user: (String, String),
    expires_at: OffsetDateTime,
    request: SealedRequest,
}

/// The row.
pub(super) struct ParkedRequest {
    storage: Rc<dyn Storage>,
    /// What the row says, once it was read.
    read: RefCell<Option<Option<ParkedV1>>>,
}

impl ParkedRequest {
    /// One that has not been read.
    pub fn new(storage: &Rc<dyn Storage>) -> Self {
        Self { storage: Rc::clone(storage), read: RefCell::default() }
    }

    /// Until when a request waits, if there is one. What cannot be read now is read the next time.
    pub fn until(&self) -> Option<OffsetDateTime> {
        self.load().ok()?.map(|parked| parked.expires_at)
    }

    fn load(&self) -> Result<Option<ParkedV1>, StoreError> {
        if let Some(known) = &*self.read.borrow() {
            return Ok(known.clone());
        }
        let found = self.read_row()?;
        self.read.replace(Some(found.clone()));
        Ok(found)
    }

    fn read_row(&self) -> Result<Option<ParkedV1>, StoreError> {
        // An actor that keeps none writes nothing, not even an empty table.
        let table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'parked'";
        if self.storage.query(table, Vec::new())?.is_empty() {
            return Ok(None);
        }
        let rows = self.storage.query("SELECT record FROM parked WHERE id = 1", Vec::new())?;
        // One that cannot be read is none: its user fills in the form again.
        Ok(match rows.first().and_then(|row| row.first()) {
            Some(SqlValue::Blob(bytes)) => wire::decode(bytes).ok().map(|Stored::V1(parked)| parked),
            _ => None,
        })
    }

    /// Keeps a request of this user's.
    pub fn keep(
        &self,
        ticket: SecretHash,
        user: (String, String),
        request: SealedRequest,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let parked = ParkedV1 { ticket, user, expires_at: now.saturating_add(PARKED_FOR), request };
        let bytes = wire::encode(&Stored::V1(parked.clone())).map_err(|_| StoreError::Corrupt)?;
        let schema = "CREATE TABLE IF NOT EXISTS parked (id INTEGER PRIMARY KEY CHECK (id = 1), record BLOB NOT NULL)";
        self.storage.exec(schema, Vec::new())?;
        self.storage.exec("INSERT OR REPLACE INTO parked (id, record) VALUES (1, ?)", vec![bytes.into()])?;
        self.read.replace(Some(Some(parked)));
        Ok(())
    }

    /// Takes it out for this user. Nobody gets it afterwards, whatever comes of that. A wrong ticket changes nothing.
    pub fn take(&self, ticket: &Secret, user: &(String, String), now: OffsetDateTime) -> Result<Parked, StoreError> {
        let Some(parked) = self.load()?.filter(|parked| now < parked.expires_at && parked.ticket.matches(ticket))
        else {
            return Ok(Parked::Gone);
        };
        self.drop()?;
        Ok(if parked.user == *user { Parked::Taken(parked.request) } else { Parked::OtherUser })
    }

    /// Drops one that nobody has come for.
    pub fn drop_overdue(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        if self.until().is_some_and(|until| now >= until) { self.drop() } else { Ok(()) }
    }

    fn drop(&self) -> Result<(), StoreError> {
        self.storage.exec("DELETE FROM parked", Vec::new())?;
        self.forget();
        Ok(())
    }

    /// There is none any more.
    pub fn forget(&self) {
        self.read.replace(Some(None));
    }
}
