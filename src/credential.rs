//! The two halves of a session cookie: the id of the actor that keeps the session, and the secret that proves
//! the right to it. The actor stores only the secret's SHA-256.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroize;

/// The id of a Durable Object: 64 lower-case hexadecimal digits.
///
/// Well-formed does not mean issued: the platform alone can tell (`idFromString`), see [`crate::actors`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ActorId(String);

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an actor id")]
pub struct MalformedActorId;

impl ActorId {
    /// The 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ActorId {
    type Error = MalformedActorId;

    fn try_from(text: String) -> Result<Self, MalformedActorId> {
        let well_formed = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if well_formed { Ok(Self(text)) } else { Err(MalformedActorId) }
    }
}

impl FromStr for ActorId {
    type Err = MalformedActorId;

    fn from_str(text: &str) -> Result<Self, MalformedActorId> {
        Self::try_from(text.to_owned())
    }
}

impl From<ActorId> for String {
    fn from(id: ActorId) -> Self {
        id.0
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 256 random bits; as text 43 characters of base64url.
#[derive(Clone, Serialize, Deserialize, Zeroize)]
#[zeroize(drop)]
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret of these random bytes.
    pub const fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads what [`Secret::expose`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// The secret in clear, for a cookie or a parameter of the authorization request.
    pub fn expose(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What may be stored of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.0).into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

/// The SHA-256 of a [`Secret`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of no secret, for a session without a cookie.
    pub const fn of_nothing() -> Self {
        Self([0; 32])
    }

    /// Whether this is the hash of `secret`, in constant time.
    pub fn matches(&self, secret: &Secret) -> bool {
        self.is(&secret.hash())
    }

    /// Whether both are hashes of one secret, in constant time.
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_id_is_64_lower_case_hexadecimal_digits_and_nothing_else() {
        assert!("0123456789abcdef".repeat(4).parse::<ActorId>().is_ok());
        for bad in ["", "0123", &"A".repeat(64), &"g".repeat(64), &"a".repeat(65), &format!("{} ", "a".repeat(63))] {
            assert_eq!(bad.parse::<ActorId>(), Err(MalformedActorId), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_survives_its_text_form_and_matches_only_its_own_hash() {
        let secret = Secret::from_random([7; 32]);
        let parsed = Secret::parse(&secret.expose()).unwrap();
        assert!(secret.hash().matches(&parsed));
        assert!(!secret.hash().matches(&Secret::from_random([8; 32])));
        assert!(Secret::parse("short").is_none());
        assert!(Secret::parse(&format!("{}=", secret.expose())).is_none());
    }

    #[test]
    fn a_secret_does_not_show_itself_in_debug_output() {
        assert_eq!(format!("{:?}", Secret::from_random([7; 32])), "Secret([redacted])");
    }
}
