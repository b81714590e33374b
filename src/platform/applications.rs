//! Where requests go: an origin on the network, or another Worker or the static assets, through a binding.

use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::{Either, LocalBoxFuture, select};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::Env;

use super::pipe::{FixedLengthStream, IdentityTransformStream};
use super::timer::Timer;
use crate::runtime::{Applications, Inbound, Outbound, SendError, is_bodied_get};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch)]
    fn fetch(url: &JsValue, init: &web_sys::RequestInit) -> Result<js_sys::Promise, JsValue>;

    /// A service or assets binding.
    type Binding;

    #[wasm_bindgen(method, catch, js_name = fetch)]
    fn fetch_through(this: &Binding, url: &JsValue, init: &web_sys::RequestInit) -> Result<js_sys::Promise, JsValue>;
}

/// The applications that one request may go to.
pub struct Fetched {
    /// The visitor's request.
    pub request: web_sys::Request,
    /// Where the bindings are.
    pub env: Env,
    /// The request's timer.
    pub timer: Rc<Timer>,
}

impl Applications for Fetched {
    fn send<'a>(&'a self, request: Outbound<'a>) -> LocalBoxFuture<'a, Result<Inbound, SendError>> {
        self.send(request).boxed_local()
    }

    fn discard(&self, response: Inbound) {
        let response = response.raw.downcast::<web_sys::Response>();
        if let Some(body) = response.ok().and_then(|response| response.body()) {
            let _ = body.cancel();
        }
    }
}

impl Fetched {
    async fn send(&self, outbound: Outbound<'_>) -> Result<Inbound, SendError> {
        let init = web_sys::RequestInit::new();
        let target = if is_bodied_get(outbound.method, outbound.length) {
            let own: &web_sys::RequestInit = self.request.unchecked_ref();
            web_sys::Request::new_with_str_and_init(outbound.url, own).map_err(|_| SendError::Body)?.into()
        } else {
            init.set_method(outbound.method);
            JsValue::from_str(outbound.url)
        };
        init.set_headers(self.headers(&outbound).map_err(|_| SendError::Unreachable)?.as_ref());
        init.set_redirect(web_sys::RequestRedirect::Manual);
        if outbound.no_store {
            init.set_cache(web_sys::RequestCache::NoStore);
        }
        let sent = self.upload(&outbound, &init).map_err(|_| SendError::Body)?;
        let unreachable = |_| SendError::Unreachable;
        let fetching = match outbound.binding {
            None => fetch(&target, &init),
            Some(name) => {
                let binding = js_sys::Reflect::get(&self.env, &name.into()).map_err(unreachable)?;
                binding.unchecked_into::<Binding>().fetch_through(&target, &init)
            }
        };
        let mut response = JsFuture::from(fetching.map_err(unreachable)?);
        // Its time begins when it has been sent the whole request: how long an upload takes is the visitor's affair.
        let early = match sent {
            Some(sent) => match select(&mut response, sent).await {
                Either::Left((response, _)) => Some(response),
                Either::Right(_) => None,
            },
            None => None,
        };
        let answered = match early {
            Some(response) => response,
            // What comes too late is dropped with the request.
            None => {
                let limit = time::Duration::try_from(outbound.within).unwrap_or(time::Duration::MAX);
                self.timer.within(limit, response).await.ok_or(SendError::TimedOut)?
            }
        };
        Ok(inbound(answered.map_err(unreachable)?.unchecked_into()))
    }

    fn headers(&self, outbound: &Outbound<'_>) -> Result<web_sys::Headers, JsValue> {
        let headers = web_sys::Headers::new_with_headers(&self.request.headers())?;
        for name in outbound.removed {
            headers.delete(name)?;
        }
        for (name, value) in outbound.set {
            headers.set(name, value)?;
        }
        Ok(headers)
    }

    /// Sends the visitor's body along. That of a GET or HEAD comes with its request. The future comes when all of it is
    /// sent, or cannot be.
    fn upload(&self, outbound: &Outbound<'_>, init: &web_sys::RequestInit) -> Result<Option<JsFuture>, JsValue> {
        if let Some(bytes) = outbound.body {
            init.set_body(&js_sys::Uint8Array::from(bytes));
            return Ok(None);
        }
        let Some(body) = self.request.body().filter(|_| !matches!(outbound.method, "GET" | "HEAD")) else {
            return Ok(None);
        };
        let pipe = match outbound.length {
            Some(bytes) => FixedLengthStream::of_length(bytes)?.unchecked_into(),
            None => IdentityTransformStream::new()?,
        };
        init.set_body(&pipe.readable());
        Ok(Some(JsFuture::from(body.pipe_to(&pipe.writable()))))
    }
}

/// The platform's response, its headers read in one look.
pub fn inbound(response: web_sys::Response) -> Inbound {
    let lines = js_sys::Array::from(&response.headers()).join("\n").into();
    Inbound { status: response.status(), lines, raw: Box::new(response) }
}
