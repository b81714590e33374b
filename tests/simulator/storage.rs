//! The storage of an actor: its SQLite, which is a real one, and its alarm.
//!
//! - Statements take hold at once. They are durable 5 ms later, or when something leaves the actor: a call or a reply waits for all that was
//!   written before it (output gate).
//! - When the process ends, what was durable stays. What was not is kept or lost, all of it: writes without an await that lets something out are one.
//! - The alarm is part of it. It fires at its time by the actor's clock, once its process lives; it is taken away when its handler begins, and
//!   comes again after 2 s if the process ends during the handler.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::runtime::{SqlValue, Storage, StorageError};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use rusqlite::Connection;
use rusqlite::types::Value;
use time::OffsetDateTime;

use super::executor::{Executor, OUTSIDE};

/// How long a write is not durable by itself.
const CONFIRMED_AFTER: Duration = Duration::from_millis(5);

/// See the module.
pub struct Disk {
    executor: Executor,
    sqlite: Connection,
    alarm: Cell<Option<OffsetDateTime>>,
    durable_alarm: Cell<Option<OffsetDateTime>>,
    is_dirty: Cell<bool>,
    /// Counts statements.
    pub statements: Cell<u32>,
    at_alarm: RefCell<Option<Rc<dyn Fn()>>>,
}

impl Disk {
    pub fn new(executor: &Executor) -> Rc<Self> {
        let sqlite = Connection::open_in_memory().unwrap();
        sqlite.execute_batch("BEGIN").unwrap();
        Rc::new(Self {
            executor: executor.clone(),
            sqlite,
            alarm: Cell::default(),
            durable_alarm: Cell::default(),
            is_dirty: Cell::default(),
            statements: Cell::default(),
            at_alarm: RefCell::default(),
        })
    }

    /// What is called when the alarm fires.
    pub fn at_alarm(&self, fire: impl Fn() + 'static) {
        self.at_alarm.replace(Some(Rc::new(fire)));
    }

    /// All that was written is durable.
    pub fn confirm(&self) {
        if self.is_dirty.take() {
            self.sqlite.execute_batch("COMMIT; BEGIN").unwrap();
            self.durable_alarm.set(self.alarm.get());
        }
    }

    /// The process ended.
    pub fn restart(self: &Rc<Self>, keep: bool) {
        if keep {
            self.confirm();
        } else if self.is_dirty.take() {
            self.sqlite.execute_batch("ROLLBACK; BEGIN").unwrap();
            self.alarm.set(self.durable_alarm.get());
            self.watch();
        }
    }

    pub fn now(&self) -> OffsetDateTime {
        self.executor.now()
    }

    pub fn alarm(&self) -> Option<OffsetDateTime> {
        self.alarm.get()
    }

    /// Takes the alarm away, as its handler begins, or sets it anew.
    pub fn put_alarm(self: &Rc<Self>, at: Option<OffsetDateTime>) {
        self.dirty();
        self.alarm.set(at);
        self.watch();
    }

    fn watch(self: &Rc<Self>) {
        let Some(at) = self.alarm.get() else { return };
        let disk = Rc::clone(self);
        let span = (at - self.executor.now()).max(time::Duration::ZERO).unsigned_abs();
        self.executor.spawn(OUTSIDE, async move {
            disk.executor.sleep(span).await;
            let fire = disk.at_alarm.borrow().clone();
            if let (true, Some(fire)) = (disk.alarm.get() == Some(at), fire) {
                fire();
            }
        });
    }

    fn dirty(self: &Rc<Self>) {
        if !self.is_dirty.replace(true) {
            let disk = Rc::clone(self);
            self.executor.spawn(OUTSIDE, async move {
                disk.executor.sleep(CONFIRMED_AFTER).await;
                disk.confirm();
            });
        }
    }

    fn run(self: &Rc<Self>, statement: &str, parameters: Vec<SqlValue>) -> rusqlite::Result<Vec<Vec<SqlValue>>> {
        self.statements.set(self.statements.get() + 1);
        let mut prepared = self.sqlite.prepare(statement)?;
        if !prepared.readonly() {
            self.dirty();
        }
        let columns = prepared.column_count();
        let mut rows = prepared.query(rusqlite::params_from_iter(parameters.into_iter().map(value)))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push((0..columns).map(|at| row.get(at).map(read)).collect::<rusqlite::Result<_>>()?);
        }
        Ok(found)
    }

    fn drop_tables(self: &Rc<Self>) -> rusqlite::Result<()> {
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        for row in self.run(tables, Vec::new())? {
            if let [SqlValue::Text(name)] = row.as_slice() {
                self.run(&format!("DROP TABLE \"{name}\""), Vec::new())?;
            }
        }
        Ok(())
    }
}

/// The storage as an actor has it, by its clock.
pub struct Handle {
    pub disk: Rc<Disk>,
    pub skew: time::Duration,
}

impl Storage for Handle {
    fn exec(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<(), StorageError> {
        self.disk.run(statement, parameters).map(drop).map_err(failed)
    }

    fn query(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<Vec<Vec<SqlValue>>, StorageError> {
        self.disk.run(statement, parameters).map_err(failed)
    }

    fn set_alarm(&self, at: OffsetDateTime) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        async move {
            let soonest = self.disk.executor.now() + Duration::from_millis(1);
            self.disk.put_alarm(Some((at - self.skew).max(soonest)));
            Ok(())
        }
        .boxed_local()
    }

    fn delete_alarm(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        async move {
            self.disk.put_alarm(None);
            Ok(())
        }
        .boxed_local()
    }

    fn delete_all(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        async move { self.disk.drop_tables().map_err(failed) }.boxed_local()
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

fn failed(error: rusqlite::Error) -> StorageError {
    StorageError(error.to_string())
}
