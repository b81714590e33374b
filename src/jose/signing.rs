//! A key of the tests' own, JWTs that are signed with it, and what checks them.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::flaw::Flaw;
use super::jwt::Jwt;
use super::key_set::{ANY_ISSUER, KeySet};
use crate::runtime::{self, Signatures, Signed, Signing};

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// The key as a provider publishes it.
pub fn jwk(kid: &str) -> Value {
    let x = BASE64_URL_SAFE_NO_PAD.encode(key().verifying_key().as_bytes());
    json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": x})
}

/// The same with its private part, as an operator has it.
pub fn private_jwk(kid: &str) -> Value {
    let mut jwk = jwk(kid);
    jwk["d"] = BASE64_URL_SAFE_NO_PAD.encode(key().to_bytes()).into();
    jwk
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
    keys.verify(jwt, &Ed25519, ANY_ISSUER).now_or_never().unwrap()
}

/// EdDSA's signatures, in Rust.
pub struct Ed25519;

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

    fn sign<'a>(&'a self, signing: Signing<'a>) -> LocalBoxFuture<'a, Option<Vec<u8>>> {
        let runtime::SigningKey::Jwk(jwk) = signing.key else { panic!("a key of another form") };
        let jwk: Value = serde_json::from_str(jwk).unwrap();
        let d = jwk["d"].as_str().and_then(|d| BASE64_URL_SAFE_NO_PAD.decode(d).ok()).unwrap();
        let signature = SigningKey::from_bytes(&d.try_into().unwrap()).sign(signing.text);
        futures::future::ready((signing.algorithm == "EdDSA").then(|| signature.to_bytes().to_vec())).boxed_local()
    }
}
