//! What happened to a session: the last events in the actor's SQLite, and each as one JSON line in the log.
//!
//! ```sql
//! CREATE TABLE ledger (seq INTEGER PRIMARY KEY AUTOINCREMENT, entry BLOB NOT NULL)   -- entry: wire bytes
//! ```
//!
//! Architecture Invariant: an entry holds no token, code, secret or cookie. `detail` is written by this crate and
//! quotes a provider only where the text was checked to be an error code.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use worker::SqlStorage;

use crate::actors::wire;
use crate::credential::ActorId;
use crate::region::Region;
use crate::store::StoreError;

/// How many events are kept.
const KEPT: i32 = 100;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A login began.
    Begin,
    /// A callback arrived.
    Complete,
    /// A request did not pass.
    GetDenied,
    /// The refresh token was presented.
    Refresh,
    /// The session was used from a region.
    Observe,
    /// The grant moved.
    Migrate,
    /// Somebody ended the session.
    Revoke,
    /// The session is over.
    End,
    /// The alarm fired.
    Alarm,
}

/// What made it happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A request of the user.
    Request,
    /// The actor's own alarm.
    Alarm,
    /// An administrator.
    Admin,
    /// The user's directory.
    Directory,
    /// A logout token.
    Backchannel,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: OffsetDateTime,
    /// What.
    pub event: Event,
    /// `ok`, or what kind of failure.
    pub outcome: String,
    /// Why.
    pub cause: Cause,
    /// Where the actor lives.
    pub region: Region,
    /// How long it took.
    pub duration_ms: u32,
    /// In words.
    pub detail: String,
}

/// The JSON line of an entry.
#[derive(Serialize)]
struct Line<'a> {
    event: Event,
    actor: &'a str,
    class: &'static str,
    region: Region,
    outcome: &'a str,
    cause: Cause,
    duration_ms: u32,
    #[serde(with = "time::serde::rfc3339::option")]
    next_alarm_at: Option<OffsetDateTime>,
    detail: &'a str,
}

impl Entry {
    /// The log line.
    pub fn line(&self, actor: &ActorId, next_alarm_at: Option<OffsetDateTime>) -> String {
        let line = Line {
            event: self.event,
            actor: actor.as_str(),
            class: "SessionActor",
            region: self.region,
            outcome: &self.outcome,
            cause: self.cause,
            duration_ms: self.duration_ms,
            next_alarm_at,
            detail: &self.detail,
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

/// Creates the table; part of `Begin`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_is_one_json_object_in_the_documented_shape() {
        let entry = Entry {
            at: OffsetDateTime::UNIX_EPOCH,
            event: Event::GetDenied,
            outcome: "ended".into(),
            cause: Cause::Request,
            region: Region::Oc,
            duration_ms: 3,
            detail: "idle".into(),
        };
        let id = "0".repeat(64).parse().unwrap();
        assert_eq!(
            entry.line(&id, Some(OffsetDateTime::UNIX_EPOCH)),
            format!(
                r#"{{"event":"get_denied","actor":"{}","class":"SessionActor","region":"oc","outcome":"ended","cause":"request","duration_ms":3,"next_alarm_at":"1970-01-01T00:00:00Z","detail":"idle"}}"#,
                "0".repeat(64)
            )
        );
    }
}
