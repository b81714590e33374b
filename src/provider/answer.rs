//! What a token endpoint's answer means, where it brings no tokens: whose fault it is, and whether a refresh token
//! may be presented again.

use std::cell::Cell;

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{HttpRequest, HttpResponse, RequestTokenError, StandardErrorResponse};
use time::{Duration, OffsetDateTime};

use super::discovery::unanswered;
use super::http::{self, HttpError};
use super::patience::patience;
use super::turned_down::TurnedDown;
use super::{ProviderError, RefreshFailure};
use crate::ambient;

/// What `openidconnect` says of an answer without tokens.
pub type TokenError = RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>;

/// What the library forgets of a token endpoint's answer when it is an error.
#[derive(Default)]
pub struct Answer {
    /// Its status, once it is complete.
    pub status: Cell<Option<u16>>,
    /// The pause that it asks for.
    pub retry_after: Cell<Option<Duration>>,
    /// When it was complete.
    pub received_at: Cell<Option<OffsetDateTime>>,
}

impl Answer {
    /// Sends a request to the endpoint.
    pub async fn to(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = http::send(request).await?;
        self.status.set(Some(response.status().as_u16()));
        let now = ambient::now();
        self.received_at.set(Some(now));
        self.retry_after.set(patience(response.status().as_u16(), response.headers(), now));
        Ok(response)
    }
}

/// An error code as the provider wrote it, if it looks like one; else no word of it.
pub fn plain_code(code: &str) -> &str {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if !code.is_empty() && code.len() <= 64 && code.bytes().all(plain) { code } else { "an error" }
}

/// Why no code was exchanged.
pub fn exchange_error(error: TokenError, status: Option<u16>) -> ProviderError {
    match error {
        RequestTokenError::Request(error) => unanswered(error),
        _ if status.is_some_and(http::says_not_now) => {
            ProviderError::Unavailable("the provider cannot exchange the code now".to_owned())
        }
        RequestTokenError::ServerResponse(error) if *error.error() == CoreErrorResponseType::InvalidGrant => {
            ProviderError::Callback("the provider does not accept the code (any more)".to_owned())
        }
        RequestTokenError::ServerResponse(error) => match plain_code(error.error().as_ref()) {
            // Auth0 says so of a wrong client secret: here, nobody but the client can be meant.
            code @ ("access_denied" | "unauthorized") => refuses_client(code),
            code => {
                TurnedDown::of(code).map_or_else(|| refuses_client(code), |it| ProviderError::TurnedDown(Box::new(it)))
            }
        },
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            ProviderError::Rejected("the provider's token response cannot be read".to_owned())
        }
    }
}

fn refuses_client(code: &str) -> ProviderError {
    ProviderError::Rejected(format!("the provider refuses this client: {code}"))
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
            RefreshFailure::Unknown(format!("the provider answered {}", plain_code(error.error().as_ref())))
        }
        (RequestTokenError::Request(error), _) => RefreshFailure::Unknown(error.to_string()),
        (_, Some(status)) => {
            RefreshFailure::Unknown(format!("the provider answered {status} with something else than tokens"))
        }
        (_, None) => RefreshFailure::Unknown("there was no answer".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_an_error_code_is_quoted() {
        assert_eq!(plain_code("access_denied"), "access_denied");
        for odd in ["", "<b>", "two words", &"x".repeat(65)] {
            assert_eq!(plain_code(odd), "an error");
        }
    }
}
