//! One piece of work that all callers share while it is under way. It goes on whether or not anybody waits.
//!
//! A Durable Object alone does not serialise across an awaited call; and a future can be shared between the requests
//! of one actor, not between those of the stateless gateway.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, Shared};

use crate::runtime::Isolate;

/// Work that everybody waits for.
pub type Flight<T> = Shared<LocalBoxFuture<'static, T>>;

/// Starts work and goes on with it in the background.
pub fn launch<T: Clone + 'static>(isolate: &dyn Isolate, work: impl Future<Output = T> + 'static) -> Flight<T> {
    let flight = work.boxed_local().shared();
    isolate.go_on(flight.clone().map(drop));
    flight
}

/// At most one piece of work at a time.
pub struct SingleFlight<T: Clone> {
    isolate: Rc<dyn Isolate>,
    slot: Rc<RefCell<Option<Flight<T>>>>,
}

impl<T: Clone + 'static> SingleFlight<T> {
    /// None yet.
    pub fn new(isolate: &Rc<dyn Isolate>) -> Self {
        Self { isolate: Rc::clone(isolate), slot: Rc::default() }
    }

    /// Whether there is work under way.
    pub fn is_under_way(&self) -> bool {
        self.slot.borrow().is_some()
    }

    /// The work under way.
    pub fn current(&self) -> Option<Flight<T>> {
        self.slot.borrow().clone()
    }

    /// Joins the work under way, or starts it.
    pub fn join<W: Future<Output = T> + 'static>(&self, start: impl FnOnce() -> W) -> Flight<T> {
        let mut slot = self.slot.borrow_mut();
        if let Some(flight) = &*slot {
            return flight.clone();
        }
        let (work, done) = (start(), Rc::clone(&self.slot));
        let flight = launch(&*self.isolate, async move {
            let outcome = work.await;
            done.borrow_mut().take();
            outcome
        });
        *slot = Some(flight.clone());
        flight
    }
}
