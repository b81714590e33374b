//! Validation of logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.6). Pure, but for the keys.

use openidconnect::ClientId;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::issuer::Issuer;
use super::keys::{Untrusted, further_audience};
use crate::jose::jwt::Form;
use crate::jose::policy::{Audience, Issued, LEEWAY, MAX_AGE};
use crate::jose::{Algorithm, Flaw, Jwt, Policy};

/// The member of `events` that makes a token a logout token.
pub(super) const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// What `typ` may say. No provider sends a longer token.
const FORM: Form = Form { types: &["jwt", "logout+jwt"], max_bytes: 16 << 10 };

/// How long a token without `exp` is accepted, from its `iat`: early drafts of the specification did not require `exp`. Its `jti` is
/// remembered for longer.
const LIFE_WITHOUT_EXP: Duration = Duration::minutes(2);

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
pub struct ExpectedLogoutToken<'a> {
    /// `iss`.
    pub issuer: Issuer<'a>,
    /// In `aud`.
    pub client_id: &'a ClientId,
    /// Who else may be in `aud` of a token without `azp`: `OIDC_TRUSTED_AUDIENCES`.
    pub trusted_audiences: &'a [String],
    /// `alg`: the same as for ID tokens (section 2.6).
    pub algorithms: &'a [&'static Algorithm],
}

/// A flaw, in words.
pub(super) const fn words(flaw: Flaw) -> Untrusted {
    Untrusted::Invalid(match flaw {
        Flaw::TooLong => "the logout token is too long",
        Flaw::Issuer => "the logout token comes from another issuer (iss)",
        Flaw::Audience => "the logout token is meant for another audience (aud)",
        Flaw::FurtherAudience => further_audience!("logout token"),
        Flaw::Endless | Flaw::Undated => "the logout token lacks its times (iat, exp)",
        Flaw::Expired | Flaw::Issued => "the logout token has expired, or was not issued just now (exp, iat)",
        other => return Untrusted::of(other),
    })
}

/// What a logout token that passes every other check says, if the signature is good.
pub(super) fn read<'a>(
    raw: &'a str,
    ExpectedLogoutToken { issuer, client_id, trusted_audiences, algorithms }: ExpectedLogoutToken<'_>,
    now: OffsetDateTime,
) -> Result<(Jwt<'a>, LogoutToken), Untrusted> {
    let invalid = Untrusted::Invalid;
    let jwt = Jwt::parse(raw, FORM).map_err(words)?;
    if !algorithms.contains(&jwt.algorithm) {
        return Err(words(Flaw::Algorithm));
    }
    let policy = Policy {
        is_issuer: &|iss| issuer.is(iss, &jwt.claims),
        audience: Audience::Client { id: client_id, trusted: trusted_audiences },
        issued: Issued::For(LIFE_WITHOUT_EXP),
    };
    let claims = &jwt.claims;
    policy.check_parties(claims).and_then(|()| policy.check_times(claims, now)).map_err(words)?;
    if claims.get("events").and_then(|events| events.get(EVENT)).is_none_or(|event| !event.is_object()) {
        return Err(invalid("the token is no logout token (events)"));
    }
    // An ID token has a nonce, and must not be taken for a logout token.
    if claims.contains_key("nonce") {
        return Err(invalid("a logout token has no nonce"));
    }
    // If it is there, it must name somebody. An empty one must not turn one user's token into a token for all.
    let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let names = |name: &str| !claims.contains_key(name) || text(name).is_some();
    let (subject, sid) = (text("sub").map(str::to_owned), text("sid").map(str::to_owned));
    if !names("sub") || !names("sid") || (subject.is_none() && sid.is_none()) {
        return Err(invalid("the logout token names nobody (sub, sid)"));
    }
    let jti = text("jti").ok_or(invalid("the logout token has no jti"))?.to_owned();
    // Whatever its `exp`: it is too old by then.
    let expires_at = now.saturating_add(MAX_AGE).saturating_add(LEEWAY);
    // It was checked: of several tenants it names one.
    let issuer = text("iss").ok_or(words(Flaw::Issuer))?.to_owned();
    let said = LogoutToken { issuer, subject, sid, jti, expires_at };
    Ok((jwt, said))
}

#[cfg(test)]
#[path = "logout_token_tests.rs"]
mod tests;
