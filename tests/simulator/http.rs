//! HTTP.
//!
//! - A request is under way for 20 ms, and so is its answer. The provider goes on with a request whose sender has ended.
//! - A request leaves when all that its actor wrote before is durable.
//! - No call takes longer than its limit.
//! - The provider may be out of reach, or silent; it may take long to answer, and do what it is asked though its answer is lost, or comes too
//!   late. A request reaches it within 0.7 s, or never: what its leeway for used tokens is counted from.
//! - No POST is sent twice: workerd repeats GETs alone.

use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::runtime::{Cache, Cached, Http, HttpError, Isolate, TIME_LIMIT};
use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::{LocalBoxFuture, pending};

use super::actors::Origin;
use super::executor::OUTSIDE;
use super::faults::Kind;
use super::provider::Caller;
use super::world::World;

/// Each way.
const LATENCY: Duration = Duration::from_millis(20);
/// How long a request may be on its way.
pub const WAY: Duration = Duration::from_millis(700);
/// How slow the provider may be.
const SLOW: [Duration; 3] = [Duration::from_millis(300), Duration::from_secs(4), Duration::from_secs(15)];

/// Calls of one actor, or of a gateway.
pub struct Line {
    pub world: World,
    pub isolate: Rc<dyn Isolate>,
    pub origin: Option<Origin>,
}

impl Http for Line {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<http::Response<Vec<u8>>, HttpError>> {
        let (world, isolate, origin) = (self.world.clone(), Rc::clone(&self.isolate), self.origin.clone());
        async move {
            if origin.as_ref().is_some_and(|origin| !origin.lets_out(&world.executor)) {
                return pending().await;
            }
            let process = origin.as_ref().map(|origin| origin.process);
            let (faults, watch) = (&world.faults, world.provider.watch(&request, process));
            if faults.strikes(Kind::ProviderAway) {
                watch.failed();
                return Err(HttpError::Unreachable);
            }
            let is_slow = faults.strikes(Kind::ProviderSlow);
            let slow = |most: Duration| if is_slow { world.executor.up_to(most) } else { Duration::ZERO };
            let (there, back) = (slow(WAY), slow(SLOW[world.executor.below(3) as usize]));
            // A server that is silent has done what it was asked, or not.
            let is_silent = faults.strikes(Kind::ProviderHangs);
            let is_deaf = is_silent && world.executor.below(2) == 0;
            let is_lost = faults.strikes(Kind::ProviderLosesAnswer);
            let caller = Caller { actor: origin.as_ref().map(|origin| (origin.id.clone(), origin.process)) };
            let (sender, answer) = oneshot::channel();
            let delivering = world.clone();
            world.executor.spawn(OUTSIDE, async move {
                let executor = &delivering.executor;
                executor.sleep(LATENCY + there).await;
                if is_deaf {
                    return pending().await;
                }
                delivering.step();
                delivering.tally.tell(|| format!("{caller} asks the provider for {}", request.uri().path()));
                let answer = delivering.provider.answer(request, &caller).await;
                executor.sleep(LATENCY + back).await;
                if is_silent {
                    return pending().await;
                }
                let _ = sender.send(if is_lost { Err(HttpError::Unreachable) } else { answer });
            });
            let answer = match isolate.within(TIME_LIMIT, answer).await {
                Some(Ok(answer)) => answer,
                Some(Err(oneshot::Canceled)) => Err(HttpError::Unreachable),
                None => Err(HttpError::TimedOut),
            };
            world.step();
            if answer.is_ok() {
                watch.answered();
            } else {
                watch.failed();
            }
            answer
        }
        .boxed_local()
    }
}

/// A data centre without a Cache API.
pub struct NoCache;

impl Cache for NoCache {
    fn get(&self, _: String) -> LocalBoxFuture<'static, Option<Cached>> {
        futures::future::ready(None).boxed_local()
    }

    fn put(&self, _: String, _: Cached, _: Duration) -> LocalBoxFuture<'static, ()> {
        futures::future::ready(()).boxed_local()
    }
}
