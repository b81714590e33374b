//! Validation of ID tokens (OpenID Connect Core 1.0 sections 3.1.3.7 and 12.2). Pure.
//!
//! `openidconnect` checks the signature, `iss`, `aud`, `exp` and `nonce`; what it leaves open is closed here: the
//! algorithms, the leeway, `iat`, `nbf`, `azp` and `at_hash`.

use std::str::FromStr as _;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{
    CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, ClientId, IssuerUrl, Nonce, SignatureVerificationError,
};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

/// How far the provider's clock may be off.
pub(super) const LEEWAY: Duration = Duration::minutes(1);
/// How long ago a token that comes straight from the token endpoint may have been issued.
const MAX_AGE: Duration = Duration::minutes(10);

/// The algorithms that are accepted: public-key ones that `openidconnect` implements.
pub(super) const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What an ID token is held against.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// `iss`.
    pub issuer: &'a IssuerUrl,
    /// `aud`.
    pub client_id: &'a ClientId,
    /// `nonce`; none at a refresh.
    pub nonce: Option<&'a str>,
    /// What `at_hash` is the hash of.
    pub access_token: &'a AccessToken,
}

/// Why an ID token is refused. The words are the gateway's own: nothing of the token is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// No key of this id: worth another look at the provider's keys.
    #[error("the token is signed with a key that the provider does not publish")]
    UnknownKey,
    /// Everything else.
    #[error("{0}")]
    Invalid(&'static str),
}

/// The claims of an ID token that passes every check.
pub fn validate(
    raw: &str,
    keys: &CoreJsonWebKeySet,
    expected: Expected<'_>,
    now: OffsetDateTime,
) -> Result<Map<String, Value>, IdTokenError> {
    let invalid = IdTokenError::Invalid;
    let token = CoreIdToken::from_str(raw).map_err(|_| invalid(why_unreadable(raw)))?;

    // The library knows one current time: the one it compares `exp` with.
    let expiry_now = chrono(now.saturating_sub(LEEWAY));
    let (earliest, latest) = (chrono(now.saturating_sub(MAX_AGE)), chrono(now.saturating_add(LEEWAY)));
    let verifier =
        CoreIdTokenVerifier::new_public_client(expected.client_id.clone(), expected.issuer.clone(), keys.clone())
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || expiry_now)
            .set_issue_time_verifier_fn(
                move |iat| {
                    if iat >= earliest && iat <= latest { Ok(()) } else { Err("iat".to_owned()) }
                },
            );
    let nonce = |found: Option<&Nonce>| match expected.nonce {
        Some(nonce) => openidconnect::NonceVerifier::verify(&Nonce::new(nonce.to_owned()), found),
        None => Ok(()),
    };
    let claims = token.claims(&verifier, nonce).map_err(|error| reason(&error))?;
    check_access_token_hash(&token, claims, &verifier, expected.access_token)?;

    let claims = payload(raw).ok_or(invalid("the ID token is malformed"))?;
    // The library takes dates in words, too, as some providers write `updated_at` so.
    if !["exp", "iat"].iter().all(|name| claims.get(*name).is_some_and(Value::is_number)) {
        return Err(invalid("the ID token's times are no numbers (exp, iat)"));
    }
    match claims.get("nbf") {
        None => {}
        Some(nbf) if nbf.as_f64().is_some_and(|nbf| nbf <= unix(now.saturating_add(LEEWAY))) => {}
        Some(_) => return Err(invalid("the ID token is not valid yet (nbf)")),
    }
    if claims.get("azp").is_some_and(|azp| azp.as_str() != Some(expected.client_id.as_str())) {
        return Err(invalid("the ID token was issued to another client (azp)"));
    }
    Ok(claims)
}

fn check_access_token_hash(
    token: &CoreIdToken,
    claims: &CoreIdTokenClaims,
    verifier: &CoreIdTokenVerifier<'_>,
    access_token: &AccessToken,
) -> Result<(), IdTokenError> {
    let Some(expected) = claims.access_token_hash() else { return Ok(()) };
    let invalid = IdTokenError::Invalid("the ID token belongs to another access token (at_hash)");
    let algorithm = token.signing_alg().map_err(|_| invalid)?;
    let key = token.signing_key(verifier).map_err(|_| invalid)?;
    let actual = AccessTokenHash::from_token(access_token, algorithm, key).map_err(|_| invalid)?;
    if actual == *expected { Ok(()) } else { Err(invalid) }
}

fn reason(error: &ClaimsVerificationError) -> IdTokenError {
    IdTokenError::Invalid(match error {
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey) => {
            return IdTokenError::UnknownKey;
        }
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::AmbiguousKeyId(_)) => {
            "the ID token does not say which key signed it, and several may have (kid)"
        }
        ClaimsVerificationError::SignatureVerification(_) => "the ID token's signature is not accepted",
        ClaimsVerificationError::Expired(_) => "the ID token has expired, or was not issued just now (exp, iat)",
        ClaimsVerificationError::InvalidIssuer(_) => "the ID token comes from another issuer (iss)",
        ClaimsVerificationError::InvalidAudience(_) => "the ID token is meant for another audience (aud)",
        ClaimsVerificationError::InvalidNonce(_) => "the ID token belongs to another login (nonce)",
        ClaimsVerificationError::InvalidSubject(_) => "the ID token names another subject (sub)",
        _ => "the ID token is not accepted",
    })
}

/// What the library takes no token without, in words.
fn why_unreadable(raw: &str) -> &'static str {
    let claims = payload(raw).unwrap_or_default();
    match ["iss", "sub", "exp", "iat"].into_iter().find(|name| claims.get(*name).is_none_or(Value::is_null)) {
        _ if claims.is_empty() => "the ID token cannot be read: it is no signed JWT with claims",
        Some("iss") => "the ID token does not say who issued it (iss is missing)",
        Some("sub") => "the ID token does not say who the user is (sub is missing)",
        Some("exp") => "the ID token does not say when it ends (exp is missing)",
        Some("iat") => "the ID token does not say when it was issued (iat is missing)",
        _ => "the ID token cannot be read: its algorithm, or the type of a claim, is not accepted",
    }
}

/// The claims as the provider wrote them, those unknown to the library included. Says nothing of their truth.
pub fn payload(raw: &str) -> Option<Map<String, Value>> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(raw.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Seconds since the epoch, as JWTs have them.
pub(super) fn unix(at: OffsetDateTime) -> f64 {
    crate::ambient::to_millis(at) / 1000.0
}

fn chrono(at: OffsetDateTime) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(at.unix_timestamp(), at.nanosecond()).unwrap_or_default()
}

#[cfg(test)]
#[path = "id_token_tests.rs"]
mod tests;
