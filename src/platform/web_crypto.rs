//! Signatures by the Web Cryptography API, at a tenth of what they cost in WebAssembly. Imported keys are kept in the isolate.

use std::cell::RefCell;
use std::collections::HashMap;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::runtime::{Signatures, Signed, Signing, SigningKey};

/// More keys than any provider and its neighbours have.
const MOST: usize = 64;

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

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"])]
    fn sign(
        algorithm: &JsValue,
        key: &web_sys::CryptoKey,
        data: &js_sys::Uint8Array,
    ) -> Result<js_sys::Promise, JsValue>;
}

/// See the module.
#[derive(Default)]
pub struct WebCrypto {
    /// By the key and the algorithm.
    imported: RefCell<HashMap<(String, &'static str), web_sys::CryptoKey>>,
}

impl Signatures for WebCrypto {
    fn verify<'a>(&'a self, signed: Signed<'a>) -> LocalBoxFuture<'a, bool> {
        async move {
            self.check(signed).await.unwrap_or_else(|error| {
                worker::console_error!("a signature ({}) could not be checked: {error:?}", signed.algorithm);
                false
            })
        }
        .boxed_local()
    }

    fn sign<'a>(&'a self, signing: Signing<'a>) -> LocalBoxFuture<'a, Option<Vec<u8>>> {
        async move {
            let signature = signature(signing).await;
            if signature.is_err() {
                // What the platform says of a key may quote it.
                worker::console_error!("a key ({}) cannot sign", signing.algorithm);
            }
            signature.ok()
        }
        .boxed_local()
    }
}

/// Signs. The key is imported each time: it signs once for a login or a refresh, and nothing of it stays in memory.
async fn signature(signing: Signing<'_>) -> Result<Vec<u8>, JsValue> {
    let (format, key) = match signing.key {
        SigningKey::Jwk(jwk) => ("jwk", js_sys::JSON::parse(jwk)?),
        SigningKey::Pkcs8(der) => ("pkcs8", js_sys::Uint8Array::from(der).into()),
    };
    let usages = js_sys::Array::of1(&"sign".into());
    let imported = import_key(format, &key, &js_sys::JSON::parse(signing.import)?, false, &usages)?;
    let key: web_sys::CryptoKey = JsFuture::from(imported).await?.unchecked_into();
    let signed = sign(&js_sys::JSON::parse(signing.sign)?, &key, &js_sys::Uint8Array::from(signing.text))?;
    Ok(js_sys::Uint8Array::new(&JsFuture::from(signed).await?).to_vec())
}

impl WebCrypto {
    async fn check(&self, signed: Signed<'_>) -> Result<bool, JsValue> {
        let key = self.imported(signed).await?;
        let parameters = js_sys::JSON::parse(signed.verify)?;
        let signature = js_sys::Uint8Array::from(signed.signature);
        let verified = verify(&parameters, &key, &signature, &js_sys::Uint8Array::from(signed.text))?;
        Ok(JsFuture::from(verified).await?.is_truthy())
    }

    async fn imported(&self, signed: Signed<'_>) -> Result<web_sys::CryptoKey, JsValue> {
        let name = (signed.key.to_owned(), signed.algorithm);
        if let Some(key) = self.imported.borrow().get(&name) {
            return Ok(key.clone());
        }
        let (key, parameters) = (js_sys::JSON::parse(signed.key)?, js_sys::JSON::parse(signed.import)?);
        let usages = js_sys::Array::of1(&"verify".into());
        let key: web_sys::CryptoKey =
            JsFuture::from(import_key("jwk", &key, &parameters, false, &usages)?).await?.unchecked_into();
        let mut imported = self.imported.borrow_mut();
        if imported.len() >= MOST {
            imported.clear();
        }
        imported.insert(name, key.clone());
        Ok(key)
    }
}
