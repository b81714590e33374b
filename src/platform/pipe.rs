//! The platform's own pipes: bytes go through them without touching the gateway's code.

use wasm_bindgen::prelude::*;

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
    pub type FixedLengthStream;

    /// A pipe for so many bytes.
    #[wasm_bindgen(constructor, catch)]
    pub fn of_length(bytes: u64) -> Result<FixedLengthStream, JsValue>;
}
