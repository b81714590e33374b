//! A login that has not come back, and what its callback is held against. Pure.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::message::{Occasion, UserPlace};
use crate::credential::{ActorId, Secret, SecretHash};

/// A login that has not come back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pending {
    /// Of the login cookie.
    pub secret_hash: SecretHash,
    /// Where the login began.
    pub place: UserPlace,
    /// When.
    pub began_at: OffsetDateTime,
    /// When it is forgotten.
    pub expires_at: OffsetDateTime,
    /// What the callback is held against; taken by the first one that fits.
    pub attempt: Option<Attempt>,
}

/// One authorization request, as remembered for its response.
#[derive(Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// `state`.
    pub state: String,
    /// `nonce`.
    pub nonce: String,
    /// `code_verifier` (RFC 7636).
    pub code_verifier: String,
    /// `redirect_uri`.
    pub redirect_uri: String,
    /// Where the browser goes afterwards.
    pub return_to: String,
    /// The session that this login replaces.
    pub predecessor: Option<Predecessor>,
    /// What the login is for.
    pub occasion: Occasion,
    /// `prompt=none` was asked for.
    pub prompt_none: bool,
    /// The organization that was asked for: the ID token is held against it.
    pub organization: Option<String>,
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempt").field("return_to", &self.return_to).finish_non_exhaustive()
    }
}

/// The session that a login replaces, and the proof that the browser had it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Predecessor {
    /// Its actor.
    pub actor: ActorId,
    /// Of its cookie.
    pub secret_hash: SecretHash,
}

/// Why a callback does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// The cookie's secret or the `state` is another login's.
    Foreign,
    /// This login has had its callback.
    Replayed,
}

impl Pending {
    /// A callback with this secret and `state` arrived: the attempt is taken, once. A callback that does not fit
    /// takes nothing, so that nobody can spoil another's login.
    pub fn redeem(mut self, now: OffsetDateTime, secret: &Secret, state: &str) -> (Self, Result<Attempt, Misfit>) {
        use subtle::ConstantTimeEq as _;
        let fits = self.secret_hash.matches(secret) && now < self.expires_at;
        let taken = match self.attempt.take() {
            Some(attempt) if fits && bool::from(attempt.state.as_bytes().ct_eq(state.as_bytes())) => Ok(attempt),
            Some(attempt) => {
                self.attempt = Some(attempt);
                Err(Misfit::Foreign)
            }
            None if fits => Err(Misfit::Replayed),
            None => Err(Misfit::Foreign),
        };
        (self, taken)
    }
}
