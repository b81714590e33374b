//! `Get`: whether a request passes, and with which token. The hot path: memory only while the token is fresh.

use std::rc::Rc;
use std::time::Duration;

use openidconnect::AccessToken;
use time::OffsetDateTime;

use super::deadline::{SOON, request_deadline};
use super::ledger::{Cause, Event};
use super::message::{Denied, EndReason, Get, Got, Identified, Want};
use super::refresh::Outcome;
use super::state::{Active, Refreshing, Standing, State};
use super::{Memory, Session};
use crate::actors::AskError;
use crate::ambient;
use crate::config::RegionPolicy;
use crate::credential::SecretHash;
use crate::store::StoreError;

/// How long the provider's last answer, or silence, counts.
const ANSWER_COUNTS: time::Duration = time::Duration::seconds(2);

/// What memory says to a [`Get`].
enum Verdict {
    Pass(Got),
    Deny(Denied),
    /// The session is over from now on.
    Over(EndReason),
    /// The session lives, and its access token does not.
    WithoutToken,
}

fn identified(active: &Active, token: AccessToken) -> Verdict {
    Verdict::Pass(Got::Identified(Box::new(Identified { token, claims: active.identity.claims.clone() })))
}

/// Where a live session's access token stands.
enum TokenStanding {
    Valid,
    /// It has expired; there may be another.
    Refreshable,
    /// It has expired, and the provider asked for patience: seconds.
    Waiting(u32),
    /// It has expired, and there is no other.
    Spent,
}

impl From<StoreError> for Denied {
    fn from(_: StoreError) -> Self {
        Self::StoreUnavailable
    }
}

impl From<AskError> for Denied {
    fn from(error: AskError) -> Self {
        match error {
            AskError::NoSuchActor => Self::Unknown,
            AskError::TimedOut(_) | AskError::Unreachable | AskError::Refused(_) => Self::StoreUnavailable,
        }
    }
}

impl Session {
    pub(super) async fn get(self: &Rc<Self>, get: Get) -> Result<Got, Denied> {
        let began = self.now();
        let got = self.pass(&get).await;
        if let Err(denied) = &got {
            self.record_denied(denied, began);
        }
        got
    }

    /// The everyday answer, from memory and at once. The inner none: this takes a [`Session::get`], which can wait. The outer
    /// one: so far nobody has read the record.
    pub(super) fn get_at_once(self: &Rc<Self>, get: &Get) -> Option<Option<Got>> {
        {
            let memory = self.memory.borrow();
            if !memory.loaded {
                return None;
            }
            let Some(State::Active(active)) = &memory.state else { return Some(None) };
            let may_move = self.config.regions.policy != RegionPolicy::Pin
                && get.navigation_from.is_some_and(|region| region != active.place.region);
            if may_move || active.moving.is_some() {
                return Some(None);
            }
        }
        let now = self.now();
        let Verdict::Pass(got) = self.verdict(&get.secret.hash(), get.want, now) else { return Some(None) };
        if get.want.is_use() {
            self.note_use(now);
        }
        Some(Some(got))
    }

    /// Reads the record. Where that fails, [`Session::get`] says so.
    pub async fn load_for_get(self: &Rc<Self>) {
        let _ = self.load().await;
    }

    async fn pass(self: &Rc<Self>, get: &Get) -> Result<Got, Denied> {
        self.ready().await?;
        let secret = get.secret.hash();
        self.end_grace_with_successor(&secret).await?;
        if let Some(region) = get.navigation_from {
            self.follow_region(region, get.want, &secret).await?;
        }
        // Not before all that may take a while.
        let mut now = self.now();
        let mut verdict = self.verdict(&secret, get.want, now);
        if matches!(verdict, Verdict::WithoutToken) {
            request_deadline(&*self.isolate, self.obtain_token(Cause::Request)).await?;
            now = self.now();
            verdict = self.verdict(&secret, get.want, now);
        }
        match verdict {
            Verdict::Pass(got) => {
                if get.want.is_use() {
                    self.note_use(now);
                }
                Ok(got)
            }
            Verdict::Deny(denied) => Err(denied),
            Verdict::Over(reason) => {
                self.run_out(reason, Cause::Request).await?;
                Err(Denied::Ended(reason))
            }
            // Refreshed a moment ago, and expired again: the provider's lifetimes are of no use.
            Verdict::WithoutToken => Err(Denied::Reauthenticate),
        }
    }

    fn verdict(&self, secret: &SecretHash, want: Want, now: OffsetDateTime) -> Verdict {
        let memory = self.memory.borrow();
        let Some(state) = &memory.state else { return Verdict::Deny(Denied::Unknown) };
        match state.standing(now, secret, self.lifetimes()) {
            Standing::Unknown => Verdict::Deny(Denied::Unknown),
            Standing::Ended(reason) => Verdict::Deny(Denied::Ended(reason)),
            Standing::Over(reason) => Verdict::Over(reason),
            Standing::Moved(to) => Verdict::Deny(Denied::Moved(to.clone())),
            Standing::Active(active) => match (want, self.token_standing(active, now)) {
                (Want::View, _) => Verdict::Pass(Got::View(Box::new(active.view(self.lifetimes())))),
                (Want::AccessToken, TokenStanding::Valid) => {
                    Verdict::Pass(Got::AccessToken(active.grant.access_token.clone()))
                }
                (Want::Claims, TokenStanding::Valid) => identified(active, active.grant.access_token.clone()),
                (Want::IdToken, TokenStanding::Valid) => {
                    identified(active, AccessToken::new(active.identity.id_token.clone()))
                }
                (Want::Life, _)
                | (Want::Standing, TokenStanding::Valid | TokenStanding::Refreshable | TokenStanding::Waiting(_)) => {
                    Verdict::Pass(Got::Standing)
                }
                (Want::AccessToken | Want::Claims | Want::IdToken | Want::Standing, _) => Verdict::WithoutToken,
            },
        }
    }

    fn token_standing(&self, active: &Active, now: OffsetDateTime) -> TokenStanding {
        if active.grant.is_valid(now) {
            return TokenStanding::Valid;
        }
        if self.refreshing.is_under_way() {
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

    /// Sees to it that a live session has a valid access token, or says why it has none.
    pub(super) async fn obtain_token(self: &Rc<Self>, cause: Cause) -> Result<(), Denied> {
        let now = self.now();
        match self.active(|active| self.token_standing(active, now)) {
            None | Some(TokenStanding::Valid) => Ok(()),
            Some(TokenStanding::Waiting(retry_after)) => Err(Denied::ProviderUnavailable { retry_after }),
            Some(TokenStanding::Refreshable) => match self.refresh_once(cause).await {
                Outcome::Fresh | Outcome::Ended => Ok(()),
                Outcome::Unavailable { retry_after } => Err(Denied::ProviderUnavailable { retry_after }),
                Outcome::StoreUnavailable => Err(Denied::StoreUnavailable),
                Outcome::NoToken => Err(self.without_any_token().await),
                // Joined somebody's switch, which came to nothing: the next request begins a refresh of its own.
                Outcome::OtherOrganization => Err(Denied::ProviderUnavailable { retry_after: 1 }),
            },
            Some(TokenStanding::Spent) => Err(self.without_any_token().await),
        }
    }

    /// A trip to the provider is worth it only while the provider answers.
    async fn without_any_token(self: &Rc<Self>) -> Denied {
        if self.provider_answers().await {
            Denied::Reauthenticate
        } else {
            Denied::ProviderUnavailable { retry_after: SOON }
        }
    }

    /// Writes a use down where that is due; the request does not wait for it.
    fn note_use(self: &Rc<Self>, now: OffsetDateTime) {
        let notable = {
            let mut memory = self.memory.borrow_mut();
            let Memory { state: Some(State::Active(active)), used_written_at, .. } = &mut *memory else { return };
            let notable = active.use_is_notable(now, used_written_at.unwrap_or(active.last_used_at), self.lifetimes());
            active.last_used_at = now.max(active.last_used_at);
            active.used = true;
            if notable {
                // At once, so that the requests right behind this one are not notable, too.
                *used_written_at = Some(now);
            }
            notable
        };
        if notable {
            let session = Rc::clone(self);
            self.isolate.go_on(async move {
                // Out of the way of the reply, which the platform holds back until writes are confirmed.
                session.isolate.sleep(Duration::from_millis(1)).await;
                let _ = session.transition(|state| state.used(now)).await;
            });
        }
    }

    /// Whether the provider can be reached for a login now: one GET, however many ask.
    async fn provider_answers(self: &Rc<Self>) -> bool {
        let now = self.now();
        if let Some((at, answered)) = self.answered_at.get()
            && now < at.saturating_add(ANSWER_COUNTS)
        {
            return answered;
        }
        let session = Rc::clone(self);
        let asking = self.answering.join(|| async move {
            let answers = session.provider.answers().await;
            session.answered_at.set(Some((session.now(), answers)));
            answers
        });
        asking.await
    }

    fn record_denied(&self, denied: &Denied, began: OffsetDateTime) {
        let (outcome, detail) = match denied {
            Denied::Unknown => ("unknown", "a request came with a wrong secret"),
            Denied::Ended(_) => ("ended", "a request came after the end"),
            Denied::Reauthenticate => {
                ("reauthenticate", "no usable token is left: the user has to go through the provider")
            }
            Denied::ProviderUnavailable { .. } => {
                ("provider_unavailable", "no usable token is left, and the provider does not answer")
            }
            Denied::StoreUnavailable => ("store_unavailable", "the session store cannot be used"),
            // Not the end of its way: it is served there.
            Denied::Relocate | Denied::Moved(_) => return,
        };
        if self.memory.borrow().denied != Some(outcome) {
            self.record(Event::GetDenied, outcome, Cause::Request, began, detail);
            self.memory.borrow_mut().denied = Some(outcome);
        }
    }
}
