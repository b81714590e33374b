//! Clients that bring their own JWT: whose it is, checked against keys that are published or given.
//!
//! The signature is checked by the platform (Web Cryptography API), at a tenth of what it costs in WebAssembly. Imported
//! keys are kept in the isolate, and so is the key set: see [`crate::provider::document`].

use std::cell::RefCell;
use std::rc::Rc;

use futures::FutureExt as _;
use openidconnect::HttpResponse;

use crate::config::jwt::Keys;
use crate::gateway::Gateway;
use crate::gateway::answer::problem::Problem;
use crate::gateway::forward::identity::Claims;
use crate::gateway::jwk::{ALGORITHMS, Jwk};
use crate::gateway::jwt::{Expected, Jwt, JwtError};
use crate::gateway::request::Incoming;
use crate::provider::document::Presenter;
use crate::provider::published::{Fetched, Missing, Published, Source};
use crate::provider::{Link, ProviderError, http};
use crate::runtime::Signed;

/// A key, and the form in which it is checked with.
struct Key {
    jwk: Jwk,
    bare: String,
}

type KeySet = Vec<Key>;

/// The keys of clients. One for each isolate.
#[derive(Clone, Default)]
pub struct ClientKeys {
    published: Rc<Published<KeySet>>,
    inline: Rc<RefCell<Option<Rc<KeySet>>>>,
}

impl ClientKeys {
    /// Those that the configuration itself has.
    fn inline(&self, text: &str) -> Rc<KeySet> {
        Rc::clone(self.inline.borrow_mut().get_or_insert_with(|| Rc::new(read(text.as_bytes()))))
    }
}

/// The token of an `Authorization: Bearer` (RFC 6750 section 2.1).
pub(crate) fn token<'a>(request: &Incoming<'a>) -> Option<&'a str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches([' ', '\t']))
}

impl Gateway {
    /// The claims of a client's JWT, where it is accepted.
    pub(crate) async fn bearer_claims(&self, token: &str) -> Result<Claims, Problem> {
        let Some(settings) = &self.config.jwt else { return Err(Problem::NotFound) };
        let jwt = Jwt::parse(token)?;
        // Before any key is looked for: what cannot be good costs nobody a fetch.
        jwt.check(Expected { issuer: &settings.issuer, audience: &settings.audience }, self.now())?;
        let uri = match &settings.keys {
            Keys::Inline(text) => {
                let keys = self.client_keys.inline(text);
                self.check_signature(&jwt, &keys).await?;
                return Ok(jwt.claims);
            }
            Keys::Remote(uri) => uri.as_str(),
        };
        let call = || fetched(self.link.clone(), uri.to_owned()).boxed_local();
        let documents = &self.client_keys.published;
        let source = Source { documents, address: uri, call: &call, isolate: &self.link.isolate };
        let since = self.now();
        let mut keys = source.current(since).await.map_err(|missing| match missing {
            Missing::Useless => JwtError::UnknownKey.into(),
            Missing::Unavailable(_) => Problem::KeysUnavailable,
        })?;
        loop {
            match self.check_signature(&jwt, &keys.value).await {
                Ok(()) => return Ok(jwt.claims),
                Err(error) if error.is_about_the_key() => {
                    match source.newer_than(keys.version(), Presenter::Anybody, since).await {
                        Ok(Some(newer)) => {
                            // What the keys before have signed may be good no longer.
                            self.verified.forget();
                            keys = newer;
                        }
                        // Where they cannot be had, too: the last good ones serve.
                        Ok(None) | Err(_) => return Err(error.into()),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether one of the keys has signed the token.
    async fn check_signature(&self, jwt: &Jwt<'_>, keys: &KeySet) -> Result<(), JwtError> {
        let key = jwt.key(keys.iter().map(|key| &key.jwk))?;
        let key = keys.get(key).ok_or(JwtError::BadSignature)?;
        let signed = Signed {
            key: &key.bare,
            algorithm: jwt.algorithm.name,
            import: jwt.algorithm.import,
            verify: jwt.algorithm.verify,
            text: jwt.signed.as_bytes(),
            signature: &jwt.signature,
        };
        if self.signatures.verify(signed).await { Ok(()) } else { Err(JwtError::BadSignature) }
    }
}

/// Fetches the key set; the operator is told why there is none.
async fn fetched(link: Link, uri: String) -> Fetched<KeySet> {
    let request = ::http::Request::builder()
        .uri(uri)
        .header("accept", "application/jwk-set+json, application/json")
        .body(Vec::new())
        .map_err(|error| error.to_string());
    let answer = match request {
        Ok(request) => http::send(&*link.http, request).await.map_err(|error| error.to_string()),
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
        link.isolate.error(&format!("the keys at JWKS_URI cannot be had: {missing}"));
    }
    Ok((keys?, link.isolate.now()))
}

fn read(document: &[u8]) -> KeySet {
    let keys = Jwk::read_set(document).unwrap_or_default();
    keys.into_iter().map(|jwk| Key { bare: jwk.bare(), jwk }).collect()
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
