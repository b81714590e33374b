//! Actors, and the calls between them.
//!
//! - Each actor is a process of its own, with its own clock. It is there from the first message on, and again from the next one after its process ended.
//! - A message is under way for a millisecond. It leaves when all that its sender wrote before is durable. The same holds for the reply.
//! - Where the process of the asked one ends, the call fails. What it had done by then stays done.
//! - An id that was never issued is refused.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::actors::directory::Shell;
use edge_oauth_sessions::actors::session::Session;
use edge_oauth_sessions::credential::ActorId;
use edge_oauth_sessions::provider::link::Documents;
use edge_oauth_sessions::region::Jurisdiction;
use edge_oauth_sessions::runtime::{
    ActorAddress, ActorContext, Actors, CallError, Connection, Isolate, Postgres, PostgresError,
};
use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::LocalBoxFuture;
use time::OffsetDateTime;

use super::executor::{Executor, OUTSIDE, Process};
use super::http::{Line, NoCache};
use super::signatures::Ed25519;
use super::storage::{Disk, Handle};
use super::world::World;

/// One way.
const LATENCY: Duration = Duration::from_millis(1);
/// When an alarm comes again whose handler did not end.
const ALARM_AGAIN: Duration = Duration::from_secs(2);

/// What kind of actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Session,
    Directory,
}

/// One actor, through all of its processes.
pub struct Actor {
    pub id: ActorId,
    class: Class,
    pub disk: Rc<Disk>,
    pub skew: Cell<time::Duration>,
    running: RefCell<Option<(Process, Object)>>,
    in_alarm: Cell<bool>,
    /// Whether what was not durable is kept when the process ends.
    pub keeps: Cell<bool>,
    /// After how many polls its next process ends.
    pub doom: Cell<Option<u64>>,
}

#[derive(Clone)]
enum Object {
    Session(Rc<Session>),
    Directory(Rc<Shell>),
}

impl Actor {
    pub fn new(world: &World, id: ActorId, class: Class) -> Rc<Self> {
        let actor = Rc::new(Self {
            id,
            class,
            disk: Disk::new(&world.executor),
            skew: Cell::default(),
            running: RefCell::default(),
            in_alarm: Cell::default(),
            keeps: Cell::new(true),
            doom: Cell::default(),
        });
        let (fired, world) = (Rc::clone(&actor), world.clone());
        actor.disk.at_alarm(move || fired.run_alarm(&world));
        actor
    }

    /// Its process, which is begun where there is none.
    pub fn process(self: &Rc<Self>, world: &World) -> Process {
        self.start(world).0
    }

    fn start(self: &Rc<Self>, world: &World) -> (Process, Object) {
        if let Some(running) = &*self.running.borrow() {
            return running.clone();
        }
        let actor = Rc::clone(self);
        let process = world.executor.begin(move || {
            actor.running.take();
            actor.disk.restart(actor.keeps.get());
            if actor.in_alarm.take() {
                actor.disk.put_alarm(Some(actor.disk.now() + ALARM_AGAIN));
            }
        });
        if let Some(polls) = self.doom.take() {
            world.executor.end_after_polls(process, polls);
        }
        let given = self.given(world, process);
        let object = match self.class {
            Class::Session => Object::Session(Session::new(given, Documents::default(), &world.config)),
            Class::Directory => Object::Directory(Shell::new(given, &world.config)),
        };
        self.running.replace(Some((process, object.clone())));
        (process, object)
    }

    /// Ends its process, if there is one.
    pub fn end(&self, world: &World) {
        let process = self.running.borrow().as_ref().map(|(process, _)| *process);
        if let Some(process) = process {
            world.executor.end(process);
        }
    }

    fn given(self: &Rc<Self>, world: &World, process: Process) -> ActorContext {
        let isolate: Rc<dyn Isolate> = Rc::new(Life {
            executor: world.executor.clone(),
            process,
            skew: self.skew.get(),
            log: Rc::clone(&world.log),
        });
        ActorContext {
            id: self.id.clone(),
            http: Rc::new(Line {
                executor: world.executor.clone(),
                isolate: Rc::clone(&isolate),
                provider: Rc::clone(&world.provider),
                disk: Rc::clone(&self.disk),
            }),
            cache: Rc::new(NoCache),
            signatures: Rc::new(Ed25519),
            actors: Rc::new(Calls { world: world.clone(), from: Some(Rc::clone(&self.disk)) }),
            storage: Rc::new(Handle { disk: Rc::clone(&self.disk), skew: self.skew.get() }),
            kv: Rc::clone(&world.kv) as Rc<_>,
            postgres: Rc::new(NoPostgres),
            isolate,
        }
    }

    /// The everyday `Get`, as a line: the actor answers at once, or reads its record first.
    pub async fn get_line(self: &Rc<Self>, world: &World, line: &str) -> String {
        let (_, Object::Session(session)) = self.start(world) else { return String::new() };
        if let Some(reply) = Session::get_line(Some(&session), line) {
            return reply;
        }
        session.load_for_get().await;
        Session::get_line(Some(&session), line).unwrap_or_default()
    }

    fn receive(self: &Rc<Self>, world: &World, message: Vec<u8>, reply: oneshot::Sender<Vec<u8>>) {
        let ((process, object), disk) = (self.start(world), Rc::clone(&self.disk));
        world.executor.spawn(process, async move {
            let bytes = match object {
                Object::Session(session) => Session::ask(Some(session), &message).await,
                Object::Directory(directory) => Shell::ask(Some(directory), &message).await,
            };
            disk.confirm();
            let _ = reply.send(bytes);
        });
    }

    fn run_alarm(self: &Rc<Self>, world: &World) {
        self.disk.put_alarm(None);
        let ((process, object), actor) = (self.start(world), Rc::clone(self));
        self.in_alarm.set(true);
        world.executor.spawn(process, async move {
            match object {
                Object::Session(session) => session.alarm().await,
                Object::Directory(directory) => directory.alarm().await,
            }
            actor.in_alarm.set(false);
        });
    }
}

/// Calls to actors: of an actor, or of the gateway.
pub struct Calls {
    pub world: World,
    pub from: Option<Rc<Disk>>,
}

impl Actors for Calls {
    fn ask<'a>(
        &'a self,
        address: &'a ActorAddress,
        message: &'a [u8],
        within_seconds: u32,
    ) -> LocalBoxFuture<'a, Result<Vec<u8>, CallError>> {
        async move {
            let actor = match address {
                ActorAddress::Session { id, .. } => self.world.session(id).ok_or(CallError::NoSuchActor)?,
                ActorAddress::Directory { name, .. } => self.world.directory(name),
            };
            if let Some(disk) = &self.from {
                disk.confirm();
            }
            let (sender, reply) = oneshot::channel();
            let (world, message) = (self.world.clone(), message.to_vec());
            self.world.executor.spawn(OUTSIDE, async move {
                world.executor.sleep(LATENCY).await;
                actor.receive(&world, message, sender);
            });
            let limit = self.world.executor.sleep(Duration::from_secs(within_seconds.into()));
            match futures::future::select(reply, limit).await {
                futures::future::Either::Left((Ok(bytes), _)) => Ok(bytes),
                futures::future::Either::Left((Err(oneshot::Canceled), _)) => Err(CallError::Unreachable),
                futures::future::Either::Right(_) => Err(CallError::TimedOut),
            }
        }
        .boxed_local()
    }

    fn new_session_id(&self, _: Option<Jurisdiction>) -> Result<ActorId, CallError> {
        let id = self.world.issue();
        if let (Some((polls, keeps)), Some(actor)) = (self.world.doom_of_next.take(), self.world.session(&id)) {
            actor.doom.set(Some(polls));
            actor.keeps.set(keeps);
        }
        Ok(id)
    }
}

/// An isolate in one of its lives.
pub struct Life {
    pub executor: Executor,
    pub process: Process,
    pub skew: time::Duration,
    pub log: Rc<RefCell<Vec<String>>>,
}

impl Isolate for Life {
    fn now(&self) -> OffsetDateTime {
        self.executor.now() + self.skew
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        self.executor.random(bytes);
        true
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        self.executor.sleep(span)
    }

    fn spawn(&self, work: LocalBoxFuture<'static, ()>) {
        self.executor.spawn(self.process, work);
    }

    fn log(&self, line: &str) {
        self.log.borrow_mut().push(line.to_owned());
    }

    fn error(&self, line: &str) {
        self.log.borrow_mut().push(format!("error: {line}"));
    }
}

/// No database.
struct NoPostgres;

impl Postgres for NoPostgres {
    fn open(&self) -> LocalBoxFuture<'_, Result<Box<dyn Connection>, PostgresError>> {
        futures::future::ready(Err(PostgresError::NotConfigured)).boxed_local()
    }
}
