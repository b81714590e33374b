//! Why a session ended, and how long that is remembered.

use serde::{Deserialize, Serialize};
use time::Duration;

use super::log::Cause;

/// How long an ended session keeps its ledger.
pub const RETENTION: Duration = Duration::days(7);

/// Why a session ended; `reason` of the code `session_ended`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndReason {
    /// The user logged out.
    Logout,
    /// An administrator or the user elsewhere ended it.
    Revoked,
    /// It was not used for too long.
    Idle,
    /// Its time was up.
    Expired,
    /// The provider refused to refresh it.
    RefreshRejected,
    /// The provider said that the user logged out.
    Backchannel,
    /// Another session took its place.
    Superseded,
    /// Its user has more sessions than `SESSIONS_PER_USER`, and this was the one that was registered or refreshed least
    /// recently.
    Limit,
    /// A request came without the proof of the session's device, and `DEVICE_POLICY` is `end`.
    Device,
    /// Its provider is no longer in `PROVIDERS`.
    ProviderRemoved,
}

impl EndReason {
    /// As problem documents, log lines and the ledger spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Idle => "idle",
            Self::Expired => "expired",
            Self::RefreshRejected => "refresh_rejected",
            Self::Backchannel => "backchannel",
            Self::Superseded => "superseded",
            Self::Limit => "limit",
            Self::Device => "device",
            Self::ProviderRemoved => "provider_removed",
        }
    }

    /// The same in words, for the ledger.
    pub const fn in_words(self, cause: &Cause) -> &'static str {
        match (self, cause) {
            (Self::Logout, _) => "the user logged out",
            (Self::Revoked, Cause::Admin | Cause::AdminByAccess(_)) => "an administrator revoked the session",
            (Self::Revoked, _) => "the user ended the session from another one of theirs",
            (Self::Idle, _) => "the session was not used for too long",
            (Self::Expired, _) => "the session's time was up",
            (Self::RefreshRejected, _) => "the provider no longer renews the session",
            (Self::Backchannel, _) => "the user was logged out at the provider",
            (Self::Superseded, _) => "a newer login took the session's place",
            (Self::Limit, _) => {
                "the user logged in more often than SESSIONS_PER_USER allows, and this session was the oldest"
            }
            (Self::Device, _) => "a request came without the proof of the session's device (DEVICE_POLICY)",
            (Self::ProviderRemoved, _) => "the session's provider is no longer configured (PROVIDERS)",
        }
    }
}

impl std::fmt::Display for EndReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
