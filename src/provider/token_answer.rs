//! What a token endpoint's answer means, where it brings no tokens: whose fault it is, and whether a refresh token
//! may be presented again.

use std::cell::Cell;

use openidconnect::core::CoreErrorResponseType;
use openidconnect::{HttpRequest, HttpResponse, RequestTokenError, StandardErrorResponse};
use time::Duration;

use super::error::{ProviderError, RefreshFailure, unanswered};
use super::link::Link;
use super::retry_after::retry_after;
use super::said;
use super::tokens::RoundTrip;
use super::user_error::UserError;
use crate::config::Credentials;
use crate::config::target::Target;
use crate::http::{self, HttpError};

/// What `openidconnect` says of an answer without tokens.
pub type TokenError = RequestTokenError<HttpError, StandardErrorResponse<CoreErrorResponseType>>;

/// What the library forgets of a token endpoint's answer when it is an error.
#[derive(Default)]
pub struct TokenAnswer {
    /// Its status, once it is complete.
    pub status: Cell<Option<u16>>,
    /// The pause that it asks for.
    pub retry_after: Cell<Option<Duration>>,
    /// When it was asked for and when it came.
    round_trip: Cell<Option<RoundTrip>>,
    /// What it says beside its code, where it is an error: for the log alone.
    pub said: Cell<Option<String>>,
}

impl TokenAnswer {
    /// Sends a request to the endpoint.
    pub async fn to(&self, link: &Link, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let secrets = said::secrets_of(&request);
        let asked_at = link.isolate.now();
        let mut response = http::send(&*link.http, request).await?;
        if !response.status().is_success() {
            self.said.set(said::in_answer(response.body(), &secrets));
        }
        self.status.set(Some(response.status().as_u16()));
        let received_at = link.isolate.now();
        self.round_trip.set(Some(RoundTrip { asked_at, received_at }));
        self.retry_after.set(retry_after(response.headers(), received_at));
        if response.status().is_success() {
            // The library reads 200 and `application/json` alone. What the body says decides: the token that was presented is spent.
            *response.status_mut() = ::http::StatusCode::OK;
            response.headers_mut().remove(::http::header::CONTENT_TYPE);
        }
        Ok(response)
    }

    /// How long the answer took.
    pub fn round_trip(&self, link: &Link) -> RoundTrip {
        let now = link.isolate.now();
        self.round_trip.get().unwrap_or(RoundTrip { asked_at: now, received_at: now })
    }
}

/// An error code as the provider wrote it, if it looks like one; else no word of it.
pub fn plain_code(code: &str) -> &str {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if !code.is_empty() && code.len() <= 64 && code.bytes().all(plain) { code } else { "an error" }
}

/// What the `error` of an authorization response means (RFC 6749 section 4.1.2.1, OpenID Connect Core 1.0 section
/// 3.1.2.6), where it is not for the user to do something ([`UserError`]): the end of a sentence.
pub fn authorization_error(code: &str) -> String {
    let meaning = match code {
        "server_error" | "temporarily_unavailable" => "the login provider has a problem of its own at the moment",
        "invalid_scope" => "the login provider refuses what this site asks for; OIDC_SCOPES has to suit it",
        "unauthorized_client" | "invalid_client" | "unsupported_response_type" => {
            "this site's registration at the login provider does not allow logins with an authorization code"
        }
        "invalid_target" => "the login provider does not know the API that OIDC_RESOURCE or OIDC_AUDIENCE names",
        // WorkOS's.
        "organization_invalid"
        | "connection_invalid"
        | "connection_unlinked"
        | "ambiguous_connection_selector"
        | "invalid_connection_selector" => {
            "the login provider does not know the organization or the connection that this login was for, or has no single sign-on there"
        }
        _ => "the login provider answered with an error",
    };
    format!("{meaning} ({})", plain_code(code))
}

/// What an operator can do about an error code by which an endpoint refuses this client (RFC 6749 section 5.2).
pub fn client_advice(code: &str, credentials: &Credentials) -> &'static str {
    match (code, credentials) {
        ("invalid_client" | "access_denied" | "unauthorized", Credentials::Key(_)) => {
            ". Check OIDC_CLIENT_ID, and that the provider knows the public key of OIDC_CLIENT_KEY, which this gateway publishes at its jwks.json"
        }
        ("invalid_client" | "access_denied" | "unauthorized", Credentials::Apple(_)) => {
            ". Check OIDC_CLIENT_ID, which is the Services ID, and that APPLE_TEAM_ID, APPLE_KEY_ID and APPLE_PRIVATE_KEY belong together"
        }
        ("invalid_client" | "access_denied" | "unauthorized", Credentials::None) => {
            ". OIDC_TOKEN_AUTH is none, which makes this a public client: register it as one, or set OIDC_CLIENT_SECRET and another method"
        }
        ("invalid_client" | "access_denied" | "unauthorized", Credentials::Secret(_) | Credentials::Either(..)) => {
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

/// Whether a token endpoint says that it does not accept this client, a secret under rotation for one: it has looked at no
/// token. Auth0 and WorkOS have words of their own for it, and RFC 6749 section 5.2 a status.
pub fn is_about_the_client(status: Option<u16>, code: &str) -> bool {
    matches!(code, "invalid_client" | "unauthorized_client")
        || status == Some(401) && matches!(code, "access_denied" | "unauthorized")
}

/// Why no code was exchanged.
pub fn exchange_error(error: TokenError, status: Option<u16>, credentials: &Credentials) -> ProviderError {
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
            let advice = client_advice(code, credentials);
            match UserError::of(code) {
                // Auth0 says this of a wrong client secret. At this endpoint it can only mean the client.
                Some(user_error) if !matches!(code, "access_denied" | "unauthorized") => {
                    ProviderError::UserError(Box::new(user_error))
                }
                _ => ProviderError::Rejected(format!("the provider refuses this client: {code}{advice}")),
            }
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            ProviderError::Rejected("the provider's token response cannot be read".to_owned())
        }
    }
}

/// The codes by which a token endpoint refuses the API that a refresh is for (RFC 6749 section 5.2, RFC 8707 section 2, OpenID Connect
/// Core 1.0 section 3.1.2.6).
const ABOUT_TARGET: [&str; 7] = [
    "invalid_target",
    "invalid_scope",
    "invalid_resource",
    "access_denied",
    "consent_required",
    "interaction_required",
    "login_required",
];

/// Why no token was refreshed.
pub fn refresh_failure(
    error: &TokenError,
    answer: &TokenAnswer,
    credentials: &Credentials,
    target: Option<&Target>,
) -> RefreshFailure {
    match (error, answer.status.get()) {
        // Microsoft Entra says this of an API that the user has not consented to, too.
        (RequestTokenError::ServerResponse(error), _)
            if *error.error() == CoreErrorResponseType::InvalidGrant && target.is_some() =>
        {
            let why = "the provider answered invalid_grant".to_owned();
            RefreshFailure::TargetRefused { why, is_grant_in_doubt: true }
        }
        (RequestTokenError::ServerResponse(error), _) if *error.error() == CoreErrorResponseType::InvalidGrant => {
            RefreshFailure::Refused("the provider answered invalid_grant".to_owned())
        }
        (_, Some(status @ (429 | 500 | 503))) => {
            let why = format!("the provider answered {status}");
            RefreshFailure::Deferred { retry_after: answer.retry_after.get(), why }
        }
        (RequestTokenError::ServerResponse(error), status) => {
            let code = plain_code(error.error().as_ref());
            let why = format!("the provider answered {code}{}", client_advice(code, credentials));
            if is_about_the_client(status, code) {
                RefreshFailure::Deferred { retry_after: answer.retry_after.get(), why }
            } else if target.is_some() && ABOUT_TARGET.contains(&code) {
                RefreshFailure::TargetRefused { why, is_grant_in_doubt: false }
            } else {
                RefreshFailure::Unknown(why)
            }
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
    fn a_refused_public_client_is_told_that_it_is_one() {
        let secret = Credentials::Secret(openidconnect::ClientSecret::new("hunter2".to_owned()));
        assert!(client_advice("invalid_client", &Credentials::None).contains("OIDC_TOKEN_AUTH is none"));
        assert!(client_advice("invalid_client", &secret).contains("OIDC_TOKEN_AUTH"));
        assert_eq!(client_advice("server_error", &Credentials::None), "");
    }

    #[test]
    fn an_authorization_error_is_said_in_words_and_keeps_its_code() {
        assert!(authorization_error("invalid_scope").ends_with("OIDC_SCOPES has to suit it (invalid_scope)"));
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
