//! The refresh that is under way, which all callers share. It waits for a move that began before it, and a move waits for a
//! refresh that began before that.

use std::future::Future;
use std::rc::Rc;

use super::location::ActorLocation;
use super::message::Denied;
use super::single_flight::{Flight, SingleFlight};
use crate::config::target::TargetKey;
use crate::runtime::Isolate;

/// How a refresh came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// There is a new access token.
    Fresh,
    /// The session is over.
    Ended,
    /// Not now.
    Unavailable {
        /// Seconds.
        retry_after: u32,
    },
    /// The intent cannot be written, and so the token is not presented.
    StoreUnavailable,
    /// There is nothing left to refresh with.
    NoToken,
    /// The organization to switch to wants a login of its own. Nothing has changed.
    OtherOrganization,
    /// It was for this target alone. Its token came, or the provider refused it.
    ForTarget(TargetKey),
}

/// What is under way.
pub struct Refresher {
    refreshing: SingleFlight<RefreshOutcome>,
}

impl Refresher {
    /// Nothing.
    pub fn new(isolate: &Rc<dyn Isolate>) -> Self {
        Self { refreshing: SingleFlight::new(isolate) }
    }

    /// Whether there is a refresh under way.
    pub fn is_under_way(&self) -> bool {
        self.refreshing.is_under_way()
    }

    /// The refresh under way.
    pub fn current(&self) -> Option<Flight<RefreshOutcome>> {
        self.refreshing.current()
    }

    /// Joins the refresh under way, or begins one behind this move. After the move another actor may own the session.
    pub fn refresh<W>(
        &self,
        relocation: Option<Flight<Result<ActorLocation, Denied>>>,
        start: impl FnOnce() -> W,
    ) -> Flight<RefreshOutcome>
    where
        W: Future<Output = RefreshOutcome> + 'static,
    {
        self.refreshing.join(|| {
            let work = start();
            async move {
                if let Some(relocation) = relocation {
                    let _ = relocation.await;
                }
                work.await
            }
        })
    }
}
