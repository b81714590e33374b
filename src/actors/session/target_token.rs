//! An access token for a target of its own, `audience` of a route for one: got with the session's refresh token, or with its
//! access token (RFC 8693). A session has one flight for all that presents its refresh token, so that no token is presented twice.

use std::rc::Rc;

use time::OffsetDateTime;

use super::Session;
use super::deadline::SOON;
use super::ledger::{Cause, Event};
use super::message::{Denied, GetTargetToken, TokenWithClaims};
use super::refresher::RefreshOutcome;
use super::state::{Active, Refreshing, TargetToken};
use super::verdict::{Purpose, TokenStanding, Wanted};
use crate::config::target::{Target, TargetGrant, TargetKey};
use crate::provider::error::TokenExchangeError;
use crate::provider::requests::RefreshFor;

impl Session {
    pub(super) async fn get_target_token(self: &Rc<Self>, get: GetTargetToken) -> Result<Box<TokenWithClaims>, Denied> {
        let GetTargetToken { secret, target, navigation_from } = get;
        self.pass(&secret, navigation_from, Purpose::Proxy(Wanted::Target(&target))).await?;
        let now = self.now();
        let found = self.served(|active| {
            let token = active.target_token(&target, now)?.clone();
            Some(Box::new(TokenWithClaims { token, claims: active.identity.claims.clone() }))
        })?;
        found.ok_or(Denied::StoreUnavailable)
    }

    /// Sees to it that a live session has a valid access token for this target, or says why it has none.
    pub(super) async fn obtain_target_token(self: &Rc<Self>, key: &TargetKey, cause: Cause) -> Result<(), Denied> {
        // The sender may be another release, with other routes.
        let later = || Denied::ProviderUnavailable { retry_after: SOON };
        let target = self.config.target(key).ok_or_else(later)?;
        loop {
            let now = self.now();
            match self.active(|active| self.token_standing(active, Wanted::Target(key), now)) {
                // In its grace after a move a session gets no token. Its successor does.
                None => {
                    let has_none = self.served(|active| active.target_token(key, now).is_none());
                    return if has_none == Ok(true) { Err(later()) } else { Ok(()) };
                }
                Some(TokenStanding::Valid) => return Ok(()),
                Some(TokenStanding::Waiting(retry_after)) => return Err(Denied::ProviderUnavailable { retry_after }),
                // Another login would bring no refresh token either.
                Some(TokenStanding::Spent) if self.cannot_refresh(now) => return Err(Denied::TargetRefused),
                Some(TokenStanding::Spent) => return Err(self.without_any_token(cause).await),
                Some(TokenStanding::Refreshable) if self.refused_targets.has(key, now) => {
                    return Err(Denied::TargetRefused);
                }
                Some(TokenStanding::Refreshable) => {}
            }
            if target.grant == TargetGrant::TokenExchange {
                self.obtain_token(Wanted::Access, cause.clone()).await?;
            }
            match self.refresh_for(cause.clone(), RefreshFor::Target(Box::new(target.clone()))).await {
                // Its own, or one that it joined.
                RefreshOutcome::ForTarget(known) if known == *key && !self.refused_targets.has(key, self.now()) => {
                    return Ok(());
                }
                // One that it joined, for something else.
                RefreshOutcome::ForTarget(_) | RefreshOutcome::Fresh | RefreshOutcome::OtherOrganization => {}
                RefreshOutcome::Ended => return Ok(()),
                RefreshOutcome::Unavailable { retry_after } => return Err(Denied::ProviderUnavailable { retry_after }),
                RefreshOutcome::StoreUnavailable => return Err(Denied::StoreUnavailable),
                // An exchange needs none.
                RefreshOutcome::NoToken if target.grant == TargetGrant::TokenExchange => {}
                RefreshOutcome::NoToken => return Err(self.without_any_token(cause).await),
            }
        }
    }

    /// Whether the provider gave no refresh token, beside an access token that still serves.
    fn cannot_refresh(&self, now: OffsetDateTime) -> bool {
        self.active(|active| active.grant.is_valid(now) && matches!(active.grant.refresh, Refreshing::Impossible))
            == Some(true)
    }

    /// Exchanges the session's access token for one for this target (RFC 8693). Nothing is presented that could be used up, and so
    /// nothing is written ahead.
    pub(super) async fn exchange_for(self: &Rc<Self>, target: &Target, cause: Cause) -> RefreshOutcome {
        let began = self.now();
        let valid = |active: &Active| active.grant.is_valid(began).then(|| active.grant.access_token.clone());
        let Some(Some(subject)) = self.active(valid) else { return RefreshOutcome::ForTarget(target.key.clone()) };
        let Some(provider) = self.provider() else { return self.end_without_provider(cause).await };
        let error = match provider.exchange_token(began, &subject, target).await {
            Ok(tokens) => {
                let token = TargetToken::new(target.key.clone(), &tokens);
                self.note(|state| state.exchanged(token)).await;
                self.record_for(target, "ok", cause, began, "an access token was exchanged", None);
                return RefreshOutcome::ForTarget(target.key.clone());
            }
            Err(error) => error,
        };
        match error {
            TokenExchangeError::Refused { why, said } => {
                self.refuse(target, &why, said.as_deref(), cause, began);
                RefreshOutcome::ForTarget(target.key.clone())
            }
            TokenExchangeError::Unavailable { why, retry_after } => {
                self.record_for(target, "provider_unavailable", cause, began, &why, None);
                RefreshOutcome::Unavailable { retry_after: retry_after.unwrap_or(SOON) }
            }
        }
    }

    /// The provider gives no token for this target. That says nothing of the session.
    pub(super) fn refuse(&self, target: &Target, why: &str, said: Option<&str>, cause: Cause, began: OffsetDateTime) {
        self.refused_targets.add(&target.key, self.now());
        self.record_for(target, "target_refused", cause, began, why, said);
    }

    /// Records what became of a token for a target.
    pub(super) fn record_for(
        &self,
        target: &Target,
        outcome: &str,
        cause: Cause,
        began: OffsetDateTime,
        what: &str,
        said: Option<&str>,
    ) {
        let detail = format!("for {}: {what}", target.name());
        self.record_with_words(Event::Refresh, outcome, cause, began, &detail, said);
    }
}
