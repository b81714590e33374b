//! Workers KV.
//!
//! - A read may bring what was there up to a minute ago; here it brings the oldest such value while `is_stale`, else the newest
//!   (Cloudflare's documentation, "How KV works": 60 seconds or more).
//! - One write a second for a key; more fail with 429.
//! - A write that is not answered may arrive minutes later, and then it is the newest.
//! - A value is gone when its time is over. An expiry less than a minute away is refused.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::runtime::{Kv, KvError};
use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, pending};
use time::OffsetDateTime;

use super::executor::{Executor, OUTSIDE};
use super::faults::{Faults, Kind};
use super::tally::Tally;

/// How long a call takes.
const LATENCY: Duration = Duration::from_millis(30);
/// How long an old value may be seen.
const STALE_FOR: Duration = Duration::from_secs(60);
/// How late a write may arrive.
const LATE: Duration = Duration::from_secs(600);

#[derive(Clone)]
struct Version {
    written_at: OffsetDateTime,
    value: Option<(Vec<u8>, OffsetDateTime)>,
}

/// See the module.
#[derive(Clone)]
pub struct Namespace {
    executor: Executor,
    faults: Rc<Faults>,
    tally: Rc<Tally>,
    versions: Rc<RefCell<BTreeMap<String, Vec<Version>>>>,
    pub is_stale: Rc<Cell<bool>>,
}

impl Namespace {
    pub fn new(executor: &Executor, faults: &Rc<Faults>, tally: &Rc<Tally>) -> Self {
        let (faults, tally) = (Rc::clone(faults), Rc::clone(tally));
        Self { executor: executor.clone(), faults, tally, versions: Rc::default(), is_stale: Rc::default() }
    }

    async fn reach(&self) -> Result<(), KvError> {
        self.executor.sleep(LATENCY).await;
        self.faults.stores_answer().await;
        self.tally.step();
        self.tally.tell(|| "an operation of KV".to_owned());
        if self.faults.strikes(Kind::KvFails) { Err(KvError::Failed("500".to_owned())) } else { Ok(()) }
    }

    /// The keys.
    pub fn keys(&self) -> Vec<String> {
        self.versions.borrow().keys().cloned().collect()
    }

    /// The first value that a key ever had.
    pub fn first(&self, key: &str) -> Vec<u8> {
        self.versions.borrow()[key].iter().find_map(|version| version.value.clone()).unwrap().0
    }

    /// Somebody puts a value there, past all limits.
    pub fn plant(&self, key: &str, value: Vec<u8>) {
        let now = self.executor.now();
        self.push(key, Some((value, now + Duration::from_secs(86_400 * 30))));
    }

    fn push(&self, key: &str, value: Option<(Vec<u8>, OffsetDateTime)>) {
        let written_at = self.executor.now();
        self.versions.borrow_mut().entry(key.to_owned()).or_default().push(Version { written_at, value });
    }

    fn read(&self, key: &str) -> Option<Vec<u8>> {
        let now = self.executor.now();
        let versions = self.versions.borrow();
        let versions = versions.get(key)?;
        // What was the newest one a minute ago, or nothing.
        let seen = if self.is_stale.get() || self.faults.strikes(Kind::KvStale) {
            versions.iter().rev().find(|version| version.written_at + STALE_FOR <= now)
        } else {
            versions.last()
        };
        seen?.value.clone().filter(|(_, until)| now < *until).map(|(value, _)| value)
    }

    fn change(&self, key: &str, value: Option<(Vec<u8>, OffsetDateTime)>) -> Result<(), KvError> {
        let now = self.executor.now();
        let last = self.versions.borrow().get(key).and_then(|versions| versions.last().map(|last| last.written_at));
        if last.is_some_and(|last| now < last + Duration::from_secs(1)) {
            return Err(KvError::Failed("429".to_owned()));
        }
        if value.as_ref().is_some_and(|(_, until)| *until < now + Duration::from_secs(60)) {
            return Err(KvError::Failed("400".to_owned()));
        }
        self.push(key, value);
        Ok(())
    }
}

impl Kv for Namespace {
    fn get<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<Option<Vec<u8>>, KvError>> {
        async move {
            self.reach().await?;
            Ok(self.read(key))
        }
        .boxed_local()
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        expires_at: OffsetDateTime,
    ) -> LocalBoxFuture<'a, Result<(), KvError>> {
        async move {
            self.reach().await?;
            if self.faults.strikes(Kind::KvLate) {
                let (namespace, key, value) = (self.clone(), key.to_owned(), value.to_vec());
                self.executor.spawn(OUTSIDE, async move {
                    namespace.executor.sleep(namespace.executor.up_to(LATE)).await;
                    let _ = namespace.change(&key, Some((value, expires_at)));
                });
                return pending().await;
            }
            self.change(key, Some((value.to_vec(), expires_at)))
        }
        .boxed_local()
    }

    fn delete<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<(), KvError>> {
        async move {
            self.reach().await?;
            self.change(key, None)
        }
        .boxed_local()
    }
}
