//! A session's actor and the stores outside of it, for tests.
//!
//! Time goes on when all that [`done`] runs waits: to the next timer. Tasks in the background stand still until a test lets them
//! run.
#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, pending, poll_fn, ready};
use time::OffsetDateTime;

use super::memory::Memory;
use crate::credential::ActorId;
use crate::region::Jurisdiction;
use crate::runtime::{
    ActorAddress, ActorContext, Actors, Cache, Cached, CallError, Connection, Heard, Http, HttpError, Inbound, Isolate,
    Kv, KvError, PgParameter, PgValue, Postgres, PostgresError, Signatures, Signed, Signing,
};

type Task = LocalBoxFuture<'static, ()>;
type Meanwhile = Box<dyn FnOnce()>;

/// What becomes of the next operation of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It is refused; Postgres says this code.
    Refused(&'static str),
    /// It is done, and the connection breaks before the answer.
    DoneAndBroken,
    /// The connection breaks before it arrives.
    Broken,
    /// It is never answered, and never arrives.
    Silent,
}

thread_local! {
    static TIMERS: RefCell<Vec<Weak<Timer>>> = RefCell::default();
}

/// A sleep, by whose clock it is over, and whom that wakes.
struct Timer {
    clock: Rc<Cell<OffsetDateTime>>,
    at: OffsetDateTime,
    waker: RefCell<Waker>,
}

impl Timer {
    fn is_over(&self) -> bool {
        self.clock.get() >= self.at
    }
}

async fn sleep(clock: Rc<Cell<OffsetDateTime>>, span: Duration) {
    let at = clock.get() + span;
    let timer = Rc::new(Timer { clock, at, waker: RefCell::new(Waker::noop().clone()) });
    TIMERS.with_borrow_mut(|timers| timers.push(Rc::downgrade(&timer)));
    poll_fn(|context| {
        timer.waker.replace(context.waker().clone());
        if timer.is_over() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// The result of this work. While it waits, time goes on.
pub fn done<T>(work: impl Future<Output = T>) -> T {
    let (mut work, mut context) = (pin!(work), Context::from_waker(Waker::noop()));
    loop {
        if let Poll::Ready(result) = work.as_mut().poll(&mut context) {
            return result;
        }
        let next = TIMERS.with_borrow_mut(|timers| {
            timers.retain(|timer| timer.strong_count() > 0);
            let waiting = timers.iter().filter_map(Weak::upgrade).filter(|timer| !timer.is_over());
            waiting.min_by_key(|timer| timer.at)
        });
        let next = next.expect("it waits for something that never comes");
        next.clock.set(next.at);
        next.waker.borrow().wake_by_ref();
    }
}

/// See the module.
pub struct Model {
    /// The actor's own storage.
    pub memory: Rc<Memory>,
    /// The time.
    pub now: Rc<Cell<OffsetDateTime>>,
    /// The log.
    pub lines: RefCell<Vec<String>>,
    /// The log's errors.
    pub errors: RefCell<Vec<String>>,
    /// Whether the generator of random bytes refuses.
    pub has_no_randomness: Cell<bool>,
    drawn: Cell<u8>,
    tasks: RefCell<VecDeque<Task>>,
    /// What KV has, and until when.
    pub kv: RefCell<BTreeMap<String, (Vec<u8>, OffsetDateTime)>>,
    /// What Postgres has: generation and record of each actor.
    pub rows: RefCell<BTreeMap<String, (i64, Vec<u8>)>>,
    /// What becomes of the next operations.
    pub mishaps: RefCell<VecDeque<Option<Mishap>>>,
    /// What happens while the next write is under way.
    pub meanwhile: RefCell<Option<Meanwhile>>,
    /// The operations that a store was asked for: `get`, `put`, `delete`, `open`, or a statement's first word.
    pub asked: RefCell<Vec<String>>,
    /// The connections to Postgres that are open.
    pub connections: Rc<Cell<u32>>,
    /// Those that are open are of no use from now on.
    pub generation: Cell<u32>,
}

impl Model {
    /// An actor that never began, and empty stores.
    pub fn new() -> Rc<Self> {
        Rc::new(Self {
            memory: Rc::new(Memory::default()),
            now: Rc::new(Cell::new(OffsetDateTime::UNIX_EPOCH)),
            lines: RefCell::default(),
            errors: RefCell::default(),
            has_no_randomness: Cell::default(),
            drawn: Cell::default(),
            tasks: RefCell::default(),
            kv: RefCell::default(),
            rows: RefCell::default(),
            mishaps: RefCell::default(),
            meanwhile: RefCell::default(),
            asked: RefCell::default(),
            connections: Rc::default(),
            generation: Cell::default(),
        })
    }

    /// The actor.
    pub fn actor() -> ActorId {
        "a".repeat(64).parse().unwrap()
    }

    /// What the actor is given.
    pub fn context(self: &Rc<Self>) -> ActorContext {
        ActorContext {
            id: Self::actor(),
            isolate: Rc::new(Shared(Rc::clone(self))),
            http: Rc::new(Nobody),
            cache: Rc::new(Nobody),
            signatures: Rc::new(Nobody),
            actors: Rc::new(Nobody),
            storage: Rc::clone(&self.memory) as _,
            kv: Rc::new(Shared(Rc::clone(self))),
            postgres: Rc::new(Shared(Rc::clone(self))),
        }
    }

    /// Time passes.
    pub fn wait(&self, span: time::Duration) {
        self.now.set(self.now.get().saturating_add(span));
    }

    /// Lets the first task in the background run to its end. False: there is none.
    pub fn run_one(&self) -> bool {
        let task = self.tasks.borrow_mut().pop_front();
        task.map(done).is_some()
    }

    /// The operations since this was asked last.
    pub fn asked(&self) -> String {
        self.asked.take().join(" ")
    }

    fn begin(&self, operation: &str) -> Option<Mishap> {
        self.asked.borrow_mut().push(operation.to_owned());
        self.mishaps.borrow_mut().pop_front().flatten()
    }

    fn pass(&self) {
        let meanwhile = self.meanwhile.take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
    }

    async fn reach_kv(&self, operation: &str) -> Result<(), KvError> {
        match self.begin(operation) {
            None => Ok(()),
            Some(Mishap::Silent) => pending().await,
            Some(_) => Err(KvError::Failed("500".to_owned())),
        }
    }

    fn run(&self, statement: &str, parameters: &[PgParameter<'_>]) -> Vec<Vec<PgValue>> {
        let Some(PgParameter::Text(key)) = parameters.first() else { panic!("a statement without a key") };
        let mut rows = self.rows.borrow_mut();
        if statement.starts_with("SELECT") {
            let found = rows.get(*key).cloned();
            return found.into_iter().map(|(at, record)| vec![PgValue::Bytes(record), PgValue::Number(at)]).collect();
        }
        if statement.starts_with("DELETE") {
            rows.remove(*key);
            return Vec::new();
        }
        let (Some(PgParameter::Number(Some(generation))), Some(PgParameter::Bytes(Some(record)))) =
            (parameters.get(1), parameters.get(2))
        else {
            panic!("a write without a record")
        };
        let may = rows.get(*key).is_none_or(|(known, old)| {
            let replaced = match (parameters.get(11), parameters.get(12)) {
                (Some(PgParameter::Number(Some(at))), Some(PgParameter::Bytes(Some(record)))) => Some((*at, *record)),
                _ => None,
            };
            known < generation || replaced == Some((*known, old.as_slice()))
        });
        if !may {
            return Vec::new();
        }
        rows.insert((*key).to_owned(), (*generation, record.to_vec()));
        vec![vec![PgValue::Number(*generation)]]
    }
}

struct Shared(Rc<Model>);

impl Isolate for Shared {
    fn now(&self) -> OffsetDateTime {
        self.0.now.get()
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        self.0.drawn.set(self.0.drawn.get().wrapping_add(1));
        bytes.fill(self.0.drawn.get());
        !self.0.has_no_randomness.get()
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        sleep(Rc::clone(&self.0.now), span).boxed_local()
    }

    fn spawn(&self, work: Task) {
        self.0.tasks.borrow_mut().push_back(work);
    }

    fn log(&self, line: &str) {
        self.0.lines.borrow_mut().push(line.to_owned());
    }

    fn error(&self, line: &str) {
        self.0.errors.borrow_mut().push(line.to_owned());
    }
}

impl Kv for Shared {
    fn get<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<Option<Vec<u8>>, KvError>> {
        async move {
            self.0.reach_kv("get").await?;
            let now = self.0.now.get();
            Ok(self.0.kv.borrow().get(key).filter(|(_, until)| now < *until).map(|(value, _)| value.clone()))
        }
        .boxed_local()
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        expires_at: OffsetDateTime,
    ) -> LocalBoxFuture<'a, Result<(), KvError>> {
        async move {
            self.0.reach_kv("put").await?;
            self.0.kv.borrow_mut().insert(key.to_owned(), (value.to_vec(), expires_at));
            self.0.pass();
            Ok(())
        }
        .boxed_local()
    }

    fn delete<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<(), KvError>> {
        async move {
            self.0.reach_kv("delete").await?;
            self.0.kv.borrow_mut().remove(key);
            Ok(())
        }
        .boxed_local()
    }
}

impl Postgres for Shared {
    fn open(&self) -> LocalBoxFuture<'_, Result<Box<dyn Connection>, PostgresError>> {
        async move {
            match self.0.begin("open") {
                None => {}
                Some(Mishap::Silent) => return pending().await,
                Some(_) => return Err(PostgresError::NoLine("refused".to_owned())),
            }
            self.0.connections.set(self.0.connections.get() + 1);
            let (model, generation) = (Rc::clone(&self.0), self.0.generation.get());
            Ok(Box::new(Line { model, generation, is_broken: Cell::default() }) as Box<dyn Connection>)
        }
        .boxed_local()
    }
}

struct Line {
    model: Rc<Model>,
    generation: u32,
    is_broken: Cell<bool>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.model.connections.set(self.model.connections.get() - 1);
    }
}

impl Connection for Line {
    fn run<'a>(
        &'a self,
        _: &'a str,
        statement: &'a str,
        parameters: &'a [PgParameter<'a>],
        _: &'a str,
    ) -> LocalBoxFuture<'a, Result<Vec<Vec<PgValue>>, PostgresError>> {
        async move {
            let broken = || PostgresError::Broken { what: "connection closed".to_owned(), source: None };
            let mishap = self.model.begin(statement.split(' ').next().unwrap_or_default());
            match mishap {
                None => {
                    let rows = self.model.run(statement, parameters);
                    self.model.pass();
                    Ok(rows)
                }
                Some(Mishap::Refused(code)) => {
                    Err(PostgresError::Refused { code: code.to_owned(), message: "refused".to_owned() })
                }
                Some(Mishap::DoneAndBroken) => {
                    self.model.run(statement, parameters);
                    self.is_broken.set(true);
                    Err(broken())
                }
                Some(Mishap::Broken) => {
                    self.is_broken.set(true);
                    Err(broken())
                }
                Some(Mishap::Silent) => pending().await,
            }
        }
        .boxed_local()
    }

    fn is_closed(&self) -> bool {
        self.is_broken.get() || self.generation != self.model.generation.get()
    }

    fn close(self: Box<Self>) -> LocalBoxFuture<'static, ()> {
        self.model.asked.borrow_mut().push("close".to_owned());
        ready(()).boxed_local()
    }
}

/// Whom a store does not ask.
struct Nobody;

impl Http for Nobody {
    fn send(&self, _: http::Request<Vec<u8>>) -> LocalBoxFuture<'static, Result<http::Response<Vec<u8>>, HttpError>> {
        ready(Err(HttpError::Unreachable)).boxed_local()
    }
}

impl Cache for Nobody {
    fn get(&self, _: String) -> LocalBoxFuture<'static, Option<Cached>> {
        ready(None).boxed_local()
    }

    fn put(&self, _: String, _: Cached, _: Duration) -> LocalBoxFuture<'static, ()> {
        ready(()).boxed_local()
    }
}

impl Signatures for Nobody {
    fn sign<'a>(&'a self, _: Signing<'a>) -> LocalBoxFuture<'a, Option<Vec<u8>>> {
        ready(None).boxed_local()
    }

    fn verify<'a>(&'a self, _: Signed<'a>) -> LocalBoxFuture<'a, bool> {
        ready(false).boxed_local()
    }
}

impl Actors for Nobody {
    fn ask<'a>(&'a self, _: &'a ActorAddress, _: &'a [u8], _: u32) -> LocalBoxFuture<'a, Result<Vec<u8>, CallError>> {
        ready(Err(CallError::Unreachable)).boxed_local()
    }

    fn listen<'a>(&'a self, _: &'a ActorId) -> LocalBoxFuture<'a, Result<Box<dyn Heard>, CallError>> {
        ready(Err(CallError::Unreachable)).boxed_local()
    }

    fn let_listen<'a>(&'a self, _: &'a ActorId) -> LocalBoxFuture<'a, Result<Inbound, CallError>> {
        ready(Err(CallError::Unreachable)).boxed_local()
    }

    fn new_session_id(&self, _: Option<Jurisdiction>) -> Result<ActorId, CallError> {
        Err(CallError::Unreachable)
    }
}
