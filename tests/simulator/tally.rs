//! What a run counts, and what it finds: steps, and violations of what must always hold.
//!
//! A step is one action of a driver (a request that a browser sends, an administrator's or the provider's call, a fault that is set
//! off), or one event that is delivered: a message to an actor, its reply, an alarm, a request to the provider, its answer, an operation
//! of KV or Postgres, a request that reaches the application. Polls and timers are none.

use std::cell::{Cell, RefCell};

/// See the module.
#[derive(Default)]
pub struct Tally {
    steps: Cell<u64>,
    violations: RefCell<Vec<Violation>>,
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
