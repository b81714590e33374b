//! Clients that bring their own JWT: whose it is, checked against keys that are published or given.
//!
//! The signature is checked by the platform (Web Cryptography API), at a tenth of what it costs in WebAssembly. Imported
//! keys are kept in the isolate, and so is the key set: see [`crate::provider::document`].

use std::cell::RefCell;
use std::rc::Rc;

use futures::FutureExt as _;
use openidconnect::HttpResponse;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::Gateway;
use super::identity::Claims;
use super::jwk::{ALGORITHMS, Algorithm, Jwk};
use super::jwt::{Expected, Jwt, JwtError};
use super::problem::Problem;
use super::request::Incoming;
use crate::ambient;
use crate::config::jwt::Keys;
use crate::platform;
use crate::platform::http::Fetch;
use crate::provider::document::Presenter;
use crate::provider::published::{Fetched, Missing, Published, Source};
use crate::provider::{ProviderError, http};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = importKey)]
    fn import_key(
        format: &str,
        key: &JsValue,
        algorithm: &JsValue,
        extractable: bool,
        usages: &js_sys::Array,
    ) -> Result<js_sys::Promise, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"])]
    fn verify(
        algorithm: &JsValue,
        key: &web_sys::CryptoKey,
        signature: &js_sys::Uint8Array,
        data: &js_sys::Uint8Array,
    ) -> Result<js_sys::Promise, JsValue>;
}

/// A key, and what the platform made of it for each algorithm.
struct Key {
    jwk: Jwk,
    imported: RefCell<Vec<(&'static str, web_sys::CryptoKey)>>,
}

type KeySet = Vec<Key>;

thread_local! {
    static PUBLISHED: Rc<Published<KeySet>> = Rc::default();
    static INLINE: RefCell<Option<Rc<KeySet>>> = const { RefCell::new(None) };
}

/// The token of an `Authorization: Bearer` (RFC 6750 section 2.1).
pub(super) fn token<'a>(request: &Incoming<'a>) -> Option<&'a str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches([' ', '\t']))
}

impl Gateway {
    /// The claims of a client's JWT, where it is accepted.
    pub(super) async fn bearer_claims(&self, token: &str) -> Result<Claims, Problem> {
        let Some(settings) = &self.config.jwt else { return Err(Problem::NotFound) };
        let jwt = Jwt::parse(token)?;
        // Before any key is looked for: what cannot be good costs nobody a fetch.
        jwt.check(Expected { issuer: &settings.issuer, audience: &settings.audience }, ambient::now())?;
        let uri = match &settings.keys {
            Keys::Inline(text) => {
                let keys = INLINE
                    .with_borrow_mut(|kept| Rc::clone(kept.get_or_insert_with(|| Rc::new(read(text.as_bytes())))));
                verified(&jwt, &keys).await?;
                return Ok(jwt.claims);
            }
            Keys::Remote(uri) => uri.as_str(),
        };
        let call = || fetched(uri.to_owned()).boxed_local();
        let (documents, isolate) = (PUBLISHED.with(Rc::clone), platform::request_isolate(&self.context));
        let source = Source { documents: &documents, address: uri, call: &call, isolate: &isolate };
        let since = ambient::now();
        let mut keys = source.current(since).await.map_err(|missing| match missing {
            Missing::Useless => JwtError::UnknownKey.into(),
            Missing::Unavailable(_) => Problem::KeysUnavailable,
        })?;
        loop {
            match verified(&jwt, &keys.value).await {
                Ok(()) => return Ok(jwt.claims),
                Err(error) if error.is_about_the_key() => {
                    match source.newer_than(keys.version(), Presenter::Anybody, since).await {
                        Ok(Some(newer)) => keys = newer,
                        // Where they cannot be had, too: the last good ones serve.
                        Ok(None) | Err(_) => return Err(error.into()),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Whether one of the keys has signed the token.
async fn verified(jwt: &Jwt<'_>, keys: &KeySet) -> Result<(), JwtError> {
    let key = jwt.key(keys.iter().map(|key| &key.jwk))?;
    let key = keys.get(key).ok_or(JwtError::BadSignature)?;
    if key.verifies(jwt).await { Ok(()) } else { Err(JwtError::BadSignature) }
}

/// Fetches the key set; the operator is told why there is none.
async fn fetched(uri: String) -> Fetched<KeySet> {
    let request = ::http::Request::builder()
        .uri(uri)
        .header("accept", "application/jwk-set+json, application/json")
        .body(Vec::new())
        .map_err(|error| error.to_string());
    let answer = match request {
        Ok(request) => http::send(&Fetch, request).await.map_err(|error| error.to_string()),
        Err(why) => Err(why),
    };
    let keys = answer.and_then(|response: HttpResponse| match response.status() {
        status if !status.is_success() => Err(format!("the answer is {status}")),
        _ => match Jwk::read_set(response.body()) {
            None => Err("the answer is no JSON Web Key Set".to_owned()),
            Some(_) => Ok(read(response.body())),
        },
    });
    let is_usable = |key: &Key| ALGORITHMS.iter().any(|algorithm| key.jwk.fits(algorithm));
    let keys = keys.map_err(|why| Missing::Unavailable(ProviderError::Unavailable(why)));
    let keys = keys.and_then(|keys| if keys.iter().any(is_usable) { Ok(keys) } else { Err(Missing::Useless) });
    if let Err(missing) = &keys {
        worker::console_error!("the keys at JWKS_URI cannot be had: {missing}");
    }
    Ok((keys?, ambient::now()))
}

fn read(document: &[u8]) -> KeySet {
    let keys = Jwk::read_set(document).unwrap_or_default();
    keys.into_iter().map(|jwk| Key { jwk, imported: RefCell::default() }).collect()
}

impl Key {
    async fn verifies(&self, jwt: &Jwt<'_>) -> bool {
        let signature = js_sys::Uint8Array::from(jwt.signature.as_slice());
        let signed = js_sys::Uint8Array::from(jwt.signed.as_bytes());
        let Some(key) = self.imported(jwt.algorithm).await else { return false };
        let Ok(parameters) = js_sys::JSON::parse(jwt.algorithm.verify) else { return false };
        let Ok(verified) = verify(&parameters, &key, &signature, &signed) else { return false };
        JsFuture::from(verified).await.is_ok_and(|verified| verified.is_truthy())
    }

    async fn imported(&self, algorithm: &'static Algorithm) -> Option<web_sys::CryptoKey> {
        let known = |(name, key): &(&str, web_sys::CryptoKey)| (*name == algorithm.name).then(|| key.clone());
        if let Some(key) = self.imported.borrow().iter().find_map(known) {
            return Some(key);
        }
        let (key, parameters) = (js_sys::JSON::parse(&self.jwk.bare()), js_sys::JSON::parse(algorithm.import));
        let usages = js_sys::Array::of1(&"verify".into());
        let key = import_key("jwk", &key.ok()?, &parameters.ok()?, false, &usages).ok()?;
        let key: web_sys::CryptoKey = JsFuture::from(key).await.ok()?.unchecked_into();
        self.imported.borrow_mut().push((algorithm.name, key.clone()));
        Some(key)
    }
}

impl From<JwtError> for Problem {
    fn from(error: JwtError) -> Self {
        match error {
            JwtError::UnknownKey => Self::InvalidToken("The bearer token is signed with a key that is not known."),
            JwtError::BadSignature => Self::InvalidToken("The bearer token's signature is not accepted."),
            JwtError::UnfittingKey => {
                Self::InvalidToken("The bearer token's key is not meant for this (alg, use, key_ops).")
            }
            JwtError::Invalid(why) => Self::InvalidToken(why),
        }
    }
}
