//! Postgres, as the store speaks with it.
//!
//! - The server has a few connections. One more is refused (53300). A connection that is closed, or dropped, frees its slot when the server
//!   hears of that: after 20 ms. With a process all of its connections are closed.
//! - A transaction is sent in one go, and takes hold as a whole. It takes 5 ms, or as long as the server needs, and no longer than
//!   `statement_timeout` (2 s): then nothing of it has happened (57014).
//! - A connection may drop at any time. What was sent on it may have been done, or be done yet: a write arrives up to two minutes late,
//!   whoever has given up on it (PgBouncer's documentation: `query_wait_timeout` is 120 s).
//! - A row is written over by a higher generation, or where exactly the record is there that was found: the `WHERE` of the statement.
//! - A row whose time is up goes with the next write of another one.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use edge_oauth_sessions::runtime::{self, PgParameter, PgValue, PostgresError};
use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, pending};
use time::OffsetDateTime;

use super::executor::{Executor, OUTSIDE, Process};
use super::faults::{Faults, Kind};
use super::tally::Tally;

/// How many connections the server has.
const CONNECTIONS: u32 = 20;
/// One way, and back.
const ROUND_TRIP: Duration = Duration::from_millis(5);
/// After how long a slot is free.
const FREED_AFTER: Duration = Duration::from_millis(20);
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(2);
/// How late what was sent may arrive.
const LATE: Duration = Duration::from_secs(120);

type Rows = Vec<Vec<PgValue>>;

#[derive(Clone)]
struct Row {
    generation: i64,
    record: Vec<u8>,
    kept_until: OffsetDateTime,
}

/// The server, as a process has it. See the module.
#[derive(Clone)]
pub struct Server(Rc<Inner>, Process);

struct Inner {
    executor: Executor,
    faults: Rc<Faults>,
    tally: Rc<Tally>,
    rows: RefCell<BTreeMap<String, Row>>,
    connections: Cell<u32>,
    most: Cell<u32>,
    /// The connections that a process has opened: whether each is closed.
    opened: RefCell<BTreeMap<Process, Vec<Weak<Cell<bool>>>>>,
    /// What befalls the next write.
    next_write: Cell<Option<Mishap>>,
}

/// What may befall a statement on its way.
#[derive(Clone, Copy)]
enum Mishap {
    /// It is done, and its connection drops.
    Unanswered,
    /// It never arrives, and its connection drops.
    Lost,
    /// It arrives so late, and is not answered.
    Late(Duration),
}

/// A transaction, as it arrives.
struct Statement {
    text: String,
    key: String,
    generation: i64,
    record: Vec<u8>,
    kept_until: OffsetDateTime,
    foreign: Option<(i64, Vec<u8>)>,
}

impl Server {
    pub fn new(executor: &Executor, faults: &Rc<Faults>, tally: &Rc<Tally>) -> Self {
        let inner = Inner {
            executor: executor.clone(),
            faults: Rc::clone(faults),
            tally: Rc::clone(tally),
            rows: RefCell::default(),
            connections: Cell::default(),
            most: Cell::new(CONNECTIONS),
            opened: RefCell::default(),
            next_write: Cell::default(),
        };
        Self(Rc::new(inner), OUTSIDE)
    }

    /// The same, as this process has it.
    pub fn of(&self, process: Process) -> Self {
        Self(Rc::clone(&self.0), process)
    }

    /// A process ended. (What it had is not always dropped with it: a flight and its session hold each other.)
    pub fn process_ended(&self, process: Process) {
        let opened = self.0.opened.borrow_mut().remove(&process).unwrap_or_default();
        let open = opened.iter().filter_map(Weak::upgrade).filter(|is_closed| !is_closed.replace(true));
        open.for_each(|_| self.free());
    }

    /// It has so many connections.
    pub fn allow(&self, connections: u32) {
        self.0.most.set(connections);
    }

    /// The next write never arrives.
    pub fn lose_next(&self) {
        self.0.next_write.set(Some(Mishap::Lost));
    }

    /// The next write is so late.
    pub fn delay_next(&self, late: Duration) {
        self.0.next_write.set(Some(Mishap::Late(late)));
    }

    /// What befalls this statement.
    fn mishap(&self, statement: &Statement) -> Option<Mishap> {
        let Inner { executor, faults, next_write, .. } = &*self.0;
        if statement.text.contains("ON CONFLICT")
            && let Some(mishap) = next_write.take()
        {
            return Some(mishap);
        }
        if faults.strikes(Kind::PostgresDrops) {
            return Some(if executor.below(2) == 0 { Mishap::Unanswered } else { Mishap::Lost });
        }
        faults.strikes(Kind::PostgresLate).then(|| Mishap::Late(executor.up_to(LATE)))
    }

    fn free(&self) {
        let server = self.clone();
        self.0.executor.spawn(OUTSIDE, async move {
            server.0.executor.sleep(FREED_AFTER).await;
            server.0.connections.set(server.0.connections.get() - 1);
        });
    }

    fn run(&self, statement: &Statement) -> Rows {
        let now = self.0.executor.now();
        let mut rows = self.0.rows.borrow_mut();
        let key = statement.key.as_str();
        if statement.text.starts_with("SELECT record, generation") {
            let row =
                rows.get(key).map(|row| vec![PgValue::Bytes(row.record.clone()), PgValue::Number(row.generation)]);
            return row.into_iter().collect();
        }
        if statement.text.starts_with("DELETE FROM") {
            rows.remove(key);
            return Vec::new();
        }
        assert!(statement.text.contains("ON CONFLICT (actor) DO UPDATE"), "a statement that the model does not know");
        rows.retain(|actor, row| actor == key || row.kept_until >= now);
        let compares = statement.text.contains("WHERE old.generation < excluded.generation");
        let may = !compares
            || rows.get(key).is_none_or(|old| {
                let is_foreign =
                    |(generation, record): &(i64, Vec<u8>)| old.generation == *generation && old.record == *record;
                old.generation < statement.generation || statement.foreign.as_ref().is_some_and(is_foreign)
            });
        if !may {
            return Vec::new();
        }
        let Statement { generation, record, kept_until, .. } = statement;
        let row = Row { generation: *generation, record: record.clone(), kept_until: *kept_until };
        rows.insert(key.to_owned(), row);
        vec![vec![PgValue::Number(*generation)]]
    }
}

fn refused(code: &str) -> PostgresError {
    PostgresError::Refused { code: code.to_owned(), message: "refused".to_owned() }
}

fn broken() -> PostgresError {
    PostgresError::Broken { what: "connection closed".to_owned(), source: None }
}

impl runtime::Postgres for Server {
    fn open(&self) -> LocalBoxFuture<'_, Result<Box<dyn runtime::Connection>, PostgresError>> {
        async move {
            self.0.executor.sleep(ROUND_TRIP * 3).await;
            self.0.faults.stores_answer().await;
            self.0.tally.step();
            if self.0.faults.strikes(Kind::PostgresHangs) {
                return pending().await;
            }
            let is_full = self.0.connections.get() >= self.0.most.get();
            if is_full || self.0.faults.strikes(Kind::PostgresFull) {
                return Err(refused("53300"));
            }
            self.0.connections.set(self.0.connections.get() + 1);
            let slot = Slot(self.clone(), Rc::default());
            self.0.opened.borrow_mut().entry(self.1).or_default().push(Rc::downgrade(&slot.1));
            Ok(Box::new(Connection { slot, is_closed: Cell::default() }) as Box<dyn runtime::Connection>)
        }
        .boxed_local()
    }
}

/// A connection's place at the server, and whether it is closed.
struct Slot(Server, Rc<Cell<bool>>);

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.1.replace(true) {
            self.0.free();
        }
    }
}

struct Connection {
    slot: Slot,
    is_closed: Cell<bool>,
}

impl runtime::Connection for Connection {
    fn run<'a>(
        &'a self,
        before: &'a str,
        statement: &'a str,
        parameters: &'a [PgParameter<'a>],
        after: &'a str,
    ) -> LocalBoxFuture<'a, Result<Rows, PostgresError>> {
        async move {
            assert!(before.starts_with("BEGIN; SET LOCAL statement_timeout = 2000") && after == "COMMIT");
            let (server, statement) = (self.slot.0.clone(), read(statement, parameters));
            let Inner { executor, faults, tally, .. } = &*server.0;
            if self.is_closed.get() {
                return Err(broken());
            }
            executor.sleep(ROUND_TRIP / 2).await;
            faults.stores_answer().await;
            tally.step();
            match server.mishap(&statement) {
                Some(mishap @ (Mishap::Unanswered | Mishap::Lost)) => {
                    self.is_closed.set(true);
                    if matches!(mishap, Mishap::Unanswered) {
                        server.run(&statement);
                    }
                    return Err(broken());
                }
                Some(Mishap::Late(span)) => {
                    let late = server.clone();
                    executor.spawn(OUTSIDE, async move {
                        late.0.executor.sleep(span).await;
                        late.run(&statement);
                    });
                    return pending().await;
                }
                None => {}
            }
            if faults.strikes(Kind::PostgresHangs) {
                // A lock that somebody else holds.
                executor.sleep(executor.up_to(STATEMENT_TIMEOUT * 2).min(STATEMENT_TIMEOUT)).await;
                if executor.below(2) == 0 {
                    return Err(refused("57014"));
                }
            }
            let rows = server.run(&statement);
            executor.sleep(ROUND_TRIP / 2).await;
            Ok(rows)
        }
        .boxed_local()
    }

    fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    fn close(self: Box<Self>) -> LocalBoxFuture<'static, ()> {
        let executor = self.slot.0.0.executor.clone();
        async move {
            executor.sleep(ROUND_TRIP).await;
            drop(self);
        }
        .boxed_local()
    }
}

fn read(text: &str, parameters: &[PgParameter<'_>]) -> Statement {
    let text_at = |at: usize| match parameters.get(at) {
        Some(PgParameter::Text(text)) => (*text).to_owned(),
        _ => String::new(),
    };
    let number = |at: usize| match parameters.get(at) {
        Some(PgParameter::Number(number)) => *number,
        _ => None,
    };
    let bytes = |at: usize| match parameters.get(at) {
        Some(PgParameter::Bytes(bytes)) => bytes.map(<[u8]>::to_vec),
        _ => None,
    };
    let kept_until = match parameters.get(10) {
        Some(PgParameter::Time(Some(at))) => *at,
        _ => OffsetDateTime::UNIX_EPOCH,
    };
    Statement {
        text: text.to_owned(),
        key: text_at(0),
        generation: number(1).unwrap_or_default(),
        record: bytes(2).unwrap_or_default(),
        kept_until,
        foreign: number(11).zip(bytes(12)),
    }
}
