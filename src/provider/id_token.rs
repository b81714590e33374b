//! Validation of ID tokens (OpenID Connect Core 1.0 sections 3.1.3.7 and 12.2). Pure: what has to hold before the signature is
//! checked is [`read`], the rest is [`check`].

use openidconnect::{AccessToken, ClientId};
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use time::OffsetDateTime;

use super::issuer::Issuer;
use super::keys::{Untrusted, further_audience};
use super::logout_token;
use crate::jose::jwt::Form;
use crate::jose::policy::{Audience, Issued};
use crate::jose::{Algorithm, Claims, Flaw, Jwt, Policy};

/// It comes from the token endpoint, whose answers are limited. Providers call it a JWT or, rarely, a JOSE object.
const FORM: Form = Form { types: &["jwt", "jose"], max_bytes: usize::MAX };

/// What an ID token is checked against.
#[derive(Clone, Copy)]
pub struct ExpectedIdToken<'a> {
    /// `iss`.
    pub issuer: Issuer<'a>,
    /// In `aud`.
    pub client_id: &'a ClientId,
    /// Who else may be in `aud` of a token without `azp`: `OIDC_TRUSTED_AUDIENCES`.
    pub trusted_audiences: &'a [String],
    /// `nonce`; none at a refresh.
    pub nonce: Option<&'a str>,
    /// Whether the nonce may be missing: `OIDC_NONCE`. One that is there must be right all the same.
    pub nonce_optional: bool,
    /// What `at_hash` is the hash of.
    pub access_token: &'a AccessToken,
    /// `alg`: those that the registration, or the provider's discovery document, names.
    pub algorithms: &'a [&'static Algorithm],
    /// `OIDC_AUTHORIZATION_PARAMS`, which may ask for claims.
    pub asked: &'a [(String, String)],
}

impl<'a> ExpectedIdToken<'a> {
    fn audience(&self) -> Audience<'a> {
        Audience::Client { id: self.client_id, trusted: self.trusted_audiences }
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
/// The same, which may be missing. Any other claim may be any JSON: no check depends on it.
const OPTIONAL: [&str; 6] = ["nonce", "azp", "at_hash", "nbf", "sid", "events"];
/// Claims that are used where the authorization request asks for them, and the parameter that does (OpenID Connect Core 1.0 section
/// 3.1.2.1); the parameter `claims` (section 5.5) asks for any.
const ASKED_FOR: [(&str, &str); 2] = [("acr", "acr_values"), ("auth_time", "max_age")];

/// A flaw, in words.
pub fn words(flaw: Flaw) -> Untrusted {
    Untrusted::Invalid(match flaw {
        Flaw::TooLong | Flaw::Malformed => "the ID token is malformed",
        Flaw::Algorithm => "the ID token is signed with an algorithm that is not accepted (alg, OIDC_ID_TOKEN_ALG)",
        Flaw::Critical | Flaw::Type => "the ID token is not accepted",
        Flaw::Issuer => "the ID token comes from another issuer (iss)",
        Flaw::Audience => "the ID token is meant for another audience (aud)",
        Flaw::FurtherAudience => further_audience!("ID token"),
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
    check_types(&jwt.claims, expected.asked).map_err(Untrusted::Invalid)?;
    if jwt.has_content_type {
        return Err(words(Flaw::Type));
    }
    policy(expected.issuer, &jwt.claims, expected.audience(), |policy| policy.check_parties(&jwt.claims))
        .map_err(words)?;
    if expected.algorithms.contains(&jwt.algorithm) { Ok(jwt) } else { Err(words(Flaw::Algorithm)) }
}

/// The claims of an ID token whose signature is good, if they pass the other checks.
pub fn check(jwt: Jwt<'_>, expected: ExpectedIdToken<'_>, now: OffsetDateTime) -> Result<Claims, Untrusted> {
    policy(expected.issuer, &jwt.claims, expected.audience(), |policy| policy.check_times(&jwt.claims, now))
        .map_err(words)?;
    let is = |claim: &str, value: &str| {
        jwt.text(claim).is_some_and(|found| bool::from(found.as_bytes().ct_eq(value.as_bytes())))
    };
    // Without a nonce the code's verifier (PKCE) binds the token to the login: it came for this code.
    match expected.nonce {
        Some(nonce) if jwt.claims.contains_key("nonce") && !is("nonce", nonce) => {
            return Err(Untrusted::Invalid("the ID token belongs to another login (nonce)"));
        }
        Some(_) if !expected.nonce_optional && !jwt.claims.contains_key("nonce") => {
            return Err(Untrusted::Invalid(
                "the ID token does not say which login it belongs to (nonce). Where the provider never says it, set OIDC_NONCE = \"optional\"",
            ));
        }
        Some(_) | None => {}
    }
    if jwt.claims.contains_key("at_hash") && !is("at_hash", &jwt.algorithm.half_hash(expected.access_token.secret())) {
        return Err(Untrusted::Invalid("the ID token belongs to another access token (at_hash)"));
    }
    Ok(jwt.claims)
}

/// Whether unchecked claims say that they are about this user, from the issuer and for this client.
pub fn is_about(claims: &Claims, issuer: &str, audience: Audience<'_>, subject: &str) -> bool {
    let issuer = Issuer::Exactly(issuer);
    let fits = policy(issuer, claims, audience, |policy| policy.check_parties(claims)).is_ok();
    fits && claims.get("sub").and_then(Value::as_str) == Some(subject)
}

fn policy<T>(issuer: Issuer<'_>, claims: &Claims, audience: Audience<'_>, check: impl FnOnce(Policy<'_>) -> T) -> T {
    check(Policy { is_issuer: &|iss| issuer.is(iss, claims), audience, issued: Issued::JustNow })
}

/// What is wrong with the claims that are used, before anything is made of them: in words that name the claim.
fn check_types(claims: &Claims, asked: &[(String, String)]) -> Result<(), &'static str> {
    if let Some((_, missing)) = REQUIRED.iter().find(|(name, _)| !claims.contains_key(*name)) {
        return Err(missing);
    }
    let parameter = |wanted: &str| asked.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let requested: Value = parameter("claims").and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let is_requested = |claim: &str| requested.get("id_token").is_some_and(|claims| claims.get(claim).is_some());
    let is_asked = |(claim, name): &(&str, &str)| parameter(name).is_some() || is_requested(claim);
    let asked_for = ASKED_FOR.into_iter().filter(is_asked).map(|(name, _)| name);
    let mut used = REQUIRED.iter().map(|(name, _)| *name).chain(OPTIONAL).chain(asked_for.clone());
    if used.any(|name| claims.get(name).is_some_and(Value::is_null)) {
        return Err(
            "the ID token has null for a claim that must have a value (iss, sub, aud, exp, iat, nonce, azp, at_hash, nbf, sid, events; acr, auth_time where they are asked for)",
        );
    }
    let is = |name: &str, is_type: fn(&Value) -> bool| claims.get(name).is_none_or(is_type);
    if claims.get("sub").and_then(Value::as_str) == Some("") {
        return Err("the ID token names nobody: its subject is empty (sub)");
    }
    if !["iss", "sub", "nonce", "azp", "at_hash", "sid"].into_iter().all(|name| is(name, Value::is_string)) {
        return Err("the ID token has something else than text for a claim (iss, sub, nonce, azp, at_hash, sid)");
    }
    if !["exp", "iat", "nbf"].into_iter().all(|name| is(name, Value::is_number)) {
        return Err("the ID token's times are no numbers (exp, iat, nbf)");
    }
    if !is("events", Value::is_object) {
        return Err("the ID token's events are no object (events)");
    }
    // Where the nonce is optional, nothing else would tell them apart.
    if claims.get("events").is_some_and(|events| events.get(logout_token::EVENT).is_some()) {
        return Err("a logout token came in place of an ID token (events)");
    }
    let fits = |name: &str| if name == "auth_time" { is(name, Value::is_number) } else { is(name, Value::is_string) };
    if !asked_for.into_iter().all(fits) {
        return Err("a claim that was asked for has another type (acr: text, auth_time: a number)");
    }
    Ok(())
}

#[cfg(test)]
#[path = "id_token_tests.rs"]
mod tests;
