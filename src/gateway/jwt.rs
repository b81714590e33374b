//! JSON Web Tokens that clients bring (RFC 7519, RFC 8725): what they say, which key may have signed them, and whether
//! their claims are good. Pure; the signature itself is checked in [`super::bearer`].

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::ambient;
use crate::gateway::forward::identity::Claims;
use crate::gateway::jwk::{ALGORITHMS, Algorithm, Jwk};

/// How far the issuer's clock may be off.
const LEEWAY: Duration = Duration::minutes(1);
/// The year 10000, in Unix seconds: no honest token lasts that long, and `1e300` is no time at all.
const END_OF_TIME: f64 = 253_402_300_800.0;
/// Longer ones are no honest client's.
const MAX_LENGTH: usize = 16 << 10;
/// What `typ` may say, `application/` aside: an access token (RFC 9068), or nothing in particular.
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// Why a JWT is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// No key of this id: worth another look at the keys.
    #[error("The bearer token is signed with a key that is not known.")]
    UnknownKey,
    /// Not the signature of the key of this id, which may be another by now: worth another look, too.
    #[error("The bearer token's signature is not accepted.")]
    BadSignature,
    /// Nor a key of this id that suits the algorithm, which may be another by now as well.
    #[error("The bearer token's key is not meant for this (alg, use, key_ops).")]
    UnfittingKey,
    /// Everything else. The words are the gateway's own: nothing of the token is quoted.
    #[error("{0}")]
    Invalid(&'static str),
}

impl JwtError {
    /// Whether other keys could change it.
    pub const fn is_about_the_key(self) -> bool {
        matches!(self, Self::UnknownKey | Self::BadSignature | Self::UnfittingKey)
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

/// A JWT, read and not verified.
pub struct Jwt<'a> {
    /// Who may have signed it, and how.
    pub algorithm: &'static Algorithm,
    kid: Option<String>,
    /// What it says.
    pub claims: Claims,
    /// What the signature is of.
    pub signed: &'a str,
    /// The signature.
    pub signature: Vec<u8>,
}

/// What a JWT is held against.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// In `aud`.
    pub audience: &'a str,
}

impl<'a> Jwt<'a> {
    /// Reads a token: three parts (RFC 7515 section 7.1), an algorithm that is accepted, a type that fits.
    pub fn parse(token: &'a str) -> Result<Self, JwtError> {
        let malformed = JwtError::Invalid("The bearer token is no signed JWT.");
        if token.len() > MAX_LENGTH {
            return Err(JwtError::Invalid("The bearer token is too long."));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
        let (header, claims) = signed.split_once('.').filter(|(_, claims)| !claims.contains('.')).ok_or(malformed)?;
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| malformed)?;
        let claims: Claims = serde_json::from_slice(&decode(claims)?).map_err(|_| malformed)?;
        if header.crit.is_some() {
            return Err(JwtError::Invalid(
                "The bearer token has critical extensions, which are not understood (crit).",
            ));
        }
        let typ = header.typ.unwrap_or_else(|| "JWT".to_owned()).to_ascii_lowercase();
        if !TYPES.contains(&typ.strip_prefix("application/").unwrap_or(&typ)) {
            return Err(JwtError::Invalid("The bearer token is of another type (typ)."));
        }
        let algorithm = ALGORITHMS.iter().find(|algorithm| algorithm.name == header.alg);
        let algorithm = algorithm.ok_or(JwtError::Invalid("The bearer token's algorithm is not accepted (alg)."))?;
        Ok(Self { algorithm, kid: header.kid, claims, signed, signature: decode(signature)? })
    }

    /// Whether its claims are good at `now`.
    pub fn check(&self, expected: Expected<'_>, now: OffsetDateTime) -> Result<(), JwtError> {
        let invalid = |why| Err(JwtError::Invalid(why));
        let unix = |at: OffsetDateTime| ambient::to_millis(at) / 1000.0;
        let (earliest, latest) = (unix(now.saturating_sub(LEEWAY)), unix(now.saturating_add(LEEWAY)));
        match self.claims.get("exp").and_then(Value::as_f64) {
            Some(exp) if exp > earliest && exp < END_OF_TIME => {}
            Some(_) => return invalid("The bearer token has expired (exp)."),
            None => return invalid("The bearer token has no end (exp)."),
        }
        for (claim, why) in
            [("nbf", "The bearer token is not valid yet (nbf)."), ("iat", "The bearer token is from the future (iat).")]
        {
            match self.claims.get(claim) {
                None => {}
                Some(at) if at.as_f64().is_some_and(|at| at <= latest) => {}
                Some(_) => return invalid(why),
            }
        }
        if self.claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
            return invalid("The bearer token comes from another issuer (iss).");
        }
        let is_meant = match self.claims.get("aud") {
            Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == expected.audience),
            audience => audience.and_then(Value::as_str) == Some(expected.audience),
        };
        if is_meant { Ok(()) } else { invalid("The bearer token is meant for another audience (aud).") }
    }

    /// The position of the key that signed it. A token that names none is accepted only where a single key fits.
    pub fn key<'k>(&self, keys: impl Iterator<Item = &'k Jwk>) -> Result<usize, JwtError> {
        let named = keys.enumerate().filter(|(_, key)| self.kid.is_none() || key.kid == self.kid);
        let named: Vec<(usize, &Jwk)> = named.collect();
        if named.is_empty() && self.kid.is_some() {
            return Err(JwtError::UnknownKey);
        }
        let mut fitting = named.into_iter().filter(|(_, key)| key.fits(self.algorithm));
        match (fitting.next(), fitting.next()) {
            (Some((at, _)), None) => Ok(at),
            (None, _) => Err(JwtError::UnfittingKey),
            (Some(_), Some(_)) => {
                Err(JwtError::Invalid("The bearer token does not say which key signed it, and several may have (kid)."))
            }
        }
    }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
