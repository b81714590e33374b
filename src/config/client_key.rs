//! `OIDC_CLIENT_KEY`: the private key that this client proves itself with (`private_key_jwt`), a JSON Web Key (RFC 7517). Pure.
//!
//! It is looked at when the gateway starts, so that a key that cannot sign is named then and not at the first login. No message quotes it.

use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

/// A private key, as `importKey` of the Web Cryptography API takes it.
#[derive(Clone)]
pub enum PrivateKey {
    /// A bare JSON Web Key, as JSON.
    Jwk(Rc<Zeroizing<String>>),
    /// PKCS #8 (RFC 5958).
    Pkcs8(Rc<Zeroizing<Vec<u8>>>),
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateKey([redacted])")
    }
}

impl PrivateKey {
    /// The gateway can derive its other keys from this.
    pub fn secret(&self) -> &[u8] {
        match self {
            Self::Jwk(jwk) => jwk.as_bytes(),
            Self::Pkcs8(der) => der,
        }
    }
}

/// A key pair of this client's.
#[derive(Clone, Debug)]
pub struct ClientKey {
    /// The private key.
    pub private: PrivateKey,
    /// The public key, a JSON Web Key as JSON.
    pub public: String,
    /// `alg` of what it signs.
    pub algorithm: String,
    /// What else the header of what it signs says, by which the provider finds the public key: `kid`, `x5t`, `x5t#S256`.
    pub header: Map<String, Value>,
}

/// Members of a JSON Web Key by its type: those of the public key, and those of the private one.
const RSA: (&[&str], &[&str]) = (&["n", "e"], &["d", "p", "q", "dp", "dq", "qi"]);
const EC: (&[&str], &[&str]) = (&["crv", "x", "y"], &["d"]);
const OKP: (&[&str], &[&str]) = (&["crv", "x"], &["d"]);
/// RSA keys below 2048 bits are refused (RFC 7518 section 3.3).
const MIN_RSA_BYTES: usize = 256;

impl ClientKey {
    /// Reads a private JSON Web Key. The error is the end of a sentence about the variable.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let jwk: Map<String, Value> = serde_json::from_str(text).map_err(|_| {
            "is no JSON object: put a private JSON Web Key there, such as {\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"…\",\"x\":\"…\",\"y\":\"…\",\"d\":\"…\"}"
        })?;
        if jwk.contains_key("keys") {
            return Err("is a set of keys: put one private JSON Web Key there");
        }
        let member = |name: &str| jwk.get(name).and_then(Value::as_str);
        let (kty, (public, private)) = match member("kty") {
            Some("RSA") => ("RSA", RSA),
            Some("EC") => ("EC", EC),
            Some("OKP") => ("OKP", OKP),
            _ => return Err("is no key that can sign: its kty must be RSA, EC or OKP"),
        };
        if member("d").is_none() {
            return Err("is a public key: put the private one there, which has the member d");
        }
        let length = |name: &str| {
            member(name).and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok()).map(|bytes| bytes.len())
        };
        let is_usable = |name: &&str| *name == "crv" || length(name).is_some_and(|length| length > 0);
        if !public.iter().chain(private).all(is_usable) {
            return Err(match kty {
                "RSA" => "is an incomplete RSA key: it needs n, e, d, p, q, dp, dq and qi, each in base64url",
                "EC" => "is an incomplete EC key: it needs crv, x, y and d, the last three in base64url",
                _ => "is an incomplete OKP key: it needs crv, x and d, the last two in base64url",
            });
        }
        let algorithms: &[&str] = match (kty, member("crv")) {
            ("RSA", _) if length("n") < Some(MIN_RSA_BYTES) => return Err("is an RSA key of less than 2048 bits"),
            ("RSA", _) => &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
            ("EC", Some("P-256")) => &["ES256"],
            ("EC", Some("P-384")) => &["ES384"],
            ("EC", Some("P-521")) => &["ES512"],
            ("OKP", Some("Ed25519")) => &["EdDSA", "Ed25519"],
            _ => return Err("is on a curve that cannot be used: its crv must be P-256, P-384, P-521 or Ed25519"),
        };
        let bytes = match algorithms.first() {
            Some(&"ES384") => Some(48),
            Some(&"ES512") => Some(66),
            Some(&"RS256") | None => None,
            Some(_) => Some(32),
        };
        let names = public.iter().chain(private).filter(|name| **name != "crv");
        if bytes.is_some_and(|bytes| names.into_iter().any(|name| length(name) != Some(bytes))) {
            return Err("has a member (x, y or d) that is too short or too long for its curve");
        }
        let algorithm = match jwk.get("alg") {
            None => algorithms.first().copied(),
            Some(alg) => algorithms.iter().copied().find(|known| alg == known),
        };
        let algorithm = algorithm.ok_or("says an alg that such a key cannot have: leave the member alg out")?;
        if jwk.get("use").is_some_and(|purpose| purpose != "sig") {
            return Err("is not meant for signatures: its use must be sig, or missing");
        }
        let signs = |operations: &Value| operations.as_array().is_some_and(|all| all.iter().any(|one| one == "sign"));
        if jwk.get("key_ops").is_some_and(|operations| !signs(operations)) {
            return Err("is not meant to sign: its key_ops must hold sign, or be missing");
        }
        let named =
            ["kid", "x5t", "x5t#S256"].iter().filter_map(|name| Some(((*name).to_owned(), jwk.get(*name)?.clone())));
        let header: Map<String, Value> = named.collect();
        if !header.values().all(Value::is_string) {
            return Err("has a kid, x5t or x5t#S256 that is no text");
        }
        let members = |names: &[&str]| -> Map<String, Value> {
            names.iter().filter_map(|name| Some(((*name).to_owned(), jwk.get(*name)?.clone()))).collect()
        };
        let mut bare = members(public);
        bare.insert("kty".to_owned(), kty.into());
        let mut published = bare.clone();
        published.extend([("use".to_owned(), json!("sig")), ("alg".to_owned(), json!(algorithm))]);
        published.extend(header.get("kid").map(|kid| ("kid".to_owned(), kid.clone())));
        bare.extend(members(private));
        Ok(Self {
            private: PrivateKey::Jwk(Rc::new(Zeroizing::new(Value::Object(bare).to_string()))),
            public: Value::Object(published).to_string(),
            algorithm: algorithm.to_owned(),
            header,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const D: &str = "hunter2hunter2hunter2hunter2hunter2hunter2g";

    fn ec() -> Value {
        let coordinate = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
        json!({"kty": "EC", "crv": "P-256", "x": coordinate, "y": coordinate, "d": D, "kid": "k1"})
    }

    fn with(name: &str, value: Value) -> Value {
        let mut key = ec();
        key[name] = value;
        key
    }

    #[test]
    fn a_key_is_split_into_what_signs_and_what_is_published() {
        let mut key = ec();
        key["x5t#S256"] = json!("thumb");
        key["extra"] = json!("kept to itself");
        let key = ClientKey::read(&key.to_string()).unwrap();
        let public: Value = serde_json::from_str(&key.public).unwrap();
        let coordinate = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
        let expected = json!({"kty": "EC", "crv": "P-256", "x": coordinate, "y": coordinate, "kid": "k1", "use": "sig", "alg": "ES256"});
        assert_eq!(public, expected);
        assert_eq!(Value::Object(key.header.clone()), json!({"kid": "k1", "x5t#S256": "thumb"}));
        assert!(std::str::from_utf8(key.private.secret()).unwrap().contains(D));
        assert!(!format!("{key:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_wrong_with_a_key_is_said_without_the_key() {
        let long = BASE64_URL_SAFE_NO_PAD.encode([7; 256]);
        let short = BASE64_URL_SAFE_NO_PAD.encode([7; 128]);
        let rsa =
            |n: &str| json!({"kty": "RSA", "n": n, "e": "AQAB", "d": D, "p": D, "q": D, "dp": D, "dq": D, "qi": D});
        assert_eq!(ClientKey::read(&rsa(&long).to_string()).unwrap().algorithm, "RS256");
        let mut no_primes = rsa(&long);
        no_primes.as_object_mut().unwrap().remove("qi");
        let mut public = ec();
        public.as_object_mut().unwrap().remove("d");
        for (key, words) in [
            (json!("text"), "no JSON object"),
            (json!({"keys": [ec()]}), "a set of keys"),
            (with("kty", json!("oct")), "kty must be RSA, EC or OKP"),
            (public, "a public key"),
            (with("crv", json!("secp256k1")), "on a curve that cannot be used"),
            (with("crv", json!("P-384")), "too short or too long"),
            (with("x", json!("AAAA")), "too short or too long"),
            (with("x", json!("not base64url!")), "incomplete EC key"),
            (with("alg", json!("RS256")), "says an alg"),
            (with("alg", json!("ECDH-ES")), "says an alg"),
            (with("use", json!("enc")), "use must be sig"),
            (with("key_ops", json!(["verify"])), "key_ops must hold sign"),
            (with("kid", json!(7)), "that is no text"),
            (no_primes, "incomplete RSA key"),
            (rsa(&short), "less than 2048 bits"),
        ] {
            let why = ClientKey::read(&key.to_string()).unwrap_err();
            assert!(why.contains(words) && !why.contains("hunter2"), "{words}: {why}");
        }
        assert!(ClientKey::read(&format!("-----BEGIN PRIVATE KEY-----\n{D}")).unwrap_err().contains("no JSON object"));
    }

    #[test]
    fn an_algorithm_may_be_said_where_a_key_has_several() {
        let long = BASE64_URL_SAFE_NO_PAD.encode([7; 256]);
        let rsa = |alg: &str| json!({"kty": "RSA", "alg": alg, "n": long, "e": "AQAB", "d": D, "p": D, "q": D, "dp": D, "dq": D, "qi": D});
        assert_eq!(ClientKey::read(&rsa("PS256").to_string()).unwrap().algorithm, "PS256");
        assert!(
            ClientKey::read(&rsa("HS256").to_string()).is_err() && ClientKey::read(&rsa("none").to_string()).is_err()
        );
    }
}
