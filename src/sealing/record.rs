//! Records as other systems keep them: sealed. Somebody who can read or write there learns nothing and puts nothing
//! over on a session. Pure.
//!
//! ```text
//!   +---------+------------+--------+--------+----------+------------------+
//!   | VERSION | generation | id len | key id | nonce    | ciphertext, tag  |   XChaCha20-Poly1305
//!   +---------+------------+--------+--------+----------+------------------+
//!     1 byte    8, big-end.  1        1–64     24
//! ```
//!
//! Associated data are the store's name, the actor's id and everything before the nonce: a record opens as this actor's, in
//! this store and with this generation, or not at all. The nonce is long enough to be drawn at random for ever.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use zeroize::Zeroizing;

use crate::credential::ActorId;

/// The version of the format above.
const VERSION: u8 = 1;
/// Of a key, in bytes.
const KEY: usize = 32;
/// Of a nonce, in bytes.
pub const NONCE: usize = 24;
/// The longest key id, in bytes.
const MAX_ID: usize = 64;
/// What the associated data begin with: nothing else that these keys may ever seal does.
const LABEL: &[u8] = b"edge-oauth-sessions record\0";

/// Why a record cannot be read. None of it names a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is none, and there should be.
    #[error("the store has no record of it")]
    Missing,
    /// The bytes are no record.
    #[error("the record is corrupt")]
    Corrupt,
    /// A later release wrote it.
    #[error("the record has version {0}, which a newer release wrote")]
    NewerVersion(u8),
    /// Another write than the last one.
    #[error("the record is of generation {found}, and the last one written was {expected}")]
    OtherGeneration {
        /// The record's.
        found: u64,
        /// The last one that was written.
        expected: u64,
    },
    /// No key that could open it.
    #[error("the record is sealed with the key {0}, which STATE_KEYS does not have")]
    UnknownKey(String),
    /// It was changed, it belongs to another session or store, or the key of this id is another one.
    #[error("the record does not open with the key {0}: the key is another one, or the record is not this session's")]
    Foreign(String),
}

/// Whose record it is, where, and which one.
#[derive(Clone, Copy, Debug)]
pub struct RecordPlace<'a> {
    /// The store, as `SESSION_STORE` spells it.
    pub store: &'a str,
    /// The actor.
    pub actor: &'a ActorId,
    /// The number of the write.
    pub generation: u64,
}

/// `STATE_KEYS`: the first one seals, all open.
#[derive(Clone, Default)]
pub struct StateKeys(Vec<(String, Zeroizing<[u8; KEY]>)>);

impl std::fmt::Debug for StateKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(id, _)| id)).finish()
    }
}

impl StateKeys {
    /// Reads `id:key,id:key`, each key 32 bytes in base64url. The error says what is wrong, and quotes no key.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut keys: Vec<(String, Zeroizing<[u8; KEY]>)> = Vec::new();
        for part in text.split(',').map(str::trim) {
            let (id, key) = part.split_once(':').ok_or("must be id:key, or several, separated by commas")?;
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(plain) {
                return Err("has a key id that is not 1 to 64 letters, digits, -, _ or .");
            }
            if keys.iter().any(|(known, _)| known == id) {
                return Err("has two keys with the same id");
            }
            let key = BASE64_URL_SAFE_NO_PAD.decode(key.trim_end_matches('=')).map(Zeroizing::new);
            let key = key.ok().and_then(|key| <[u8; KEY]>::try_from(key.as_slice()).ok());
            let key = key.ok_or("has a key that is not 32 bytes in base64url")?;
            keys.push((id.to_owned(), Zeroizing::new(key)));
        }
        Ok(Self(keys))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys in their order, to derive others from: see [`super`].
    pub fn secrets(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|(_, key)| key.as_slice())
    }

    /// Seals a record with the first key. None where there is no key.
    pub fn seal(&self, place: RecordPlace<'_>, nonce: [u8; NONCE], record: &[u8]) -> Option<Vec<u8>> {
        let (id, key) = self.0.first()?;
        let mut sealed = header(place.generation, id)?;
        let aad = associated_data(place, &sealed);
        let cipher = XChaCha20Poly1305::new(key.as_slice().into());
        let ciphertext = cipher.encrypt(&nonce.into(), Payload { msg: record, aad: &aad }).ok()?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Some(sealed)
    }

    /// Opens what [`StateKeys::seal`] made for the same place.
    pub fn open(&self, place: RecordPlace<'_>, sealed: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let parts = Parts::of(sealed)?;
        if parts.generation != place.generation {
            return Err(Unreadable::OtherGeneration { found: parts.generation, expected: place.generation });
        }
        let known = self.0.iter().find(|(id, _)| id == parts.key_id);
        let (id, key) = known.ok_or_else(|| Unreadable::UnknownKey(parts.key_id.to_owned()))?;
        let header = header(parts.generation, id).ok_or(Unreadable::Corrupt)?;
        let payload = Payload { msg: parts.ciphertext, aad: &associated_data(place, &header) };
        let cipher = XChaCha20Poly1305::new(key.as_slice().into());
        cipher.decrypt(parts.nonce.into(), payload).map_err(|_| Unreadable::Foreign(id.clone()))
    }
}

/// The generation that a sealed record says it has.
pub fn generation_of(sealed: &[u8]) -> Option<u64> {
    Parts::of(sealed).ok().map(|parts| parts.generation)
}

/// A sealed record, taken apart.
struct Parts<'a> {
    generation: u64,
    key_id: &'a str,
    nonce: &'a [u8; NONCE],
    ciphertext: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(sealed: &'a [u8]) -> Result<Self, Unreadable> {
        let (version, rest) = sealed.split_first().ok_or(Unreadable::Corrupt)?;
        match *version {
            VERSION => Self::of_body(rest).ok_or(Unreadable::Corrupt),
            0 => Err(Unreadable::Corrupt),
            newer => Err(Unreadable::NewerVersion(newer)),
        }
    }

    fn of_body(body: &'a [u8]) -> Option<Self> {
        let (generation, rest) = body.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first()?;
        let (key_id, rest) = rest.split_at_checked(usize::from(*length))?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>()?;
        let key_id = std::str::from_utf8(key_id).ok().filter(|id| !id.is_empty() && id.len() <= MAX_ID)?;
        let key_id = key_id.bytes().all(|b| b.is_ascii_graphic()).then_some(key_id)?;
        Some(Self { generation: u64::from_be_bytes(*generation), key_id, nonce, ciphertext })
    }
}

fn header(generation: u64, key_id: &str) -> Option<Vec<u8>> {
    let length = u8::try_from(key_id.len()).ok()?;
    Some([&[VERSION][..], &generation.to_be_bytes(), &[length], key_id.as_bytes()].concat())
}

fn associated_data(place: RecordPlace<'_>, header: &[u8]) -> Vec<u8> {
    [LABEL, place.store.as_bytes(), b"\0", place.actor.as_str().as_bytes(), header].concat()
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
