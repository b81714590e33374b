//! Keys that JWTs are verified with (RFC 7517), and the algorithms that they may be used for (RFC 7518, RFC 8037). Pure.
//!
//! Public-key algorithms alone: with a public key as the secret of an HMAC anybody could sign.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// RSA keys below 2048 bits are refused (RFC 7518 section 3.3).
const MIN_RSA_BYTES: usize = 256;

/// A signature algorithm, in the words of JOSE and of the Web Cryptography API.
#[derive(Debug)]
pub struct Algorithm {
    /// `alg`.
    pub name: &'static str,
    kty: &'static str,
    crv: Option<&'static str>,
    /// What `importKey` wants, as JSON.
    pub import: &'static str,
    /// What `verify` wants, as JSON.
    pub verify: &'static str,
}

const fn rsa(name: &'static str, import: &'static str, verify: &'static str) -> Algorithm {
    Algorithm { name, kty: "RSA", crv: None, import, verify }
}

const fn curve(name: &'static str, crv: &'static str, import: &'static str, verify: &'static str) -> Algorithm {
    Algorithm { name, kty: "EC", crv: Some(crv), import, verify }
}

/// The algorithms that are accepted.
pub static ALGORITHMS: [Algorithm; 10] = [
    rsa("RS256", r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-256"}"#, r#"{"name":"RSASSA-PKCS1-v1_5"}"#),
    rsa("RS384", r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-384"}"#, r#"{"name":"RSASSA-PKCS1-v1_5"}"#),
    rsa("RS512", r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-512"}"#, r#"{"name":"RSASSA-PKCS1-v1_5"}"#),
    rsa("PS256", r#"{"name":"RSA-PSS","hash":"SHA-256"}"#, r#"{"name":"RSA-PSS","saltLength":32}"#),
    rsa("PS384", r#"{"name":"RSA-PSS","hash":"SHA-384"}"#, r#"{"name":"RSA-PSS","saltLength":48}"#),
    rsa("PS512", r#"{"name":"RSA-PSS","hash":"SHA-512"}"#, r#"{"name":"RSA-PSS","saltLength":64}"#),
    curve("ES256", "P-256", r#"{"name":"ECDSA","namedCurve":"P-256"}"#, r#"{"name":"ECDSA","hash":"SHA-256"}"#),
    curve("ES384", "P-384", r#"{"name":"ECDSA","namedCurve":"P-384"}"#, r#"{"name":"ECDSA","hash":"SHA-384"}"#),
    curve("ES512", "P-521", r#"{"name":"ECDSA","namedCurve":"P-521"}"#, r#"{"name":"ECDSA","hash":"SHA-512"}"#),
    Algorithm {
        name: "EdDSA",
        kty: "OKP",
        crv: Some("Ed25519"),
        import: r#"{"name":"Ed25519"}"#,
        verify: r#"{"name":"Ed25519"}"#,
    },
];

/// A public key. Whatever else the document says of it, private parts included, is not read.
#[derive(Clone, Debug, Deserialize)]
pub struct Jwk {
    kty: String,
    /// Its name.
    pub kid: Option<String>,
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
    /// The keys of a set; those that cannot be read are passed over. None: it is no set.
    pub fn read_set(bytes: &[u8]) -> Option<Vec<Self>> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(bytes).ok()?;
        Some(set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
    }

    /// Whether the key is one of the algorithm's, and is said to be for signatures.
    pub fn fits(&self, algorithm: &Algorithm) -> bool {
        let named = |alg: &str| alg == algorithm.name || (algorithm.name == "EdDSA" && alg == "Ed25519");
        let long_enough = || {
            let modulus = self.n.as_deref().and_then(|n| BASE64_URL_SAFE_NO_PAD.decode(n).ok());
            modulus.is_some_and(|modulus| modulus.len() >= MIN_RSA_BYTES)
        };
        self.kty == algorithm.kty
            && algorithm.crv.is_none_or(|crv| self.crv.as_deref() == Some(crv))
            && self.alg.as_deref().is_none_or(named)
            && self.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
            && (self.kty != "RSA" || long_enough())
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
