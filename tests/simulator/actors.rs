//! Actors, and the life of their processes.
//!
//! - Each actor is a process of its own, on a machine. It is there from the first message on, and again from the next one after its process
//!   ended. Another instance may take its place while the old one still goes on for a while (a network that is split; Cloudflare's
//!   documentation of known issues, "Global uniqueness"): what comes from then on comes to the new one.
//! - Where the process of the asked one ends, the call fails. What it had done by then stays done.
//! - An actor that has had nothing to do for ten seconds may be evicted: its process ends, and nothing is lost (workerd does so after ten
//!   seconds).
//! - A handler of an alarm may run twice (Cloudflare's documentation: at least once).
//! - Whoever listens to it stays connected while it is evicted, and no longer than its process otherwise.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::actors::directory::Shell;
use edge_oauth_sessions::actors::session::Session;
use edge_oauth_sessions::credential::ActorId;
use edge_oauth_sessions::provider::link::Documents;
use edge_oauth_sessions::runtime::{ActorContext, Isolate, Listening};
use futures::channel::oneshot;
use futures::future::LocalBoxFuture;
use time::OffsetDateTime;

use super::clocks::Clock;
use super::executor::{Executor, OUTSIDE, Process};
use super::faults::Kind;
use super::http::{Line, NoCache};
use super::listeners::{Ear, Sockets, Speaker};
use super::messages::Calls;
use super::storage::{Disk, Handle, Instance};
use super::world::World;

/// How long an actor is idle before it may be evicted.
const EVICTED_AFTER: Duration = Duration::from_secs(10);
/// How often an actor may be woken in one second.
const WAKES_A_SECOND: u32 = 30;
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
    running: RefCell<Option<Running>>,
    sockets: RefCell<Rc<Sockets>>,
    /// It is being evicted, and those who listen to it stay connected.
    is_evicting: Cell<bool>,
    /// Whether what was not durable is kept when the process ends.
    pub keeps: Cell<bool>,
    /// After how many polls its next process ends.
    pub doom: Cell<Option<u64>>,
    /// What befell its storage: writes that were lost or refused, another instance.
    pub mishaps: Cell<u32>,
    /// How often its process ended.
    pub ends: Cell<u32>,
    /// When the last one did.
    pub ended_at: Cell<Option<OffsetDateTime>>,
    /// When it last got a message, or its alarm fired.
    asked_at: Cell<OffsetDateTime>,
    /// In which second its alarm last fired, and how often.
    woken: Cell<(i64, u32)>,
}

/// Its present instance.
#[derive(Clone)]
struct Running {
    process: Process,
    object: Object,
    origin: Origin,
    sockets: Rc<Sockets>,
    in_alarm: Rc<Cell<bool>>,
}

#[derive(Clone)]
enum Object {
    Session(Rc<Session>),
    Directory(Rc<Shell>),
}

/// Where a message or a request comes from: an instance of an actor.
#[derive(Clone)]
pub struct Origin {
    pub id: ActorId,
    pub process: Process,
    pub machine: usize,
    pub disk: Rc<Disk>,
    pub instance: Rc<Instance>,
}

impl Origin {
    /// Something is about to leave: all that was written before is durable. False: nothing leaves any more, and the instance ends.
    pub fn lets_out(&self, executor: &Executor) -> bool {
        if self.instance.is_silent.get() {
            executor.end(self.process);
            return false;
        }
        if self.instance.replaced.get().is_none() {
            self.disk.confirm();
        }
        true
    }
}

impl Actor {
    pub fn new(world: &World, id: ActorId, class: Class) -> Rc<Self> {
        let actor = Rc::new(Self {
            id,
            class,
            disk: Disk::new(&world.executor, &world.faults),
            running: RefCell::default(),
            sockets: RefCell::default(),
            is_evicting: Cell::default(),
            keeps: Cell::new(true),
            doom: Cell::default(),
            mishaps: Cell::default(),
            ends: Cell::default(),
            ended_at: Cell::default(),
            asked_at: Cell::new(world.executor.now()),
            woken: Cell::default(),
        });
        let (fired, world) = (Rc::downgrade(&actor), world.clone());
        actor.disk.at_alarm(move || {
            if let Some(fired) = fired.upgrade() {
                fired.run_alarm(&world);
            }
        });
        actor
    }

    /// What it is called in a trace.
    pub fn name(&self) -> String {
        let kind = match self.class {
            Class::Session => "session",
            Class::Directory => "directory",
        };
        format!("{kind} {}", &self.id.as_str()[..6])
    }

    /// Its process, which is begun where there is none.
    pub fn process(self: &Rc<Self>, world: &World) -> Process {
        self.start(world).process
    }

    /// The machine that it runs on, if it does.
    pub fn machine(&self) -> Option<usize> {
        self.running.borrow().as_ref().map(|running| running.origin.machine)
    }

    fn start(self: &Rc<Self>, world: &World) -> Running {
        if let Some(running) = &*self.running.borrow() {
            return running.clone();
        }
        let instance = Rc::new(Instance::default());
        let (actor, own) = (Rc::clone(self), Rc::clone(&instance));
        let (provider, postgres) = (Rc::clone(&world.provider), Rc::clone(&world.postgres));
        let ending = Rc::new(Cell::default());
        let ends = Rc::clone(&ending);
        let sockets = Rc::clone(&self.sockets.borrow());
        let (accepted, listened) = (Rc::clone(&sockets), world.clone());
        let process = world.executor.begin(move || {
            provider.process_ended(ends.get());
            postgres.process_ended(ends.get());
            if !actor.is_evicting.get() {
                accepted.lose(&listened);
            }
            let is_present =
                actor.running.borrow().as_ref().is_some_and(|running| Rc::ptr_eq(&running.origin.instance, &own));
            if is_present {
                actor.leave();
            }
        });
        ending.set(process);
        if let Some(polls) = self.doom.take() {
            world.executor.end_after_polls(process, polls);
        }
        let (machine, clock) = world.clocks.some();
        world.tally.tell(|| format!("{} begins, as process {process} on machine {machine}", self.name()));
        let origin = Origin { id: self.id.clone(), process, machine, disk: Rc::clone(&self.disk), instance };
        let given = given(world, &origin, &clock);
        let object = match self.class {
            Class::Session => {
                let (world, origin, sockets) = (world.clone(), origin.clone(), Rc::clone(&sockets));
                let config = Rc::clone(&world.config);
                let listeners = Rc::new(Speaker { world, origin, sockets });
                Object::Session(Session::new(given, listeners, Documents::default(), &config))
            }
            Class::Directory => Object::Directory(Shell::new(given, &world.config)),
        };
        let running = Running { process, object, origin, sockets, in_alarm: Rc::default() };
        self.running.replace(Some(running.clone()));
        running
    }

    /// The present instance is none any more.
    fn leave(&self) -> Option<Running> {
        let gone = self.running.take()?;
        self.ends.set(self.ends.get() + 1);
        self.ended_at.set(Some(self.disk.now()));
        if self.disk.restart(self.keeps.get()) {
            self.mishaps.set(self.mishaps.get() + 1);
        }
        if gone.in_alarm.get() {
            self.disk.put_alarm(Some(self.disk.now() + ALARM_AGAIN));
        }
        Some(gone)
    }

    /// Ends its process, if there is one.
    pub fn end(&self, world: &World) {
        let process = self.running.borrow().as_ref().map(|running| running.process);
        if let Some(process) = process {
            world.executor.end(process);
        }
    }

    /// Evicts it, if it is idle: whether it was. That excuses nothing, and so it does not count as an end of its process.
    pub fn evict(&self, world: &World) -> bool {
        let process = self.running.borrow().as_ref().map(|running| running.process);
        let is_idle = |process: &Process| {
            world.executor.now() >= self.asked_at.get() + EVICTED_AFTER && !world.executor.is_busy(*process)
        };
        let Some(process) = process.filter(is_idle) else { return false };
        let counted = (self.ends.get(), self.ended_at.get());
        self.disk.confirm();
        self.is_evicting.set(true);
        world.executor.end(process);
        self.is_evicting.set(false);
        self.ends.set(counted.0);
        self.ended_at.set(counted.1);
        true
    }

    /// Whether this is its present process.
    pub fn runs_as(&self, process: Process) -> bool {
        self.running.borrow().as_ref().is_some_and(|running| running.process == process)
    }

    /// Another instance takes its place; the present one goes on for so long, and what it writes then `seems` to be done.
    pub fn split(&self, world: &World, goes_on: Duration, seems: bool) {
        let Some(Running { process, origin, .. }) = self.leave() else { return };
        self.mishaps.set(self.mishaps.get() + 1);
        self.sockets.take();
        origin.instance.replaced.set(Some(seems));
        let executor = world.executor.clone();
        world.executor.spawn(OUTSIDE, async move {
            executor.sleep(goes_on).await;
            executor.end(process);
        });
    }

    /// What a session answers to a line without waiting for anything.
    pub fn answer_at_once(self: &Rc<Self>, world: &World, line: &str) -> Option<String> {
        match self.start(world).object {
            Object::Session(session) => Session::get_line(Some(&session), line, true),
            Object::Directory(_) => None,
        }
    }

    /// A message arrives.
    pub fn receive(self: &Rc<Self>, world: &World, message: Message, reply: oneshot::Sender<Vec<u8>>) {
        self.asked_at.set(world.executor.now());
        let Running { process, object, origin, .. } = self.start(world);
        let executor = world.executor.clone();
        world.executor.spawn(process, async move {
            let bytes = match (object, message) {
                (Object::Session(session), Message::Bytes(message)) => Session::ask(Some(session), &message).await,
                (Object::Session(session), Message::Line(line)) => answer_line(&session, &line).await.into_bytes(),
                (Object::Directory(directory), Message::Bytes(message)) => Shell::ask(Some(directory), &message).await,
                (Object::Directory(_), Message::Line(_)) => Vec::new(),
            };
            if origin.lets_out(&executor) {
                let _ = reply.send(bytes);
            }
        });
    }

    /// Somebody wants to listen: the other end of the WebSocket, if there is something to hear.
    pub fn accept(self: &Rc<Self>, world: &World, listening: Listening, reply: oneshot::Sender<Option<Ear>>) {
        self.asked_at.set(world.executor.now());
        let Running { process, object, origin, sockets, .. } = self.start(world);
        let executor = world.executor.clone();
        world.executor.spawn(process, async move {
            let Object::Session(session) = object else { return };
            let is_heard = session.may_listen(listening).await;
            let ear = is_heard.is_ok().then(|| sockets.accept(&origin.id, listening));
            if origin.lets_out(&executor) {
                let _ = reply.send(ear);
            }
        });
    }

    fn run_alarm(self: &Rc<Self>, world: &World) {
        self.disk.put_alarm(None);
        self.handle_alarm(world);
        if world.faults.strikes(Kind::AlarmTwice) {
            let (actor, world) = (Rc::clone(self), world.clone());
            world.executor.clone().spawn(OUTSIDE, async move {
                world.executor.sleep(world.executor.up_to(ALARM_AGAIN)).await;
                actor.handle_alarm(&world);
            });
        }
    }

    fn handle_alarm(self: &Rc<Self>, world: &World) {
        world.step();
        self.asked_at.set(world.executor.now());
        world.tally.tell(|| format!("the alarm of {} fires", self.name()));
        let (second, times) = (world.executor.now().unix_timestamp(), self.woken.get().1);
        let times = if self.woken.get().0 == second { times + 1 } else { 1 };
        self.woken.set((second, times));
        // It is said once.
        world.tally.must(times != WAKES_A_SECOND, "an actor is woken again and again", || self.name());
        let Running { process, object, in_alarm, .. } = self.start(world);
        in_alarm.set(true);
        let disk = Rc::clone(&self.disk);
        world.executor.spawn(process, async move {
            match object {
                Object::Session(session) => session.alarm().await,
                Object::Directory(directory) => directory.alarm().await,
            }
            disk.flushed().await;
            in_alarm.set(false);
        });
    }
}

async fn answer_line(session: &Rc<Session>, line: &str) -> String {
    if let Some(reply) = Session::get_line(Some(session), line, true) {
        return reply;
    }
    session.load_for_get().await;
    // As `entry.mjs` says it of a record that cannot be read.
    Session::get_line(Some(session), line, false).unwrap_or_else(|| "!".to_owned())
}

/// What an actor is asked.
#[derive(Clone)]
pub enum Message {
    /// A message.
    Bytes(Vec<u8>),
    /// A line of the hot path.
    Line(String),
}

fn given(world: &World, origin: &Origin, clock: &Clock) -> ActorContext {
    let isolate: Rc<dyn Isolate> =
        Rc::new(Life { process: origin.process, clock: Rc::clone(clock), world: world.clone() });
    let storage =
        Handle { disk: Rc::clone(&origin.disk), clock: Rc::clone(clock), instance: Rc::clone(&origin.instance) };
    ActorContext {
        id: origin.id.clone(),
        http: Rc::new(Line { world: world.clone(), isolate: Rc::clone(&isolate), origin: Some(origin.clone()) }),
        cache: Rc::new(NoCache),
        signatures: Rc::clone(&world.signatures) as Rc<_>,
        actors: Rc::new(Calls { world: world.clone(), origin: Some(origin.clone()) }),
        storage: Rc::new(storage),
        kv: Rc::clone(&world.kv) as Rc<_>,
        postgres: Rc::new(world.postgres.of(origin.process)),
        isolate,
    }
}

/// An isolate in one of its lives.
pub struct Life {
    pub world: World,
    pub process: Process,
    pub clock: Clock,
}

impl Isolate for Life {
    fn now(&self) -> OffsetDateTime {
        self.world.executor.now() + self.clock.get()
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        self.world.executor.random(bytes);
        true
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        self.world.executor.sleep(span)
    }

    fn spawn(&self, work: LocalBoxFuture<'static, ()>) {
        self.world.executor.spawn(self.process, work);
    }

    fn log(&self, line: &str) {
        self.world.tally.tell(|| line.to_owned());
        self.world.log.borrow_mut().push(line.to_owned());
    }

    fn error(&self, line: &str) {
        self.log(&format!("error: {line}"));
    }
}
