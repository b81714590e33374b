//! Visitors who leave before they are answered. The platform then drops what the request waits for: its promises never
//! settle, and a Rust future that waits for one would stay in memory for ever, with all that it holds.

use std::future::Future;

use futures::future::{AbortHandle, Abortable};
use wasm_bindgen::prelude::*;

/// What the work on this request comes to; none where its visitor leaves meanwhile, which drops the work. That they did is
/// told where the compatibility flag `enable_request_signal` is set.
pub async fn unless_left<T>(request: &web_sys::Request, work: impl Future<Output = T>) -> Option<T> {
    let signal = js_sys::Reflect::get(request, &"signal".into()).unwrap_or_default();
    let Ok(signal) = signal.dyn_into::<web_sys::AbortSignal>() else { return Some(work.await) };
    let (handle, registration) = AbortHandle::new_pair();
    let leaves = Closure::once(move || handle.abort());
    signal.set_onabort(Some(leaves.as_ref().unchecked_ref()));
    let done = Abortable::new(work, registration).await;
    signal.set_onabort(None);
    done.ok()
}
