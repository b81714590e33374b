//! What happened to a session: the last events in the actor's SQLite, and each as one JSON line in the log.
//!
//! ```sql
//! CREATE TABLE ledger (seq INTEGER PRIMARY KEY, entry BLOB NOT NULL)   -- entry: wire bytes
//! ```
//!
//! The lines are [`crate::actors::log`]'s. The log has every event; the ledger has few of those that anybody who has the session's cookie
//! can cause as often as they like, or that come every few minutes, so that they do not push out the others.

use time::Duration;

pub use crate::actors::log::{Cause, Entry, Event};
use crate::actors::wire;
use crate::ambient;
use crate::runtime::{SqlValue, Storage};
use crate::store::StoreError;

/// How many events are kept.
const KEPT: i64 = 100;

/// How many events of one kind the ledger takes.
struct Share {
    outcome: &'static str,
    /// Within an hour. Further ones are in the log alone.
    an_hour: usize,
    /// Among those that are kept. A further one takes the place of the oldest.
    kept: usize,
}

/// The shares of the device's events: a browser renews its proof every eight minutes, and a thief may be refused without end.
const SHARES: [Share; 2] =
    [Share { outcome: "renewed", an_hour: 1, kept: 25 }, Share { outcome: "refused", an_hour: 10, kept: 25 }];

/// Creates the table; part of the first write.
pub fn create(storage: &dyn Storage) -> Result<(), StoreError> {
    let schema = "CREATE TABLE IF NOT EXISTS ledger (seq INTEGER PRIMARY KEY, entry BLOB NOT NULL)";
    storage.exec(schema, Vec::new())?;
    Ok(())
}

/// Adds an entry and drops what is too old. One beyond its kind's share is not added, or replaces the oldest of its kind.
pub fn append(storage: &dyn Storage, entry: &Entry) -> Result<(), StoreError> {
    let bytes = wire::encode(entry).map_err(|_| StoreError::Corrupt)?;
    let share = SHARES.iter().find(|share| entry.event == Event::Device && entry.outcome == share.outcome);
    if let Some(share) = share {
        let mut alike = numbered(storage)?;
        alike.retain(|(_, other)| other.event == entry.event && other.outcome == entry.outcome);
        let is_recent = |at| ambient::between(at, entry.at).abs() < Duration::HOUR;
        if alike.iter().filter(|(_, other)| is_recent(other.at)).count() >= share.an_hour {
            return Ok(());
        }
        if let Some((oldest, _)) = alike.first().filter(|_| alike.len() >= share.kept) {
            let statement = "UPDATE ledger SET entry = ? WHERE seq = ?";
            return Ok(storage.exec(statement, vec![bytes.into(), (*oldest).into()])?);
        }
    }
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
    Ok(numbered(storage)?.into_iter().map(|(_, entry)| entry).collect())
}

/// The same, each with its number.
fn numbered(storage: &dyn Storage) -> Result<Vec<(i64, Entry)>, StoreError> {
    let mut entries = Vec::new();
    for row in storage.query("SELECT seq, entry FROM ledger ORDER BY seq", Vec::new())? {
        if let [SqlValue::Integer(seq), SqlValue::Blob(bytes)] = row.as_slice() {
            entries.extend(wire::decode::<Entry>(bytes).ok().map(|entry| (*seq, entry)));
        }
    }
    // A predecessor's entries were written down after this session's first ones.
    entries.sort_by_key(|(_, entry)| entry.at);
    Ok(entries)
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
