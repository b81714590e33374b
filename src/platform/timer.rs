//! The one timer of a request. What waits one after the other shares it: setting and clearing a timer for each is dear
//! on a hot path, and hardly any of them ever goes off.

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};

use futures::future::{Either, select};
use time::{Duration, OffsetDateTime};
use worker::Delay;

use super::clock;
use crate::ambient;

/// A timer, set at the first wait.
#[derive(Default)]
pub struct Timer(RefCell<Option<Armed>>);

/// A timer that is running, and when it goes off.
type Armed = (Pin<Box<Delay>>, OffsetDateTime);

impl Timer {
    /// What the work comes to; none where that takes longer than `limit`.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let deadline = clock::now().saturating_add(limit);
        let mut work = pin!(work);
        loop {
            // One that goes off too early is set anew then; one that goes off too late is of no use.
            let armed = self.0.take().filter(|(_, at)| *at <= deadline);
            let is_new = armed.is_none();
            let (delay, at) = armed.unwrap_or_else(|| {
                // The clock may have gone back meanwhile: nobody waits longer for that.
                let left = ambient::between(clock::now(), deadline).clamp(Duration::ZERO, limit);
                (Box::pin(Delay::from(left.unsigned_abs())), deadline)
            });
            match select(work.as_mut(), delay).await {
                Either::Left((done, delay)) => {
                    self.0.replace(Some((delay, at)));
                    return Some(done);
                }
                Either::Right(_) if is_new || clock::now() >= deadline => return None,
                Either::Right(_) => {}
            }
        }
    }
}
