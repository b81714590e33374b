//! The way to the application and back: streamed, with the access token put in and the gateway's own headers and
//! cookies kept out.

use std::pin::pin;

use futures::future::{Either, select};
use openidconnect::AccessToken;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::Delay;

use super::Gateway;
use super::hygiene;
use super::problem::Problem;
use super::request::Incoming;
use super::response;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch)]
    fn fetch(request: &web_sys::Request) -> Result<js_sys::Promise, JsValue>;
}

impl Gateway {
    /// Sends the request to the application, and its answer back.
    pub(super) async fn proxy(&self, request: &Incoming, token: &AccessToken) -> Result<web_sys::Response, Problem> {
        let unavailable = |_| Problem::UpstreamUnavailable;
        let abort = web_sys::AbortController::new().map_err(unavailable)?;
        let outgoing = self.outgoing(request, token, &abort.signal()).map_err(unavailable)?;
        let fetched = pin!(JsFuture::from(fetch(&outgoing).map_err(unavailable)?));
        let limit = pin!(Delay::from(self.config.upstream_timeout.unsigned_abs()));
        let response: web_sys::Response = match select(fetched, limit).await {
            Either::Left((Ok(response), _)) => response.unchecked_into(),
            Either::Left((Err(_), _)) => {
                worker::console_error!("UPSTREAM: {} cannot be reached", self.config.upstream);
                return Err(Problem::UpstreamUnavailable);
            }
            Either::Right(_) => {
                abort.abort();
                let (upstream, limit) = (&self.config.upstream, self.config.upstream_timeout.whole_seconds());
                worker::console_error!("UPSTREAM: {upstream} did not answer in {limit} s (UPSTREAM_TIMEOUT_SECONDS)");
                return Err(Problem::UpstreamTimeout);
            }
        };
        self.answer(request, &response).map_err(unavailable)
    }

    fn outgoing(
        &self,
        request: &Incoming,
        token: &AccessToken,
        signal: &web_sys::AbortSignal,
    ) -> Result<web_sys::Request, JsValue> {
        let url = format!("{}{}", self.config.upstream, request.path_and_query());
        let init = web_sys::RequestInit::new();
        init.set_method(&request.method);
        init.set_headers(self.request_headers(request, token)?.as_ref());
        init.set_redirect(web_sys::RequestRedirect::Manual);
        init.set_cache(web_sys::RequestCache::NoStore);
        init.set_signal(Some(signal));
        // Fetch knows no body of a GET or HEAD.
        if let Some(body) = request.raw.body().filter(|_| !matches!(request.method.as_str(), "GET" | "HEAD")) {
            init.set_body(&body);
        }
        web_sys::Request::new_with_str_and_init(&url, &init)
    }

    fn request_headers(&self, request: &Incoming, token: &AccessToken) -> Result<web_sys::Headers, JsValue> {
        let headers = web_sys::Headers::new_with_headers(&request.headers)?;
        let nominated = request.header("connection").unwrap_or_default().to_ascii_lowercase();
        for name in request.headers.keys() {
            let Some(name) = name.ok().and_then(|name| name.as_string()) else { continue };
            if hygiene::is_removed(&name, &nominated, request.is_web_socket) {
                headers.delete(&name)?;
            }
        }
        if request.cookies.any {
            match request.header("cookie").and_then(|header| request.jar().strip(&header)) {
                Some(rest) => headers.set("cookie", &rest)?,
                None => headers.delete("cookie")?,
            }
        }
        headers.set("authorization", &format!("Bearer {}", token.secret()))?;
        headers.set("x-forwarded-host", &request.origin.host)?;
        headers.set("x-forwarded-proto", if request.origin.https { "https" } else { "http" })?;
        if let Some(address) = request.header("cf-connecting-ip") {
            headers.set("x-forwarded-for", &address)?;
        }
        Ok(headers)
    }

    /// The application's answer, an accepted WebSocket included, with what a cache could do wrong and the gateway's own
    /// cookies taken out.
    fn answer(&self, request: &Incoming, response: &web_sys::Response) -> Result<web_sys::Response, JsValue> {
        // Every property that the platform knows of a response goes over, those that web_sys does not know included.
        let model: &web_sys::ResponseInit = response.unchecked_ref();
        let body = response.body();
        let answer = web_sys::Response::new_with_opt_readable_stream_and_init(body.as_ref(), model)?;
        let headers = answer.headers();
        headers.set("cache-control", "no-store")?;
        headers.delete("cdn-cache-control")?;
        headers.delete("surrogate-control")?;
        headers.delete("proxy-authenticate")?;
        let (jar, lines) = (request.jar(), response::set_cookies(&headers)?);
        if lines.iter().any(|line| jar.is_set_by(line)) {
            headers.delete("set-cookie")?;
            for line in lines.iter().filter(|line| !jar.is_set_by(line)) {
                headers.append("set-cookie", line)?;
            }
        }
        Ok(answer)
    }
}
