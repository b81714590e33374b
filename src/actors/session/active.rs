//! A live session: whose it is, what it holds, and how long it lives. Pure.

use openidconnect::AccessToken;
use time::OffsetDateTime;

use super::grant::{Grant, Refreshing};
use super::superseding::Superseding;
pub use super::target_tokens::TargetToken;
use super::view::SessionView;
use crate::actors::end_reason::EndReason;
use crate::actors::summary::UserPlace;
use crate::config::Lifetimes;
use crate::config::target::TargetKey;
use crate::credential::{ActorId, SecretHash};
pub use crate::identity::Identity;
use crate::region::Region;

/// A live session.
#[derive(Clone, Debug)]
pub struct Active {
    /// Of the session cookie.
    pub secret_hash: SecretHash,
    /// Where the login began.
    pub place: UserPlace,
    /// Who is logged in.
    pub identity: Identity,
    /// What the provider granted.
    pub grant: Grant,
    /// The access tokens for targets of their own.
    pub target_tokens: Vec<TargetToken>,
    /// When the user logged in.
    pub created_at: OffsetDateTime,
    /// The end in any case.
    pub expires_at: OffsetDateTime,
    /// The last use, or the login.
    pub last_used_at: OffsetDateTime,
    /// Whether there was a use since the tokens came.
    pub used: bool,
    /// The last refresh that somebody asked for.
    pub forced_at: Option<OffsetDateTime>,
    /// Counts the owners of the grant.
    pub epoch: u32,
    /// The session is about to live elsewhere.
    pub moving: Option<Moving>,
    /// The sessions whose place it took and which do not know that yet.
    pub superseding: Superseding,
}

/// The intent to move, written ahead.
#[derive(Clone, Debug)]
pub struct Moving {
    /// Where to.
    pub to: ActorId,
    /// Where that lives.
    pub region: Region,
    /// When the move began.
    pub began_at: OffsetDateTime,
}

impl Active {
    /// The end without a further use.
    pub fn idle_expires_at(&self, lifetimes: Lifetimes) -> OffsetDateTime {
        self.last_used_at.saturating_add(lifetimes.idle)
    }

    /// Why the session is over at `now`, if it is.
    pub fn over(&self, now: OffsetDateTime, lifetimes: Lifetimes) -> Option<EndReason> {
        if now >= self.expires_at {
            Some(EndReason::Expired)
        } else if now >= self.idle_expires_at(lifetimes) {
            Some(EndReason::Idle)
        } else {
            None
        }
    }

    /// There was a use at that time, unless it is known already.
    pub fn was_used(&mut self, at: OffsetDateTime) {
        if at > self.last_used_at {
            self.last_used_at = at;
            self.used = true;
        }
    }

    /// When the alarm refreshes the session. It refreshes only a session that was used since its tokens came.
    pub fn ahead_at(&self) -> Option<OffsetDateTime> {
        if !self.used {
            return None;
        }
        match &self.grant.refresh {
            Refreshing::Ready { not_before, .. } => {
                let at = self.grant.refresh_at?;
                Some(not_before.map_or(at, |not_before| not_before.max(at)))
            }
            Refreshing::Presented { not_before, .. } => Some((*not_before)?.max(self.grant.refresh_at?)),
            Refreshing::Impossible | Refreshing::Lost => None,
        }
    }

    /// Whether the use at `now` has to be written down: the first since the tokens came, and then about twenty
    /// times in an idle time, counted from the one that was written last.
    pub fn use_is_notable(&self, now: OffsetDateTime, written_at: OffsetDateTime, lifetimes: Lifetimes) -> bool {
        let step = lifetimes.idle.checked_div(20).unwrap_or(lifetimes.idle);
        !self.used || now >= written_at.saturating_add(step)
    }

    /// The access token for this target, if there is one that serves.
    pub fn target_token(&self, key: &TargetKey, now: OffsetDateTime) -> Option<&AccessToken> {
        let found = self.target_tokens.iter().find(|token| token.key == *key && token.is_valid(now));
        found.map(|token| &token.access_token)
    }

    /// What the user may know.
    pub fn view(&self, lifetimes: Lifetimes) -> SessionView {
        SessionView {
            subject: self.identity.subject.clone(),
            issuer: self.identity.issuer.clone(),
            claims: self.identity.claims.clone(),
            region: self.place.region,
            created_at: self.created_at,
            idle_expires_at: self.idle_expires_at(lifetimes).min(self.expires_at),
            expires_at: self.expires_at,
            access_token_expires_at: self.grant.expires_at,
            provider: self.place.provider.clone(),
        }
    }
}
