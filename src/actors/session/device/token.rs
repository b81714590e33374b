//! The JWT with which a browser proves that it has a device's key (`dbsc+jwt`): read, and checked with that key.

use serde::Deserialize;

use crate::device::Thumbprint;
use crate::jose::jwk::Jwk;
use crate::jose::jwt::{self, Form};
use crate::jose::{Algorithm, Flaw, Jwt};
use crate::runtime::{Signatures, Signed};

/// The one algorithm that is offered.
pub const ALGORITHM: &str = "ES256";
/// What `typ` says.
const TYPE: &str = "dbsc+jwt";
/// Longer ones are refused before they are read.
const MAX_BYTES: usize = 4096;

/// A device's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceKey {
    /// A bare JSON Web Key.
    pub bare: String,
    /// Its thumbprint.
    pub thumbprint: Thumbprint,
}

/// A proof of possession, not checked yet.
pub struct DeviceToken<'a> {
    jwt: Jwt<'a>,
    key: Option<DeviceKey>,
}

/// The header, beside what every JWT has.
#[derive(Deserialize)]
struct Header {
    typ: Option<String>,
    jwk: Option<Jwk>,
}

impl<'a> DeviceToken<'a> {
    /// Reads a token. Its type must be said, as a token of any other kind proves nothing.
    pub fn parse(raw: &'a str) -> Result<Self, Flaw> {
        let jwt = Jwt::parse(raw, Form { types: &[TYPE], max_bytes: MAX_BYTES })?;
        if jwt.algorithm.name != ALGORITHM {
            return Err(Flaw::Algorithm);
        }
        let Header { typ, jwk } = jwt::header_as(raw).ok_or(Flaw::Malformed)?;
        typ.ok_or(Flaw::Type)?;
        let key = jwk.map(|jwk| key_of(&jwk, jwt.algorithm).ok_or(Flaw::UnusableKey)).transpose()?;
        Ok(Self { jwt, key })
    }

    /// The key that a registration brings along.
    pub const fn key(&self) -> Option<&DeviceKey> {
        self.key.as_ref()
    }

    /// The challenge that it answers.
    pub fn challenge(&self) -> &str {
        self.jwt.text("jti").unwrap_or_default()
    }

    /// Whether it names another endpoint than this one. Not every browser names any.
    pub fn is_for_another(&self, endpoint: &str) -> bool {
        self.jwt.claims.get("aud").is_some_and(|audience| audience != endpoint)
    }

    /// Whether this key has signed it.
    pub async fn is_signed_with(&self, key: &str, signatures: &dyn Signatures) -> bool {
        let signed = Signed {
            key,
            algorithm: self.jwt.algorithm.name,
            import: self.jwt.algorithm.import,
            verify: self.jwt.algorithm.verify,
            text: self.jwt.signed.as_bytes(),
            signature: &self.jwt.signature,
        };
        signatures.verify(signed).await
    }
}

fn key_of(jwk: &Jwk, algorithm: &Algorithm) -> Option<DeviceKey> {
    let canonical = jwk.canonical_curve_key().filter(|_| jwk.fits(algorithm))?;
    Some(DeviceKey { bare: jwk.bare(), thumbprint: Thumbprint::of(&canonical) })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use futures::FutureExt as _;
    use futures::future::{LocalBoxFuture, ready};

    use super::*;
    use crate::runtime::Signing;

    // RFC 7517 appendix A.1.
    const JWK: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc"}"#;

    fn raw(header: &str, claims: &str) -> String {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", encode(header), encode(claims), encode("signature"))
    }

    fn key() -> String {
        JWK.replace(",\"use\":\"enc\"", "")
    }

    #[test]
    fn a_registration_brings_its_key_and_answers_a_challenge() {
        let raw = raw(&format!(r#"{{"alg":"ES256","typ":"dbsc+jwt","jwk":{}}}"#, key()), r#"{"jti":"c"}"#);
        let token = DeviceToken::parse(&raw).unwrap();
        assert_eq!(token.challenge(), "c");
        let key = token.key().unwrap();
        assert!(!key.bare.contains("use"));
        assert_eq!(key.thumbprint.to_string().len(), 43);
        assert!(!token.is_for_another("https://app.example/auth/device/register"));
    }

    #[test]
    fn a_token_for_another_endpoint_says_so_and_a_renewal_brings_no_key() {
        let token = |claims: &str| raw(r#"{"alg":"ES256","typ":"dbsc+jwt"}"#, claims);
        let here = "https://app.example/auth/device/refresh";
        for (claims, expected) in [
            (r#"{"aud":"https://app.example/auth/device/refresh"}"#, false),
            (r#"{"aud":"https://app.example/auth/device/register"}"#, true),
            (r#"{"aud":["https://app.example/auth/device/refresh"]}"#, true),
            (r#"{"jti":"c"}"#, false),
        ] {
            let raw = token(claims);
            let token = DeviceToken::parse(&raw).unwrap();
            assert_eq!(token.is_for_another(here), expected, "{claims}");
            assert!(token.key().is_none());
        }
        assert_eq!(DeviceToken::parse(&token("{}")).unwrap().challenge(), "");
    }

    /// Checks as a platform does that knows one key's signature.
    struct OneKey(&'static str);

    impl Signatures for OneKey {
        fn sign<'a>(&'a self, _: Signing<'a>) -> LocalBoxFuture<'a, Option<Vec<u8>>> {
            ready(None).boxed_local()
        }

        fn verify<'a>(&'a self, signed: Signed<'a>) -> LocalBoxFuture<'a, bool> {
            let is_ours = signed.key == self.0 && signed.algorithm == ALGORITHM && signed.signature == b"signature";
            ready(is_ours && signed.text.contains(&b'.')).boxed_local()
        }
    }

    #[test]
    fn a_token_proves_the_key_that_has_signed_it_and_no_other() {
        let raw = raw(r#"{"alg":"ES256","typ":"dbsc+jwt"}"#, r#"{"jti":"c"}"#);
        let token = DeviceToken::parse(&raw).unwrap();
        assert_eq!(token.is_signed_with("ours", &OneKey("ours")).now_or_never(), Some(true));
        assert_eq!(token.is_signed_with("another", &OneKey("ours")).now_or_never(), Some(false));
    }

    #[test]
    fn another_type_algorithm_or_kind_of_key_is_refused() {
        for (header, flaw) in [
            (r#"{"alg":"ES256"}"#, Flaw::Type),
            (r#"{"alg":"ES256","typ":"JWT"}"#, Flaw::Type),
            (r#"{"alg":"RS256","typ":"dbsc+jwt"}"#, Flaw::Algorithm),
            (r#"{"alg":"none","typ":"dbsc+jwt"}"#, Flaw::Algorithm),
            (r#"{"alg":"HS256","typ":"dbsc+jwt"}"#, Flaw::Algorithm),
            (r#"{"alg":"ES256","typ":"dbsc+jwt","crit":["x"]}"#, Flaw::Critical),
            (r#"{"alg":"ES256","typ":"dbsc+jwt","jwk":{"kty":"RSA","n":"AQ","e":"AQAB"}}"#, Flaw::UnusableKey),
            (
                r#"{"alg":"ES256","typ":"dbsc+jwt","jwk":{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}}"#,
                Flaw::UnusableKey,
            ),
        ] {
            assert_eq!(DeviceToken::parse(&raw(header, "{}")).err(), Some(flaw), "{header}");
        }
        let encryption = raw(&format!(r#"{{"alg":"ES256","typ":"dbsc+jwt","jwk":{JWK}}}"#), "{}");
        assert_eq!(DeviceToken::parse(&encryption).err(), Some(Flaw::UnusableKey));
    }
}
