//! Validation of WorkOS's access tokens, which are JSON Web Tokens (RFC 7519). Pure: all but the signature, which is checked last.
//!
//! It stands in for the ID token's: `aud` may be absent, `iss` has several forms, and there is no nonce; the code's
//! verifier binds the answer to the login.

use time::OffsetDateTime;

use crate::config::WorkOsSettings;
use crate::jose::jwt::Form;
use crate::jose::policy::{Audience, Issued};
use crate::jose::{Flaw, Jwt, Policy};
use crate::provider::keys::Untrusted;

/// It comes from WorkOS itself, whose answers are limited.
const FORM: Form = Form { types: &["jwt", "at+jwt"], max_bytes: usize::MAX };

/// A flaw, in words.
pub const fn words(flaw: Flaw) -> Untrusted {
    Untrusted::Invalid(match flaw {
        Flaw::Issuer => "the access token comes from another issuer than WORKOS_API_HOST (iss)",
        Flaw::Audience => "the access token is meant for another client (aud)",
        Flaw::Endless | Flaw::Expired => "the access token has expired, or does not say when it will (exp)",
        Flaw::NotYet | Flaw::Undated | Flaw::Issued => "the access token is not valid yet (nbf, iat)",
        other => return Untrusted::of(other),
    })
}

/// An access token that passes every check, if the signature is good.
pub fn read<'a>(raw: &'a str, settings: &WorkOsSettings, now: OffsetDateTime) -> Result<Jwt<'a>, Untrusted> {
    let jwt = Jwt::parse(raw, FORM).map_err(words)?;
    let policy = Policy {
        is_issuer: &|iss| settings.is_issuer(iss),
        audience: Audience::AmongIfAny(&settings.client_id),
        issued: Issued::Before,
    };
    policy.check_parties(&jwt.claims).and_then(|()| policy.check_times(&jwt.claims, now)).map_err(words)?;
    Ok(jwt)
}

#[cfg(test)]
#[path = "access_token_tests.rs"]
mod tests;
