//! What a token endpoint's answer means, where it brings no tokens: whose fault it is, and whether a refresh token
//! may be presented again.

use std::cell::Cell;

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{HttpRequest, HttpResponse, RequestTokenError, StandardErrorResponse};
use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};

use super::discovery::unanswered;
use super::http::{self, HttpError};
use super::{ProviderError, RefreshFailure};
use crate::ambient;

/// What `openidconnect` says of an answer without tokens.
pub type TokenError = RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>;

/// What the library forgets of a token endpoint's answer when it is an error.
#[derive(Default)]
pub struct Answer {
    /// Its status, once it is complete.
    pub status: Cell<Option<u16>>,
    /// Its `Retry-After`.
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
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        self.retry_after.set(retry_after.and_then(|value| patience(value.trim(), now)));
        Ok(response)
    }
}

/// A `Retry-After` (RFC 9110 section 10.2.3): seconds or a date; a day at the most.
fn patience(value: &str, now: OffsetDateTime) -> Option<Duration> {
    let pause = match value.parse::<u32>() {
        Ok(seconds) => Duration::seconds(seconds.into()),
        Err(_) => ambient::between(now, OffsetDateTime::parse(value, &Rfc2822).ok()?).max(Duration::ZERO),
    };
    Some(pause.min(Duration::days(1)))
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
        RequestTokenError::ServerResponse(error) => {
            ProviderError::Rejected(format!("the provider refuses this client: {}", plain_code(error.error().as_ref())))
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
    fn retry_after_is_seconds_or_a_date_and_a_day_at_the_most() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        assert_eq!(patience("7", now), Some(Duration::seconds(7)));
        assert_eq!(patience("4294967295", now), Some(Duration::days(1)));
        assert_eq!(patience("Fri, 15 Jan 2027 08:00:05 GMT", now), Some(Duration::seconds(5)));
        assert_eq!(patience("Thu, 01 Jan 1970 00:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(patience("soon", now), None);
    }

    #[test]
    fn only_what_looks_like_an_error_code_is_quoted() {
        assert_eq!(plain_code("access_denied"), "access_denied");
        for odd in ["", "<b>", "two words", &"x".repeat(65)] {
            assert_eq!(plain_code(odd), "an error");
        }
    }
}
