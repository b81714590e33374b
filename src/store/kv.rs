//! Workers KV: one key for each session, in the namespace bound as `SESSION_KV`.
//!
//! It is eventually consistent, has no comparison before a write, and takes one write a second for a key. What that
//! would do to a session, [`super::SessionStore`] sees to.

use std::rc::Rc;
use std::time::Duration;

use super::error::StoreError;
use super::outside::{About, Overwritten, Store, within};
use crate::credential::ActorId;
use crate::runtime::{self, Isolate, KvError};

/// How long one call may take.
const LIMIT: Duration = Duration::from_secs(4);
/// KV refuses an earlier expiry.
const LEAST: time::Duration = time::Duration::seconds(90);

/// See the module.
pub struct KvStore {
    isolate: Rc<dyn Isolate>,
    namespace: Rc<dyn runtime::Kv>,
}

impl KvStore {
    /// In this namespace.
    pub fn new(isolate: &Rc<dyn Isolate>, namespace: &Rc<dyn runtime::Kv>) -> Self {
        Self { isolate: Rc::clone(isolate), namespace: Rc::clone(namespace) }
    }

    async fn wait<T>(&self, work: impl Future<Output = Result<T, KvError>>) -> Result<T, StoreError> {
        within(&*self.isolate, LIMIT, async { Ok(work.await?) }).await
    }
}

fn key(actor: &ActorId) -> String {
    format!("session/{actor}")
}

impl From<KvError> for StoreError {
    fn from(error: KvError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl Store for KvStore {
    async fn read(&self, actor: &ActorId) -> Result<Option<Vec<u8>>, StoreError> {
        self.wait(self.namespace.get(&key(actor))).await
    }

    async fn write(&self, actor: &ActorId, _: u64, sealed: &[u8], about: &About) -> Result<Overwritten, StoreError> {
        let until = about.kept_until.max(self.isolate.now().saturating_add(LEAST));
        self.wait(self.namespace.put(&key(actor), sealed, until)).await?;
        Ok(Overwritten::Own)
    }

    async fn delete(&self, actor: &ActorId) -> Result<(), StoreError> {
        self.wait(self.namespace.delete(&key(actor))).await
    }
}
