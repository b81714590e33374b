//! What an ended session leaves behind: whose it was, and the refresh token that has to be revoked.

use super::state::{Active, Identity, Refreshing};

/// What an ended session had.
#[derive(Clone, Default)]
pub(super) struct Remains {
    pub(super) identity: Option<Identity>,
    pub(super) refresh_token: Option<openidconnect::RefreshToken>,
}

impl Remains {
    pub(super) fn of(active: &Active) -> Self {
        Self {
            identity: Some(active.identity.clone()),
            refresh_token: match &active.grant.refresh {
                Refreshing::Ready { token, .. } => Some(token.clone()),
                Refreshing::Impossible | Refreshing::Presented { .. } | Refreshing::Lost => None,
            },
        }
    }

    /// The provider's own session.
    pub(super) fn sid(&self) -> Option<String> {
        self.identity.as_ref()?.sid.clone()
    }
}
