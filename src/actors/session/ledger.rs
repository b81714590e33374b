//! What happened to a session: the last events in the actor's SQLite, and each as one JSON line in the log.
//!
//! ```sql
//! CREATE TABLE ledger (seq INTEGER PRIMARY KEY AUTOINCREMENT, entry BLOB NOT NULL)   -- entry: wire bytes
//! ```
//!
//! The lines are [`crate::actors::log`]'s.

use worker::SqlStorage;

pub use crate::actors::log::{Cause, Entry, Event};
use crate::actors::wire;
use crate::store::StoreError;

/// How many events are kept.
const KEPT: i32 = 100;

/// Creates the table; part of the first write.
pub fn create(sql: &SqlStorage) -> Result<(), StoreError> {
    sql.exec("CREATE TABLE IF NOT EXISTS ledger (seq INTEGER PRIMARY KEY AUTOINCREMENT, entry BLOB NOT NULL)", None)?;
    Ok(())
}

/// Adds an entry and drops what is too old.
pub fn append(sql: &SqlStorage, entry: &Entry) -> Result<(), StoreError> {
    let bytes = wire::encode(entry).map_err(|_| StoreError::Corrupt)?;
    sql.exec("INSERT INTO ledger (entry) VALUES (?)", vec![bytes.into()])?;
    sql.exec("DELETE FROM ledger WHERE seq <= (SELECT max(seq) FROM ledger) - ?", vec![KEPT.into()])?;
    Ok(())
}

/// The kept entries, oldest first; one that cannot be read is left out.
pub fn entries(sql: &SqlStorage) -> Result<Vec<Entry>, StoreError> {
    let cursor = sql.exec("SELECT entry FROM ledger ORDER BY seq", None)?;
    let mut entries = Vec::new();
    for row in cursor.raw() {
        if let Some(worker::SqlStorageValue::Blob(bytes)) = row?.into_iter().next() {
            entries.extend(wire::decode::<Entry>(&bytes).ok());
        }
    }
    // Those of a predecessor were written down after this session's first ones.
    entries.sort_by_key(|entry| entry.at);
    Ok(entries)
}
