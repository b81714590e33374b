//! Signatures.
//!
//! - They are checked in truth: an Ed25519 or ES256 signature is good or it is not. Keys and algorithms of other kinds cannot be used.
//! - A check takes no time. ES256 is the devices': where a test holds these checks back, each waits until the test lets it go, so that the test
//!   decides what comes first.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use edge_oauth_sessions::runtime::{self, Signatures, Signed, Signing};
use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::LocalBoxFuture;
use p256::ecdsa;
use serde_json::Value;

/// See the module.
#[derive(Default)]
pub struct Checks {
    is_held: Cell<bool>,
    waiting: RefCell<VecDeque<oneshot::Sender<()>>>,
}

impl Checks {
    /// From now on the checks of devices' signatures wait.
    pub fn hold(&self) {
        self.is_held.set(true);
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.borrow().len()
    }

    /// Lets the one go that came first.
    pub fn let_first_go(&self) {
        let first = self.waiting.borrow_mut().pop_front();
        let _ = first.unwrap().send(());
    }

    /// Lets the one go that came last.
    pub fn let_last_go(&self) {
        let last = self.waiting.borrow_mut().pop_back();
        let _ = last.unwrap().send(());
    }

    /// Lets all go, and those that come.
    pub fn let_all_go(&self) {
        self.is_held.set(false);
        for one in self.waiting.take() {
            let _ = one.send(());
        }
    }
}

impl Signatures for Checks {
    fn verify<'a>(&'a self, signed: Signed<'a>) -> LocalBoxFuture<'a, bool> {
        let is_good = check(&signed) == Some(true);
        if !self.is_held.get() || signed.algorithm != "ES256" {
            return futures::future::ready(is_good).boxed_local();
        }
        let (sender, go) = oneshot::channel();
        self.waiting.borrow_mut().push_back(sender);
        async move { go.await.is_ok() && is_good }.boxed_local()
    }

    fn sign<'a>(&'a self, signing: Signing<'a>) -> LocalBoxFuture<'a, Option<Vec<u8>>> {
        futures::future::ready(sign(signing)).boxed_local()
    }
}

fn check(signed: &Signed<'_>) -> Option<bool> {
    let jwk: Value = serde_json::from_str(signed.key).ok()?;
    let member = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(jwk.get(name)?.as_str()?).ok();
    match signed.algorithm {
        "EdDSA" => {
            let key = VerifyingKey::from_bytes(&member("x")?.try_into().ok()?).ok()?;
            Some(key.verify(signed.text, &Signature::from_slice(signed.signature).ok()?).is_ok())
        }
        "ES256" => {
            let point = [vec![4], member("x")?, member("y")?].concat();
            let key = ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?;
            Some(key.verify(signed.text, &ecdsa::Signature::from_slice(signed.signature).ok()?).is_ok())
        }
        _ => None,
    }
}

fn sign(signing: Signing<'_>) -> Option<Vec<u8>> {
    let runtime::SigningKey::Jwk(jwk) = signing.key else { return None };
    let jwk: Value = serde_json::from_str(jwk).ok()?;
    let d = BASE64_URL_SAFE_NO_PAD.decode(jwk.get("d")?.as_str()?).ok()?;
    let signature = SigningKey::from_bytes(&d.try_into().ok()?).sign(signing.text);
    (signing.algorithm == "EdDSA").then(|| signature.to_bytes().to_vec())
}
