use futures::future::LocalBoxFuture;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use time::OffsetDateTime;

use super::*;
use crate::runtime::StorageError;

/// An actor's SQLite, in memory.
struct Memory(Connection);

impl Storage for Memory {
    fn exec(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<(), StorageError> {
        self.query(statement, parameters).map(drop)
    }

    fn query(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<Vec<Vec<SqlValue>>, StorageError> {
        let mut statement = self.0.prepare(statement).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(parameters.into_iter().map(given))).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            found.push((0..columns).map(|column| read(row.get_unwrap(column))).collect());
        }
        Ok(found)
    }

    fn sync(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        panic!("the ledger does not ask for this")
    }

    fn set_alarm(&self, _: OffsetDateTime) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        panic!("the ledger does not ask for this")
    }

    fn delete_alarm(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        panic!("the ledger does not ask for this")
    }

    fn delete_all(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        panic!("the ledger does not ask for this")
    }
}

fn given(value: SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => Value::Integer(number),
        SqlValue::Text(text) => Value::Text(text),
        SqlValue::Blob(bytes) => Value::Blob(bytes),
    }
}

fn read(value: Value) -> SqlValue {
    match value {
        Value::Integer(number) => SqlValue::Integer(number),
        Value::Blob(bytes) => SqlValue::Blob(bytes),
        Value::Null | Value::Real(_) | Value::Text(_) => panic!("the ledger has no such value"),
    }
}

fn ledger() -> Memory {
    let memory = Memory(Connection::open_in_memory().unwrap());
    create(&memory).unwrap();
    memory
}

fn minutes(minutes: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::minutes(minutes))
}

fn add(ledger: &Memory, event: Event, outcome: &str, at: i64) {
    let detail = format!("at {at}");
    append(ledger, &Entry::new(event, outcome, Cause::Request, (minutes(at), minutes(at)), None, &detail)).unwrap();
}

/// When the events with this outcome happened, in minutes.
fn of(ledger: &Memory, outcome: &str) -> Vec<i64> {
    let entries = entries(ledger).unwrap();
    let alike = entries.iter().filter(|entry| entry.outcome == outcome);
    alike.map(|entry| ambient::between(minutes(0), entry.at).whole_minutes()).collect()
}

#[test]
fn the_last_hundred_events_are_kept() {
    let ledger = ledger();
    for at in 0..150 {
        add(&ledger, Event::Refresh, "ok", at);
    }
    assert_eq!(of(&ledger, "ok"), (50..150).collect::<Vec<_>>());
}

#[test]
fn a_renewal_is_in_the_ledger_once_an_hour() {
    let ledger = ledger();
    for at in (0..240).step_by(8) {
        add(&ledger, Event::Device, "renewed", at);
    }
    assert_eq!(of(&ledger, "renewed"), [0, 64, 128, 192]);
}

#[test]
fn ten_refusals_an_hour_are_in_the_ledger() {
    let ledger = ledger();
    for at in 0..120 {
        add(&ledger, Event::Device, "refused", at);
    }
    assert_eq!(of(&ledger, "refused"), (0..10).chain(60..70).collect::<Vec<_>>());
}

#[test]
fn neither_a_thief_nor_a_browser_that_renews_its_proof_pushes_other_events_out_of_the_ledger() {
    let ledger = ledger();
    add(&ledger, Event::Complete, "ok", 0);
    add(&ledger, Event::Device, "bound", 1);
    for at in 2..5_000 {
        add(&ledger, Event::Device, "refused", at);
        add(&ledger, Event::Device, "renewed", at);
    }
    assert_eq!((of(&ledger, "ok"), of(&ledger, "bound")), (vec![0], vec![1]));
    for (outcome, newest) in [("refused", 4_991), ("renewed", 4_982)] {
        let kept = of(&ledger, outcome);
        assert_eq!((kept.len(), *kept.last().unwrap()), (25, newest), "{outcome}");
    }
}

#[test]
fn the_shares_are_the_devices_alone() {
    let ledger = ledger();
    for at in 0..20 {
        add(&ledger, Event::Refresh, "refused", at);
        add(&ledger, Event::Device, "bound", at);
    }
    assert_eq!((of(&ledger, "refused").len(), of(&ledger, "bound").len()), (20, 20));
}
