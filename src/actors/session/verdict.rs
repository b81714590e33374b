//! What an actor's memory says to a request: whether it passes, and whether there is a token for it.

use time::OffsetDateTime;

use super::Session;
use super::id_token_life::{self, IdTokenStanding};
use super::message::{Denied, TokenKind};
use super::standing::Standing;
use super::state::{Active, Refreshing};
use crate::actors::end_reason::EndReason;
use crate::ambient;
use crate::config::routes::Token;
use crate::credential::SecretHash;

/// What a session is asked for, as far as it decides whether there is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To proxy a request, which is a use: it takes a valid access token, and the ID token valid if it is the one that is sent.
    Proxy(TokenKind),
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
    /// The session lives, and this token, or the access token, does not.
    WithoutToken(TokenKind),
}

/// Where a live session's tokens stand: the access token, and the ID token where that is asked for.
pub(super) enum TokenStanding {
    Valid,
    /// One has expired; there may be another.
    Refreshable,
    /// One has expired, and the provider asked for patience: seconds.
    Waiting(u32),
    /// One has expired, and there is no other.
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
            Standing::Active(active) => {
                let token = match purpose {
                    Purpose::Look => return Verdict::Pass,
                    Purpose::Proxy(token) => token,
                    Purpose::GoOn => self.token_to_go_on_with(),
                };
                match (purpose, self.token_standing(active, token, now)) {
                    (_, TokenStanding::Valid)
                    | (Purpose::GoOn, TokenStanding::Refreshable | TokenStanding::Waiting(_)) => Verdict::Pass,
                    _ => Verdict::WithoutToken(token),
                }
            }
        }
    }

    /// The token without which some route cannot be served.
    fn token_to_go_on_with(&self) -> TokenKind {
        let sends_id_token = self.config.routes.iter().any(|route| route.token == Token::Id);
        if sends_id_token { TokenKind::Id } else { TokenKind::Access }
    }

    pub(super) fn token_standing(&self, active: &Active, token: TokenKind, now: OffsetDateTime) -> TokenStanding {
        if active.grant.is_valid(now) {
            match token {
                TokenKind::Access => return TokenStanding::Valid,
                TokenKind::Id => match id_token_life::standing(&active.identity.id_token, &active.grant, now) {
                    IdTokenStanding::Valid => return TokenStanding::Valid,
                    // Each request would cause another refresh.
                    IdTokenStanding::NotRenewed => return TokenStanding::Spent,
                    IdTokenStanding::Over => {}
                },
            }
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
