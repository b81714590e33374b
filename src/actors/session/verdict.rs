//! What an actor's memory says to a request: whether it passes, and whether there is a token for it.

use time::OffsetDateTime;

use super::Session;
use super::message::Denied;
use super::standing::Standing;
use super::state::{Active, Refreshing};
use crate::actors::end_reason::EndReason;
use crate::ambient;
use crate::credential::SecretHash;

/// What a session is asked for, as far as it decides whether there is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To proxy a request, which is a use: it takes a valid access token.
    Proxy,
    /// To go on without a login: it takes a token, or that there can be one.
    GoOn,
    /// To look at it: it takes a session that lives.
    Look,
}

/// What memory says to that.
pub(super) enum Verdict {
    Pass,
    Deny(Denied),
    /// The session is over from now on.
    Over(EndReason),
    /// The session lives, and its access token does not.
    WithoutToken,
}

/// Where a live session's access token stands.
pub(super) enum TokenStanding {
    Valid,
    /// It has expired; there may be another.
    Refreshable,
    /// It has expired, and the provider asked for patience: seconds.
    Waiting(u32),
    /// It has expired, and there is no other.
    Spent,
}

impl Session {
    pub(super) fn verdict(&self, secret: &SecretHash, purpose: Purpose, now: OffsetDateTime) -> Verdict {
        let kept = self.kept.state();
        let Some(state) = &*kept else { return Verdict::Deny(Denied::Unknown) };
        match state.standing(now, secret, self.lifetimes()) {
            Standing::Unknown => Verdict::Deny(Denied::Unknown),
            Standing::Ended(reason) => Verdict::Deny(Denied::Ended(reason)),
            Standing::Over(reason) => Verdict::Over(reason),
            Standing::Moved(to) => Verdict::Deny(Denied::Moved(to.clone())),
            Standing::Active(active) => match (purpose, self.token_standing(active, now)) {
                (Purpose::Look, _)
                | (Purpose::Proxy, TokenStanding::Valid)
                | (Purpose::GoOn, TokenStanding::Valid | TokenStanding::Refreshable | TokenStanding::Waiting(_)) => {
                    Verdict::Pass
                }
                (Purpose::Proxy | Purpose::GoOn, _) => Verdict::WithoutToken,
            },
        }
    }

    pub(super) fn token_standing(&self, active: &Active, now: OffsetDateTime) -> TokenStanding {
        if active.grant.is_valid(now) {
            return TokenStanding::Valid;
        }
        if self.refresher.is_under_way() {
            return TokenStanding::Refreshable;
        }
        if let Some(until) = active.grant.refresh.waits_until(now) {
            let seconds = u32::try_from(ambient::between(now, until).whole_seconds()).unwrap_or_default();
            return TokenStanding::Waiting(seconds.saturating_add(1));
        }
        match &active.grant.refresh {
            Refreshing::Ready { .. } | Refreshing::Presented { .. } => TokenStanding::Refreshable,
            Refreshing::Impossible | Refreshing::Lost => TokenStanding::Spent,
        }
    }
}
