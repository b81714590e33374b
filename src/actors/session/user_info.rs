//! What UserInfo says after a refresh, or late after a login. It replaces what UserInfo said before.
//!
//! The tokens are safe by then. An answer that does not come leaves the claims as they are; one about another user ends the
//! session, as its tokens are that user's.

use std::rc::Rc;

use openidconnect::AccessToken;
use time::OffsetDateTime;

use super::Session;
use super::ledger::{Cause, Event};
use super::refresher::RefreshOutcome;
use super::state::Identity;
use crate::actors::end_reason::EndReason;
use crate::ambient;
use crate::provider::user_info::{Asking, UserInfo, WAIT_LIMIT};

/// How long a refresh may take before the requests that wait for it go on. It is a little less than they wait.
const REFRESH_ENDS_WITHIN: time::Duration = time::Duration::seconds(9);

impl Session {
    /// Asks UserInfo with the access token that a refresh brought. The refresh does not wait long for it.
    pub(super) async fn ask_user_info(
        self: &Rc<Self>,
        token: AccessToken,
        identity: &Identity,
        cause: Cause,
        began: OffsetDateTime,
    ) -> RefreshOutcome {
        let now = self.now();
        let asking = self.provider().and_then(|provider| provider.user_info(now, &token, identity));
        let Some(asking) = asking else { return RefreshOutcome::Fresh };
        let left = ambient::between(now, began.saturating_add(REFRESH_ENDS_WITHIN)).max(time::Duration::ZERO);
        match asking.within(&*self.isolate, WAIT_LIMIT.min(left.unsigned_abs())).await {
            Ok(said) => self.take_user_info(said, Some(&token), Event::Refresh, cause, now).await,
            Err(asking) => {
                let detail = "UserInfo did not answer in time: the claims stay as they are until it does";
                self.record(Event::Refresh, "not_informed", cause.clone(), now, detail);
                self.await_user_info(asking, token, Event::Refresh, cause);
            }
        }
        if self.active(|_| ()).is_some() { RefreshOutcome::Fresh } else { RefreshOutcome::Ended }
    }

    /// Takes what UserInfo says when it comes; nobody waits for it.
    pub(super) fn await_user_info(self: &Rc<Self>, asking: Asking, token: AccessToken, event: Event, cause: Cause) {
        let (session, began) = (Rc::clone(self), self.now());
        // If the provider is asked at logins alone, the answer is not too late even after a refresh.
        let asks_again = self.provider().is_some_and(|provider| provider.asks_user_info_again());
        let token = asks_again.then_some(token);
        self.isolate.go_on(async move {
            match asking.answer().await {
                // It was said that it did not come in time.
                UserInfo::NoAnswer => {}
                said => session.take_user_info(said, token.as_ref(), event, cause, began).await,
            }
        });
    }

    async fn take_user_info(
        self: &Rc<Self>,
        said: UserInfo,
        token: Option<&AccessToken>,
        event: Event,
        cause: Cause,
        began: OffsetDateTime,
    ) {
        match said {
            UserInfo::NotAsked => {}
            UserInfo::Said(said) => {
                let has_changed = self.active(|active| {
                    let informed = active.identity.clone().informed(said.clone());
                    let (now, before) = (&informed, &active.identity);
                    let is_timely = token.is_none_or(|token| active.grant.access_token.secret() == token.secret());
                    is_timely && (&now.claims, &now.user_info) != (&before.claims, &before.user_info)
                });
                if has_changed == Some(true) {
                    let informed =
                        self.establish(|state| state.informed(token, |identity| identity.informed(said))).await;
                    // A session that is being deleted has no claims any more.
                    if informed.made.is_ok() {
                        let detail = "UserInfo said something new, and the claims changed";
                        self.record(event, "informed", cause, began, detail);
                    }
                }
            }
            UserInfo::NoAnswer => {
                let detail = "UserInfo could not be read: the claims stay as they are";
                self.record(event, "not_informed", cause, began, detail);
            }
            UserInfo::OtherSubject => {
                let detail = "UserInfo names another user than the session's (sub)";
                self.record(event, "refused", cause.clone(), began, detail);
                if let Ok(Some(remains)) = self.end(EndReason::RefreshRejected, cause.clone(), detail).await {
                    self.revoke_remains(remains, cause);
                }
            }
        }
    }
}
