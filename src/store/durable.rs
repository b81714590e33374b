//! The actor's own SQLite: the whole record where `SESSION_STORE` is `durable`, and the fence of every other store.
//!
//! ```sql
//! CREATE TABLE record (
//!   id         INTEGER PRIMARY KEY CHECK (id = 1),
//!   store      TEXT NOT NULL,     -- the store that has the record
//!   generation INTEGER NOT NULL,  -- the write that counts; 0: none does yet
//!   attempted  INTEGER NOT NULL,  -- the last write that another store was asked for, whatever became of it
//!   state      BLOB               -- the record of this generation; null where another store alone has it
//! )
//! ```
//!
//! Writes are synchronous and confirmed by the platform's output gate: no call leaves the actor before what was
//! written ahead of it is durable.

use std::rc::Rc;

use time::{Duration, OffsetDateTime};

use super::error::StoreError;
use crate::config::StoreKind;
use crate::runtime::{SqlValue, Storage};
use crate::sealing::record::Unreadable;

/// See the module.
pub struct Durable {
    storage: Rc<dyn Storage>,
}

/// What the actor itself knows of its record.
#[derive(Clone, Debug)]
pub struct FenceRow {
    /// The store that has the record.
    pub store: StoreKind,
    /// The write that counts.
    pub generation: u64,
    /// The last write that was asked for.
    pub attempted: u64,
    /// The record of this generation: in clear for `durable`, sealed for the others.
    pub state: Option<Vec<u8>>,
}

impl Durable {
    /// The store in this database.
    pub const fn new(storage: Rc<dyn Storage>) -> Self {
        Self { storage }
    }

    fn has_table(&self, name: &str) -> Result<bool, StoreError> {
        let query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
        Ok(!self.storage.query(query, vec![name.into()])?.is_empty())
    }

    /// When the last write to the outside store began, or was given up, that has no answer.
    pub fn unanswered_at(&self) -> Result<Option<OffsetDateTime>, StoreError> {
        if !self.has_table("unanswered")? {
            return Ok(None);
        }
        let rows = self.storage.query("SELECT at FROM unanswered WHERE id = 1", Vec::new())?;
        Ok(match rows.into_iter().next().and_then(|row| row.into_iter().next()) {
            Some(SqlValue::Integer(millis)) => {
                Some(OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::milliseconds(millis)))
            }
            _ => None,
        })
    }

    /// Waits until all that was written is durable.
    pub async fn sync(&self) -> Result<(), StoreError> {
        Ok(self.storage.sync().await?)
    }

    /// Writes down that one has none.
    pub fn write_unanswered(&self, at: OffsetDateTime) -> Result<(), StoreError> {
        let schema =
            "CREATE TABLE IF NOT EXISTS unanswered (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL)";
        self.storage.exec(schema, Vec::new())?;
        let millis = at.unix_timestamp().saturating_mul(1000).saturating_add(i64::from(at.millisecond()));
        let values = vec![SqlValue::Integer(millis)];
        self.storage.exec("INSERT OR REPLACE INTO unanswered (id, at) VALUES (1, ?)", values)?;
        Ok(())
    }

    /// It has been answered: what was true before it is again.
    pub fn write_answered(&self, before: Option<OffsetDateTime>) -> Result<(), StoreError> {
        match before {
            Some(at) => self.write_unanswered(at),
            None => Ok(self.storage.exec("DELETE FROM unanswered WHERE id = 1", Vec::new())?),
        }
    }

    /// The row; none where this actor never began.
    pub fn read(&self) -> Result<Option<FenceRow>, StoreError> {
        // It asks for the table first. An actor that never began writes nothing, not even an empty table.
        if !self.has_table("record")? {
            return Ok(None);
        }
        let read = "SELECT store, generation, attempted, state FROM record WHERE id = 1";
        let Some(row) = self.storage.query(read, Vec::new())?.into_iter().next() else { return Ok(None) };
        let mut columns = row.into_iter();
        let row = match (columns.next(), columns.next(), columns.next(), columns.next()) {
            (
                Some(SqlValue::Text(store)),
                Some(SqlValue::Integer(generation)),
                Some(SqlValue::Integer(attempted)),
                Some(state),
            ) => FenceRow {
                store: StoreKind::parse(&store).ok_or(Unreadable::Corrupt)?,
                generation: generation.try_into().map_err(|_| Unreadable::Corrupt)?,
                attempted: attempted.try_into().map_err(|_| Unreadable::Corrupt)?,
                state: match state {
                    SqlValue::Blob(bytes) => Some(bytes),
                    SqlValue::Null => None,
                    _ => return Err(Unreadable::Corrupt.into()),
                },
            },
            _ => return Err(Unreadable::Corrupt.into()),
        };
        Ok(Some(row))
    }

    /// Writes the row; the first write makes the table.
    pub fn write(&self, row: &FenceRow) -> Result<(), StoreError> {
        let number = |number: u64| SqlValue::Integer(number.try_into().unwrap_or(i64::MAX));
        if row.attempted <= 1 {
            let schema = "CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY CHECK (id = 1), \
                store TEXT NOT NULL, generation INTEGER NOT NULL, attempted INTEGER NOT NULL, state BLOB)";
            self.storage.exec(schema, Vec::new())?;
        }
        let write = "INSERT INTO record (id, store, generation, attempted, state) VALUES (1, ?, ?, ?, ?) \
            ON CONFLICT (id) DO UPDATE SET store = excluded.store, generation = excluded.generation, \
            attempted = excluded.attempted, state = excluded.state";
        let state = row.state.clone().map_or(SqlValue::Null, SqlValue::Blob);
        let values = vec![row.store.as_str().into(), number(row.generation), number(row.attempted), state];
        self.storage.exec(write, values)?;
        Ok(())
    }
}

#[cfg(test)]
#[path = "durable_tests.rs"]
mod tests;
