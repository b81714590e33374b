//! Server-sent events of a session: passed on as they come, ended when the session ends. The browser connects again by
//! itself and is told why.

use std::pin::pin;

use futures::future::{Either, select};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::Context;

use super::pipe::IdentityTransformStream;
use super::response::copy;
use crate::gateway::forward::watch::Watch;

#[wasm_bindgen]
extern "C" {
    /// Ends the stream should this instance panic, and the watch with it: see `entry.mjs`.
    #[wasm_bindgen(js_name = endWhenLost)]
    fn end_when_lost(
        piped: &js_sys::Promise,
        stop: &web_sys::AbortController,
        writable: &web_sys::WritableStream,
    ) -> js_sys::Promise;
}

/// The response with its body watched.
pub(super) fn watched(
    watch: Watch,
    response: &web_sys::Response,
    body: &web_sys::ReadableStream,
    context: &Context,
) -> Result<web_sys::Response, JsValue> {
    let pipe = IdentityTransformStream::new()?;
    let (readable, writable) = (pipe.readable(), pipe.writable());
    let stop = web_sys::AbortController::new()?;
    let options = web_sys::StreamPipeOptions::new();
    options.set_signal(&stop.signal());
    // A stop is to end the stream, not to break it off.
    options.set_prevent_abort(true);
    let piped = body.pipe_to_with_options(&writable, &options);
    let _ = end_when_lost(piped.unchecked_ref(), &stop, &writable);
    context.wait_until(attend(watch, JsFuture::from(piped), stop, writable));
    copy(response, Some(&readable))
}

async fn attend(watch: Watch, piped: JsFuture, stop: web_sys::AbortController, writable: web_sys::WritableStream) {
    match select(piped, pin!(watch.closing())).await {
        Either::Left((Ok(_), _)) => {}
        Either::Left((Err(error), _)) => {
            let _ = JsFuture::from(writable.abort_with_reason(&error)).await;
        }
        Either::Right((_, piped)) => {
            stop.abort();
            let _ = piped.await;
            let _ = JsFuture::from(writable.close()).await;
        }
    }
}
