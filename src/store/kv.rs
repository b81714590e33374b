//! Workers KV: one key for each session, in the namespace bound as `SESSION_KV`.
//!
//! It is eventually consistent, has no comparison before a write, and takes one write a second for a key. What that
//! would do to a session, [`super::SessionStore`] sees to.

use std::time::Duration;

use worker::{Env, KvStore};

use super::{About, Found, Store, StoreError, within};
use crate::ambient;
use crate::credential::ActorId;

/// The binding.
const BINDING: &str = "SESSION_KV";
/// How long one call may take.
const LIMIT: Duration = Duration::from_secs(4);
/// KV refuses an earlier expiry.
const LEAST: time::Duration = time::Duration::seconds(90);

/// See the module.
pub struct Kv {
    env: Env,
}

impl Kv {
    /// The namespace of this environment, which need not have one.
    pub const fn new(env: Env) -> Self {
        Self { env }
    }

    fn namespace(&self) -> Result<KvStore, StoreError> {
        self.env.kv(BINDING).map_err(|_| StoreError::Unavailable(format!("{BINDING} is not bound to a KV namespace")))
    }
}

fn key(actor: &ActorId) -> String {
    format!("session/{actor}")
}

fn failed(error: worker::kv::KvError) -> StoreError {
    StoreError::Unavailable(format!("KV: {error}"))
}

impl Store for Kv {
    async fn read(&self, actor: &ActorId) -> Result<Option<Vec<u8>>, StoreError> {
        let namespace = self.namespace()?;
        within(LIMIT, async { namespace.get(&key(actor)).bytes().await.map_err(failed) }).await
    }

    async fn write(&self, actor: &ActorId, _: u64, sealed: &[u8], about: &About) -> Result<Found, StoreError> {
        let until = about.kept_until.max(ambient::now().saturating_add(LEAST));
        let expiration = u64::try_from(until.unix_timestamp()).unwrap_or_default();
        let put = self.namespace()?.put_bytes(&key(actor), sealed).map_err(failed)?.expiration(expiration);
        within(LIMIT, async { put.execute().await.map_err(failed) }).await?;
        Ok(Found::Own)
    }

    async fn delete(&self, actor: &ActorId) -> Result<(), StoreError> {
        let namespace = self.namespace()?;
        within(LIMIT, async { namespace.delete(&key(actor)).await.map_err(failed) }).await
    }
}
