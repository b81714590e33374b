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

use time::{Duration, OffsetDateTime};
use worker::{SqlStorage, SqlStorageValue};

use super::StoreError;
use super::seal::Unreadable;
use crate::config::StoreKind;

/// See the module.
#[derive(Debug)]
pub struct Durable {
    sql: SqlStorage,
}

/// What the actor itself knows of its record.
#[derive(Clone, Debug)]
pub struct Row {
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
    pub const fn new(sql: SqlStorage) -> Self {
        Self { sql }
    }

    fn has_table(&self, name: &str) -> Result<bool, StoreError> {
        let query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
        Ok(self.sql.exec(query, vec![name.into()])?.raw().next().is_some())
    }

    /// When a write to the store outside was given up that was not answered.
    pub fn unanswered_at(&self) -> Result<Option<OffsetDateTime>, StoreError> {
        if !self.has_table("unanswered")? {
            return Ok(None);
        }
        let rows = self.sql.exec("SELECT at FROM unanswered WHERE id = 1", None)?;
        let Some(row) = rows.raw().next() else { return Ok(None) };
        Ok(match row?.into_iter().next() {
            Some(SqlStorageValue::Integer(millis)) => {
                Some(OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::milliseconds(millis)))
            }
            _ => None,
        })
    }

    /// Writes down that one was given up.
    pub fn write_unanswered(&self, at: OffsetDateTime) -> Result<(), StoreError> {
        let schema =
            "CREATE TABLE IF NOT EXISTS unanswered (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL)";
        self.sql.exec(schema, None)?;
        let millis = at.unix_timestamp().saturating_mul(1000).saturating_add(i64::from(at.millisecond()));
        let values = vec![SqlStorageValue::try_from_i64(millis)?];
        self.sql.exec("INSERT OR REPLACE INTO unanswered (id, at) VALUES (1, ?)", values)?;
        Ok(())
    }

    /// The row; none where this actor never began.
    pub fn read(&self) -> Result<Option<Row>, StoreError> {
        // Asking for the table first: an actor that never began writes nothing, not even an empty table.
        if !self.has_table("record")? {
            return Ok(None);
        }
        let rows = self.sql.exec("SELECT store, generation, attempted, state FROM record WHERE id = 1", None)?;
        let Some(row) = rows.raw().next() else { return Ok(None) };
        let mut columns = row?.into_iter();
        let row = match (columns.next(), columns.next(), columns.next(), columns.next()) {
            (
                Some(SqlStorageValue::String(store)),
                Some(SqlStorageValue::Integer(generation)),
                Some(SqlStorageValue::Integer(attempted)),
                Some(state),
            ) => Row {
                store: StoreKind::parse(&store).ok_or(Unreadable::Corrupt)?,
                generation: generation.try_into().map_err(|_| Unreadable::Corrupt)?,
                attempted: attempted.try_into().map_err(|_| Unreadable::Corrupt)?,
                state: match state {
                    SqlStorageValue::Blob(bytes) => Some(bytes),
                    SqlStorageValue::Null => None,
                    _ => return Err(Unreadable::Corrupt.into()),
                },
            },
            _ => return Err(Unreadable::Corrupt.into()),
        };
        Ok(Some(row))
    }

    /// Writes the row; the first write makes the table.
    pub fn write(&self, row: &Row) -> Result<(), StoreError> {
        let number =
            |number: u64| Ok::<_, StoreError>(SqlStorageValue::try_from_i64(number.try_into().unwrap_or(i64::MAX))?);
        if row.attempted <= 1 {
            let schema = "CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY CHECK (id = 1), \
                store TEXT NOT NULL, generation INTEGER NOT NULL, attempted INTEGER NOT NULL, state BLOB)";
            self.sql.exec(schema, None)?;
        }
        let write = "INSERT INTO record (id, store, generation, attempted, state) VALUES (1, ?, ?, ?, ?) \
            ON CONFLICT (id) DO UPDATE SET store = excluded.store, generation = excluded.generation, \
            attempted = excluded.attempted, state = excluded.state";
        let state = row.state.clone().map_or(SqlStorageValue::Null, SqlStorageValue::Blob);
        let values = vec![row.store.as_str().into(), number(row.generation)?, number(row.attempted)?, state];
        self.sql.exec(write, values)?;
        Ok(())
    }
}
