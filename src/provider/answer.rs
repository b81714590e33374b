//! What a token endpoint's answer means, where it brings no tokens: whose fault it is, and whether a refresh token
//! may be presented again.

use std::cell::Cell;

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{ClientSecret, HttpRequest, HttpResponse, RequestTokenError, StandardErrorResponse};
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

/// What the `error` of an authorization response means (RFC 6749 section 4.1.2.1, OpenID Connect Core 1.0 section
/// 3.1.2.6): a sentence's end for the user who was sent back with it.
pub fn authorization_error(code: &str) -> String {
    let meaning = match code {
        "access_denied" => "it was cancelled, or the login provider did not let you in",
        "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => {
            "the login provider wants to ask you something first"
        }
        "server_error" | "temporarily_unavailable" => "the login provider has a problem of its own at the moment",
        "invalid_scope" => "the login provider refuses what this site asks for; OIDC_SCOPES has to suit it",
        "unauthorized_client" | "invalid_client" | "unsupported_response_type" => {
            "this site's registration at the login provider does not allow logins with an authorization code"
        }
        "invalid_target" => "the login provider does not know the API that OIDC_RESOURCE or OIDC_AUDIENCE names",
        _ => "the login provider answered with an error",
    };
    format!("{meaning} ({})", plain_code(code))
}

/// What an operator can do about an error code by which an endpoint refuses this client (RFC 6749 section 5.2).
pub fn client_advice(code: &str, client_secret: Option<&ClientSecret>) -> &'static str {
    match (code, client_secret) {
        ("invalid_client", None) => {
            ". OIDC_CLIENT_SECRET is not set, which makes this a public client: set it, or register the client as public"
        }
        ("invalid_client", Some(_)) => {
            ". Check OIDC_CLIENT_ID and OIDC_CLIENT_SECRET, and OIDC_TOKEN_AUTH where the client is registered for one method"
        }
        ("unauthorized_client" | "unsupported_grant_type", _) => {
            ". The client of OIDC_CLIENT_ID needs the grants authorization_code and refresh_token"
        }
        ("invalid_scope", _) => ". OIDC_SCOPES has to suit the client",
        ("invalid_target", _) => ". OIDC_RESOURCE has to be an API that the provider knows",
        _ => "",
    }
}

/// Why no code was exchanged.
pub fn exchange_error(error: TokenError, status: Option<u16>, client_secret: Option<&ClientSecret>) -> ProviderError {
    match error {
        RequestTokenError::Request(error) => unanswered(error),
        _ if status.is_some_and(http::says_not_now) => {
            ProviderError::Unavailable("the provider cannot exchange the code now".to_owned())
        }
        RequestTokenError::ServerResponse(error) if *error.error() == CoreErrorResponseType::InvalidGrant => {
            ProviderError::Callback("the provider does not accept the code (any more)".to_owned())
        }
        RequestTokenError::ServerResponse(error) => {
            let code = plain_code(error.error().as_ref());
            let advice = client_advice(code, client_secret);
            ProviderError::Rejected(format!("the provider refuses this client: {code}{advice}"))
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            ProviderError::Rejected("the provider's token response cannot be read".to_owned())
        }
    }
}

/// Why no token was refreshed.
pub fn refresh_failure(error: &TokenError, answer: &Answer, client_secret: Option<&ClientSecret>) -> RefreshFailure {
    match (error, answer.status.get()) {
        (RequestTokenError::ServerResponse(error), _) if *error.error() == CoreErrorResponseType::InvalidGrant => {
            RefreshFailure::Refused("the provider answered invalid_grant".to_owned())
        }
        (_, Some(status @ (429 | 500 | 503))) => {
            let why = format!("the provider answered {status}");
            RefreshFailure::Deferred { retry_after: answer.retry_after.get(), why }
        }
        (RequestTokenError::ServerResponse(error), _) => {
            let code = plain_code(error.error().as_ref());
            RefreshFailure::Unknown(format!("the provider answered {code}{}", client_advice(code, client_secret)))
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
    fn a_refused_client_without_a_secret_is_told_that_it_has_none() {
        let secret = ClientSecret::new("hunter2".to_owned());
        assert!(client_advice("invalid_client", None).contains("OIDC_CLIENT_SECRET is not set"));
        assert!(client_advice("invalid_client", Some(&secret)).contains("OIDC_TOKEN_AUTH"));
        assert_eq!(client_advice("server_error", None), "");
    }

    #[test]
    fn an_authorization_error_is_said_in_words_and_keeps_its_code() {
        assert!(authorization_error("access_denied").ends_with("did not let you in (access_denied)"));
        assert_eq!(authorization_error("<b>"), "the login provider answered with an error (an error)");
    }

    #[test]
    fn only_what_looks_like_an_error_code_is_quoted() {
        assert_eq!(plain_code("access_denied"), "access_denied");
        for odd in ["", "<b>", "two words", &"x".repeat(65)] {
            assert_eq!(plain_code(odd), "an error");
        }
    }
}
