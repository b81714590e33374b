//! Checks the claims of a token: issuer, audience and times (RFC 7519 section 4.1). Pure.

use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::flaw::Flaw;
use crate::ambient;

/// Claims by name.
pub type Claims = Map<String, Value>;

/// How far the issuer's clock may be off.
pub const LEEWAY: Duration = Duration::minutes(1);
/// How old a token may be that comes straight from its issuer.
pub const MAX_AGE: Duration = Duration::minutes(10);
/// The year 10000, in Unix seconds: no honest token lasts that long, and `1e300` is no time at all.
const END_OF_TIME: f64 = 253_402_300_800.0;

/// What `aud` has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience<'a> {
    /// This client. Others that get the token could present it here. So they may stand beside it only where `azp` says that
    /// the token was issued to this client, or, without `azp`, where they are trusted. With `azp` of another client it never is.
    Client {
        /// Its id.
        id: &'a str,
        /// Whom it trusts with its tokens.
        trusted: &'a [String],
    },
    /// This one, maybe among others.
    Among(&'a str),
    /// The same, where it says anything.
    AmongIfAny(&'a str),
}

/// What `iat` has to say, and `exp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issued {
    /// `iat`: a time within the last minutes.
    JustNow,
    /// `iat`: nothing, or a time that is past.
    Before,
    /// `iat` as for [`Issued::JustNow`]. A token without `exp` lasts for this long from then.
    For(Duration),
    /// `iat`: nothing, or a time that is past. `exp` may be missing, and then nothing says how long the token lasts.
    OpenEnded,
}

/// What a token is checked against. What it says of times has to be numbers; each has a leeway.
#[derive(Clone, Copy)]
pub struct Policy<'a> {
    /// Whether `iss` is the issuer's.
    pub is_issuer: &'a dyn Fn(&str) -> bool,
    /// `aud`.
    pub audience: Audience<'a>,
    /// `iat`.
    pub issued: Issued,
}

impl Policy<'_> {
    /// Whether the token is the issuer's, and for this audience.
    pub fn check_parties(&self, claims: &Claims) -> Result<(), Flaw> {
        self.check_issuer(claims)?;
        self.check_audience(claims)
    }

    /// The same of what need not name its issuer or whom it is for: what it says of them holds.
    pub fn check_stated_parties(&self, claims: &Claims) -> Result<(), Flaw> {
        if claims.contains_key("iss") {
            self.check_issuer(claims)?;
        }
        match (claims.contains_key("aud"), self.audience, claims.get("azp")) {
            (true, ..) => self.check_audience(claims),
            (false, Audience::Client { id, .. }, Some(azp)) if azp != id => Err(Flaw::Party),
            (false, ..) => Ok(()),
        }
    }

    fn check_issuer(&self, claims: &Claims) -> Result<(), Flaw> {
        if claims.get("iss").and_then(Value::as_str).is_some_and(self.is_issuer) { Ok(()) } else { Err(Flaw::Issuer) }
    }

    fn check_audience(&self, claims: &Claims) -> Result<(), Flaw> {
        let is_meant = match (self.audience, claims.get("aud")) {
            (Audience::Client { id, trusted }, aud) => return check_client(id, trusted, aud, claims.get("azp")),
            (Audience::AmongIfAny(_), None) => true,
            (Audience::Among(wanted) | Audience::AmongIfAny(wanted), Some(Value::Array(audiences))) => {
                audiences.iter().any(|audience| audience == wanted)
            }
            (Audience::Among(wanted) | Audience::AmongIfAny(wanted), audience) => {
                audience.and_then(Value::as_str) == Some(wanted)
            }
        };
        if is_meant { Ok(()) } else { Err(Flaw::Audience) }
    }

    /// Whether the token is good at `now`.
    pub fn check_times(&self, claims: &Claims, now: OffsetDateTime) -> Result<(), Flaw> {
        let (earliest, latest) = (unix(now.saturating_sub(LEEWAY)), unix(now.saturating_add(LEEWAY)));
        let time = |claim: &str| claims.get(claim).map(Value::as_f64);
        let iat = time("iat").flatten();
        match (time("exp"), self.issued) {
            (Some(Some(exp)), _) if exp > earliest && exp < END_OF_TIME => {}
            (Some(Some(_)), _) => return Err(Flaw::Expired),
            (None, Issued::OpenEnded) => {}
            // Without a leeway: a replayed one is good for so long.
            (None, Issued::For(life)) if iat.is_none_or(|iat| iat >= unix(now.saturating_sub(life))) => {}
            (None, Issued::For(_)) => return Err(Flaw::Expired),
            (Some(None) | None, _) => return Err(Flaw::Endless),
        }
        if time("nbf").is_some_and(|nbf| !nbf.is_some_and(|nbf| nbf <= latest)) {
            return Err(Flaw::NotYet);
        }
        let is_dated = matches!(self.issued, Issued::JustNow | Issued::For(_));
        match time("iat") {
            Some(Some(iat)) if is_dated && iat < unix(now.saturating_sub(MAX_AGE)) => Err(Flaw::Issued),
            Some(Some(iat)) if iat > latest => Err(Flaw::Issued),
            Some(Some(_)) => Ok(()),
            None if !is_dated => Ok(()),
            Some(None) | None => Err(Flaw::Undated),
        }
    }
}

/// [`Audience::Client`].
fn check_client(id: &str, trusted: &[String], aud: Option<&Value>, azp: Option<&Value>) -> Result<(), Flaw> {
    let audiences = match aud {
        Some(Value::Array(audiences)) => audiences.as_slice(),
        Some(audience) => std::slice::from_ref(audience),
        None => &[],
    };
    if !audiences.iter().all(Value::is_string) || !audiences.iter().any(|audience| audience == id) {
        return Err(Flaw::Audience);
    }
    let is_trusted = |audience: &Value| audience == id || trusted.iter().any(|known| audience == known.as_str());
    match azp {
        Some(azp) if azp == id => Ok(()),
        Some(_) => Err(Flaw::Party),
        None if audiences.iter().all(is_trusted) => Ok(()),
        None => Err(Flaw::FurtherAudience),
    }
}

/// Seconds since the epoch, as JWTs have them.
fn unix(at: OffsetDateTime) -> f64 {
    ambient::to_millis(at) / 1000.0
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
