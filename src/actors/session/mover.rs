//! The moves of a session that are under way: to another actor, and from one. There is at most one of each, and all callers share it.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;

use time::{Duration, OffsetDateTime};

use super::location::ActorLocation;
use super::message::Denied;
use super::single_flight::{Flight, SingleFlight};
use crate::runtime::Isolate;

/// How soon a move that could not be written is tried again. A store that does not answer is not asked with each request.
const MOVE_AGAIN: Duration = Duration::seconds(2);

/// What is under way.
pub struct Mover {
    isolate: Rc<dyn Isolate>,
    relocating: SingleFlight<Result<ActorLocation, Denied>>,
    adopting: SingleFlight<Result<(), Denied>>,
    arriving: SingleFlight<Result<(), Denied>>,
    /// When the last try to move the grant was over.
    tried_at: Rc<Cell<Option<OffsetDateTime>>>,
}

impl Mover {
    /// Nothing.
    pub fn new(isolate: &Rc<dyn Isolate>) -> Self {
        Self {
            isolate: Rc::clone(isolate),
            relocating: SingleFlight::new(isolate),
            adopting: SingleFlight::new(isolate),
            arriving: SingleFlight::new(isolate),
            tried_at: Rc::default(),
        }
    }

    /// The move of the grant to another actor that is under way.
    pub fn relocation(&self) -> Option<Flight<Result<ActorLocation, Denied>>> {
        self.relocating.current()
    }

    /// Joins the move of the grant, or begins it.
    pub fn relocate<W>(&self, start: impl FnOnce() -> W) -> Flight<Result<ActorLocation, Denied>>
    where
        W: Future<Output = Result<ActorLocation, Denied>> + 'static,
    {
        self.relocating.join(|| {
            let (work, isolate, tried_at) = (start(), Rc::clone(&self.isolate), Rc::clone(&self.tried_at));
            async move {
                let moved = work.await;
                tried_at.set(Some(isolate.now()));
                moved
            }
        })
    }

    /// Whether a move that failed may be tried again.
    pub fn may_try_again(&self) -> bool {
        self.tried_at.get().is_none_or(|at| self.isolate.now() >= at.saturating_add(MOVE_AGAIN))
    }

    /// The adoption of a session from another actor that is under way.
    pub fn adoption(&self) -> Option<Flight<Result<(), Denied>>> {
        self.adopting.current()
    }

    /// Joins the adoption, or begins it.
    pub fn adopt<W>(&self, start: impl FnOnce() -> W) -> Flight<Result<(), Denied>>
    where
        W: Future<Output = Result<(), Denied>> + 'static,
    {
        self.adopting.join(start)
    }

    /// Asks the old actor whether it has let the session go, or waits for the answer that is under way.
    pub fn arrive<W>(&self, start: impl FnOnce() -> W) -> Flight<Result<(), Denied>>
    where
        W: Future<Output = Result<(), Denied>> + 'static,
    {
        self.arriving.join(start)
    }
}
