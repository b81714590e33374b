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
use crate::config::target::{TargetGrant, TargetKey};
use crate::credential::SecretHash;

/// What a session is asked for, as far as it decides whether there is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose<'a> {
    /// To proxy a request, which is a use: it takes this token.
    Proxy(Wanted<'a>),
    /// To go on without a login: it takes a token, or that there can be one.
    GoOn,
    /// To look at it: it takes a session that lives.
    Look,
}

/// The token that a request is sent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted<'a> {
    /// The access token.
    Access,
    /// The ID token, which takes a valid access token, too.
    Id,
    /// The access token for this target.
    Target(&'a TargetKey),
}

impl From<TokenKind> for Wanted<'_> {
    fn from(kind: TokenKind) -> Self {
        match kind {
            TokenKind::Access => Self::Access,
            TokenKind::Id => Self::Id,
        }
    }
}

/// What memory says to that.
pub(super) enum Verdict<'a> {
    Pass,
    Deny(Denied),
    /// The session is over from now on.
    Over(EndReason),
    /// The session lives, and this token, or the access token beside an ID token, does not.
    WithoutToken(Wanted<'a>),
}

/// Where a token of a live session stands; an ID token together with the access token.
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
    pub(super) fn verdict<'a>(&self, secret: &SecretHash, purpose: Purpose<'a>, now: OffsetDateTime) -> Verdict<'a> {
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
    fn token_to_go_on_with(&self) -> Wanted<'static> {
        let sends_id_token = self.config.routes.iter().any(|route| route.token == Token::Id);
        if sends_id_token { Wanted::Id } else { Wanted::Access }
    }

    pub(super) fn token_standing(&self, active: &Active, token: Wanted<'_>, now: OffsetDateTime) -> TokenStanding {
        if let Wanted::Target(key) = token {
            if active.target_token(key, now).is_some() {
                return TokenStanding::Valid;
            }
            let is_exchanged = self.config.target(key).is_some_and(|target| target.grant == TargetGrant::TokenExchange);
            if is_exchanged && active.grant.is_valid(now) {
                return TokenStanding::Refreshable;
            }
        } else if active.grant.is_valid(now) {
            match token {
                Wanted::Access | Wanted::Target(_) => return TokenStanding::Valid,
                Wanted::Id => match id_token_life::standing(&active.identity.id_token, &active.grant, now) {
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
