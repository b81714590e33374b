//! `ADMIN_TOKEN`: who may administer sessions.

use sha2::{Digest as _, Sha256};

/// `ADMIN_TOKEN`, as its SHA-256: all that a comparison needs.
#[derive(Clone, Copy)]
pub struct AdminToken([u8; 32]);

impl AdminToken {
    /// The token of this text.
    pub fn new(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Whether `text` is the token, in constant time.
    pub fn is(&self, text: &str) -> bool {
        use subtle::ConstantTimeEq as _;
        self.0.ct_eq(&Self::new(text).0).into()
    }
}

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminToken([redacted])")
    }
}
