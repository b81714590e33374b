//! Clients that bring their own JWT: whose it is, checked against keys that are published or given.
//!
//! The signature is checked by the platform (Web Cryptography API), at a tenth of what it costs in WebAssembly. Imported
//! keys are kept in the isolate, and so is the key set: see [`crate::provider::document`].

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use openidconnect::HttpRequest;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::Delay;

use super::Gateway;
use super::identity::Claims;
use super::jwk::{Algorithm, Jwk};
use super::jwt::{Expected, Jwt, JwtError};
use super::problem::Problem;
use super::request::Incoming;
use crate::ambient;
use crate::config::jwt::{self as settings, Keys};
use crate::provider::document::{Answer, Document, Step};
use crate::provider::http;

/// How often a request looks whether a fetch that is under way is done.
const LOOK_EVERY: Duration = Duration::from_millis(20);

const BAD_SIGNATURE: Problem = Problem::InvalidToken("The bearer token's signature is not accepted.");

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

type KeySet = Rc<Vec<Key>>;

thread_local! {
    static PUBLISHED: RefCell<Document<KeySet>> = RefCell::default();
    static INLINE: RefCell<Option<KeySet>> = const { RefCell::new(None) };
}

/// The token of an `Authorization: Bearer` (RFC 6750 section 2.1).
pub(super) fn token(request: &Incoming) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches([' ', '\t']))
}

impl Gateway {
    /// The claims of a client's JWT, where it is accepted.
    pub(super) async fn bearer_claims(&self, token: &str) -> Result<Claims, Problem> {
        let Some(settings) = &self.config.jwt else { return Err(Problem::NotFound) };
        let asked_at = ambient::now();
        let jwt = Jwt::parse(token)?;
        // Before any key is looked for: what cannot be good costs nobody a fetch.
        jwt.check(Expected { issuer: &settings.issuer, audience: &settings.audience }, asked_at)?;
        let mut keys = self.keys(settings, |document| document.ask(ambient::now())).await?;
        let mut found = jwt.key(keys.iter().map(|key| &key.jwk));
        if found == Err(JwtError::UnknownKey) {
            keys = self.keys(settings, |document| document.ask_again(asked_at, ambient::now())).await?;
            found = jwt.key(keys.iter().map(|key| &key.jwk));
        }
        let key = keys.get(found?).ok_or(BAD_SIGNATURE)?;
        if key.verifies(&jwt).await { Ok(jwt.claims) } else { Err(BAD_SIGNATURE) }
    }

    /// The keys, when there are any to be had.
    async fn keys(
        &self,
        settings: &settings::Jwt,
        ask: impl Fn(&mut Document<KeySet>) -> Answer<KeySet>,
    ) -> Result<KeySet, Problem> {
        let uri = match &settings.keys {
            Keys::Inline(text) => {
                return Ok(INLINE.with_borrow_mut(|kept| Rc::clone(kept.get_or_insert_with(|| read(text.as_bytes())))));
            }
            Keys::Remote(uri) => uri,
        };
        loop {
            let Answer { step, fetch } = PUBLISHED.with_borrow_mut(&ask);
            if fetch {
                let uri = uri.to_string();
                // It goes on when this client leaves: others wait for it.
                self.context.wait_until(async move {
                    let keys = fetched(uri).await;
                    PUBLISHED.with_borrow_mut(|document| document.fetched(keys, ambient::now()));
                });
            }
            match step {
                Step::Use(keys) => return Ok(keys),
                Step::Wait => Delay::from(LOOK_EVERY).await,
                Step::Unavailable => return Err(Problem::KeysUnavailable),
            }
        }
    }
}

/// Fetches the key set; the operator is told why there is none.
async fn fetched(uri: String) -> Option<KeySet> {
    let request: HttpRequest = ::http::Request::builder()
        .uri(uri)
        .header("accept", "application/jwk-set+json, application/json")
        .body(Vec::new())
        .ok()?;
    let why = match http::send(request).await {
        Ok(response) if response.status().is_success() => match Jwk::read_set(response.body()) {
            Some(_) => return Some(read(response.body())),
            None => "the answer is no JSON Web Key Set".to_owned(),
        },
        Ok(response) => format!("the answer is {}", response.status()),
        Err(error) => error.to_string(),
    };
    worker::console_error!("the keys at JWKS_URI cannot be had: {why}");
    None
}

fn read(document: &[u8]) -> KeySet {
    let keys = Jwk::read_set(document).unwrap_or_default();
    Rc::new(keys.into_iter().map(|jwk| Key { jwk, imported: RefCell::default() }).collect())
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
            JwtError::Invalid(why) => Self::InvalidToken(why),
        }
    }
}
