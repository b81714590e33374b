//! What happened to a session: the last events in the actor's SQLite, and each as one JSON line in the log.
//!
//! ```sql
//! CREATE TABLE ledger (seq INTEGER PRIMARY KEY, entry BLOB NOT NULL)   -- entry: wire bytes
//! ```
//!
//! The lines are [`crate::actors::log`]'s.

pub use crate::actors::log::{Cause, Entry, Event};
use crate::actors::wire;
use crate::runtime::{SqlValue, Storage};
use crate::store::StoreError;

/// How many events are kept.
const KEPT: i64 = 100;

/// Creates the table; part of the first write.
pub fn create(storage: &dyn Storage) -> Result<(), StoreError> {
    let schema = "CREATE TABLE IF NOT EXISTS ledger (seq INTEGER PRIMARY KEY, entry BLOB NOT NULL)";
    storage.exec(schema, Vec::new())?;
    Ok(())
}

/// Adds an entry and drops what is too old.
pub fn append(storage: &dyn Storage, entry: &Entry) -> Result<(), StoreError> {
    let bytes = wire::encode(entry).map_err(|_| StoreError::Corrupt)?;
    let added = storage.query("INSERT INTO ledger (entry) VALUES (?) RETURNING seq", vec![bytes.into()])?;
    // The newest entry stays, so that its number is the largest one there was.
    match added.first().and_then(|row| row.first()) {
        Some(SqlValue::Integer(seq)) if *seq > KEPT => {
            Ok(storage.exec("DELETE FROM ledger WHERE seq <= ?", vec![seq.saturating_sub(KEPT).into()])?)
        }
        _ => Ok(()),
    }
}

/// The kept entries, oldest first; one that cannot be read is left out.
pub fn entries(storage: &dyn Storage) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    for row in storage.query("SELECT entry FROM ledger ORDER BY seq", Vec::new())? {
        if let Some(SqlValue::Blob(bytes)) = row.into_iter().next() {
            entries.extend(wire::decode::<Entry>(&bytes).ok());
        }
    }
    // A predecessor's entries were written down after this session's first ones.
    entries.sort_by_key(|entry| entry.at);
    Ok(entries)
}
