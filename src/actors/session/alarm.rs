//! The one alarm of an actor: proactive refresh, idle end, absolute end, the end of a login that never came back,
//! the end of the retention. At-least-once, early or late: [`super::state::State::due`] says what there is to do.

use std::rc::Rc;

use time::Duration;

use super::Memory;
use super::Session;
use super::ledger::{Cause, Event};
use super::refresh::Outcome;
use super::state::Due;
use crate::ambient;
use crate::store::StoreError;

/// When to look again after the store failed.
const LOOK_AGAIN: Duration = Duration::minutes(1);

impl Session {
    /// Never fails: what could not be done is done by the next alarm.
    pub(super) async fn alarm(self: &Rc<Self>) {
        self.memory.borrow_mut().alarm_at = None;
        if self.act().await.is_err() {
            let _ = self.schedule(ambient::now().saturating_add(LOOK_AGAIN)).await;
        }
    }

    async fn act(self: &Rc<Self>) -> Result<(), StoreError> {
        self.load().await?;
        let began = ambient::now();
        let lifetimes = self.lifetimes();
        let due = self.memory.borrow().state.as_ref().map(|state| state.due(began, lifetimes));
        match due {
            None => return Ok(()),
            Some(Due::Forget) => return self.forget().await,
            Some(Due::End(reason)) => {
                let remains = self.end(reason, Cause::Alarm, "its time was up").await?;
                self.revoke_in_background(remains.refresh_token);
            }
            Some(Due::Refresh) => {
                let outcome = match self.refresh_once(Cause::Alarm).await {
                    Outcome::Fresh => "ok",
                    Outcome::Ended => "ended",
                    Outcome::Unavailable { .. } => "provider_unavailable",
                    Outcome::NoToken | Outcome::OtherOrganization => "no_token",
                };
                self.record(Event::Alarm, outcome, Cause::Alarm, began, "refreshed ahead of the access token's end");
            }
            Some(Due::Nothing) => {}
        }
        self.reschedule().await
    }

    async fn reschedule(&self) -> Result<(), StoreError> {
        let next = self.memory.borrow().state.as_ref().map(|state| state.next_alarm(self.lifetimes()));
        match next {
            Some(next) => self.schedule(next).await,
            None => Ok(()),
        }
    }

    /// Deletes everything: after this the actor never was.
    async fn forget(&self) -> Result<(), StoreError> {
        self.record(
            Event::Alarm,
            "forgotten",
            Cause::Alarm,
            ambient::now(),
            "nothing of the session is kept any longer",
        );
        self.storage.delete_alarm().await?;
        self.storage.delete_all().await?;
        *self.memory.borrow_mut() = Memory { loaded: true, ..Memory::default() };
        Ok(())
    }
}
