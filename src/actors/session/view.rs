//! What others may know of a session: its user, an administrator, its successor. The successor alone can be given a
//! token.

use openidconnect::RefreshToken;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::attempt::Predecessor;
use super::ledger::Entry;
use crate::actors::summary::Summary;
use crate::config::StoreKind;
use crate::credential::ActorId;
use crate::region::Region;

/// What a user may know of their session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionView {
    /// `sub`.
    pub subject: String,
    /// `iss`.
    pub issuer: String,
    /// The claims of the ID token and UserInfo, a JSON object.
    pub claims: String,
    /// Where the actor lives.
    pub region: Region,
    /// When the user logged in.
    pub created_at: OffsetDateTime,
    /// The end without a further use.
    pub idle_expires_at: OffsetDateTime,
    /// The end in any case.
    pub expires_at: OffsetDateTime,
    /// None where the provider does not say.
    pub access_token_expires_at: Option<OffsetDateTime>,
    /// The provider's name in `PROVIDERS`; none: the single one.
    pub provider: Option<String>,
}

/// What an administrator may know of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// What lists show.
    pub summary: Summary,
    /// `sub`; none before the login is complete.
    pub subject: Option<String>,
    /// `iss`.
    pub issuer: Option<String>,
    /// Counts the owners of the grant.
    pub epoch: u32,
    /// Counts the writes of the record.
    pub generation: u64,
    /// When the actor acts by itself next.
    pub next_alarm_at: Option<OffsetDateTime>,
    /// None where the provider does not say, or where there is none.
    pub access_token_expires_at: Option<OffsetDateTime>,
    /// The actor that the session lives in now, where it is not this one.
    pub moved_to: Option<ActorId>,
    /// The last events, oldest first.
    pub ledger: Vec<Entry>,
    /// Where the record is kept.
    pub store: StoreKind,
}

/// What a session leaves to its successor, which is the same user's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Inheritance {
    /// When the user logged in.
    pub created_at: OffsetDateTime,
    /// The end in any case.
    pub expires_at: OffsetDateTime,
    /// Counts the owners of the grant, the successor among them.
    pub epoch: u32,
    /// Given if the successor has none. The old session keeps no copy.
    pub refresh_token: Option<RefreshToken>,
    /// The last events, oldest first.
    pub ledger: Vec<Entry>,
    /// The sessions whose place it had taken, and that have yet to be told.
    pub superseding: Vec<Predecessor>,
}
