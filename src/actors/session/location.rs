//! Where a session lives, and the session that takes another one's place.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::credential::ActorId;
use crate::region::Region;

/// Where a session lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorLocation {
    /// Its actor.
    pub actor: ActorId,
    /// Near whom.
    pub region: Region,
    /// The end in any case.
    pub expires_at: OffsetDateTime,
}

/// The session that takes another one's place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Successor {
    /// Its actor.
    pub actor: ActorId,
    /// Where it lives.
    pub region: Region,
    /// `iss`: only the same user's session inherits anything.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// The provider gave it no refresh token.
    pub needs_refresh_token: bool,
    /// When its login was completed. If two took the same session's place, the later one ends the earlier.
    pub signed_in_at: OffsetDateTime,
}

impl Successor {
    /// Whether its login was completed after that of another one.
    pub fn is_later_than(&self, other: &Self) -> bool {
        (self.signed_in_at, &self.actor) > (other.signed_in_at, &other.actor)
    }

    /// Whether it is the session of this user: `iss` and `sub`.
    pub fn is_of(&self, (issuer, subject): &(String, String)) -> bool {
        self.issuer == *issuer && self.subject == *subject
    }
}
