//! Machines and their clocks.
//!
//! - There are three machines. An actor's process, and a gateway's isolate, runs on one of them and has its clock.
//! - A clock differs from the true time by what it says here, and may go back.
//!
//! Cloudflare says nothing of how far clocks differ; the product takes a quarter of a second between two machines for the most
//! (`SKEW` in `src/actors/directory/state.rs`).

use std::cell::Cell;
use std::rc::Rc;

use time::Duration;

use super::executor::Executor;

/// A machine's clock: how far it is ahead.
pub type Clock = Rc<Cell<Duration>>;

/// See the module.
pub struct Clocks {
    executor: Executor,
    machines: [Clock; 3],
}

impl Clocks {
    /// All are right.
    pub fn right(executor: &Executor) -> Self {
        Self { executor: executor.clone(), machines: Default::default() }
    }

    /// They differ by so much at the most.
    pub fn differ_by(&self, most: Duration) {
        for clock in &self.machines {
            clock.set(Duration::ZERO + self.executor.up_to(most.unsigned_abs()));
        }
    }

    /// All of them say this.
    pub fn set(&self, ahead: Duration) {
        self.machines.iter().for_each(|clock| clock.set(ahead));
    }

    /// The clock of some machine, and which.
    pub fn some(&self) -> (usize, Clock) {
        let machine = usize::try_from(self.executor.below(self.machines.len() as u64)).unwrap();
        (machine, Rc::clone(&self.machines[machine]))
    }

    /// Of the first machine.
    pub fn first(&self) -> Clock {
        Rc::clone(&self.machines[0])
    }
}
