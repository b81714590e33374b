//! The names of directories.

use sha2::{Digest as _, Sha256};

/// The name of the directory of a user.
pub fn of_user(issuer: &str, subject: &str) -> String {
    name("sub", issuer, subject)
}

/// The name of the directory of a provider's own session: a logout token may carry its `sid` alone.
pub fn of_provider_session(issuer: &str, sid: &str) -> String {
    name("sid", issuer, sid)
}

fn name(kind: &str, issuer: &str, value: &str) -> String {
    // Each part with its length: no two pairs run together to the same bytes.
    let mut hash = Sha256::new();
    for part in [kind, issuer, value] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    format!("{kind}-{:x}", hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_users_and_provider_sessions_apart_and_no_two_pairs_run_together() {
        assert_ne!(of_user("iss", "x"), of_provider_session("iss", "x"));
        assert_ne!(of_user("iss", "ue"), of_user("issu", "e"));
        assert_eq!(of_user("iss", "x"), of_user("iss", "x"));
        assert!(!of_user("iss", "alice").contains("alice"));
    }
}
