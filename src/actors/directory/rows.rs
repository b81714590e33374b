//! The directory's SQLite.
//!
//! ```sql
//! CREATE TABLE session (actor TEXT PRIMARY KEY, row BLOB NOT NULL)                      -- row: wire bytes
//! CREATE TABLE facts   (id INTEGER PRIMARY KEY CHECK (id = 1), facts BLOB NOT NULL)     -- facts: wire bytes
//! ```
//!
//! A directory that no session was registered with, or taken away from, writes nothing, not even an empty table.

use serde::{Deserialize, Serialize};
use worker::{SqlStorage, SqlStorageValue};

use super::row::Row;
use super::state::{Directory, Facts};
use crate::actors::wire;
use crate::credential::ActorId;
use crate::store::StoreError;

/// A row or the facts as stored. A field cannot be added to what bincode has written: what changes gets a variant of its
/// own.
#[derive(Serialize, Deserialize)]
enum Stored<T> {
    V1(T),
}

/// The directory, as it was written last.
pub fn load(sql: &SqlStorage) -> Result<Directory, StoreError> {
    let mut directory = Directory::default();
    let exists = sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'session'", None)?;
    if exists.raw().next().is_none() {
        return Ok(directory);
    }
    for columns in sql.exec("SELECT actor, row FROM session", None)?.raw() {
        let mut columns = columns?.into_iter();
        if let (Some(SqlStorageValue::String(actor)), Some(SqlStorageValue::Blob(row))) =
            (columns.next(), columns.next())
        {
            let actor: ActorId = actor.parse().map_err(|_| StoreError::Corrupt)?;
            let Stored::V1(row) = wire::decode::<Stored<Row>>(&row).map_err(|_| StoreError::Corrupt)?;
            directory.rows.insert(actor, row);
        }
    }
    for columns in sql.exec("SELECT facts FROM facts WHERE id = 1", None)?.raw() {
        if let Some(SqlStorageValue::Blob(facts)) = columns?.into_iter().next() {
            let Stored::V1(facts) = wire::decode::<Stored<Facts>>(&facts).map_err(|_| StoreError::Corrupt)?;
            directory.facts = facts;
        }
    }
    Ok(directory)
}

/// Writes the rows of these sessions as the directory has them now, or has them no more.
pub fn save_rows<'a>(
    sql: &SqlStorage,
    directory: &Directory,
    actors: impl IntoIterator<Item = &'a ActorId>,
) -> Result<(), StoreError> {
    create(sql)?;
    for actor in actors {
        let key = SqlStorageValue::from(actor.as_str().to_owned());
        match directory.rows.get(actor) {
            Some(row) => {
                let row = wire::encode(&Stored::V1(row)).map_err(|_| StoreError::Corrupt)?;
                sql.exec("INSERT OR REPLACE INTO session (actor, row) VALUES (?, ?)", vec![key, row.into()])?;
            }
            None => {
                sql.exec("DELETE FROM session WHERE actor = ?", vec![key])?;
            }
        }
    }
    Ok(())
}

/// Writes the facts.
pub fn save_facts(sql: &SqlStorage, directory: &Directory) -> Result<(), StoreError> {
    create(sql)?;
    let facts = wire::encode(&Stored::V1(&directory.facts)).map_err(|_| StoreError::Corrupt)?;
    sql.exec("INSERT OR REPLACE INTO facts (id, facts) VALUES (1, ?)", vec![facts.into()])?;
    Ok(())
}

fn create(sql: &SqlStorage) -> Result<(), StoreError> {
    sql.exec("CREATE TABLE IF NOT EXISTS session (actor TEXT PRIMARY KEY, row BLOB NOT NULL)", None)?;
    sql.exec("CREATE TABLE IF NOT EXISTS facts (id INTEGER PRIMARY KEY CHECK (id = 1), facts BLOB NOT NULL)", None)?;
    Ok(())
}
