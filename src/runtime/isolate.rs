//! Time, randomness, tasks and the log.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Either, LocalBoxFuture, select};
use time::OffsetDateTime;

/// Something that happened, to be counted. It names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataPoint<'a> {
    /// What, as log lines name it.
    pub event: &'a str,
    /// `ok`, or what kind of failure.
    pub outcome: &'a str,
    /// What made it happen.
    pub cause: &'a str,
    /// Where. Empty: not known.
    pub region: &'a str,
    /// The class of the actor.
    pub class: &'static str,
    /// How long it took.
    pub duration_ms: u32,
}

/// Where code runs: its time, randomness, tasks and log. Each actor has its own.
pub trait Isolate {
    /// The wall clock. It may go back.
    fn now(&self) -> OffsetDateTime;
    /// Fills `bytes` from a cryptographic generator. False where it refuses, which callers treat as fatal.
    fn random(&self, bytes: &mut [u8]) -> bool;
    /// 16 random bytes for an id that is no secret.
    fn id(&self) -> [u8; 16] {
        let mut bytes = [0_u8; 16];
        self.random(&mut bytes);
        bytes
    }
    /// Waits. The wait begins with the first poll, and wakes the task that polled first, no other: what goes from one task to
    /// another has to be shared.
    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()>;
    /// Goes on with work that nobody waits for: in an actor, or in a request that the platform keeps for it.
    fn spawn(&self, work: LocalBoxFuture<'static, ()>);
    /// Writes a line to the log.
    fn log(&self, line: &str);
    /// Writes a line to the log, as an error.
    fn error(&self, line: &str);
    /// Counts something, where somebody counts.
    fn measure(&self, _point: DataPoint<'_>) {}
}

impl dyn Isolate + '_ {
    /// `N` random bytes; none where the generator refuses.
    pub fn random_bytes<const N: usize>(&self) -> Option<[u8; N]> {
        let mut bytes = [0_u8; N];
        self.random(&mut bytes).then_some(bytes)
    }

    /// A number in `0.0..1.0` for jitter. Not for secrets.
    pub fn jitter(&self) -> f64 {
        self.random_bytes::<4>().map_or(0.5, |bytes| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
    }

    /// The result of `work`; none where it takes longer than `limit`.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        match select(pin!(work), self.sleep(limit)).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(_) => None,
        }
    }

    /// Goes on with work in the background.
    pub fn go_on(&self, work: impl Future<Output = ()> + 'static) {
        self.spawn(work.boxed_local());
    }
}
