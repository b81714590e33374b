//! The one alarm of an actor: proactive refresh, idle end, absolute end, the end of a login that failed, of telling the sessions
//! whose place this one took, and of the retention. At-least-once, early or late: [`super::state::State::due`] says what there is to do.

use std::rc::Rc;

use time::{Duration, OffsetDateTime};

use super::Memory;
use super::Session;
use super::ledger::{Cause, Event};
use super::refresh::Outcome;
use super::state::{Arriving, Due, RETENTION, State};
use crate::actors::directory::message::of_user;
use crate::store::StoreError;

/// When to look again after the store failed.
pub(super) const LOOK_AGAIN: Duration = Duration::minutes(1);
/// When to look again at a record that could not be read.
const LOOK_FOR_REPAIR: Duration = Duration::days(1);

impl Session {
    /// Never fails: what could not be done is done by the next alarm.
    pub async fn alarm(self: &Rc<Self>) {
        self.memory.borrow_mut().alarm_at = None;
        if self.act().await.is_err() {
            let _ = self.schedule(self.now().saturating_add(LOOK_AGAIN)).await;
        }
    }

    async fn act(self: &Rc<Self>) -> Result<(), StoreError> {
        self.load().await?;
        self.write_down().await?;
        self.settle_store().await;
        // A move that was under way is found out about first; what it says is what is due.
        let ready = self.ready().await;
        let began = self.now();
        let lifetimes = self.lifetimes();
        let due = self.memory.borrow().state.as_ref().map(|state| state.due(began, lifetimes));
        match due {
            None => return self.wait_for_repair(began).await,
            Some(Due::Forget) => {
                let is_due = |state: &State| state.due(began, lifetimes) == Due::Forget;
                return self.forget(|state| state.is_some_and(is_due)).await;
            }
            Some(Due::End(reason)) => self.run_out(reason, Cause::Alarm).await?,
            Some(Due::Refresh) => {
                let refreshed = self.refresh_once(Cause::Alarm).await;
                let (outcome, detail) = match &refreshed {
                    Outcome::Fresh => ("ok", "the session was refreshed ahead of its token's end"),
                    Outcome::Ended => ("ended", "the session ended, or moved, before it was refreshed"),
                    Outcome::Unavailable { .. } => {
                        ("provider_unavailable", "no refresh yet: the provider said not now")
                    }
                    Outcome::StoreUnavailable => ("store_unavailable", "no refresh yet: the store does not answer"),
                    Outcome::NoToken | Outcome::OtherOrganization => {
                        ("no_token", "no refresh: there is no refresh token that may be presented")
                    }
                };
                self.record(Event::Alarm, outcome, Cause::Alarm, began, detail);
                // Still due, and at once: a store that is away is not to be asked without a pause.
                if matches!(refreshed, Outcome::StoreUnavailable) {
                    return Err(StoreError::Unavailable("the intent to refresh could not be written".to_owned()));
                }
            }
            Some(Due::Supersede) => self.tell_superseded(Cause::Alarm).await,
            Some(Due::Settle) => {
                // Where it does not apply, a logout has settled it meanwhile.
                let _ = self.transition(State::settled).await?;
                let detail = "the grace after the move is over: nothing of the grant is kept here";
                self.record(Event::Alarm, "settled", Cause::Alarm, began, detail);
            }
            // Its former home did not answer.
            Some(Due::Arrive) => return ready.map_err(|denied| StoreError::Unavailable(denied.to_string())),
            Some(Due::Nothing) => {}
        }
        self.schedule_next().await
    }

    /// A record that cannot be read is kept as long as that of an ended session.
    async fn wait_for_repair(&self, now: OffsetDateTime) -> Result<(), StoreError> {
        if !self.memory.borrow().unreadable {
            return Ok(());
        }
        match self.unreadable_since() {
            Some(since) if now < since.saturating_add(RETENTION) => {
                self.schedule(now.saturating_add(LOOK_FOR_REPAIR)).await
            }
            _ => self.forget(|state| state.is_none()).await,
        }
    }

    /// Deletes everything: after this the actor never was. Not where a transition that was under way has left what `may_go`
    /// denies; and none is made meanwhile, which would bring something back.
    pub(super) async fn forget(&self, may_go: impl FnOnce(Option<&State>) -> bool) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        if !may_go(self.memory.borrow().state.as_ref()) {
            return self.schedule_next().await;
        }
        self.forgetting.set(true);
        let forgotten = self.delete().await;
        self.forgetting.set(false);
        forgotten
    }

    async fn delete(&self) -> Result<(), StoreError> {
        let identity = match &self.memory.borrow().state {
            Some(State::Active(active) | State::Arriving(Arriving { active, .. })) => Some(active.identity.clone()),
            _ => None,
        };
        let user = self.memory.borrow().state.as_ref().and_then(State::user);
        match (identity, user) {
            (Some(identity), _) => self.directories.unregister(&identity).await,
            // The directory of the provider's session drops what has ended by itself.
            (None, Some((issuer, subject))) => self.directories.forget_in(vec![of_user(&issuer, &subject)]).await,
            (None, None) => {}
        }
        self.record(Event::Alarm, "forgotten", Cause::Alarm, self.now(), "nothing of the session is kept any longer");
        self.store.forget().await;
        self.storage.delete_alarm().await?;
        self.storage.delete_all().await?;
        self.directories.forget_decision();
        *self.memory.borrow_mut() = Memory { loaded: true, ..Memory::default() };
        Ok(())
    }
}
