//! Validation of logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.6). Pure, but for the keys.

use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{ClientId, IssuerUrl};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::document::Presenter;
use super::id_token::{IdTokenError, LEEWAY, unix};
use super::jws::Jws;
use super::oidc::Oidc;
use super::{ProviderError, keys};

/// The member of `events` that makes a token a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How old one may be: the provider sends it at once, and may try again.
const MAX_AGE: Duration = Duration::minutes(10);
/// What it calls itself, where it does.
const TYPES: [&str; 3] = ["jwt", "logout+jwt", "application/logout+jwt"];
/// Longer ones are nobody's.
const MAX_BYTES: usize = 16 << 10;

/// Whose sessions a provider has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    /// `iss`.
    pub issuer: String,
    /// `sub`; without it there is a `sid`.
    pub subject: Option<String>,
    /// `sid`; without it all sessions of the user have ended.
    pub sid: Option<String>,
    /// `jti`.
    pub jti: String,
    /// When it is not accepted any longer.
    pub expires_at: OffsetDateTime,
}

/// What a logout token is checked against.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// `iss`.
    pub issuer: &'a IssuerUrl,
    /// In `aud`.
    pub client_id: &'a ClientId,
    /// `alg`: the same as for ID tokens (section 2.6).
    pub algorithms: &'a [CoreJwsSigningAlgorithm],
}

impl Oidc {
    /// Reads a logout token, with one look at the provider's keys anew where its key is missing.
    pub async fn logout_token(&self, now: OffsetDateTime, raw: &str) -> Result<LogoutToken, ProviderError> {
        let metadata = self.metadata(now).await?;
        let algorithms = self.algorithms(&metadata);
        let expected =
            Expected { issuer: &self.settings.issuer, client_id: &self.settings.client_id, algorithms: &algorithms };
        let check = |keys: &CoreJsonWebKeySet| validate(raw, keys, expected, now);
        let validated = keys::check(metadata.jwks_uri(), &self.link, Presenter::Anybody, check).await?;
        validated.map_err(|error| ProviderError::Callback(error.to_string()))
    }
}

/// What a logout token says that passes every check.
pub fn validate(
    raw: &str,
    keys: &CoreJsonWebKeySet,
    Expected { issuer, client_id, algorithms }: Expected<'_>,
    now: OffsetDateTime,
) -> Result<LogoutToken, IdTokenError> {
    let invalid = IdTokenError::Invalid;
    if raw.len() > MAX_BYTES {
        return Err(invalid("the logout token is too long"));
    }
    let jws = Jws::read(raw, algorithms, &TYPES)?;
    let claims = &jws.claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let number = |name: &str| claims.get(name).and_then(Value::as_f64);

    if text("iss") != Some(issuer.as_str()) {
        return Err(invalid("the logout token comes from another issuer (iss)"));
    }
    let for_us = match claims.get("aud") {
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == client_id.as_str()),
        audience => audience.and_then(Value::as_str) == Some(client_id.as_str()),
    };
    if !for_us {
        return Err(invalid("the logout token is meant for another audience (aud)"));
    }
    let (Some(iat), Some(exp)) = (number("iat"), number("exp")) else {
        return Err(invalid("the logout token lacks its times (iat, exp)"));
    };
    let (earliest, latest) = (unix(now.saturating_sub(MAX_AGE)), unix(now.saturating_add(LEEWAY)));
    if iat < earliest || iat > latest || exp <= unix(now.saturating_sub(LEEWAY)) {
        return Err(invalid("the logout token has expired, or was not issued just now (exp, iat)"));
    }
    if claims.get("events").and_then(|events| events.get(EVENT)).is_none_or(|event| !event.is_object()) {
        return Err(invalid("the token is no logout token (events)"));
    }
    // An ID token, which has one, must not be taken for a logout token.
    if claims.contains_key("nonce") {
        return Err(invalid("a logout token has no nonce"));
    }
    // One that is there names somebody: what is empty, or no text, must not make of one user's token one for all.
    let names = |name: &str| !claims.contains_key(name) || text(name).is_some();
    let (subject, sid) = (text("sub").map(str::to_owned), text("sid").map(str::to_owned));
    if !names("sub") || !names("sid") || (subject.is_none() && sid.is_none()) {
        return Err(invalid("the logout token names nobody (sub, sid)"));
    }
    let jti = text("jti").ok_or(invalid("the logout token has no jti"))?.to_owned();
    // Last of all: anybody may send a token, and what cannot be good costs the provider no fetch.
    jws.verify(keys)?;
    // Whatever its `exp`: it is too old by then.
    let expires_at = now.saturating_add(MAX_AGE).saturating_add(LEEWAY);
    Ok(LogoutToken { issuer: issuer.to_string(), subject, sid, jti, expires_at })
}

#[cfg(test)]
#[path = "logout_token_tests.rs"]
mod tests;
