//! One piece of work for everybody who asks while it is under way. It goes on whether or not anybody waits.
//!
//! A Durable Object alone does not serialise across an awaited call; and a future can be shared between the requests
//! of one actor, not between those of the stateless gateway.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, Shared};

/// Work that everybody waits for.
pub type Flight<T> = Shared<LocalBoxFuture<'static, T>>;

/// Starts work and goes on with it in the background.
pub fn launch<T: Clone + 'static>(work: impl Future<Output = T> + 'static) -> Flight<T> {
    let flight = work.boxed_local().shared();
    wasm_bindgen_futures::spawn_local(flight.clone().map(drop));
    flight
}

/// At most one piece of work at a time.
pub struct SingleFlight<T: Clone>(Rc<RefCell<Option<Flight<T>>>>);

impl<T: Clone> Default for SingleFlight<T> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

impl<T: Clone + 'static> SingleFlight<T> {
    /// Whether there is work under way.
    pub fn is_under_way(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// The work under way.
    pub fn current(&self) -> Option<Flight<T>> {
        self.0.borrow().clone()
    }

    /// Joins the work under way, or starts it.
    pub fn join<W: Future<Output = T> + 'static>(&self, start: impl FnOnce() -> W) -> Flight<T> {
        let mut slot = self.0.borrow_mut();
        if let Some(flight) = &*slot {
            return flight.clone();
        }
        let (work, done) = (start(), Rc::clone(&self.0));
        let flight = launch(async move {
            let outcome = work.await;
            done.borrow_mut().take();
            outcome
        });
        *slot = Some(flight.clone());
        flight
    }
}
