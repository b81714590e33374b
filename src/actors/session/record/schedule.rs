//! The record's alarm, and what it does for the store.

use time::OffsetDateTime;

use super::about;
use crate::actors::session::Session;
use crate::actors::session::ledger::{Cause, Event};
use crate::store::StoreError;

impl Session {
    /// When this actor has to act by itself.
    pub(in crate::actors::session) fn next_alarm(&self) -> Option<OffsetDateTime> {
        let due = self.kept.memory.borrow().state.as_ref().map(|state| state.next_alarm(self.lifetimes()))?;
        let again_at = self.kept.memory.borrow().unwritten.as_ref().map(|unwritten| unwritten.again_at);
        [self.kept.store.settles_at(), again_at, self.parked.until()]
            .into_iter()
            .flatten()
            .fold(due, OffsetDateTime::min)
            .into()
    }

    pub(in crate::actors::session) async fn schedule_next(&self) -> Result<(), StoreError> {
        match self.next_alarm() {
            Some(next) => self.schedule(next).await,
            None => Ok(()),
        }
    }

    pub(in crate::actors::session) async fn schedule(&self, at: OffsetDateTime) -> Result<(), StoreError> {
        if self.kept.memory.borrow().alarm_at == Some(at) {
            return Ok(());
        }
        // It is remembered before the call. Of two calls at once the later one counts, as on the platform.
        self.kept.memory.borrow_mut().alarm_at = Some(at);
        let set = self.storage.set_alarm(at).await;
        if set.is_err() {
            self.kept.memory.borrow_mut().alarm_at = None;
        }
        Ok(set?)
    }

    /// Brings to the store what it does not have for good.
    pub(in crate::actors::session) async fn settle_store(&self) {
        let about = self.kept.memory.borrow().state.as_ref().and_then(about);
        if let Err(error) = self.kept.store.settle(self.now(), about).await {
            self.isolate.error(&format!("session {}: {error}", self.id));
        }
        self.tell_of_foreign_record(Cause::Alarm);
    }

    /// Writes down that somebody else had written in this session's place in the store.
    pub(super) fn tell_of_foreign_record(&self, cause: Cause) {
        if let Some(generation) = self.kept.store.take_foreign() {
            let detail = format!(
                "the store had a record of generation {generation}, which this session never wrote: it was written over"
            );
            self.record(Event::Alarm, "foreign_record", cause, self.now(), &detail);
        }
    }
}
