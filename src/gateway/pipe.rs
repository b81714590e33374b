//! The platform's own pipes: bytes go through them without touching the gateway's code.

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::request::Incoming;

#[wasm_bindgen]
extern "C" {
    /// Bytes come out as they went in.
    pub type IdentityTransformStream;

    /// A pipe without a known length.
    #[wasm_bindgen(constructor, catch)]
    pub fn new() -> Result<IdentityTransformStream, JsValue>;

    /// Where bytes come out.
    #[wasm_bindgen(method, getter)]
    pub fn readable(this: &IdentityTransformStream) -> web_sys::ReadableStream;

    /// Where bytes go in.
    #[wasm_bindgen(method, getter)]
    pub fn writable(this: &IdentityTransformStream) -> web_sys::WritableStream;

    /// One whose length is told to who reads it: it becomes the `Content-Length`.
    #[wasm_bindgen(extends = IdentityTransformStream)]
    type FixedLengthStream;

    #[wasm_bindgen(constructor, catch)]
    fn of_length(bytes: u64) -> Result<FixedLengthStream, JsValue>;
}

/// A request's body on its way to the application.
pub struct Upload {
    /// What the application is sent.
    pub body: web_sys::ReadableStream,
    /// Comes when all of it is sent, or cannot be.
    pub sent: JsFuture,
}

impl Upload {
    /// The body of this request, if fetch knows one: it knows none of a GET or HEAD.
    pub fn of(request: &Incoming<'_>) -> Result<Option<Self>, JsValue> {
        let Some(body) = request.raw.and_then(|raw| raw.body()).filter(|_| !matches!(request.method(), "GET" | "HEAD"))
        else {
            return Ok(None);
        };
        let pipe = match request.header("content-length").and_then(|length| length.parse().ok()) {
            Some(bytes) => FixedLengthStream::of_length(bytes)?.unchecked_into(),
            None => IdentityTransformStream::new()?,
        };
        Ok(Some(Self { body: pipe.readable(), sent: JsFuture::from(body.pipe_to(&pipe.writable())) }))
    }
}
