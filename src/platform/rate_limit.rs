//! A rate limiting binding.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::Env;

use crate::runtime::RateLimit;

#[wasm_bindgen]
extern "C" {
    type Binding;

    #[wasm_bindgen(method, catch)]
    fn limit(this: &Binding, options: &JsValue) -> Result<js_sys::Promise, JsValue>;
}

/// The binding of this name, if there is one.
pub struct Bound {
    /// Where it is.
    pub env: Env,
    /// Its name.
    pub name: &'static str,
}

impl RateLimit for Bound {
    fn admits<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Option<bool>> {
        async move {
            let binding = js_sys::Reflect::get(&self.env, &self.name.into()).unwrap_or_default();
            if !binding.is_object() {
                return Some(true);
            }
            is_within(&binding.unchecked_into(), key).await.ok()
        }
        .boxed_local()
    }
}

async fn is_within(binding: &Binding, key: &str) -> Result<bool, JsValue> {
    let options = js_sys::Object::new();
    js_sys::Reflect::set(&options, &"key".into(), &key.into())?;
    let outcome = JsFuture::from(binding.limit(&options)?).await?;
    Ok(js_sys::Reflect::get(&outcome, &"success".into())?.as_bool().unwrap_or(true))
}
