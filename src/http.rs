//! The HTTP client that calls to a provider go through: https or loopback, no redirect followed, time and size
//! limited, only GETs repeated, once.
//!
//! It is handed to `openidconnect` as a plain async function. Time limit, size limit and redirects are the platform's part
//! ([`Http`]).

use openidconnect::{HttpRequest, HttpResponse};
use url::Url;

use crate::config::is_allowed;
use crate::runtime::Http;
pub use crate::runtime::HttpError;

/// Whether a complete answer says: not now.
pub const fn says_not_now(status: u16) -> bool {
    status == 429 || status >= 500
}

/// Sends a request and reads the whole answer.
pub async fn send(http: &dyn Http, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let url = Url::parse(&request.uri().to_string()).map_err(|_| HttpError::BadRequest)?;
    if !is_allowed(&url) {
        return Err(HttpError::Forbidden);
    }
    if request.method() != ::http::Method::GET {
        return http.send(request).await;
    }
    match http.send(request.clone()).await {
        Ok(response) if response.status().is_server_error() => http.send(request).await,
        Err(HttpError::Unreachable | HttpError::TimedOut) => http.send(request).await,
        answer => answer,
    }
}
