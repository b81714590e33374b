//! Workers KV: the namespace that is bound as `SESSION_KV`.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use time::OffsetDateTime;
use worker::{Env, KvStore};

use crate::runtime::{Kv, KvError};

/// The binding.
const BINDING: &str = "SESSION_KV";

/// The namespace of this environment, which need not have one.
pub struct Namespace(Env);

impl Namespace {
    /// See the type.
    pub fn new(env: &Env) -> Self {
        Self(env.clone())
    }

    fn bound(&self) -> Result<KvStore, KvError> {
        self.0.kv(BINDING).map_err(|_| KvError::NotBound)
    }
}

fn failed(error: worker::kv::KvError) -> KvError {
    KvError::Failed(error.to_string())
}

impl Kv for Namespace {
    fn get<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<Option<Vec<u8>>, KvError>> {
        async move { self.bound()?.get(key).bytes().await.map_err(failed) }.boxed_local()
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        expires_at: OffsetDateTime,
    ) -> LocalBoxFuture<'a, Result<(), KvError>> {
        async move {
            let expiration = u64::try_from(expires_at.unix_timestamp()).unwrap_or_default();
            let put = self.bound()?.put_bytes(key, value).map_err(failed)?.expiration(expiration);
            put.execute().await.map_err(failed)
        }
        .boxed_local()
    }

    fn delete<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<(), KvError>> {
        async move { self.bound()?.delete(key).await.map_err(failed) }.boxed_local()
    }
}
