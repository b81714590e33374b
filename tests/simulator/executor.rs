//! Tasks, timers and time.
//!
//! - Time stands still while a task runs. It goes on when no task can: to the next timer.
//! - A task belongs to a process. A process ends at any poll of its tasks: they are dropped where they wait, and nobody hears of it.
//! - A timer wakes the task that polled it first, and no other, as on Workers.
//! - When everything waits and no timer is left, the run fails: every wait has to end. So does one that goes on for ever.
//! - Virtual time costs nothing: a day passes in as many polls as something happens in it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use time::OffsetDateTime;

/// A process: an isolate in one of its lives.
pub type Process = u64;
/// How many polls a run may take.
const MOST_POLLS: u64 = 1_000_000;
/// The process of the test, the network and the provider. It never ends.
pub const OUTSIDE: Process = 0;

type Ready = Arc<Mutex<VecDeque<u64>>>;
type Timer = (OffsetDateTime, u64);

/// See the module.
#[derive(Clone)]
pub struct Executor(Rc<Inner>);

struct Inner {
    now: Cell<OffsetDateTime>,
    random: Cell<u64>,
    counter: Cell<u64>,
    ends: Cell<u32>,
    ready: Ready,
    tasks: RefCell<BTreeMap<u64, Task>>,
    timers: RefCell<BTreeMap<Timer, Waker>>,
    processes: RefCell<BTreeMap<Process, Life>>,
}

struct Task {
    process: Process,
    work: LocalBoxFuture<'static, ()>,
    wake: Arc<Wakeful>,
}

struct Life {
    /// How many polls are left before it ends; none: it goes on.
    polls_left: Option<u64>,
    at_end: Box<dyn FnOnce()>,
}

struct Wakeful {
    id: u64,
    queued: AtomicBool,
    ready: Ready,
}

impl Wake for Wakeful {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::SeqCst) {
            self.ready.lock().unwrap().push_back(self.id);
        }
    }
}

impl Executor {
    /// Of this seed. It is the year 2027.
    pub fn new(seed: u64) -> Self {
        Self(Rc::new(Inner {
            now: Cell::new(OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()),
            random: Cell::new(seed),
            counter: Cell::default(),
            ends: Cell::default(),
            ready: Ready::default(),
            tasks: RefCell::default(),
            timers: RefCell::default(),
            processes: RefCell::default(),
        }))
    }

    pub fn now(&self) -> OffsetDateTime {
        self.0.now.get()
    }

    /// A random number: splitmix64.
    pub fn draw(&self) -> u64 {
        let state = self.0.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of so many.
    pub fn below(&self, most: u64) -> u64 {
        self.draw() % most.max(1)
    }

    /// A time up to this one.
    pub fn up_to(&self, most: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(most.as_micros()).unwrap() + 1))
    }

    /// Random bytes.
    pub fn random(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.draw().to_le_bytes()[..chunk.len()]);
        }
    }

    /// A number that was not there before.
    pub fn number(&self) -> u64 {
        self.0.counter.set(self.0.counter.get() + 1);
        self.0.counter.get()
    }

    /// A new process. `at_end` is called when it ends.
    pub fn begin(&self, at_end: impl FnOnce() + 'static) -> Process {
        let process = self.number();
        self.0.processes.borrow_mut().insert(process, Life { polls_left: None, at_end: Box::new(at_end) });
        process
    }

    /// Ends a process instead of the poll of its tasks after so many.
    pub fn end_after_polls(&self, process: Process, polls: u64) {
        self.0.processes.borrow_mut().get_mut(&process).unwrap().polls_left = Some(polls);
    }

    /// No process is to end any more.
    pub fn spare_all(&self) {
        self.0.processes.borrow_mut().values_mut().for_each(|life| life.polls_left = None);
    }

    /// How many processes have ended.
    pub fn ends(&self) -> u32 {
        self.0.ends.get()
    }

    pub fn end(&self, process: Process) {
        let Some(life) = self.0.processes.borrow_mut().remove(&process) else { return };
        self.0.ends.set(self.0.ends.get() + 1);
        let ids: Vec<u64> =
            self.0.tasks.borrow().iter().filter(|(_, task)| task.process == process).map(|(id, _)| *id).collect();
        // Dropped outside of the borrow: what is dropped may come back here.
        let ended: Vec<Option<Task>> = ids.iter().map(|id| self.0.tasks.borrow_mut().remove(id)).collect();
        (life.at_end)();
        drop(ended);
    }

    pub fn spawn(&self, process: Process, work: impl Future<Output = ()> + 'static) {
        if !self.lives(process) {
            return;
        }
        let id = self.number();
        let wake = Arc::new(Wakeful { id, queued: AtomicBool::new(false), ready: Arc::clone(&self.0.ready) });
        self.0.tasks.borrow_mut().insert(id, Task { process, work: work.boxed_local(), wake: Arc::clone(&wake) });
        wake.wake();
    }

    pub fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        Sleep { executor: self.clone(), span, timer: None }.boxed_local()
    }

    /// Whether a process has something to do, or waits for something.
    pub fn is_busy(&self, process: Process) -> bool {
        self.0.tasks.borrow().values().any(|task| task.process == process)
    }

    /// Whether a process lives.
    pub fn lives(&self, process: Process) -> bool {
        process == OUTSIDE || self.0.processes.borrow().contains_key(&process)
    }

    /// Drops all that is under way: nothing of a world is left that refers to itself.
    pub fn dismantle(&self) {
        let tasks = self.0.tasks.take();
        let processes = self.0.processes.take();
        let timers = self.0.timers.take();
        drop((tasks, processes, timers));
    }

    /// Runs until `work` is done.
    pub fn run<T: 'static>(&self, work: impl Future<Output = T> + 'static) -> T {
        self.try_run(MOST_POLLS, work).unwrap_or_else(|why| panic!("{why}"))
    }

    /// The same, in so many polls.
    pub fn try_run<T: 'static>(
        &self,
        most_polls: u64,
        work: impl Future<Output = T> + 'static,
    ) -> Result<T, &'static str> {
        let slot = Rc::new(RefCell::new(None));
        let result = Rc::clone(&slot);
        self.spawn(OUTSIDE, async move {
            let done = work.await;
            result.replace(Some(done));
        });
        for _ in 0..most_polls {
            let next = self.0.ready.lock().unwrap().pop_front();
            if let Some(id) = next {
                self.poll(id);
            } else if let Some(done) = slot.take() {
                return Ok(done);
            } else {
                let (timer, waker) = self.0.timers.borrow_mut().pop_first().ok_or("everything waits, for ever")?;
                self.0.now.set(timer.0);
                waker.wake();
            }
        }
        Err("it goes on and on")
    }

    fn poll(&self, id: u64) {
        let Some(mut task) = self.0.tasks.borrow_mut().remove(&id) else { return };
        if let Some(Life { polls_left: Some(left), .. }) = self.0.processes.borrow_mut().get_mut(&task.process) {
            *left = left.wrapping_sub(1);
        }
        let is_last =
            self.0.processes.borrow().get(&task.process).is_some_and(|life| life.polls_left == Some(u64::MAX));
        if is_last {
            self.end(task.process);
            return;
        }
        task.wake.queued.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&task.wake));
        let is_pending = task.work.as_mut().poll(&mut Context::from_waker(&waker)).is_pending();
        if is_pending && self.lives(task.process) {
            self.0.tasks.borrow_mut().insert(id, task);
        }
    }
}

struct Sleep {
    executor: Executor,
    span: Duration,
    timer: Option<Timer>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.timer {
            None => {
                let timer = (self.executor.now() + self.span, self.executor.number());
                self.executor.0.timers.borrow_mut().insert(timer, context.waker().clone());
                self.timer = Some(timer);
                Poll::Pending
            }
            Some(timer) if self.executor.0.timers.borrow().contains_key(&timer) => Poll::Pending,
            Some(_) => Poll::Ready(()),
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let timer = self.timer.and_then(|timer| self.executor.0.timers.borrow_mut().remove(&timer));
        drop(timer);
    }
}
