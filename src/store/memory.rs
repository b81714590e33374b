//! An actor's SQLite in memory, for tests. Its writes can be made to fail.

use std::cell::{Cell, RefCell};

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, ready};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use time::OffsetDateTime;

use crate::runtime::{SqlValue, Storage, StorageError};

/// See the module.
pub struct Memory {
    database: Connection,
    /// So many more writes are taken; none: all are.
    pub writes_left: Cell<Option<u32>>,
    /// The statements that have run.
    pub ran: RefCell<Vec<String>>,
    /// When the alarm is set to.
    pub alarm: Cell<Option<OffsetDateTime>>,
}

impl Default for Memory {
    fn default() -> Self {
        let database = Connection::open_in_memory().unwrap();
        Self { database, writes_left: Cell::default(), ran: RefCell::default(), alarm: Cell::default() }
    }
}

impl Memory {
    /// Whether nothing was ever written to it, not even an empty table.
    pub fn is_empty(&self) -> bool {
        self.run("SELECT 1 FROM sqlite_master", Vec::new()).unwrap().is_empty()
    }

    fn run(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<Vec<Vec<SqlValue>>, StorageError> {
        if !statement.starts_with("SELECT") {
            match self.writes_left.get() {
                Some(0) => return Err(StorageError("the storage takes no write".to_owned())),
                left => self.writes_left.set(left.map(|left| left.saturating_sub(1))),
            }
        }
        self.ran.borrow_mut().push(statement.to_owned());
        let mut prepared = self.database.prepare(statement).unwrap();
        let columns = prepared.column_count();
        let mut rows = prepared.query(params_from_iter(parameters.into_iter().map(value))).unwrap();
        let mut read_rows = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            read_rows.push((0..columns).map(|column| read(row.get_unwrap(column))).collect());
        }
        Ok(read_rows)
    }
}

impl Storage for Memory {
    fn exec(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<(), StorageError> {
        self.run(statement, parameters).map(drop)
    }

    fn query(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<Vec<Vec<SqlValue>>, StorageError> {
        self.run(statement, parameters)
    }

    fn sync(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        futures::future::ready(Ok(())).boxed_local()
    }

    fn set_alarm(&self, at: OffsetDateTime) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        self.alarm.set(Some(at));
        ready(Ok(())).boxed_local()
    }

    fn delete_alarm(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        self.alarm.set(None);
        ready(Ok(())).boxed_local()
    }

    fn delete_all(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        let tables = self.run("SELECT name FROM sqlite_master WHERE type = 'table'", Vec::new()).unwrap();
        for name in tables.into_iter().flatten() {
            let SqlValue::Text(name) = name else { panic!("a table without a name") };
            self.database.execute(&format!("DROP TABLE {name}"), ()).unwrap();
        }
        ready(Ok(())).boxed_local()
    }
}

fn value(value: SqlValue) -> Value {
    match value {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(number) => Value::Integer(number),
        SqlValue::Text(text) => Value::Text(text),
        SqlValue::Blob(bytes) => Value::Blob(bytes),
    }
}

fn read(value: Value) -> SqlValue {
    match value {
        Value::Null => SqlValue::Null,
        Value::Integer(number) => SqlValue::Integer(number),
        Value::Text(text) => SqlValue::Text(text),
        Value::Blob(bytes) => SqlValue::Blob(bytes),
        Value::Real(_) => panic!("a value of a type that is not used here"),
    }
}
