//! What shows that a session is used on the device that it is bound to (W3C Device Bound Session Credentials). Pure.
//!
//! ```text
//!   proof       <expiry, Unix s>.<thumbprint>.<MAC of actor id, expiry, thumbprint>      the value of the bound cookie
//!   challenge   <actor id>.<issued, Unix ms>.<MAC of both and its kind>                  what the device signs
//! ```
//!
//! The MAC is HMAC-SHA-256. Nobody has to remember a proof or a challenge: each says itself whose it is and how old it is. The keys
//! are derived (HKDF, RFC 5869) from the operator's secrets. The first key issues, all check.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use crate::ambient;
use crate::credential::ActorId;

/// How long a proof lasts. Browsers renew it when less than two minutes are left, and may sign six times in nine minutes.
pub const PROOF_LIFE: Duration = Duration::minutes(10);
/// How much longer it is good than the browser keeps it, as requests take their time.
pub const PROOF_LEEWAY: Duration = Duration::seconds(10);

/// What the keys are derived for.
const PROOFS: &[u8] = b"edge-oauth-sessions device proof 1";
const CHALLENGES: &[u8] = b"edge-oauth-sessions device challenge 1";

/// The SHA-256 thumbprint of a device's public key (RFC 7638).
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Of the key's members in the order that the RFC demands.
    pub fn of(canonical: &str) -> Self {
        Self(Sha256::digest(canonical).into())
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Thumbprint({self})")
    }
}

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeKind {
    /// To bind a session.
    Register,
    /// To renew the proof.
    Renew,
}

impl ChallengeKind {
    /// How long its challenges are good.
    pub const fn life(self) -> Duration {
        match self {
            Self::Register => Duration::seconds(60),
            Self::Renew => Duration::seconds(120),
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Renew => "renew",
        }
    }
}

/// What a device signs. Before it is signed, somebody with another key could bind a session with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Challenge(String);

impl Challenge {
    /// For the header that it travels in.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Challenge {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Challenge([redacted])")
    }
}

/// The value of the bound cookie, as a request brings it. Nobody has checked it yet.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Proof(String);

impl Proof {
    /// For the check.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Proof {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof([redacted])")
    }
}

/// The keys of proofs and challenges.
#[derive(Clone, Default)]
pub struct DeviceKeys(Vec<Pair>);

#[derive(Clone)]
struct Pair {
    proofs: Hmac<Sha256>,
    challenges: Hmac<Sha256>,
}

impl fmt::Debug for DeviceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKeys({} [redacted])", self.0.len())
    }
}

impl DeviceKeys {
    /// A pair of keys of each secret.
    pub fn derive<'a>(secrets: impl Iterator<Item = &'a [u8]>) -> Self {
        let key = |secret: &[u8], purpose: &[u8]| {
            let mut key = zeroize::Zeroizing::new([0_u8; 32]);
            Hkdf::<Sha256>::new(None, secret).expand(purpose, key.as_mut_slice()).ok()?;
            <Hmac<Sha256> as hmac::Mac>::new_from_slice(key.as_slice()).ok()
        };
        let pair = |secret| Some(Pair { proofs: key(secret, PROOFS)?, challenges: key(secret, CHALLENGES)? });
        Self(secrets.filter_map(pair).collect())
    }

    /// A proof for the session of this actor, good until `expires_at`. None where there is no key.
    pub fn proof(&self, actor: &ActorId, thumbprint: &Thumbprint, expires_at: OffsetDateTime) -> Option<String> {
        let stated = format!("{}.{thumbprint}", expires_at.unix_timestamp());
        let mac = mac(&self.0.first()?.proofs, &[actor.as_str(), ".", &stated]).finalize().into_bytes();
        Some([&stated, ".", &BASE64_URL_SAFE_NO_PAD.encode(mac)].concat())
    }

    /// What a proof says, where it is this actor's and good at `now`.
    pub fn proven(&self, actor: &ActorId, proof: &str, now: OffsetDateTime) -> Option<Proven> {
        let (stated, tag) = proof.rsplit_once('.')?;
        let (expires_at, thumbprint) = stated.split_once('.')?;
        let expires_at = OffsetDateTime::from_unix_timestamp(expires_at.parse().ok()?).ok()?;
        if now >= expires_at {
            return None;
        }
        let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).ok()?;
        let is_good = |pair: &Pair| mac(&pair.proofs, &[actor.as_str(), ".", stated]).verify_slice(&tag).is_ok();
        if !self.0.iter().any(is_good) {
            return None;
        }
        let thumbprint = Thumbprint(BASE64_URL_SAFE_NO_PAD.decode(thumbprint).ok()?.try_into().ok()?);
        Some(Proven { thumbprint, expires_at })
    }

    /// A challenge for the device of this actor's session. None where there is no key.
    pub fn challenge(&self, kind: ChallengeKind, actor: &ActorId, issued_at: OffsetDateTime) -> Option<Challenge> {
        let stated = format!("{actor}.{:.0}", ambient::to_millis(issued_at));
        let mac = mac(&self.0.first()?.challenges, &[kind.label(), ".", &stated]).finalize().into_bytes();
        Some(Challenge([&stated, ".", &BASE64_URL_SAFE_NO_PAD.encode(mac)].concat()))
    }

    /// Whose challenge this is, where it is good at `now`.
    pub fn challenged(&self, kind: ChallengeKind, challenge: &str, now: OffsetDateTime) -> Option<ActorId> {
        let (stated, tag) = challenge.rsplit_once('.')?;
        let (actor, issued_at) = stated.split_once('.')?;
        let issued_at = Duration::milliseconds(issued_at.parse().ok()?);
        let issued_at = OffsetDateTime::UNIX_EPOCH.saturating_add(issued_at);
        if now >= issued_at.saturating_add(kind.life()) {
            return None;
        }
        let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).ok()?;
        let is_good = |pair: &Pair| mac(&pair.challenges, &[kind.label(), ".", stated]).verify_slice(&tag).is_ok();
        if self.0.iter().any(is_good) { actor.parse().ok() } else { None }
    }
}

/// What a good proof says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Of the key whose holder proved it.
    pub thumbprint: Thumbprint,
    /// Until when.
    pub expires_at: OffsetDateTime,
}

fn mac(key: &Hmac<Sha256>, parts: &[&str]) -> Hmac<Sha256> {
    let mut mac = key.clone();
    for part in parts {
        mac.update(part.as_bytes());
    }
    mac
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
