//! Validation of WorkOS's access tokens, which are JSON Web Tokens (RFC 7519). Pure.
//!
//! It stands in for the ID token's: `aud` may be absent, `iss` has several forms, and there is no nonce; the code's
//! verifier binds the answer to the login.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeyAlgorithm};
use serde::Deserialize;
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use crate::config::WorkOs;
use crate::provider::id_token::{ALGORITHMS, payload};

/// How far WorkOS's clock may be off.
const LEEWAY: Duration = Duration::minutes(1);

/// Why an access token is refused. The words are the gateway's own: nothing of the token is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokenError {
    /// No key of this id: worth another look at the keys.
    #[error("the access token is signed with a key that WorkOS does not publish")]
    UnknownKey,
    /// Everything else.
    #[error("{0}")]
    Invalid(&'static str),
}

#[derive(Deserialize)]
struct Header {
    alg: CoreJwsSigningAlgorithm,
    kid: Option<String>,
}

/// The claims of an access token that passes every check.
pub fn validate(
    raw: &str,
    keys: &CoreJsonWebKeySet,
    settings: &WorkOs,
    now: OffsetDateTime,
) -> Result<Map<String, Value>, AccessTokenError> {
    let invalid = AccessTokenError::Invalid;
    let malformed = invalid("the access token is no JSON Web Token");
    let (signed, signature) = raw.rsplit_once('.').ok_or(malformed)?;
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed);
    let header = decode(signed.split('.').next().unwrap_or_default())?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| malformed)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(invalid("the access token's signature algorithm is not accepted (alg)"));
    }
    let key = key(keys, &header)?;
    key.verify_signature(&header.alg, signed.as_bytes(), &decode(signature)?)
        .map_err(|_| invalid("the access token's signature is not accepted"))?;

    let claims = payload(raw).ok_or(malformed)?;
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
    Ok(claims)
}

/// The key that the header names; without a name, the only one that fits.
fn key<'a>(keys: &'a CoreJsonWebKeySet, header: &Header) -> Result<&'a CoreJsonWebKey, AccessTokenError> {
    let fits = |key: &&CoreJsonWebKey| {
        let kid = key.key_id().map(|id| id.as_str());
        let alg = match key.signing_alg() {
            JsonWebKeyAlgorithm::Algorithm(alg) => *alg == header.alg,
            JsonWebKeyAlgorithm::Unspecified => true,
            JsonWebKeyAlgorithm::Unsupported => false,
        };
        alg && header.kid.as_deref().is_none_or(|wanted| kid == Some(wanted))
    };
    let mut fitting = keys.keys().iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(key), None) => Ok(key),
        (None, _) => Err(AccessTokenError::UnknownKey),
        (Some(_), Some(_)) => Err(AccessTokenError::Invalid("several keys may have signed the access token (kid)")),
    }
}

fn unix(at: OffsetDateTime) -> f64 {
    crate::ambient::to_millis(at) / 1000.0
}

#[cfg(test)]
#[path = "access_token_tests.rs"]
mod tests;
