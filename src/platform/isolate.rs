//! Tasks, timers and the log, for actors and for requests of the stateless Worker.

use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use time::OffsetDateTime;
use worker::{Context, Delay};

use super::{clock, metrics};
use crate::runtime::{DataPoint, Isolate};

/// In an actor, which lives on by itself while it has work under way.
pub struct OfActor;

/// In a request of the stateless Worker, which the platform keeps for what goes on.
pub struct OfRequest(Rc<Context>);

impl OfRequest {
    /// In the request of this context.
    pub fn new(context: &Rc<Context>) -> Self {
        Self(Rc::clone(context))
    }
}

impl Isolate for OfActor {
    fn now(&self) -> OffsetDateTime {
        clock::now()
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        clock::fill(bytes)
    }

    fn id(&self) -> [u8; 16] {
        super::kept::with_kept(|kept| clock::id(&kept.random_bytes))
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        Delay::from(span).boxed_local()
    }

    fn spawn(&self, work: LocalBoxFuture<'static, ()>) {
        wasm_bindgen_futures::spawn_local(work);
    }

    fn log(&self, line: &str) {
        worker::console_log!("{line}");
    }

    fn error(&self, line: &str) {
        worker::console_error!("{line}");
    }

    fn measure(&self, point: DataPoint<'_>) {
        super::kept::with_kept(|kept| {
            if let Some(Some(dataset)) = kept.metrics.get() {
                metrics::write(dataset, point);
            }
        });
    }
}

impl Isolate for OfRequest {
    fn now(&self) -> OffsetDateTime {
        OfActor.now()
    }

    fn random(&self, bytes: &mut [u8]) -> bool {
        OfActor.random(bytes)
    }

    fn id(&self) -> [u8; 16] {
        OfActor.id()
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        OfActor.sleep(span)
    }

    fn spawn(&self, work: LocalBoxFuture<'static, ()>) {
        self.0.wait_until(work);
    }

    fn log(&self, line: &str) {
        OfActor.log(line);
    }

    fn error(&self, line: &str) {
        OfActor.error(line);
    }

    fn measure(&self, point: DataPoint<'_>) {
        OfActor.measure(point);
    }
}
