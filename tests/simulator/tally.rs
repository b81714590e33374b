//! What a run counts, and what it finds: steps, and violations of what must always hold.
//!
//! A step is one action of a driver (a request that a browser sends, an administrator's or the provider's call, a fault that is set
//! off), or one event that is delivered: a message to an actor, its reply, an alarm, a request to the provider, its answer, an operation
//! of KV or Postgres, a request that reaches the application. Polls and timers are none.

use std::cell::{Cell, RefCell};

use super::executor::Executor;

/// How a trace names what must never be.
pub const VIOLATION: &str = "VIOLATION";

/// See the module.
pub struct Tally {
    executor: Executor,
    steps: Cell<u64>,
    violations: RefCell<Vec<Violation>>,
    /// What happened, in words, where somebody wants to read it.
    trace: RefCell<Option<Vec<String>>>,
}

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The check, in words.
    pub what: &'static str,
    /// What it was about.
    pub detail: String,
    /// After so many steps.
    pub step: u64,
}

impl Tally {
    pub fn new(executor: &Executor) -> Self {
        let (steps, violations, trace) = Default::default();
        Self { executor: executor.clone(), steps, violations, trace }
    }

    /// From now on there is a trace.
    pub fn trace(&self) {
        self.trace.replace(Some(Vec::new()));
    }

    /// The trace.
    pub fn take_trace(&self) -> Vec<String> {
        self.trace.take().unwrap_or_default()
    }

    /// Writes into the trace, if there is one: after how many steps, when, and what.
    pub fn tell(&self, what: impl FnOnce() -> String) {
        if self.trace.borrow().is_some() {
            let at = self.executor.now().unix_timestamp_nanos() / 1_000_000 - 1_800_000_000_000;
            let line = format!("{:>6} {:>7}.{:03} s  {}", self.steps.get(), at / 1_000, at % 1_000, what());
            self.trace.borrow_mut().iter_mut().for_each(|trace| trace.push(line.clone()));
        }
    }

    pub fn step(&self) {
        self.steps.set(self.steps.get() + 1);
    }

    pub fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// The same once more is no news.
    pub fn violate(&self, what: &'static str, detail: String) {
        let mut violations = self.violations.borrow_mut();
        if !violations.iter().any(|known| known.what == what) {
            self.tell(|| format!("{VIOLATION}: {what}: {detail}"));
            violations.push(Violation { what, detail, step: self.steps.get() });
        }
    }

    /// What must hold.
    pub fn must(&self, holds: bool, what: &'static str, detail: impl FnOnce() -> String) {
        if !holds {
            self.violate(what, detail());
        }
    }

    pub fn violations(&self) -> Vec<Violation> {
        self.violations.borrow().clone()
    }
}
