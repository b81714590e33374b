//! `Get`: whether a request passes, and with which token. The hot path: memory only while the token is fresh.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use time::OffsetDateTime;
use worker::Delay;

use super::ledger::{Cause, Event};
use super::message::{Denied, EndReason, Get, Got, Want};
use super::refresh::Outcome;
use super::state::{Active, Refreshing, Standing, State};
use super::{Memory, Session};
use crate::ambient;
use crate::store::StoreError;

/// How long a request waits for a refresh, which goes on without it.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long the provider's last answer, or silence, counts.
const ANSWER_COUNTS: time::Duration = time::Duration::seconds(2);

/// What memory says to a [`Get`].
enum Verdict {
    Pass(Got),
    Deny(Denied),
    /// The session is over from now on.
    Over(EndReason),
    /// The token has expired; there may be another.
    Refresh,
    /// The token has expired, and the provider asked for patience.
    Wait(u32),
    /// The token has expired, and there is no other.
    NoToken,
}

impl From<StoreError> for Denied {
    fn from(_: StoreError) -> Self {
        Self::StoreUnavailable
    }
}

impl Session {
    pub(super) async fn get(self: &Rc<Self>, get: Get) -> Result<Got, Denied> {
        let began = ambient::now();
        let got = self.pass(&get, began).await;
        if let Err(denied) = &got {
            self.record_denied(denied, began);
        }
        got
    }

    async fn pass(self: &Rc<Self>, get: &Get, began: OffsetDateTime) -> Result<Got, Denied> {
        self.load().await?;
        let mut verdict = self.verdict(get, began);
        if matches!(verdict, Verdict::Refresh) {
            match self.refresh_within_patience(Cause::Request).await {
                Outcome::Fresh | Outcome::Ended | Outcome::NoToken => {}
                Outcome::Unavailable { retry_after } => return Err(Denied::ProviderUnavailable { retry_after }),
            }
            verdict = self.verdict(get, ambient::now());
        }
        match verdict {
            Verdict::Pass(got) => {
                if get.want == Want::AccessToken {
                    self.note_use(ambient::now());
                }
                Ok(got)
            }
            Verdict::Deny(denied) => Err(denied),
            Verdict::Over(reason) => {
                let remains = self.end(reason, Cause::Request, "found to be over by a request").await?;
                self.revoke_in_background(remains.refresh_token);
                Err(Denied::Ended(reason))
            }
            Verdict::Wait(retry_after) => Err(Denied::ProviderUnavailable { retry_after }),
            // Refreshed a moment ago, and expired again: the provider's clock or lifetimes are of no use.
            Verdict::NoToken | Verdict::Refresh if self.provider_answers().await => Err(Denied::Reauthenticate),
            Verdict::NoToken | Verdict::Refresh => Err(Denied::ProviderUnavailable { retry_after: 5 }),
        }
    }

    fn verdict(&self, get: &Get, now: OffsetDateTime) -> Verdict {
        let memory = self.memory.borrow();
        let Some(state) = &memory.state else { return Verdict::Deny(Denied::Unknown) };
        match state.standing(now, &get.secret, self.lifetimes()) {
            Standing::Unknown => Verdict::Deny(Denied::Unknown),
            Standing::Ended(reason) => Verdict::Deny(Denied::Ended(reason)),
            Standing::Over(reason) => Verdict::Over(reason),
            Standing::Active(active) => match get.want {
                Want::View => Verdict::Pass(Got::View(Box::new(active.view(self.lifetimes())))),
                Want::AccessToken if active.grant.is_valid(now) => {
                    Verdict::Pass(Got::AccessToken(active.grant.access_token.clone()))
                }
                Want::AccessToken => self.without_token(active, now),
                Want::Standing if active.grant.is_valid(now) => Verdict::Pass(Got::Standing),
                Want::Standing => match self.without_token(active, now) {
                    Verdict::Refresh | Verdict::Wait(_) => Verdict::Pass(Got::Standing),
                    other => other,
                },
            },
        }
    }

    fn without_token(&self, active: &Active, now: OffsetDateTime) -> Verdict {
        if self.refreshing.borrow().is_some() {
            return Verdict::Refresh;
        }
        match &active.grant.refresh {
            Refreshing::Ready { not_before: Some(until), .. }
            | Refreshing::Presented { not_before: Some(until), .. }
                if now < *until =>
            {
                Verdict::Wait(
                    u32::try_from(ambient::between(now, *until).whole_seconds()).unwrap_or_default().saturating_add(1),
                )
            }
            Refreshing::Ready { .. } | Refreshing::Presented { .. } => Verdict::Refresh,
            Refreshing::Impossible | Refreshing::Lost => Verdict::NoToken,
        }
    }

    pub(super) async fn refresh_within_patience(self: &Rc<Self>, cause: Cause) -> Outcome {
        let refreshed = self.refresh_once(cause);
        match select(refreshed, pin!(Delay::from(PATIENCE))).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Outcome::Unavailable { retry_after: 5 },
        }
    }

    /// Writes a use down where that is due; the request does not wait for it.
    fn note_use(self: &Rc<Self>, now: OffsetDateTime) {
        let notable = {
            let mut memory = self.memory.borrow_mut();
            let Memory { state: Some(State::Active(active)), .. } = &mut *memory else { return };
            let notable = active.use_is_notable(now, self.lifetimes());
            // At once, so that the requests right behind this one are not notable, too.
            active.last_used_at = now;
            active.used = true;
            notable
        };
        if notable {
            let session = Rc::clone(self);
            wasm_bindgen_futures::spawn_local(async move {
                // Out of the way of the reply, which the platform holds back until writes are confirmed.
                Delay::from(Duration::from_millis(1)).await;
                let _ = session.transition(|state| state.used(now)).await;
            });
        }
    }

    /// Whether the provider can be reached for a login now.
    async fn provider_answers(&self) -> bool {
        let now = ambient::now();
        if let Some((at, answered)) = self.answered_at.get()
            && now < at.saturating_add(ANSWER_COUNTS)
        {
            return answered;
        }
        let answered = match select(pin!(self.provider.answers()), pin!(Delay::from(PATIENCE))).await {
            Either::Left((answered, _)) => answered,
            Either::Right(_) => false,
        };
        self.answered_at.set(Some((ambient::now(), answered)));
        answered
    }

    fn record_denied(&self, denied: &Denied, began: OffsetDateTime) {
        let outcome = match denied {
            Denied::Unknown => "unknown",
            Denied::Ended(_) => "ended",
            Denied::Reauthenticate => "reauthenticate",
            Denied::ProviderUnavailable { .. } => "provider_unavailable",
            Denied::StoreUnavailable => "store_unavailable",
        };
        if self.memory.borrow().denied.as_deref() != Some(outcome) {
            self.record(Event::GetDenied, outcome, Cause::Request, began, &denied.to_string());
            self.memory.borrow_mut().denied = Some(outcome.to_owned());
        }
    }
}
