//! Server-sent events of a session: passed on as they come, ended when the session ends. The browser connects again by
//! itself and is told why.

use futures::future::{Either, select};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::{Context, Delay};

use super::pipe::IdentityTransformStream;
use super::proxy;
use super::watch::Watch;

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
    let piped = JsFuture::from(body.pipe_to_with_options(&writable, &options));
    context.wait_until(attend(watch, piped, stop, writable));
    proxy::copy(response, Some(&readable))
}

async fn attend(watch: Watch, mut piped: JsFuture, stop: web_sys::AbortController, writable: web_sys::WritableStream) {
    loop {
        match select(piped, Delay::from(watch.every())).await {
            Either::Left((Ok(_), _)) => return,
            Either::Left((Err(error), _)) => {
                let _ = JsFuture::from(writable.abort_with_reason(&error)).await;
                return;
            }
            Either::Right((_, piping)) => piped = piping,
        }
        if watch.look().await.is_some() {
            stop.abort();
            let _ = piped.await;
            let _ = JsFuture::from(writable.close()).await;
            return;
        }
    }
}
