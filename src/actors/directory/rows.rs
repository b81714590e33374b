//! The directory's SQLite.
//!
//! ```sql
//! CREATE TABLE session (actor TEXT PRIMARY KEY, row BLOB NOT NULL)                      -- row: wire bytes
//! CREATE TABLE facts   (id INTEGER PRIMARY KEY CHECK (id = 1), facts BLOB NOT NULL)     -- facts: wire bytes
//! ```
//!
//! A directory that no session was registered with, or taken away from, writes nothing, not even an empty table.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::page::CursorKey;
use super::row::{Beginning, RowStatus, SessionRow};
use super::state::{Directory, Facts};
use crate::actors::end_reason::EndReason;
use crate::actors::log::Cause;
use crate::actors::stored::{self, Storable, Unread, encode, stored_as_it_is, stored_form};
use crate::actors::summary::UserPlace;
use crate::credential::ActorId;
use crate::runtime::{Isolate, SqlValue, Storage};
use crate::store::StoreError;

stored_as_it_is! { (EndReason, Cause) }

stored_form! {
    /// [`SessionRow`], as it is stored.
    RowV2 of SessionRow {
        counterpart: Option<String>,
        place: UserPlace,
        created_at: OffsetDateTime,
        expires_at: OffsetDateTime,
        moved_at: Option<OffsetDateTime>,
        revoking: Option<(EndReason, Cause)>,
        seen_at: OffsetDateTime,
        seen_before: Option<OffsetDateTime>,
        standing: StandingV2,
        beginning: Option<BeginningV2>,
    }
}

stored_form! {
    /// [`Beginning`].
    BeginningV2 of Beginning {
        predecessor: Option<ActorId>,
        look_at: Option<OffsetDateTime>,
    }
}

/// [`RowStatus`].
#[derive(Serialize, Deserialize)]
pub enum StandingV2 {
    /// [`RowStatus::Living`].
    Living,
    /// [`RowStatus::Ended`].
    Ended {
        /// The same.
        at: OffsetDateTime,
        /// The same.
        last_used_at: Option<OffsetDateTime>,
    },
    /// [`RowStatus::Moved`].
    Moved,
}

impl Storable for RowStatus {
    type Stored = StandingV2;

    fn keep(&self) -> StandingV2 {
        match *self {
            Self::Living => StandingV2::Living,
            Self::Ended { at, last_used_at } => StandingV2::Ended { at, last_used_at },
            Self::Moved => StandingV2::Moved,
        }
    }

    fn restore(stored: StandingV2) -> Self {
        match stored {
            StandingV2::Living => Self::Living,
            StandingV2::Ended { at, last_used_at } => Self::Ended { at, last_used_at },
            StandingV2::Moved => Self::Moved,
        }
    }
}

stored_form! {
    /// [`Facts`].
    FactsV2 of Facts {
        revocations: Vec<(OffsetDateTime, Option<String>)>,
        logout_tokens: BTreeMap<String, OffsetDateTime>,
        taken_away: BTreeMap<ActorId, OffsetDateTime>,
        cursor_key: Option<CursorKey>,
    }
}

/// None where a build before the first release wrote it.
fn decode<T: Storable>(bytes: &[u8]) -> Result<Option<T>, StoreError> {
    match stored::decode(bytes) {
        Ok(value) => Ok(Some(value)),
        Err(Unread::Former) => Ok(None),
        Err(Unread::Wire(_)) => Err(StoreError::Corrupt),
    }
}

/// The directory, as it was written last. What a build before the first release wrote is passed over: the session behind such a
/// row is of the same build, and cannot be read either. Anything else that cannot be read lets nobody in: it may say who was
/// locked out.
pub fn load(storage: &dyn Storage, isolate: &dyn Isolate) -> Result<Directory, StoreError> {
    let mut directory = Directory::default();
    let mut unread = 0_u32;
    let table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'session'";
    if storage.query(table, Vec::new())?.is_empty() {
        return Ok(directory);
    }
    for columns in storage.query("SELECT actor, row FROM session", Vec::new())? {
        let mut columns = columns.into_iter();
        if let (Some(SqlValue::Text(actor)), Some(SqlValue::Blob(row))) = (columns.next(), columns.next()) {
            match (actor.parse::<ActorId>(), decode::<SessionRow>(&row)?) {
                (Ok(actor), Some(row)) => drop(directory.rows.insert(actor, row)),
                _ => unread = unread.saturating_add(1),
            }
        }
    }
    for columns in storage.query("SELECT facts FROM facts WHERE id = 1", Vec::new())? {
        if let Some(SqlValue::Blob(facts)) = columns.into_iter().next() {
            match decode(&facts)? {
                Some(facts) => directory.facts = facts,
                None => unread = unread.saturating_add(1),
            }
        }
    }
    if unread > 0 {
        isolate.error(&format!("rows of a directory that cannot be read, and are passed over: {unread}"));
    }
    Ok(directory)
}

/// Writes the rows of these sessions as the directory has them now, or has them no more.
pub fn save_rows<'a>(
    storage: &dyn Storage,
    directory: &Directory,
    actors: impl IntoIterator<Item = &'a ActorId>,
) -> Result<(), StoreError> {
    create(storage)?;
    for actor in actors {
        let key = SqlValue::from(actor.as_str());
        match directory.rows.get(actor) {
            Some(row) => {
                let row = encode(row)?;
                storage.exec("INSERT OR REPLACE INTO session (actor, row) VALUES (?, ?)", vec![key, row.into()])?;
            }
            None => {
                storage.exec("DELETE FROM session WHERE actor = ?", vec![key])?;
            }
        }
    }
    Ok(())
}

/// Writes the facts.
pub fn save_facts(storage: &dyn Storage, directory: &Directory) -> Result<(), StoreError> {
    create(storage)?;
    let facts = encode(&directory.facts)?;
    storage.exec("INSERT OR REPLACE INTO facts (id, facts) VALUES (1, ?)", vec![facts.into()])?;
    Ok(())
}

fn create(storage: &dyn Storage) -> Result<(), StoreError> {
    storage.exec("CREATE TABLE IF NOT EXISTS session (actor TEXT PRIMARY KEY, row BLOB NOT NULL)", Vec::new())?;
    storage.exec(
        "CREATE TABLE IF NOT EXISTS facts (id INTEGER PRIMARY KEY CHECK (id = 1), facts BLOB NOT NULL)",
        Vec::new(),
    )?;
    Ok(())
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
