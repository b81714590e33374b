//! The one alarm of an actor. It refreshes ahead, ends the session (idle, absolute), forgets a login that failed, tells the sessions
//! whose place this one took, and forgets what is left after the retention. It may come twice, early or late:
//! [`super::state::State::due`] says what there is to do.

use std::rc::Rc;

use time::{Duration, OffsetDateTime};

use super::Session;
use super::ledger::{Cause, Event};
use super::record::LOOK_AGAIN;
use super::refresher::RefreshOutcome;
use super::state::State;
use crate::actors::end_reason::RETENTION;
use crate::actors::session::state::due::Due;
use crate::store::StoreError;

/// When to look again at a record that could not be read.
const LOOK_FOR_REPAIR: Duration = Duration::days(1);

impl Session {
    /// It never fails. The next alarm does what this one could not.
    pub async fn alarm(self: &Rc<Self>) {
        self.kept.alarm_fired();
        if self.act().await.is_err() {
            let _ = self.schedule(self.now().saturating_add(LOOK_AGAIN)).await;
        }
    }

    async fn act(self: &Rc<Self>) -> Result<(), StoreError> {
        self.load().await?;
        self.write_down().await?;
        self.settle_store().await;
        self.parked.drop_overdue(self.now())?;
        // First it finds out what became of a move that was under way. What is due depends on that.
        let ready = self.ready().await;
        let began = self.now();
        let lifetimes = self.lifetimes();
        let due = self.kept.state().as_ref().map(|state| state.due(began, lifetimes));
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
                    RefreshOutcome::Fresh | RefreshOutcome::ForTarget(_) => {
                        ("ok", "the session was refreshed ahead of its token's end")
                    }
                    RefreshOutcome::Ended => ("ended", "the session ended, or moved, before it was refreshed"),
                    RefreshOutcome::Unavailable { .. } => {
                        ("provider_unavailable", "no refresh yet: the provider said not now")
                    }
                    RefreshOutcome::StoreUnavailable => {
                        ("store_unavailable", "no refresh yet: the store does not answer")
                    }
                    RefreshOutcome::NoToken | RefreshOutcome::OtherOrganization => {
                        ("no_token", "no refresh: there is no refresh token that may be presented")
                    }
                };
                self.record(Event::Alarm, outcome, Cause::Alarm, began, detail);
                // The refresh is still due, and at once. A store that does not answer is not asked again without a pause.
                if matches!(refreshed, RefreshOutcome::StoreUnavailable) {
                    return Err(StoreError::Unavailable("the intent to refresh could not be written".to_owned()));
                }
            }
            Some(Due::Supersede) => self.tell_superseded(Cause::Alarm).await,
            Some(Due::Settle) => {
                // If it does not apply, a logout has settled the session in the meantime.
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
        if !self.kept.is_unreadable() {
            return Ok(());
        }
        match self.unreadable_since() {
            Some(since) if now < since.saturating_add(RETENTION) => {
                self.schedule(now.saturating_add(LOOK_FOR_REPAIR)).await
            }
            _ => self.forget(|state| state.is_none()).await,
        }
    }
}
