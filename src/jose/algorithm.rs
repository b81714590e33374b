//! The signature algorithms that are accepted (RFC 7518 section 3.1, RFC 8037, RFC 9864), a positive list. Pure.
//!
//! All are public-key algorithms: if a public key could serve as the secret of an HMAC, anybody could sign.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// A hash function of SHA-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// A signature algorithm, in the words of JOSE and of the Web Cryptography API.
#[derive(Debug, PartialEq, Eq)]
pub struct Algorithm {
    /// `alg`.
    pub name: &'static str,
    /// Its other name, where it has one.
    alias: Option<&'static str>,
    /// The `kty` of its keys.
    pub(super) kty: &'static str,
    /// Their `crv`.
    pub(super) crv: Option<&'static str>,
    hash: Hash,
    /// What `importKey` wants, as JSON.
    pub import: &'static str,
    /// What `verify` wants, as JSON.
    pub verify: &'static str,
}

const fn rsa(name: &'static str, hash: Hash, import: &'static str, verify: &'static str) -> Algorithm {
    Algorithm { name, alias: None, kty: "RSA", crv: None, hash, import, verify }
}

const fn curve(
    name: &'static str,
    crv: &'static str,
    hash: Hash,
    import: &'static str,
    verify: &'static str,
) -> Algorithm {
    Algorithm { name, alias: None, kty: "EC", crv: Some(crv), hash, import, verify }
}

/// The algorithms that are accepted.
static ALGORITHMS: [Algorithm; 10] = [
    rsa("RS256", Hash::Sha256, r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-256"}"#, r#"{"name":"RSASSA-PKCS1-v1_5"}"#),
    rsa("RS384", Hash::Sha384, r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-384"}"#, r#"{"name":"RSASSA-PKCS1-v1_5"}"#),
    rsa("RS512", Hash::Sha512, r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-512"}"#, r#"{"name":"RSASSA-PKCS1-v1_5"}"#),
    rsa("PS256", Hash::Sha256, r#"{"name":"RSA-PSS","hash":"SHA-256"}"#, r#"{"name":"RSA-PSS","saltLength":32}"#),
    rsa("PS384", Hash::Sha384, r#"{"name":"RSA-PSS","hash":"SHA-384"}"#, r#"{"name":"RSA-PSS","saltLength":48}"#),
    rsa("PS512", Hash::Sha512, r#"{"name":"RSA-PSS","hash":"SHA-512"}"#, r#"{"name":"RSA-PSS","saltLength":64}"#),
    curve(
        "ES256",
        "P-256",
        Hash::Sha256,
        r#"{"name":"ECDSA","namedCurve":"P-256"}"#,
        r#"{"name":"ECDSA","hash":"SHA-256"}"#,
    ),
    curve(
        "ES384",
        "P-384",
        Hash::Sha384,
        r#"{"name":"ECDSA","namedCurve":"P-384"}"#,
        r#"{"name":"ECDSA","hash":"SHA-384"}"#,
    ),
    curve(
        "ES512",
        "P-521",
        Hash::Sha512,
        r#"{"name":"ECDSA","namedCurve":"P-521"}"#,
        r#"{"name":"ECDSA","hash":"SHA-512"}"#,
    ),
    // This is the only curve of EdDSA that is accepted. RFC 9864 gives it a name of its own.
    Algorithm {
        name: "EdDSA",
        alias: Some("Ed25519"),
        kty: "OKP",
        crv: Some("Ed25519"),
        hash: Hash::Sha512,
        import: r#"{"name":"Ed25519"}"#,
        verify: r#"{"name":"Ed25519"}"#,
    },
];

impl Algorithm {
    /// All that are accepted.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        ALGORITHMS.iter()
    }

    /// The algorithm of this name. Names are compared exactly (RFC 7515 section 4.1.1).
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|algorithm| algorithm.is_named(name))
    }

    /// Whether this is one of its names.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }

    /// The left half of the hash of a token that was issued beside one with this algorithm (OpenID Connect Core 1.0 section
    /// 3.1.3.6), as `at_hash` has it. EdDSA's is SHA-512, the hash within Ed25519.
    pub fn half_hash(&self, token: &str) -> String {
        let half = |hash: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(hash.get(..hash.len() / 2).unwrap_or_default());
        match self.hash {
            Hash::Sha256 => half(&Sha256::digest(token)),
            Hash::Sha384 => half(&Sha384::digest(token)),
            Hash::Sha512 => half(&Sha512::digest(token)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_algorithm_has_its_names_alone() {
        for name in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] {
            assert_eq!(Algorithm::named(name).unwrap().name, name);
        }
        assert_eq!(Algorithm::named("Ed25519"), Algorithm::named("EdDSA"));
        for name in ["none", "nOnE", "HS256", "HS384", "HS512", "rs256", "RSA-OAEP", "ES256K", "Ed448", "", "A128GCM"] {
            assert_eq!(Algorithm::named(name), None, "{name}");
        }
    }

    #[test]
    fn what_the_configuration_may_name_is_what_is_accepted() {
        let named = crate::config::ID_TOKEN_ALGORITHMS.map(|name| Algorithm::named(name).unwrap().name);
        assert!(Algorithm::all().all(|algorithm| named.contains(&algorithm.name)));
    }

    #[test]
    fn a_half_hash_is_of_the_algorithm_s_own_hash_function() {
        // The example of OpenID Connect Core 1.0 appendix A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(Algorithm::named("RS256").unwrap().half_hash(token), "77QmUPtjPfzWtF2AnpK9RQ");
        let bytes = |name: &str| {
            let half = Algorithm::named(name).unwrap().half_hash(token);
            BASE64_URL_SAFE_NO_PAD.decode(half).unwrap().len()
        };
        for (hash, names) in [
            (16, &["RS256", "PS256", "ES256"][..]),
            (24, &["RS384", "PS384", "ES384"]),
            (32, &["RS512", "PS512", "ES512", "EdDSA", "Ed25519"]),
        ] {
            assert!(names.iter().all(|name| bytes(name) == hash), "{names:?}");
        }
    }
}
