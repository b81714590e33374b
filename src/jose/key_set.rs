//! A set of keys (RFC 7517 section 5): finds the one that a token names, and checks the token with it.

use serde::Deserialize;
use serde_json::Value;

use super::algorithm::Algorithm;
use super::document::Presenter;
use super::flaw::Flaw;
use super::jwk::Jwk;
use super::jwt::Jwt;
use super::published::{DocumentSource, Missing};
use crate::http as client;
use crate::runtime::{Http, HttpError, Signatures, Signed};

/// Whether a key may sign a token, by the key's member `issuer`. A key without one signs for all.
pub type SignsFor<'a> = &'a dyn Fn(&Value) -> bool;

/// Where keys are a single issuer's, the member says nothing.
pub const ANY_ISSUER: SignsFor<'static> = &|_| true;

/// A key, and its imported form.
#[derive(Debug)]
struct Key {
    jwk: Jwk,
    bare: String,
}

/// See the module.
#[derive(Debug, Default)]
pub struct KeySet(Vec<Key>);

/// Why there is no set of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKeySet {
    /// No complete answer came.
    #[error(transparent)]
    Unanswered(#[from] HttpError),
    /// An answer came that is no success.
    #[error("the answer is {0}")]
    Status(http::StatusCode),
    /// Something else came.
    #[error("the answer is no JSON Web Key Set")]
    NoSet,
    /// A set came, and no key in it is of use.
    #[error("no key in the set can check a signature")]
    Useless,
}

/// Why a token's signature is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// The token is refused, whatever keys there are now.
    Refused(Flaw),
    /// It is refused under the keys that are kept, and newer ones cannot be had.
    Outdated(Flaw, Missing),
    /// There are no keys.
    NoKeys(Missing),
}

impl KeySet {
    /// Reads a set; keys that cannot be read are passed over. None: it is no set.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(bytes).ok()?;
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        Some(Self(keys.map(|jwk| Key { bare: jwk.bare(), jwk }).collect()))
    }

    /// Fetches a set with a key that is of use.
    pub async fn fetch(calls: &dyn Http, uri: &str) -> Result<Self, NoKeySet> {
        let request = http::Request::builder()
            .uri(uri)
            .header("accept", "application/json, application/jwk-set+json")
            .body(Vec::new())
            .map_err(|_| HttpError::BadRequest)?;
        let response = client::send(calls, request).await?;
        if !response.status().is_success() {
            return Err(NoKeySet::Status(response.status()));
        }
        let keys = Self::read(response.body()).ok_or(NoKeySet::NoSet)?;
        if keys.is_usable() { Ok(keys) } else { Err(NoKeySet::Useless) }
    }

    /// Whether a key of the set can have signed anything that is accepted.
    fn is_usable(&self) -> bool {
        Algorithm::all().any(|algorithm| self.0.iter().any(|key| key.jwk.fits(algorithm)))
    }

    /// The key that a token says it is signed with. A token that names none is accepted only where a single key fits.
    fn key_of(&self, jwt: &Jwt<'_>, signs_for: SignsFor<'_>) -> Result<&Key, Flaw> {
        let eligible = || self.0.iter().filter(|key| key.jwk.issuer.as_ref().is_none_or(signs_for));
        let named = || eligible().filter(|key| jwt.kid.is_none() || key.jwk.kid == jwt.kid);
        let mut fitting = named().filter(|key| key.jwk.fits(jwt.algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => Err(Flaw::AmbiguousKey),
            (None, _) if named().any(|key| key.jwk.is_meant_for(jwt.algorithm)) => Err(Flaw::UnusableKey),
            (None, _) if jwt.kid.is_some() && named().next().is_none() => Err(Flaw::UnknownKey),
            (None, _) => Err(Flaw::UnfittingKey),
        }
    }

    /// Whether one of the keys has signed the token.
    pub async fn verify(
        &self,
        jwt: &Jwt<'_>,
        signatures: &dyn Signatures,
        signs_for: SignsFor<'_>,
    ) -> Result<(), Flaw> {
        let key = self.key_of(jwt, signs_for)?;
        let signed = Signed {
            key: &key.bare,
            algorithm: jwt.algorithm.name,
            import: jwt.algorithm.import,
            verify: jwt.algorithm.verify,
            text: jwt.signed.as_bytes(),
            signature: &jwt.signature,
        };
        if signatures.verify(signed).await { Ok(()) } else { Err(Flaw::BadSignature) }
    }
}

impl DocumentSource<'_, KeySet> {
    /// Checks the signature of a token that `presenter` brought with the keys as they are kept; where the key is missing or does
    /// not fit, with what they are now.
    pub async fn verify(
        &self,
        jwt: &Jwt<'_>,
        signatures: &dyn Signatures,
        presenter: Presenter,
        signs_for: SignsFor<'_>,
    ) -> Result<(), Unverified> {
        let since = self.isolate.now();
        let mut keys = self.current(since).await.map_err(|missing| match missing {
            Missing::Useless => Unverified::Refused(Flaw::UnknownKey),
            missing => Unverified::NoKeys(missing),
        })?;
        loop {
            let Err(flaw) = keys.value.verify(jwt, signatures, signs_for).await else { return Ok(()) };
            if !flaw.is_about_the_key() {
                return Err(Unverified::Refused(flaw));
            }
            match self.newer_than(keys.version(), presenter, since).await {
                Ok(Some(newer)) => keys = newer,
                Ok(None) => return Err(Unverified::Refused(flaw)),
                Err(missing) => return Err(Unverified::Outdated(flaw, missing)),
            }
        }
    }
}

#[cfg(test)]
#[path = "key_set_tests.rs"]
mod tests;
