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

/// What an ID token is checked against.
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
    /// `alg`: those that the registration, or the provider's discovery document, names.
    pub algorithms: &'a [CoreJwsSigningAlgorithm],
}

/// Why an ID token is refused. The words are the gateway's own: nothing of the token is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// No key of this id: worth another look at the provider's keys.
    #[error("the token is signed with a key that the provider does not publish")]
    UnknownKey,
    /// Not the signature of the key of this id, which may be another by now: worth another look, too.
    #[error("the token's signature is not accepted")]
    BadSignature,
    /// Everything else.
    #[error("{0}")]
    Invalid(&'static str),
}

impl IdTokenError {
    /// Whether other keys could change it.
    pub const fn is_about_the_key(self) -> bool {
        matches!(self, Self::UnknownKey | Self::BadSignature)
    }
}

/// The claims that are used, and so must be of their type where they are there; and what is said of those that must be
/// there, and are not.
const REQUIRED: [(&str, &str); 5] = [
    ("iss", "the ID token has no issuer (iss)"),
    ("sub", "the ID token has no subject (sub)"),
    ("aud", "the ID token has no audience (aud)"),
    ("exp", "the ID token does not say when it ends (exp)"),
    ("iat", "the ID token does not say when it was issued (iat)"),
];
/// The same, which may be missing.
const OPTIONAL: [&str; 5] = ["nonce", "azp", "at_hash", "nbf", "sid"];

/// The claims of an ID token that passes every check.
pub fn validate(
    raw: &str,
    keys: &CoreJsonWebKeySet,
    expected: Expected<'_>,
    now: OffsetDateTime,
) -> Result<Map<String, Value>, IdTokenError> {
    let invalid = IdTokenError::Invalid;
    let claims = payload(raw).ok_or(invalid("the ID token is malformed"))?;
    check_types(&claims)?;
    let token = CoreIdToken::from_str(raw).map_err(|_| {
        invalid("the ID token cannot be read: its algorithm (alg), or the type of a claim, is not accepted")
    })?;

    // The library knows one current time: the one it compares `exp` with.
    let expiry_now = chrono(now.saturating_sub(LEEWAY));
    let (earliest, latest) = (chrono(now.saturating_sub(MAX_AGE)), chrono(now.saturating_add(LEEWAY)));
    let verifier =
        CoreIdTokenVerifier::new_public_client(expected.client_id.clone(), expected.issuer.clone(), keys.clone())
            .set_allowed_algs(ALGORITHMS.into_iter().filter(|algorithm| expected.algorithms.contains(algorithm)))
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
    let read = token.claims(&verifier, nonce).map_err(|error| reason(&error))?;
    check_access_token_hash(&token, read, &verifier, expected.access_token)?;
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

/// What is wrong with the claims that are used, before anything is made of them: in words that name the claim.
fn check_types(claims: &Map<String, Value>) -> Result<(), IdTokenError> {
    let invalid = |why| Err(IdTokenError::Invalid(why));
    if let Some((_, missing)) = REQUIRED.iter().find(|(name, _)| !claims.contains_key(*name)) {
        return invalid(missing);
    }
    let names = REQUIRED.iter().map(|(name, _)| *name).chain(OPTIONAL);
    if names.into_iter().any(|name| claims.get(name).is_some_and(Value::is_null)) {
        return invalid(
            "the ID token has null for a claim that must have a value (iss, sub, aud, exp, iat, nonce, azp, at_hash, nbf, sid)",
        );
    }
    let text = |name: &str| claims.get(name).is_none_or(Value::is_string);
    if claims.get("sub").and_then(Value::as_str) == Some("") {
        return invalid("the ID token names nobody: its subject is empty (sub)");
    }
    if !["iss", "sub", "nonce", "azp", "at_hash", "sid"].into_iter().all(text) {
        return invalid("the ID token has something else than text for a claim (iss, sub, nonce, azp, at_hash, sid)");
    }
    // The library takes dates in words, too, as some providers write `updated_at` so.
    if !["exp", "iat", "nbf"].iter().all(|name| claims.get(*name).is_none_or(Value::is_number)) {
        return invalid("the ID token's times are no numbers (exp, iat, nbf)");
    }
    Ok(())
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
        // A key that suits the algorithm in its type alone (its curve is another, it is too weak) may be another by now, too.
        ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::CryptoError(_) | SignatureVerificationError::InvalidKey(_),
        ) => {
            return IdTokenError::BadSignature;
        }
        ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::DisallowedAlg(_)
            | SignatureVerificationError::UnsupportedAlg(_)
            | SignatureVerificationError::NoSignature,
        ) => "the ID token is signed with an algorithm that is not accepted (alg, OIDC_ID_TOKEN_ALG)",
        ClaimsVerificationError::SignatureVerification(_) => "the ID token's signature is not accepted",
        ClaimsVerificationError::Expired(_) => "the ID token has expired, or was not issued just now (exp, iat)",
        ClaimsVerificationError::InvalidIssuer(_) => "the ID token comes from another issuer (iss)",
        ClaimsVerificationError::InvalidAudience(_) => "the ID token is meant for another audience (aud)",
        ClaimsVerificationError::InvalidNonce(_) => "the ID token belongs to another login (nonce)",
        ClaimsVerificationError::InvalidSubject(_) => "the ID token names another subject (sub)",
        _ => "the ID token is not accepted",
    })
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
