//! Public keys that signatures are checked with (RFC 7517), and what they may be used for (RFC 7518, RFC 8037). Pure.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::algorithm::Algorithm;

/// RSA keys below 2048 bits are refused (RFC 7518 section 3.3).
const MIN_RSA_BYTES: usize = 256;
/// Of a coordinate of P-256.
const CURVE_BYTES: usize = 32;

/// A public key. Whatever else the document says of it, private parts included, is not read.
#[derive(Clone, Debug, Deserialize)]
pub struct Jwk {
    kty: String,
    /// Its name.
    pub kid: Option<String>,
    /// Whose tokens it signs, where a set has the keys of several issuers (Microsoft Entra).
    pub issuer: Option<Value>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Jwk {
    /// Whether the key is one of the algorithm's.
    pub fn fits(&self, algorithm: &Algorithm) -> bool {
        self.is_meant_for(algorithm)
            && algorithm.crv.is_none_or(|crv| self.crv.as_deref() == Some(crv))
            && (self.kty != "RSA" || self.is_long_enough())
    }

    /// Whether the key has the algorithm's type, and is not said to be for something else.
    pub fn is_meant_for(&self, algorithm: &Algorithm) -> bool {
        self.kty == algorithm.kty
            && self.alg.as_deref().is_none_or(|alg| algorithm.is_named(alg))
            && self.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
    }

    /// Zeros in front of the modulus do not make it longer.
    fn is_long_enough(&self) -> bool {
        let modulus = self.n.as_deref().and_then(|n| BASE64_URL_SAFE_NO_PAD.decode(n).ok());
        modulus.is_some_and(|modulus| modulus.into_iter().skip_while(|byte| *byte == 0).count() >= MIN_RSA_BYTES)
    }

    /// What the thumbprint of an elliptic curve's key is of (RFC 7638 section 3.2); none for any other key.
    pub fn canonical_curve_key(&self) -> Option<String> {
        let coordinate = |text: &Option<String>| {
            let text = text.as_deref()?;
            (BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.len() == CURVE_BYTES).then(|| text.to_owned())
        };
        let (crv, x, y) =
            (self.crv.as_deref().filter(|crv| *crv == "P-256")?, coordinate(&self.x)?, coordinate(&self.y)?);
        Some(format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#))
    }

    /// The bare key, as JSON, for `importKey`.
    pub fn bare(&self) -> String {
        #[derive(Serialize)]
        struct Bare<'a> {
            kty: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            crv: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            n: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            e: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            x: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            y: Option<&'a str>,
        }
        let bare = Bare {
            kty: &self.kty,
            crv: self.crv.as_deref(),
            n: self.n.as_deref(),
            e: self.e.as_deref(),
            x: self.x.as_deref(),
            y: self.y.as_deref(),
        };
        serde_json::to_string(&bare).unwrap_or_default()
    }
}
