//! The Cache API, which the isolates of a data centre share. It throws where there is none (plain workerd): it is best effort.

use std::time::Duration;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

use crate::ambient;
use crate::runtime::{Cache, Cached};

/// The header that says when a document was fetched.
const FETCHED_AT: &str = "x-fetched-at";

/// See the module.
pub struct CacheApi;

impl Cache for CacheApi {
    fn get(&self, key: String) -> LocalBoxFuture<'static, Option<Cached>> {
        async move {
            let mut response = worker::Cache::default().get(key, false).await.ok()??;
            let fetched_at = ambient::from_millis(response.headers().get(FETCHED_AT).ok()??.parse().ok()?);
            Some(Cached { body: response.bytes().await.ok()?, fetched_at })
        }
        .boxed_local()
    }

    fn put(&self, key: String, document: Cached, span: Duration) -> LocalBoxFuture<'static, ()> {
        async move {
            let Ok(mut response) = worker::Response::from_bytes(document.body) else { return };
            let headers = response.headers_mut();
            let (age, at) =
                (format!("max-age={}", span.as_secs()), ambient::to_millis(document.fetched_at).to_string());
            let named = [("cache-control", age.as_str()), ("content-type", "application/json"), (FETCHED_AT, &at)];
            if named.iter().all(|(name, value)| headers.set(name, value).is_ok()) {
                let _ = worker::Cache::default().put(key, response).await;
            }
        }
        .boxed_local()
    }
}
