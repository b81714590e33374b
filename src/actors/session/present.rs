//! One refresh: the refresh token is presented until there is an answer that says what became of it.
//!
//! ```text
//!   Ready ── write "Presented" ──► token endpoint ─┬─ tokens ─────────────► Ready (new), Fresh
//!     ▲                                            ├─ invalid_grant ──────► Ended
//!     └── "not now": after a while, three times ───┤
//!                                                  └─ anything else ──────► within the leeway: at once again; else Lost
//! ```
//!
//! The intent is written before the call: after a crash the record says that the outcome is unknown, and the token
//! is not presented blindly again. "Not now" is a complete answer with 429, 500 or 503, or one that refuses the client.
//! After a series of tries there is a pause for all. Each pause is longer than the one before ([`Grant::pause`](super::state::Grant::pause)).

use std::rc::Rc;

use openidconnect::RefreshToken;
use time::OffsetDateTime;

use super::Session;
use super::grant::may_present_again;
use super::ledger::{Cause, Event};
use super::refresher::RefreshOutcome;
use super::state::{DoesNotApply, Grant, Identity, Refreshing, State, TargetToken, Transition};
use crate::config::target::TargetGrant;
use crate::provider::requests::RefreshFor;
use crate::provider::tokens::Tokens;

/// A refresh token on its way out.
pub(super) struct Presentation {
    pub(super) token: RefreshToken,
    pub(super) identity: Identity,
    pub(super) first_at: OffsetDateTime,
    /// It was presented before, with an unknown outcome.
    pub(super) again: bool,
}

impl Session {
    /// Presents the token, again where that is allowed. The session and its record say afterwards how it came out.
    pub(super) async fn run_refresh(self: &Rc<Self>, cause: Cause, wanted: RefreshFor) -> RefreshOutcome {
        if let RefreshFor::Target(target) = &wanted
            && target.grant == TargetGrant::TokenExchange
        {
            return self.exchange_for(target, cause).await;
        }
        let began = self.now();
        let Some(provider) = self.provider() else { return self.end_without_provider(cause).await };
        let mut tries = 0_u32;
        loop {
            provider.prepare(self.now()).await;
            let presentation = match self.present(cause.clone()).await {
                Ok(presentation) => presentation,
                Err(outcome) => {
                    if outcome == RefreshOutcome::StoreUnavailable && tries > 0 {
                        self.break_off_series().await;
                    }
                    return outcome;
                }
            };
            // What became of a token that was presented before, the session's own refresh finds out.
            let is_for_session = presentation.again && matches!(wanted, RefreshFor::Target(_));
            let asked = if is_for_session { &RefreshFor::Session } else { &wanted };
            let answer = provider.refresh(self.now(), &presentation.token, &presentation.identity, asked).await;
            let error = match answer {
                Ok((tokens, renewed)) => {
                    return self.take_tokens(tokens, renewed, asked, &presentation, cause, began).await;
                }
                Err(error) => error,
            };
            match self.after_failure(error, asked, &presentation, cause.clone(), began, tries).await {
                Ok(pause) => {
                    tries = tries.saturating_add(1);
                    if pause.is_positive() {
                        self.isolate.sleep(pause.unsigned_abs()).await;
                    }
                }
                Err(outcome) => return outcome,
            }
        }
    }

    /// Keeps the tokens that came, and learns what belongs to them.
    async fn take_tokens(
        self: &Rc<Self>,
        tokens: Tokens,
        renewed: Option<Identity>,
        asked: &RefreshFor,
        presentation: &Presentation,
        cause: Cause,
        began: OffsetDateTime,
    ) -> RefreshOutcome {
        if let RefreshFor::Target(target) = asked {
            let (refresh_token, token) = (tokens.refresh_token.clone(), TargetToken::new(target.key.clone(), &tokens));
            let what = format!("for {}: a new access token came", target.name());
            let came = |state: State| state.refreshed_for(token, refresh_token);
            return match self.keep(came, tokens.refresh_token, None, presentation, cause, began, &what).await {
                RefreshOutcome::Fresh => RefreshOutcome::ForTarget(target.key.clone()),
                outcome => outcome,
            };
        }
        let Presentation { identity, .. } = presentation;
        let access_token = tokens.access_token.clone();
        let refresh_token = tokens.refresh_token.clone();
        let sid = renewed.as_ref().and_then(|renewed| renewed.sid.clone());
        let grant = Grant::new(tokens, self.isolate.jitter());
        let is_switched = matches!(asked, RefreshFor::Organization(_));
        let came = |state: State| {
            let state = state.refreshed(grant, renewed)?;
            if is_switched { state.without_target_tokens() } else { Ok(state) }
        };
        let what = "a new access token came";
        let mut outcome = self.keep(came, refresh_token, sid.clone(), presentation, cause.clone(), began, what).await;
        if outcome == RefreshOutcome::Fresh {
            // The tokens are safe by now, whatever UserInfo says.
            outcome = self.ask_user_info(access_token, identity, cause, began).await;
        }
        if let (RefreshOutcome::Fresh, Some(sid)) = (&outcome, sid.filter(|sid| identity.sid.as_ref() != Some(sid))) {
            self.become_known_by(sid);
        }
        outcome
    }

    /// Writes the intent and hands the token out, where it may be presented now.
    async fn present(self: &Rc<Self>, cause: Cause) -> Result<Presentation, RefreshOutcome> {
        let now = self.now();
        let unavailable = |detail| {
            self.record(Event::Refresh, "store_unavailable", cause.clone(), now, detail);
            RefreshOutcome::StoreUnavailable
        };
        if self.active(|active| active.moving.is_some()) == Some(true) {
            // The new actor may have this very token already.
            return Err(unavailable("the move that is under way could not be written"));
        }
        let leeway = self.reuse_leeway();
        let found = self.active(|active| match &active.grant.refresh {
            Refreshing::Ready { token, .. } => Some((token.clone(), active.identity.clone(), now, false)),
            Refreshing::Presented { token, first_at, .. } => {
                Some((token.clone(), active.identity.clone(), *first_at, true))
            }
            Refreshing::Impossible | Refreshing::Lost => None,
        });
        let (token, identity, first_at, again) = found.ok_or(RefreshOutcome::Ended)?.ok_or(RefreshOutcome::NoToken)?;
        let is_too_late = || again && !may_present_again(first_at, self.now(), leeway);
        if !is_too_late() {
            let intended = self.transition(|state| state.presenting(now)).await;
            let intended = intended.map_err(|_| unavailable("the intent to refresh could not be written"))?;
            // It ended, or moved, before.
            intended.map_err(|DoesNotApply| RefreshOutcome::Ended)?;
        }
        // The leeway may have ended while the intent was written.
        if is_too_late() {
            self.note(State::lost).await;
            let detail =
                "the process ended during an earlier refresh: whether the provider took the token is not known";
            self.record(Event::Refresh, "unknown", cause, now, detail);
            return Err(RefreshOutcome::NoToken);
        }
        // The session may have ended, or moved, while the intent was written.
        let presented = self.active(|active| matches!(active.grant.refresh, Refreshing::Presented { .. }));
        if presented != Some(true) {
            return Err(RefreshOutcome::Ended);
        }
        Ok(Presentation { token, identity, first_at, again })
    }

    /// New tokens are here, and perhaps another refresh token. A session that ended meanwhile stays ended, and they are revoked.
    #[allow(clippy::too_many_arguments, reason = "what a refresh brought, what it was, and what the ledger says of it")]
    async fn keep(
        self: &Rc<Self>,
        came: impl FnOnce(State) -> Transition,
        refresh_token: Option<RefreshToken>,
        sid: Option<String>,
        Presentation { token, identity, .. }: &Presentation,
        cause: Cause,
        began: OffsetDateTime,
        what: &str,
    ) -> RefreshOutcome {
        let kept = self.establish(came).await;
        // If the tokens could not be written, they serve from memory. The session may have ended right after that.
        if kept.made.is_err() || self.active(|_| ()).is_none() {
            self.record(
                Event::Refresh,
                "discarded",
                cause.clone(),
                began,
                "new tokens came too late: the session had ended or moved",
            );
            // Without a new one the old one stays good.
            let unused = refresh_token.unwrap_or_else(|| token.clone());
            let sid = sid.or_else(|| identity.sid.clone());
            self.revoke_in_background(Some(unused).filter(|_| !self.has_successor()), sid, cause);
            return RefreshOutcome::Ended;
        }
        self.record(Event::Refresh, "ok", cause, began, what);
        RefreshOutcome::Fresh
    }
}
