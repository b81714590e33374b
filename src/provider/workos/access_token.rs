//! Validation of WorkOS's access tokens, which are JSON Web Tokens (RFC 7519). Pure.
//!
//! It stands in for the ID token's: `aud` may be absent, `iss` has several forms, and there is no nonce; the code's
//! verifier binds the answer to the login.

use openidconnect::core::CoreJsonWebKeySet;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::config::WorkOs;
use crate::provider::id_token::{ALGORITHMS, IdTokenError, LEEWAY, unix};
use crate::provider::jws::Jws;

/// What it calls itself, where it does.
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// The claims of an access token that passes every check.
pub fn validate(
    raw: &str,
    keys: &CoreJsonWebKeySet,
    settings: &WorkOs,
    now: OffsetDateTime,
) -> Result<Map<String, Value>, IdTokenError> {
    let invalid = IdTokenError::Invalid;
    let jws = Jws::read(raw, &ALGORITHMS, &TYPES)?;
    let claims = &jws.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if !text("iss").is_some_and(|iss| settings.is_issuer(iss)) {
        return Err(invalid("the access token comes from another issuer than WORKOS_API_HOST (iss)"));
    }
    let client_id = settings.client_id.as_str();
    let ours = match claims.get("aud") {
        None => true,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == client_id),
        Some(audience) => audience == client_id,
    };
    if !ours {
        return Err(invalid("the access token is meant for another client (aud)"));
    }
    let time = |name: &str| claims.get(name).map(|time| time.as_f64().unwrap_or(f64::NAN));
    let (earliest, latest) = (unix(now.saturating_sub(LEEWAY)), unix(now.saturating_add(LEEWAY)));
    if !time("exp").is_some_and(|exp| exp > earliest) {
        return Err(invalid("the access token has expired, or does not say when it will (exp)"));
    }
    if !["nbf", "iat"].iter().all(|name| time(name).is_none_or(|time| time <= latest)) {
        return Err(invalid("the access token is not valid yet (nbf, iat)"));
    }
    jws.verify(keys)?;
    Ok(jws.claims)
}

#[cfg(test)]
#[path = "access_token_tests.rs"]
mod tests;
