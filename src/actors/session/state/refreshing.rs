//! What a use and a refresh make of a session. Pure.

use openidconnect::{AccessToken, RefreshToken};
use time::OffsetDateTime;

use super::{Active, DoesNotApply, Grant, Identity, Refreshing, State, TargetToken, Transition};

impl State {
    /// A request was proxied for the session.
    pub fn used(self, now: OffsetDateTime) -> Transition {
        self.map_active(|active| Ok(Active { last_used_at: now.max(active.last_used_at), used: true, ..active }))
    }

    /// Somebody asked for a refresh.
    pub fn forced(self, now: OffsetDateTime) -> Transition {
        self.map_active(|active| Ok(Active { forced_at: Some(now), ..active }))
    }

    /// The refresh token is about to be presented: the intent that is written ahead of the call.
    pub fn presenting(self, now: OffsetDateTime) -> Transition {
        self.map_refreshing(|refreshing| match refreshing {
            Refreshing::Ready { token, .. } => Ok(Refreshing::Presented { token, first_at: now, not_before: None }),
            Refreshing::Presented { token, first_at, .. } => {
                Ok(Refreshing::Presented { token, first_at, not_before: None })
            }
            Refreshing::Impossible | Refreshing::Lost => Err(DoesNotApply),
        })
    }

    /// The provider said, in full, that it did not take the token for now.
    pub fn deferred(self, until: OffsetDateTime) -> Transition {
        self.map_refreshing(|refreshing| match refreshing {
            Refreshing::Presented { token, .. } | Refreshing::Ready { token, .. } => {
                Ok(Refreshing::Ready { token, not_before: Some(until) })
            }
            Refreshing::Impossible | Refreshing::Lost => Err(DoesNotApply),
        })
    }

    /// Whether the provider took the token is not known; it may be presented again, but not now.
    pub fn waiting(self, until: OffsetDateTime) -> Transition {
        self.map_refreshing(|refreshing| match refreshing {
            Refreshing::Presented { token, first_at, .. } => {
                Ok(Refreshing::Presented { token, first_at, not_before: Some(until) })
            }
            Refreshing::Impossible | Refreshing::Ready { .. } | Refreshing::Lost => Err(DoesNotApply),
        })
    }

    /// The token is not presented before that, whatever is known of it.
    pub fn postponed(self, until: OffsetDateTime) -> Transition {
        self.map_refreshing(|refreshing| match refreshing {
            Refreshing::Ready { token, .. } => Ok(Refreshing::Ready { token, not_before: Some(until) }),
            Refreshing::Presented { token, first_at, .. } => {
                Ok(Refreshing::Presented { token, first_at, not_before: Some(until) })
            }
            Refreshing::Impossible | Refreshing::Lost => Err(DoesNotApply),
        })
    }

    /// All tries were used up once more.
    pub fn series_failed(self) -> Transition {
        self.map_active(|active| {
            let failed_series = active.grant.failed_series.saturating_add(1);
            Ok(Active { grant: Grant { failed_series, ..active.grant }, ..active })
        })
    }

    /// UserInfo said something of the user that this access token is for. Where there is another one by now, it comes too
    /// late; without one it never does.
    pub fn informed(self, token: Option<&AccessToken>, inform: impl FnOnce(Identity) -> Identity) -> Transition {
        self.map_active(|active| {
            if token.is_some_and(|token| active.grant.access_token.secret() != token.secret()) {
                return Err(DoesNotApply);
            }
            Ok(Active { identity: inform(active.identity), ..active })
        })
    }

    /// Whether the provider took the token is not known, and asking again is not allowed.
    pub fn lost(self) -> Transition {
        self.map_refreshing(|refreshing| match refreshing {
            Refreshing::Presented { .. } => Ok(Refreshing::Lost),
            Refreshing::Impossible | Refreshing::Ready { .. } | Refreshing::Lost => Err(DoesNotApply),
        })
    }

    /// New tokens came; without a new refresh token the old one stays.
    pub fn refreshed(self, grant: Grant, renewed: Option<Identity>) -> Transition {
        self.map_active(|active| {
            let kept = match (grant.refresh, active.grant.refresh) {
                (Refreshing::Impossible, Refreshing::Presented { token, .. } | Refreshing::Ready { token, .. }) => {
                    Refreshing::Ready { token, not_before: None }
                }
                (refresh, _) => refresh,
            };
            let identity = match renewed {
                // The `sid` by which its directories know the session: see `known_by`. UserInfo may have said something since
                // the refresh began: some providers are asked at the login alone.
                Some(renewed) => {
                    let is_news = renewed.user_info != active.identity.user_info;
                    let renewed = if is_news { renewed.informed(active.identity.user_info()) } else { renewed };
                    Identity { sid: active.identity.sid, ..renewed }
                }
                None => active.identity,
            };
            // What somebody asked for is new tokens, whatever they are for: none from before that stays.
            let mut target_tokens = active.target_tokens;
            target_tokens.retain(|token| active.forced_at.is_none_or(|at| token.issued_at > at));
            Ok(Active { grant: Grant { refresh: kept, ..grant }, identity, target_tokens, used: false, ..active })
        })
    }

    /// An access token for a target came; without a new refresh token the old one stays.
    pub fn refreshed_for(self, token: TargetToken, refresh_token: Option<RefreshToken>) -> Transition {
        let state = self.map_refreshing(|refreshing| match refreshing {
            Refreshing::Presented { token, .. } | Refreshing::Ready { token, .. } => {
                Ok(Refreshing::Ready { token: refresh_token.unwrap_or(token), not_before: None })
            }
            Refreshing::Impossible | Refreshing::Lost => Err(DoesNotApply),
        })?;
        state.exchanged(token)
    }

    /// The access token was exchanged for one for a target.
    pub fn exchanged(self, token: TargetToken) -> Transition {
        self.map_active(|active| {
            let now = token.issued_at;
            let mut target_tokens = active.target_tokens;
            target_tokens.retain(|known| known.key != token.key && known.is_valid(now));
            target_tokens.push(token);
            Ok(Active { target_tokens, ..active })
        })
    }

    /// The session has changed its organization, and these tokens are for the one before.
    pub fn without_target_tokens(self) -> Transition {
        self.map_active(|active| Ok(Active { target_tokens: Vec::new(), ..active }))
    }

    /// The session's directories know it by this `sid`.
    pub fn known_by(self, sid: String) -> Transition {
        self.map_active(|active| Ok(Active { identity: Identity { sid: Some(sid), ..active.identity }, ..active }))
    }

    fn map_refreshing(self, change: impl FnOnce(Refreshing) -> Result<Refreshing, DoesNotApply>) -> Transition {
        self.map_active(|active| {
            let grant = Grant { refresh: change(active.grant.refresh)?, ..active.grant };
            Ok(Active { grant, ..active })
        })
    }
}
