//! A key of the tests' own, JWTs that are signed with it, and what checks them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::flaw::Flaw;
use super::jwt::Jwt;
use super::key_set::KeySet;
use crate::runtime::{Signatures, Signed};

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// The key as a provider publishes it.
pub fn jwk(kid: &str) -> Value {
    let x = BASE64_URL_SAFE_NO_PAD.encode(key().verifying_key().as_bytes());
    json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x})
}

/// A set of keys.
pub fn set(keys: &[Value]) -> KeySet {
    KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// The set of this key under these ids.
pub fn keys(kids: &[&str]) -> KeySet {
    set(&kids.iter().map(|kid| jwk(kid)).collect::<Vec<_>>())
}

/// A JWT signed with it.
pub fn sign(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

/// Whether one of these keys has signed the token.
pub fn verify(jwt: &Jwt<'_>, keys: &KeySet) -> Result<(), Flaw> {
    keys.verify(jwt, &Ed25519).now_or_never().unwrap()
}

/// Checks of EdDSA's signatures, in Rust.
struct Ed25519;

impl Signatures for Ed25519 {
    fn verify<'a>(&'a self, signed: Signed<'a>) -> LocalBoxFuture<'a, bool> {
        let key: Value = serde_json::from_str(signed.key).unwrap();
        let x = key["x"].as_str().and_then(|x| BASE64_URL_SAFE_NO_PAD.decode(x).ok()).unwrap_or_default();
        let key = <[u8; 32]>::try_from(x).ok().and_then(|x| VerifyingKey::from_bytes(&x).ok());
        let signature = Signature::from_slice(signed.signature).ok();
        let is_good = signed.algorithm == "EdDSA"
            && key.zip(signature).is_some_and(|(key, signature)| key.verify(signed.text, &signature).is_ok());
        futures::future::ready(is_good).boxed_local()
    }
}
