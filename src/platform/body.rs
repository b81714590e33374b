//! Reading a body to its end, but no further than a limit.

use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::runtime::ReadError;

/// The bytes of a body, at most `limit` of them.
pub async fn read(stream: Option<web_sys::ReadableStream>, limit: usize) -> Result<Vec<u8>, ReadError> {
    let Some(stream) = stream else { return Ok(Vec::new()) };
    let reader: web_sys::ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut body = Vec::new();
    loop {
        let step = JsFuture::from(reader.read()).await.map_err(|_| ReadError::Broken)?;
        let field = |name| js_sys::Reflect::get(&step, &JsValue::from_str(name)).unwrap_or_default();
        if field("done").as_bool().unwrap_or(true) {
            return Ok(body);
        }
        let chunk: js_sys::Uint8Array = field("value").unchecked_into();
        if body.len().saturating_add(chunk.length() as usize) > limit {
            return Err(ReadError::TooLarge);
        }
        body.extend(chunk.to_vec());
    }
}
