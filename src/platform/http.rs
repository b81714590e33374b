//! `fetch`, with a time limit, a size limit, and no redirect followed.

use std::pin::pin;

use futures::FutureExt as _;
use futures::future::{Either, LocalBoxFuture, select};
use worker::Delay;

use super::body;
use crate::runtime::{Http, HttpError, MAX_BODY, ReadError, TIME_LIMIT};

type Request = ::http::Request<Vec<u8>>;
type Response = ::http::Response<Vec<u8>>;

/// See the module.
pub struct Fetch;

impl Http for Fetch {
    fn send(&self, request: Request) -> LocalBoxFuture<'static, Result<Response, HttpError>> {
        send(request).boxed_local()
    }
}

async fn send(request: Request) -> Result<Response, HttpError> {
    let abort = Abort(web_sys::AbortController::new().map_err(|_| HttpError::BadRequest)?);
    let answer = pin!(exchange(&request, abort.0.signal()));
    let limit = pin!(Delay::from(TIME_LIMIT));
    match select(answer, limit).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => Err(HttpError::TimedOut),
    }
}

/// Ends a call that nobody waits for any longer. To one that is over, it is nothing.
struct Abort(web_sys::AbortController);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn exchange(request: &Request, signal: web_sys::AbortSignal) -> Result<Response, HttpError> {
    let headers = web_sys::Headers::new().map_err(|_| HttpError::BadRequest)?;
    for (name, value) in request.headers() {
        let value = value.to_str().map_err(|_| HttpError::BadRequest)?;
        headers.set(name.as_str(), value).map_err(|_| HttpError::BadRequest)?;
    }
    let init = web_sys::RequestInit::new();
    init.set_method(request.method().as_str());
    init.set_headers(&headers);
    init.set_redirect(web_sys::RequestRedirect::Manual);
    init.set_signal(Some(&signal));
    if !request.body().is_empty() {
        init.set_body(&js_sys::Uint8Array::from(request.body().as_slice()));
    }
    let outgoing = web_sys::Request::new_with_str_and_init(&request.uri().to_string(), &init);
    let outgoing = worker::Request::from(outgoing.map_err(|_| HttpError::BadRequest)?);
    let response = worker::Fetch::Request(outgoing).send().await.map_err(|_| HttpError::Unreachable)?;
    let response: web_sys::Response = response.into();

    let mut answer = ::http::Response::builder().status(response.status());
    for name in ["content-type", "retry-after", "x-ratelimit-reset", "x-ratelimit-remaining"] {
        if let Ok(Some(value)) = response.headers().get(name) {
            answer = answer.header(name, value);
        }
    }
    let body = body::read(response.body(), MAX_BODY).await.map_err(|error| match error {
        ReadError::Broken => HttpError::Unreachable,
        ReadError::TooLarge => HttpError::TooLarge,
    })?;
    answer.body(body).map_err(|_| HttpError::Unreachable)
}
