//! Signatures of JSON Web Tokens that `openidconnect` has no type for (RFC 7515, RFC 7519). Pure.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeyAlgorithm, JsonWebKeyUse, JwsSigningAlgorithm as _};
use serde_json::{Map, Value};

use super::id_token::{ALGORITHMS, IdTokenError};

/// A token in the compact form, read and not verified.
pub struct Jws<'a> {
    /// What it says.
    pub claims: Map<String, Value>,
    algorithm: CoreJwsSigningAlgorithm,
    kid: Option<String>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Reads a token whose algorithm is one of `algorithms`, and whose `typ` is none or, in lower case, one of `types`.
    pub fn read(raw: &'a str, algorithms: &[CoreJwsSigningAlgorithm], types: &[&str]) -> Result<Self, IdTokenError> {
        let invalid = IdTokenError::Invalid;
        let malformed = invalid("the token is malformed");
        let mut parts = raw.split('.');
        let (Some(header), Some(body), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed);
        };
        let signed = raw.get(..header.len().saturating_add(1).saturating_add(body.len())).ok_or(malformed)?;
        let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed);
        let signature = decode(signature)?;
        let object = |part: &str| serde_json::from_slice::<Map<String, Value>>(&decode(part)?).map_err(|_| malformed);
        let (header, claims) = (object(header)?, object(body)?);

        let named = header.get("alg").and_then(Value::as_str).unwrap_or_default();
        let algorithm = serde_json::from_value::<CoreJwsSigningAlgorithm>(named.into()).ok();
        let algorithm = algorithm.filter(|algorithm| ALGORITHMS.contains(algorithm) && algorithms.contains(algorithm));
        let algorithm = algorithm.ok_or(invalid("the token's algorithm is not accepted (alg)"))?;
        // RFC 7515 section 4.1.11: what must be understood is not.
        if header.contains_key("crit") {
            return Err(invalid("the token has critical header parameters (crit)"));
        }
        let typ = header.get("typ").map(|typ| typ.as_str().unwrap_or_default().to_ascii_lowercase());
        if typ.is_some_and(|typ| !types.contains(&typ.as_str())) {
            return Err(invalid("the token is of another type (typ)"));
        }
        let kid = header.get("kid").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { claims, algorithm, kid, signed, signature })
    }

    /// Checks the signature. Other keys may change what comes of it, so that it is checked after everything else.
    pub fn verify(&self, keys: &CoreJsonWebKeySet) -> Result<(), IdTokenError> {
        let fits = |key: &&CoreJsonWebKey| {
            self.kid.as_ref().is_none_or(|kid| key.key_id().is_some_and(|id| id.as_str() == kid))
                && key.key_use().is_none_or(JsonWebKeyUse::allows_signature)
                && suits(key, &self.algorithm)
        };
        let mut candidates = keys.keys().iter().filter(fits);
        match (candidates.next(), candidates.next()) {
            (Some(key), None) => key
                .verify_signature(&self.algorithm, self.signed.as_bytes(), &self.signature)
                .map_err(|_| IdTokenError::BadSignature),
            (None, _) => Err(IdTokenError::UnknownKey),
            (Some(_), Some(_)) => Err(IdTokenError::Invalid("the token does not say which key signed it (kid)")),
        }
    }
}

/// Whether a key is one of the algorithm's: of its type, and not said to be for another.
pub fn suits(key: &CoreJsonWebKey, algorithm: &CoreJwsSigningAlgorithm) -> bool {
    algorithm.key_type().is_some_and(|kty| kty == *key.key_type())
        && match key.signing_alg() {
            JsonWebKeyAlgorithm::Algorithm(only) => only == algorithm,
            JsonWebKeyAlgorithm::Unspecified => true,
            JsonWebKeyAlgorithm::Unsupported => false,
        }
}
