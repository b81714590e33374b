//! A response of the platform's, with another body.

use wasm_bindgen::prelude::*;

/// A response like this one, with this body. Every property that the platform knows of a response goes over, those that
/// `web_sys` does not know included.
pub fn copy(
    response: &web_sys::Response,
    body: Option<&web_sys::ReadableStream>,
) -> Result<web_sys::Response, JsValue> {
    let model: &web_sys::ResponseInit = response.unchecked_ref();
    web_sys::Response::new_with_opt_readable_stream_and_init(body, model)
}
