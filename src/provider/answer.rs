//! What a token endpoint's answer means, where it brings no tokens: whose fault it is, and whether a refresh token
//! may be presented again.

use std::cell::Cell;

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{HttpRequest, HttpResponse, RequestTokenError, StandardErrorResponse};
use time::Duration;

use super::discovery::unanswered;
use super::http::{self, HttpError};
use super::{ProviderError, RefreshFailure};

/// What `openidconnect` says of an answer without tokens.
pub type TokenError = RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>;

/// What the library forgets of a token endpoint's answer when it is an error.
#[derive(Default)]
pub struct Answer {
    /// Its status, once it is complete.
    pub status: Cell<Option<u16>>,
    /// Its `Retry-After`, where that is a number of seconds.
    pub retry_after: Cell<Option<Duration>>,
}

impl Answer {
    /// Sends a request to the endpoint.
    pub async fn to(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = http::send(request).await?;
        self.status.set(Some(response.status().as_u16()));
        let seconds =
            response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse::<u32>().ok());
        self.retry_after.set(seconds.map(|seconds| Duration::seconds(seconds.into())));
        Ok(response)
    }
}

/// An error code as the provider wrote it, if it is one (RFC 6749 section 5.2 allows these characters and more).
fn code(error: &CoreErrorResponseType) -> String {
    let text = error.as_ref();
    let plain = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if plain { text.to_owned() } else { "an error".to_owned() }
}

/// Why no code was exchanged.
pub fn exchange_error(error: TokenError, status: Option<u16>) -> ProviderError {
    match error {
        RequestTokenError::Request(error) => unanswered(error),
        _ if status.is_some_and(|status| status == 429 || status >= 500) => {
            ProviderError::Unavailable("the provider cannot exchange the code now".to_owned())
        }
        RequestTokenError::ServerResponse(error) if *error.error() == CoreErrorResponseType::InvalidGrant => {
            ProviderError::Callback("the provider does not accept the code (any more)".to_owned())
        }
        RequestTokenError::ServerResponse(error) => {
            ProviderError::Rejected(format!("the provider refuses this client: {}", code(error.error())))
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            ProviderError::Rejected("the provider's token response cannot be read".to_owned())
        }
    }
}

/// Why no token was refreshed.
pub fn refresh_failure(error: &TokenError, answer: &Answer) -> RefreshFailure {
    match (error, answer.status.get()) {
        (RequestTokenError::ServerResponse(error), _) if *error.error() == CoreErrorResponseType::InvalidGrant => {
            RefreshFailure::Refused("the provider answered invalid_grant".to_owned())
        }
        (_, Some(status @ (429 | 500 | 503))) => {
            let why = format!("the provider answered {status}");
            RefreshFailure::Deferred { retry_after: answer.retry_after.get(), why }
        }
        (RequestTokenError::ServerResponse(error), _) => {
            RefreshFailure::Unknown(format!("the provider answered {}", code(error.error())))
        }
        (RequestTokenError::Request(error), _) => RefreshFailure::Unknown(error.to_string()),
        (_, Some(status)) => {
            RefreshFailure::Unknown(format!("the provider answered {status} with something else than tokens"))
        }
        (_, None) => RefreshFailure::Unknown("there was no answer".to_owned()),
    }
}
