//! Validation of ID tokens (OpenID Connect Core 1.0 sections 3.1.3.7 and 12.2). Pure: what has to hold before the signature is
//! checked is [`read`], the rest is [`check`].

use openidconnect::{AccessToken, ClientId};
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

use super::issuer::Issuer;
use super::keys::Untrusted;
use crate::jose::jwt::Form;
use crate::jose::policy::{Audience, Issued, check_party};
use crate::jose::{Algorithm, Claims, Flaw, Jwt, Policy};

/// It comes from the token endpoint, whose answers are limited. Providers call it a JWT or, rarely, a JOSE object.
const FORM: Form = Form { types: &["jwt", "jose"], max_bytes: usize::MAX };

/// What an ID token is checked against.
#[derive(Clone, Copy)]
pub struct ExpectedIdToken<'a> {
    /// `iss`.
    pub issuer: Issuer<'a>,
    /// `aud`.
    pub client_id: &'a ClientId,
    /// `nonce`; none at a refresh.
    pub nonce: Option<&'a str>,
    /// What `at_hash` is the hash of.
    pub access_token: &'a AccessToken,
    /// `alg`: those that the registration, or the provider's discovery document, names.
    pub algorithms: &'a [&'static Algorithm],
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

/// A flaw, in words.
pub fn words(flaw: Flaw) -> Untrusted {
    Untrusted::Invalid(match flaw {
        Flaw::TooLong | Flaw::Malformed => "the ID token is malformed",
        Flaw::Algorithm => "the ID token is signed with an algorithm that is not accepted (alg, OIDC_ID_TOKEN_ALG)",
        Flaw::Critical | Flaw::Type => "the ID token is not accepted",
        Flaw::Issuer => "the ID token comes from another issuer (iss)",
        Flaw::Audience => "the ID token is meant for another audience (aud)",
        Flaw::Party => "the ID token was issued to another client (azp)",
        Flaw::Endless | Flaw::Expired | Flaw::Undated | Flaw::Issued => {
            "the ID token has expired, or was not issued just now (exp, iat)"
        }
        Flaw::NotYet => "the ID token is not valid yet (nbf)",
        Flaw::AmbiguousKey => "the ID token does not say which key signed it, and several may have (kid)",
        Flaw::UnknownKey | Flaw::UnfittingKey | Flaw::UnusableKey | Flaw::BadSignature => return Untrusted::of(flaw),
    })
}

/// An ID token that is the provider's and for this client, if the signature is good.
pub fn read<'a>(raw: &'a str, expected: ExpectedIdToken<'_>) -> Result<Jwt<'a>, Untrusted> {
    let jwt = Jwt::parse(raw, FORM).map_err(words)?;
    check_types(&jwt.claims).map_err(Untrusted::Invalid)?;
    if jwt.has_content_type {
        return Err(words(Flaw::Type));
    }
    policy(expected.issuer, &jwt.claims, expected.client_id, |policy| policy.check_parties(&jwt.claims))
        .map_err(words)?;
    if expected.algorithms.contains(&jwt.algorithm) { Ok(jwt) } else { Err(words(Flaw::Algorithm)) }
}

/// The claims of an ID token whose signature is good, if they pass the other checks.
pub fn check(jwt: Jwt<'_>, expected: ExpectedIdToken<'_>, now: OffsetDateTime) -> Result<Claims, Untrusted> {
    policy(expected.issuer, &jwt.claims, expected.client_id, |policy| policy.check_times(&jwt.claims, now))
        .map_err(words)?;
    let is = |claim: &str, value: &str| {
        jwt.text(claim).is_some_and(|found| bool::from(found.as_bytes().ct_eq(value.as_bytes())))
    };
    if expected.nonce.is_some_and(|nonce| !is("nonce", nonce)) {
        return Err(Untrusted::Invalid("the ID token belongs to another login (nonce)"));
    }
    if jwt.claims.contains_key("at_hash") && !is("at_hash", &jwt.algorithm.half_hash(expected.access_token.secret())) {
        return Err(Untrusted::Invalid("the ID token belongs to another access token (at_hash)"));
    }
    check_party(&jwt.claims, expected.client_id).map_err(words)?;
    Ok(jwt.claims)
}

/// Whether unchecked claims say that they are about this user, from the issuer and for this client alone.
pub fn is_about(claims: &Claims, issuer: &str, client_id: &ClientId, subject: &str) -> bool {
    let issuer = Issuer::Exactly(issuer);
    let fits = policy(issuer, claims, client_id, |policy| policy.check_parties(claims)).is_ok();
    fits && claims.get("sub").and_then(Value::as_str) == Some(subject)
}

fn policy<T>(issuer: Issuer<'_>, claims: &Claims, client_id: &ClientId, check: impl FnOnce(Policy<'_>) -> T) -> T {
    // Another audience that got the token could present it here.
    let audience = Audience::Alone(client_id);
    check(Policy { is_issuer: &|iss| issuer.is(iss, claims), audience, issued: Issued::JustNow })
}

/// What is wrong with the claims that are used, before anything is made of them: in words that name the claim.
fn check_types(claims: &Claims) -> Result<(), &'static str> {
    if let Some((_, missing)) = REQUIRED.iter().find(|(name, _)| !claims.contains_key(*name)) {
        return Err(missing);
    }
    let names = REQUIRED.iter().map(|(name, _)| *name).chain(OPTIONAL);
    if names.into_iter().any(|name| claims.get(name).is_some_and(Value::is_null)) {
        return Err(
            "the ID token has null for a claim that must have a value (iss, sub, aud, exp, iat, nonce, azp, at_hash, nbf, sid)",
        );
    }
    let text = |name: &str| claims.get(name).is_none_or(Value::is_string);
    if claims.get("sub").and_then(Value::as_str) == Some("") {
        return Err("the ID token names nobody: its subject is empty (sub)");
    }
    if !["iss", "sub", "nonce", "azp", "at_hash", "sid"].into_iter().all(text) {
        return Err("the ID token has something else than text for a claim (iss, sub, nonce, azp, at_hash, sid)");
    }
    if !["exp", "iat", "nbf"].iter().all(|name| claims.get(*name).is_none_or(Value::is_number)) {
        return Err("the ID token's times are no numbers (exp, iat, nbf)");
    }
    Ok(())
}

#[cfg(test)]
#[path = "id_token_tests.rs"]
mod tests;
