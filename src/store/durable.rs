//! The default store: the actor's own SQLite.
//!
//! ```sql
//! CREATE TABLE record (id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL, state BLOB NOT NULL)
//! ```
//!
//! Writes are synchronous and confirmed by the platform's output gate: no call leaves the actor before what was
//! written ahead of it is durable.

use worker::{SqlStorage, SqlStorageValue};

use super::{Record, Store, StoreError};

/// See the module.
#[derive(Debug)]
pub struct Durable {
    sql: SqlStorage,
}

impl Durable {
    /// The store in this database.
    pub const fn new(sql: SqlStorage) -> Self {
        Self { sql }
    }
}

impl Store for Durable {
    async fn load(&self) -> Result<Option<Record>, StoreError> {
        // Asking for the table first: an actor that never began writes nothing, not even an empty table.
        let exists = self.sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'record'", None)?;
        if exists.raw().next().is_none() {
            return Ok(None);
        }
        let rows = self.sql.exec("SELECT generation, state FROM record WHERE id = 1", None)?;
        let Some(row) = rows.raw().next() else { return Ok(None) };
        let mut columns = row?.into_iter();
        match (columns.next(), columns.next()) {
            (Some(SqlStorageValue::Integer(generation)), Some(SqlStorageValue::Blob(bytes))) => {
                Ok(Some(Record { generation: generation.try_into().map_err(|_| StoreError::Corrupt)?, bytes }))
            }
            _ => Err(StoreError::Corrupt),
        }
    }

    async fn save(&self, record: &Record) -> Result<(), StoreError> {
        let generation = i64::try_from(record.generation).map_err(|_| StoreError::Corrupt)?;
        if record.generation == 1 {
            let schema = "CREATE TABLE IF NOT EXISTS record \
                (id INTEGER PRIMARY KEY CHECK (id = 1), generation INTEGER NOT NULL, state BLOB NOT NULL)";
            self.sql.exec(schema, None)?;
        }
        let write = "INSERT INTO record (id, generation, state) VALUES (1, ?, ?) \
            ON CONFLICT (id) DO UPDATE SET generation = excluded.generation, state = excluded.state";
        self.sql.exec(write, vec![SqlStorageValue::try_from_i64(generation)?, record.bytes.clone().into()])?;
        Ok(())
    }
}
