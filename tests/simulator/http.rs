//! HTTP.
//!
//! - A request is under way for 20 ms, and so is its answer. The provider goes on with a request whose sender has ended.
//! - A request leaves when all that its actor wrote before is durable.
//! - No call takes longer than its limit.

use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::runtime::{Cache, Cached, Http, HttpError, Isolate, TIME_LIMIT};
use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::LocalBoxFuture;

use super::executor::{Executor, OUTSIDE};
use super::provider::Provider;
use super::storage::Disk;

/// Each way.
const LATENCY: Duration = Duration::from_millis(20);

/// Calls of one actor.
pub struct Line {
    pub executor: Executor,
    pub isolate: Rc<dyn Isolate>,
    pub provider: Rc<Provider>,
    pub disk: Rc<Disk>,
}

impl Http for Line {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> LocalBoxFuture<'static, Result<http::Response<Vec<u8>>, HttpError>> {
        let (executor, provider, isolate) =
            (self.executor.clone(), Rc::clone(&self.provider), Rc::clone(&self.isolate));
        let disk = Rc::clone(&self.disk);
        async move {
            disk.confirm();
            let (sender, answer) = oneshot::channel();
            executor.clone().spawn(OUTSIDE, async move {
                executor.sleep(LATENCY).await;
                let answer = provider.answer(request).await;
                executor.sleep(LATENCY).await;
                let _ = sender.send(answer);
            });
            match isolate.within(TIME_LIMIT, answer).await {
                Some(Ok(answer)) => answer,
                Some(Err(oneshot::Canceled)) => Err(HttpError::Unreachable),
                None => Err(HttpError::TimedOut),
            }
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
