//! What an answer of `authenticate` means. Pure.
//!
//! Errors come as `{code, message, …}` or as `{error, error_description}`. Of the words none is for users: an
//! `invalid_grant` quotes the code. What of them goes into the log is [`crate::provider::said`]'s.

use openidconnect::{AccessToken, RefreshToken};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::jose::jwt::payload;
use crate::provider::error::{ProviderError, RefreshFailure};
use crate::provider::token_answer::{is_about_the_client, plain_code};
use crate::provider::tokens::Tokens;
use crate::provider::user_error::{Choice, UserError};
use crate::{ambient, http};

/// What a refused code is called.
const CODE_REFUSED: [&str; 4] = ["invalid_grant", "invalid_code", "expired_code", "invalid_code_verifier"];
/// What ends a session when it is answered to a refresh: only a login helps.
const GRANT_GONE: [&str; 3] = ["invalid_grant", "sso_required", "mfa_enrollment"];

/// The tokens of an answer. The access token's own `exp` is its end.
pub fn tokens(body: &Value, received_at: OffsetDateTime) -> Result<Tokens, ProviderError> {
    let rejected = |what: &str| ProviderError::Rejected(format!("the provider's token response {what}"));
    // RFC 6750 section 2.1; anything else could not be sent in a header.
    let in_header = |token: &&str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    let token = |name: &str| body.get(name).and_then(Value::as_str);
    let access_token = token("access_token").filter(in_header).ok_or_else(|| rejected("has no access token"))?;
    let exp = payload(access_token).and_then(|claims| claims.get("exp")?.as_f64());
    let exp = exp.ok_or_else(|| rejected("has an access token without an end (exp)"))?;
    let lifetime = ambient::between(received_at, ambient::from_millis((exp * 1000.0).round()));
    if !lifetime.is_positive() {
        return Err(rejected("has an access token that has expired"));
    }
    Ok(Tokens {
        access_token: AccessToken::new(access_token.to_owned()),
        // A decade is as good as for ever, and safe to add to a time.
        lifetime: Some(lifetime.min(Duration::days(3650))),
        refresh_token: token("refresh_token")
            .filter(|token| !token.is_empty())
            .map(|token| RefreshToken::new(token.to_owned())),
        valid_from: received_at,
    })
}

/// Why no code was exchanged.
pub fn exchange_error(status: u16, body: &Value) -> ProviderError {
    let code = code(body);
    if http::says_not_now(status) {
        return ProviderError::Unavailable("the provider cannot exchange the code now".to_owned());
    }
    if CODE_REFUSED.contains(&code) {
        return ProviderError::Callback("the provider does not accept the code (any more)".to_owned());
    }
    // An error that brings this token is about the user, even if its code is unknown here.
    let is_unfinished = body.get("pending_authentication_token").is_some_and(Value::is_string);
    match UserError::of(code).or_else(|| is_unfinished.then(|| UserError::unfinished(code))) {
        Some(user_error) => ProviderError::UserError(Box::new(with_choices(user_error, body))),
        None => ProviderError::Rejected(format!(
            "the provider refuses this client: {code} (check WORKOS_CLIENT_ID and WORKOS_API_KEY)"
        )),
    }
}

/// Why no token was refreshed. `switching`: the answer may be about the organization that was asked for.
pub fn refresh_failure(status: u16, retry_after: Option<Duration>, body: &Value, switching: bool) -> RefreshFailure {
    let code = code(body);
    let why = format!("the provider answered {status} {code}");
    match status {
        _ if code == "invalid_grant" => RefreshFailure::Refused(why),
        429 | 500 | 503 => RefreshFailure::Deferred { retry_after, why },
        _ if is_about_the_client(Some(status), code) => RefreshFailure::Deferred { retry_after, why },
        400 | 403 | 404 | 422 if switching => RefreshFailure::OtherOrganization(why),
        _ if GRANT_GONE.contains(&code) => RefreshFailure::Refused(why),
        _ => RefreshFailure::Unknown(why),
    }
}

/// The error code, if it looks like one.
fn code(body: &Value) -> &str {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    plain_code(text("error").or_else(|| text("code")).unwrap_or_default())
}

/// The organizations, or the single sign-on connections, that WorkOS offers in place of this login.
fn with_choices(user_error: UserError, body: &Value) -> UserError {
    let list = |name: &str| body.get(name).and_then(Value::as_array).into_iter().flatten();
    let choice = |label: &str, parameter: &str, value: &str| Choice {
        label: label.to_owned(),
        parameter: parameter.to_owned(),
        value: value.to_owned(),
    };
    let organizations = list("organizations").filter_map(|organization| {
        let id = organization.get("id")?.as_str()?;
        let name = organization.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
        Some(choice(name.unwrap_or(id), "organization", id))
    });
    let connections = list("connection_ids")
        .chain(list("sso_connection_ids"))
        .filter_map(|id| Some(choice("Log in with single sign-on", "connection", id.as_str()?)))
        .take(1);
    let choices = match user_error.code.as_str() {
        "organization_selection_required" => organizations.collect(),
        "sso_required" | "organization_authentication_methods_required" => connections.collect(),
        _ => Vec::new(),
    };
    UserError { choices, ..user_error }
}

#[cfg(test)]
#[path = "authenticate_tests.rs"]
mod tests;
