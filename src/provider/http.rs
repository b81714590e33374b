//! The HTTP client that calls to a provider go through: https or loopback, no redirect followed, time and size
//! limited, only GETs repeated, once.
//!
//! It is handed to `openidconnect` as a plain async function.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use openidconnect::{HttpRequest, HttpResponse};
use url::Url;
use worker::Delay;

use crate::body::{self, ReadError};
use crate::config::is_allowed;

/// How long one call may take, its body included.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// The longest body that is read.
const MAX_BODY: usize = 1 << 20;

/// Why there is no complete answer. Never holds a URL: some carry codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// Not https, and not loopback.
    #[error("the endpoint is neither https nor on a loopback host")]
    Forbidden,
    /// The request cannot be built.
    #[error("the request cannot be sent")]
    BadRequest,
    /// No connection, or it was lost.
    #[error("the provider could not be reached")]
    Unreachable,
    /// No complete answer in time.
    #[error("the provider did not answer within 10 s")]
    TimedOut,
    /// The body is too long.
    #[error("the provider's answer is longer than 1 MiB")]
    TooLarge,
}

/// Whether a complete answer says: not now.
pub const fn says_not_now(status: u16) -> bool {
    status == 429 || status >= 500
}

/// Sends a request and reads the whole answer.
pub async fn send(request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let url = Url::parse(&request.uri().to_string()).map_err(|_| HttpError::BadRequest)?;
    if !is_allowed(&url) {
        return Err(HttpError::Forbidden);
    }
    let repeatable = request.method() == http::Method::GET;
    match send_once(&request).await {
        Ok(response) if repeatable && response.status().is_server_error() => send_once(&request).await,
        Err(HttpError::Unreachable | HttpError::TimedOut) if repeatable => send_once(&request).await,
        answer => answer,
    }
}

async fn send_once(request: &HttpRequest) -> Result<HttpResponse, HttpError> {
    let abort = Abort(web_sys::AbortController::new().map_err(|_| HttpError::BadRequest)?);
    let answer = pin!(exchange(request, abort.0.signal()));
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

async fn exchange(request: &HttpRequest, signal: web_sys::AbortSignal) -> Result<HttpResponse, HttpError> {
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

    let mut answer = http::Response::builder().status(response.status());
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
