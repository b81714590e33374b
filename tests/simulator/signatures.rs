//! Signatures.
//!
//! - They are checked at once, and in truth: an Ed25519 signature is good or it is not. Keys and algorithms of other kinds cannot be used.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use edge_oauth_sessions::runtime::{self, Signatures, Signed, Signing};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde_json::Value;

/// See the module.
pub struct Ed25519;

impl Signatures for Ed25519 {
    fn verify<'a>(&'a self, signed: Signed<'a>) -> LocalBoxFuture<'a, bool> {
        futures::future::ready(check(signed) == Some(true)).boxed_local()
    }

    fn sign<'a>(&'a self, signing: Signing<'a>) -> LocalBoxFuture<'a, Option<Vec<u8>>> {
        futures::future::ready(sign(signing)).boxed_local()
    }
}

fn check(signed: Signed<'_>) -> Option<bool> {
    let jwk: Value = serde_json::from_str(signed.key).ok()?;
    let x = BASE64_URL_SAFE_NO_PAD.decode(jwk.get("x")?.as_str()?).ok()?;
    let key = VerifyingKey::from_bytes(&x.try_into().ok()?).ok()?;
    let signature = Signature::from_slice(signed.signature).ok()?;
    Some(signed.algorithm == "EdDSA" && key.verify(signed.text, &signature).is_ok())
}

fn sign(signing: Signing<'_>) -> Option<Vec<u8>> {
    let runtime::SigningKey::Jwk(jwk) = signing.key else { return None };
    let jwk: Value = serde_json::from_str(jwk).ok()?;
    let d = BASE64_URL_SAFE_NO_PAD.decode(jwk.get("d")?.as_str()?).ok()?;
    let signature = SigningKey::from_bytes(&d.try_into().ok()?).sign(signing.text);
    (signing.algorithm == "EdDSA").then(|| signature.to_bytes().to_vec())
}
