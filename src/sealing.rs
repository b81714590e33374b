//! Keys for one purpose. They seal text that leaves the gateway and comes back to it alone. Pure.
//!
//! ```text
//!   +---------+----------+------------------+
//!   | VERSION | nonce    | ciphertext, tag  |   XChaCha20-Poly1305
//!   +---------+----------+------------------+
//!     1 byte    24
//! ```
//!
//! The keys are derived (HKDF, RFC 5869) from the operator's secrets, with a label for each purpose, so that what was sealed for
//! one opens for no other. The first key seals, all open: secrets can be rotated.

pub mod record;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The version of the format above.
const VERSION: u8 = 1;
/// Of a key, in bytes.
const KEY: usize = 32;
/// Of a nonce, in bytes: long enough to be drawn at random.
pub const NONCE: usize = 24;

/// Keys for one purpose.
#[derive(Clone, Default)]
pub struct SealingKeys(Vec<Zeroizing<[u8; KEY]>>);

impl std::fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealingKeys({} [redacted])", self.0.len())
    }
}

impl SealingKeys {
    /// A key of each secret, for the purpose that the label names.
    pub fn derive<'a>(secrets: impl Iterator<Item = &'a [u8]>, label: &str) -> Self {
        let derive = |secret: &[u8]| {
            let mut key = Zeroizing::new([0_u8; KEY]);
            Hkdf::<Sha256>::new(None, secret).expand(label.as_bytes(), key.as_mut_slice()).ok()?;
            Some(key)
        };
        Self(secrets.filter_map(derive).collect())
    }

    /// Seals with the first key. `context` has to be the same when it is opened. None where there is no key.
    pub fn seal(&self, nonce: [u8; NONCE], context: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let cipher = XChaCha20Poly1305::new(self.0.first()?.as_slice().into());
        let ciphertext = cipher.encrypt(&nonce.into(), Payload { msg: plain, aad: context }).ok()?;
        Some([&[VERSION][..], &nonce, &ciphertext].concat())
    }

    /// Opens what [`SealingKeys::seal`] made with one of the keys. None for anything else.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (version, rest) = sealed.split_first()?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().filter(|_| *version == VERSION)?;
        self.0.iter().find_map(|key| {
            let cipher = XChaCha20Poly1305::new(key.as_slice().into());
            cipher.decrypt(nonce.into(), Payload { msg: ciphertext, aad: context }).ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secrets: &[&str], label: &str) -> SealingKeys {
        SealingKeys::derive(secrets.iter().map(|secret| secret.as_bytes()), label)
    }

    #[test]
    fn the_first_key_seals_and_every_key_opens() {
        let sealed = keys(&["old"], "login").seal([7; NONCE], b"context", b"plain").unwrap();
        assert_eq!(keys(&["new", "old"], "login").open(b"context", &sealed).as_deref(), Some(&b"plain"[..]));
        assert_eq!(keys(&["new"], "login").open(b"context", &sealed), None);
        assert_eq!(keys(&[], "login").seal([7; NONCE], b"", b""), None);
    }

    #[test]
    fn what_was_sealed_for_another_purpose_or_in_another_context_does_not_open() {
        let sealed = keys(&["secret"], "login").seal([7; NONCE], b"context", b"plain").unwrap();
        assert_eq!(keys(&["secret"], "device").open(b"context", &sealed), None);
        assert_eq!(keys(&["secret"], "login").open(b"another", &sealed), None);
    }

    #[test]
    fn what_was_changed_or_cut_does_not_open() {
        let keys = keys(&["secret"], "login");
        let sealed = keys.seal([7; NONCE], b"", b"plain").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(keys.open(b"", &changed), None, "{at}");
            assert_eq!(keys.open(b"", &sealed[..at]), None, "{at}");
        }
    }

    #[test]
    fn keys_do_not_show_themselves_in_debug_output() {
        assert_eq!(format!("{:?}", keys(&["secret"], "login")), "SealingKeys(1 [redacted])");
    }
}
