//! The storage of an actor: its SQLite, which is a real one, and its alarm.
//!
//! - Statements take hold at once. They are durable 5 ms later, or when something leaves the actor: a call or a reply waits for all that was
//!   written before it (output gate).
//! - When the process ends, what was durable stays. What was not is kept or lost, all of it: writes without an await that lets something out are one.
//! - The alarm is part of it. It fires at its time by the actor's clock, once its process lives, or up to a minute later; it is taken away when
//!   its handler begins, and comes again after 2 s if the process ends during the handler (Cloudflare's documentation of alarms: at least once), or
//!   before what the handler wrote is durable (workerd's `runAlarm` waits for the output gate, and else has it tried again).
//! - For a while all writes may fail, or all reads. Nothing is kept of a write that failed.
//! - An instance in whose place another one has come ([`Instance`]) reaches nothing: its writes fail, or seem to be done and are not, and
//!   then nothing that it sends leaves any more (the output gate is broken for ever).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::runtime::{SqlValue, Storage, StorageError};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use rusqlite::Connection;
use rusqlite::types::Value;
use time::OffsetDateTime;

use super::clocks::Clock;
use super::executor::{Executor, OUTSIDE};
use super::faults::{Faults, Kind};

/// How long a write is not durable by itself.
const CONFIRMED_AFTER: Duration = Duration::from_millis(5);
/// How late an alarm may be.
const LATE: Duration = Duration::from_secs(60);

/// See the module.
pub struct Disk {
    executor: Executor,
    /// None once the world is taken apart.
    sqlite: RefCell<Option<Connection>>,
    alarm: Cell<Option<OffsetDateTime>>,
    durable_alarm: Cell<Option<OffsetDateTime>>,
    is_dirty: Cell<bool>,
    /// Counts statements.
    pub statements: Cell<u32>,
    at_alarm: RefCell<Option<Rc<dyn Fn()>>>,
    /// When the next look at the alarm is.
    looks_at: Cell<Option<OffsetDateTime>>,
    writes_fail_until: Cell<Option<OffsetDateTime>>,
    reads_fail_until: Cell<Option<OffsetDateTime>>,
    faults: Rc<Faults>,
}

/// One instance of an actor, as its storage sees it.
#[derive(Default)]
pub struct Instance {
    /// Another one has come in its place; whether a write of this one seems to be done.
    pub replaced: Cell<Option<bool>>,
    /// It wrote something that never becomes durable: nothing leaves it.
    pub is_silent: Cell<bool>,
}

impl Disk {
    pub fn new(executor: &Executor, faults: &Rc<Faults>) -> Rc<Self> {
        let sqlite = Connection::open_in_memory().unwrap();
        sqlite.set_prepared_statement_cache_capacity(64);
        sqlite.execute_batch("BEGIN").unwrap();
        Rc::new(Self {
            executor: executor.clone(),
            looks_at: Cell::default(),
            writes_fail_until: Cell::default(),
            reads_fail_until: Cell::default(),
            faults: Rc::clone(faults),
            sqlite: RefCell::new(Some(sqlite)),
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

    /// Nothing is called any more, and nothing is kept.
    pub fn dismantle(&self) {
        self.at_alarm.take();
        self.sqlite.take();
    }

    /// All that was written is durable.
    pub fn confirm(&self) {
        if self.is_dirty.take() {
            self.anew("COMMIT");
            self.durable_alarm.set(self.alarm.get());
        }
    }

    fn anew(&self, end: &str) {
        if let Some(sqlite) = &*self.sqlite.borrow() {
            for statement in [end, "BEGIN"] {
                sqlite.prepare_cached(statement).unwrap().execute([]).unwrap();
            }
        }
    }

    /// For so long no write is taken, or nothing can be read.
    pub fn fail_for(&self, span: Duration, writes: bool) {
        let until = Some(self.executor.now() + span);
        if writes { self.writes_fail_until.set(until) } else { self.reads_fail_until.set(until) }
    }

    /// All works again.
    pub fn mend(&self) {
        self.writes_fail_until.take();
        self.reads_fail_until.take();
    }

    fn check(&self, until: &Cell<Option<OffsetDateTime>>, what: &str) -> Result<(), StorageError> {
        if until.get().is_some_and(|until| self.executor.now() < until) {
            return Err(StorageError(format!("{what} fails")));
        }
        Ok(())
    }

    /// The process ended: whether something was lost.
    pub fn restart(self: &Rc<Self>, keep: bool) -> bool {
        if keep {
            self.confirm();
            return false;
        }
        let is_lost = self.is_dirty.take();
        if is_lost {
            self.anew("ROLLBACK");
            self.alarm.set(self.durable_alarm.get());
            self.watch();
        }
        is_lost
    }

    /// Waits until all that was written is durable.
    pub async fn flushed(&self) {
        while self.is_dirty.get() {
            self.executor.sleep(Duration::from_millis(1)).await;
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
        // Whoever looks before that sees it, too.
        if self.looks_at.get().is_some_and(|looks_at| looks_at <= at) {
            return;
        }
        self.looks_at.set(Some(at));
        let disk = Rc::clone(self);
        self.executor.spawn(OUTSIDE, async move {
            let span = (at - disk.executor.now()).max(time::Duration::ZERO).unsigned_abs();
            disk.executor.sleep(span).await;
            if disk.looks_at.get() == Some(at) {
                disk.looks_at.take();
                disk.look();
            }
        });
    }

    fn look(self: &Rc<Self>) {
        match self.alarm.get() {
            Some(at) if at <= self.executor.now() && self.faults.strikes(Kind::AlarmLate) => {
                let disk = Rc::clone(self);
                self.executor.spawn(OUTSIDE, async move {
                    disk.executor.sleep(disk.executor.up_to(LATE)).await;
                    disk.fire();
                });
            }
            Some(at) if at <= self.executor.now() => self.fire(),
            _ => self.watch(),
        }
    }

    fn fire(&self) {
        let fire = self.at_alarm.borrow().clone();
        if let (Some(at), Some(fire)) = (self.alarm.get(), fire)
            && at <= self.executor.now()
        {
            fire();
        }
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

    /// How many rows a table has.
    pub fn count(self: &Rc<Self>, table: &str) -> usize {
        self.run(&format!("SELECT 1 FROM {table}"), Vec::new()).unwrap().len()
    }

    /// Writes what nobody can read into a column.
    pub fn garble(self: &Rc<Self>, table: &str, column: &str) {
        self.run(&format!("UPDATE {table} SET {column} = x'ff'"), Vec::new()).unwrap();
    }

    fn run(self: &Rc<Self>, statement: &str, parameters: Vec<SqlValue>) -> rusqlite::Result<Vec<Vec<SqlValue>>> {
        self.statements.set(self.statements.get() + 1);
        let sqlite = self.sqlite.borrow();
        let Some(sqlite) = &*sqlite else { return Ok(Vec::new()) };
        let mut prepared = sqlite.prepare_cached(statement)?;
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

/// The storage as one instance of an actor has it, by its clock.
pub struct Handle {
    pub disk: Rc<Disk>,
    pub clock: Clock,
    pub instance: Rc<Instance>,
}

impl Handle {
    /// Whether this instance may write; false: it is to believe so.
    fn may_write(&self) -> Result<bool, StorageError> {
        match self.instance.replaced.get() {
            Some(true) => {
                self.instance.is_silent.set(true);
                return Ok(false);
            }
            Some(false) => return Err(StorageError("another instance has come".to_owned())),
            None => {}
        }
        self.disk.check(&self.disk.writes_fail_until, "a write").map(|()| true)
    }

    fn run(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<Vec<Vec<SqlValue>>, StorageError> {
        if statement.starts_with("SELECT") {
            self.disk.check(&self.disk.reads_fail_until, "a read")?;
            if self.instance.replaced.get().is_some() {
                return Err(StorageError("another instance has come".to_owned()));
            }
        } else if !self.may_write()? {
            return Ok(Vec::new());
        }
        self.disk.run(statement, parameters).map_err(failed)
    }
}

impl Storage for Handle {
    fn exec(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<(), StorageError> {
        self.run(statement, parameters).map(drop)
    }

    fn query(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<Vec<Vec<SqlValue>>, StorageError> {
        self.run(statement, parameters)
    }

    fn sync(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        async move {
            self.disk.flushed().await;
            // What an instance wrote in whose place another one has come is nowhere.
            if self.may_write()? { Ok(()) } else { Err(StorageError("another instance has come".to_owned())) }
        }
        .boxed_local()
    }

    fn set_alarm(&self, at: OffsetDateTime) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        async move {
            if self.may_write()? {
                let soonest = self.disk.executor.now() + Duration::from_millis(1);
                self.disk.put_alarm(Some((at - self.clock.get()).max(soonest)));
            }
            Ok(())
        }
        .boxed_local()
    }

    fn delete_alarm(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        async move {
            if self.may_write()? {
                self.disk.put_alarm(None);
            }
            Ok(())
        }
        .boxed_local()
    }

    fn delete_all(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        async move { if self.may_write()? { self.disk.drop_tables().map_err(failed) } else { Ok(()) } }.boxed_local()
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
