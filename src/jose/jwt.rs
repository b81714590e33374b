//! A signed JSON Web Token in the compact form (RFC 7515 section 7.1, RFC 7519, RFC 8725), read and not verified. Pure.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::algorithm::Algorithm;
use super::flaw::Flaw;
use super::policy::Claims;

/// What tokens of one kind look like.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// What `typ` may say, in lower case and without `application/`. It may be missing.
    pub types: &'static [&'static str],
    /// Longer ones are refused before they are read.
    pub max_bytes: usize,
}

/// The header, as far as it is understood (RFC 7515 section 4.1). Keys that a token brings along or names by URL are not.
#[derive(Deserialize)]
struct Header {
    alg: Option<String>,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    cty: bool,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

/// Whether a member is there, whatever it says.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// See the module.
pub struct Jwt<'a> {
    /// How it says it is signed: one of the algorithms that are accepted.
    pub algorithm: &'static Algorithm,
    /// The id of the key that it says it is signed with.
    pub kid: Option<String>,
    /// Whether it says what its content is (`cty`), as a token within a token does.
    pub has_content_type: bool,
    /// What it says.
    pub claims: Claims,
    /// What the signature is of.
    pub signed: &'a str,
    /// The signature.
    pub signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// Reads a token: three parts, an algorithm that is accepted, a type that fits.
    pub fn parse(token: &'a str, form: Form) -> Result<Self, Flaw> {
        if token.len() > form.max_bytes {
            return Err(Flaw::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Flaw::Malformed)?;
        let (header, claims) =
            signed.split_once('.').filter(|(_, claims)| !claims.contains('.')).ok_or(Flaw::Malformed)?;
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Malformed);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Flaw::Malformed)?;
        let claims: Claims = serde_json::from_slice(&decode(claims)?).map_err(|_| Flaw::Malformed)?;
        let signature = decode(signature)?;
        let algorithm = Algorithm::named(&header.alg.unwrap_or_default()).ok_or(Flaw::Algorithm)?;
        if header.crit {
            return Err(Flaw::Critical);
        }
        if let Some(typ) = header.typ {
            let typ = typ.to_ascii_lowercase();
            if !form.types.contains(&typ.strip_prefix("application/").unwrap_or(&typ)) {
                return Err(Flaw::Type);
            }
        }
        Ok(Self { algorithm, kid: header.kid, has_content_type: header.cty, claims, signed, signature })
    }

    /// A token's text claim.
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }
}

/// Members of a token's header that this kind of token has beside the usual ones.
pub fn header_as<T: DeserializeOwned>(raw: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(raw.split('.').next()?).ok()?).ok()
}

/// The claims of a token that is not checked. They need not be true.
pub fn payload(raw: &str) -> Option<Claims> {
    payload_as(raw)
}

/// Some of them.
pub fn payload_as<T: DeserializeOwned>(raw: &str) -> Option<T> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(raw.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
