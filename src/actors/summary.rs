//! What lists show of a session. The session says it of itself, and its directory stores it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::region::Region;

/// Where and with what a user logged in; shown in lists of sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserPlace {
    /// The region in which the actor was asked to live.
    pub region: Region,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// The `User-Agent` header, shortened.
    pub user_agent: Option<String>,
    /// The provider's name in `PROVIDERS`; none: the single one.
    pub provider: Option<String>,
}

/// One line of a list of sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Where the actor lives.
    pub region: Region,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// How it is.
    pub state: SessionState,
    /// When the login began.
    pub created_at: OffsetDateTime,
    /// When the last request was proxied for it.
    pub last_used_at: Option<OffsetDateTime>,
    /// The end in any case.
    pub expires_at: OffsetDateTime,
    /// The `User-Agent` header at login, shortened.
    pub user_agent: Option<String>,
    /// Since when the session is bound to a device.
    pub bound_at: Option<OffsetDateTime>,
    /// The provider's name in `PROVIDERS`; none: the single one.
    pub provider: Option<String>,
}

/// The state of a session, as lists and log lines spell it. It travels as that text, which older releases know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum SessionState {
    /// It lives.
    Active,
    /// It lives in another actor.
    Moved,
    /// It is over.
    Ended,
}

impl SessionState {
    /// `active`, `moved` or `ended`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Moved => "moved",
            Self::Ended => "ended",
        }
    }
}

impl From<SessionState> for &'static str {
    fn from(state: SessionState) -> Self {
        state.as_str()
    }
}

impl TryFrom<String> for SessionState {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        [Self::Active, Self::Moved, Self::Ended]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("no state of a session: {text}"))
    }
}
