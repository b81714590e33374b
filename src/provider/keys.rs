//! The keys that a provider signs with (RFC 7517), kept in the isolate; [`super::cache`] says for how long.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use openidconnect::core::CoreJsonWebKeySet;
use openidconnect::{DiscoveryError, JsonWebKeySetUrl};
use worker::Delay;

use super::cache::{Cached, Refetch};
use super::discovery::unanswered;
use super::id_token::IdTokenError;
use super::{ProviderError, http};
use crate::ambient;

type Keys = Rc<CoreJsonWebKeySet>;

/// How often an actor looks whether another one's fetch is done.
const LOOK_EVERY: Duration = Duration::from_millis(50);

thread_local! {
    static KEYS: RefCell<HashMap<String, Cached<Keys>>> = RefCell::default();
}

/// The provider's keys, which it publishes at `uri`.
async fn keys(uri: &JsonWebKeySetUrl) -> Result<Keys, ProviderError> {
    let now = ambient::now();
    let kept = KEYS.with_borrow(|kept| kept.get(uri.as_str()).cloned());
    if let Some(fresh) = kept.as_ref().and_then(|kept| kept.fresh(now)) {
        return Ok(Rc::clone(fresh));
    }
    match fetch(uri).await {
        Ok(keys) => {
            let cached = Cached::new(Rc::clone(&keys), ambient::now());
            KEYS.with_borrow_mut(|kept| kept.insert(uri.as_str().to_owned(), cached));
            Ok(keys)
        }
        Err(error) => kept.as_ref().and_then(|kept| kept.last_good(now)).cloned().ok_or(error),
    }
}

/// What `check` says of the provider's keys, which are published at `uri`; where one is missing, of what they are now.
pub async fn check<T>(
    uri: &JsonWebKeySetUrl,
    check: impl Fn(&CoreJsonWebKeySet) -> Result<T, IdTokenError>,
) -> Result<Result<T, IdTokenError>, ProviderError> {
    match check(&*keys(uri).await?) {
        Err(IdTokenError::UnknownKey) => Ok(check(&*after_miss(uri).await?)),
        checked => Ok(checked),
    }
}

/// The provider's keys after one was missing: fetched anew, by whoever missed one first. The others wait for it, as a
/// rotation must not fail whoever comes second.
async fn after_miss(uri: &JsonWebKeySetUrl) -> Result<Keys, ProviderError> {
    loop {
        let now = ambient::now();
        let found = KEYS.with_borrow_mut(|kept| {
            let kept = kept.get_mut(uri.as_str())?;
            Some((kept.miss(now), kept.last_good(now).cloned()))
        });
        match found {
            Some((Some(Refetch::InFlight), _)) => Delay::from(LOOK_EVERY).await,
            Some((Some(Refetch::Done), Some(keys))) => return Ok(keys),
            Some((Some(Refetch::Failed), _)) => {
                return Err(ProviderError::Unavailable("keys: they could not be fetched a moment ago".to_owned()));
            }
            Some((None | Some(Refetch::Done), _)) | None => {
                let fetched = fetch(uri).await;
                KEYS.with_borrow_mut(|kept| {
                    if let Some(kept) = kept.get_mut(uri.as_str()) {
                        kept.refetched(fetched.as_ref().ok().cloned(), ambient::now());
                    }
                });
                return fetched;
            }
        }
    }
}

async fn fetch(uri: &JsonWebKeySetUrl) -> Result<Keys, ProviderError> {
    CoreJsonWebKeySet::fetch_async(uri, &http::send).await.map(Rc::new).map_err(|error| match error {
        DiscoveryError::Request(error) => unanswered(error),
        DiscoveryError::Response(status, ..) if http::says_not_now(status.as_u16()) => {
            ProviderError::Unavailable(format!("keys: the provider answered {status}"))
        }
        _ => ProviderError::Rejected("keys: the document is no JSON Web Key Set".to_owned()),
    })
}
