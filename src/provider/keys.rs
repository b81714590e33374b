//! The keys that a provider signs with (RFC 7517), kept as [`super::document`] says.

use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet};
use openidconnect::{DiscoveryError, JsonWebKey as _, JsonWebKeySetUrl, JsonWebKeyUse};

use super::discovery::unanswered;
use super::document::{Kept, Presenter};
use super::id_token::{ALGORITHMS, IdTokenError};
use super::jws;
use super::published::{Fetched, Missing, Source};
use super::{Link, ProviderError, http};

/// What `check` says of a token that `presenter` brought and the provider's keys, which are published at `uri`; where one is
/// missing or does not fit, of what they are now.
pub async fn check<T>(
    uri: &JsonWebKeySetUrl,
    link: &Link,
    presenter: Presenter,
    check: impl Fn(&CoreJsonWebKeySet) -> Result<T, IdTokenError>,
) -> Result<Result<T, IdTokenError>, ProviderError> {
    let call = || call(uri, link);
    let source = Source { documents: &link.documents.keys, address: uri.as_str(), call: &call, isolate: &link.isolate };
    let since = link.isolate.now();
    let mut keys: Kept<Rc<CoreJsonWebKeySet>> = match source.current(since).await {
        Err(Missing::Useless) => return Ok(Err(IdTokenError::UnknownKey)),
        keys => keys?,
    };
    loop {
        match check(&keys.value) {
            Err(error) if error.is_about_the_key() => match source.newer_than(keys.version(), presenter, since).await {
                Ok(Some(newer)) => keys = newer,
                Ok(None) => return Ok(Err(error)),
                Err(Missing::Useless) => return Ok(Err(IdTokenError::UnknownKey)),
                Err(Missing::Unavailable(error)) => return Err(error),
            },
            checked => return Ok(checked),
        }
    }
}

/// Whether the provider answers now, if only with something else than its keys: a GET, unless one was answered, or was
/// not, just now.
pub async fn answers(uri: &JsonWebKeySetUrl, link: &Link) -> bool {
    let call = || call(uri, link);
    let source = Source { documents: &link.documents.keys, address: uri.as_str(), call: &call, isolate: &link.isolate };
    source.answers().await
}

fn call(uri: &JsonWebKeySetUrl, link: &Link) -> LocalBoxFuture<'static, Fetched<CoreJsonWebKeySet>> {
    let (uri, link) = (uri.clone(), link.clone());
    async move { Ok((fetch(&uri, &link).await?, link.isolate.now())) }.boxed_local()
}

async fn fetch(uri: &JsonWebKeySetUrl, link: &Link) -> Result<CoreJsonWebKeySet, Missing> {
    let fetched = CoreJsonWebKeySet::fetch_async(uri, &|request| http::send(&*link.http, request)).await;
    let keys = fetched.map_err(|error| match error {
        DiscoveryError::Request(error) => unanswered(error),
        DiscoveryError::Response(status, ..) if http::says_not_now(status.as_u16()) => {
            ProviderError::Unavailable(format!("keys: the provider answered {status}"))
        }
        _ => ProviderError::Rejected("keys: the document is no JSON Web Key Set".to_owned()),
    })?;
    if keys.keys().iter().any(is_usable) { Ok(keys) } else { Err(Missing::Useless) }
}

/// Whether a key can have signed anything that is accepted.
fn is_usable(key: &CoreJsonWebKey) -> bool {
    key.key_use().is_none_or(JsonWebKeyUse::allows_signature) && ALGORITHMS.iter().any(|alg| jws::suits(key, alg))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn usable(key: &Value) -> bool {
        let keys: CoreJsonWebKeySet = serde_json::from_value(json!({ "keys": [key] })).unwrap();
        keys.keys().iter().any(is_usable)
    }

    #[test]
    fn a_key_is_usable_where_a_signature_that_is_accepted_can_be_checked_with_it() {
        let okp = json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"});
        let with = |name: &str, value: &str| {
            let mut key = okp.clone();
            key[name] = value.into();
            key
        };
        assert!(usable(&okp));
        assert!(usable(&with("use", "sig")));
        assert!(usable(&with("alg", "EdDSA")));
        assert!(usable(&json!({"kty": "RSA", "n": "AAAA", "e": "AQAB", "alg": "PS256"})));
        for unusable in [
            with("use", "enc"),
            with("alg", "HS256"),
            with("alg", "RSA-OAEP"),
            json!({"kty": "oct", "k": "AAAA"}),
            json!({"kty": "oct", "k": "AAAA", "alg": "HS256"}),
            json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}),
            json!({}),
        ] {
            assert!(!usable(&unusable), "{unusable}");
        }
    }
}
