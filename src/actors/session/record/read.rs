//! Reading the record, once in the life of the actor's object; and what is left of one that cannot be read.

use std::rc::Rc;

use time::OffsetDateTime;

use super::{Memory, about};
use crate::actors::log::{self, Beside};
use crate::actors::session::ledger::{self, Cause, Entry, Event};
use crate::actors::session::record::LOOK_AGAIN;
use crate::actors::session::state::State;
use crate::actors::session::view::Inspection;
use crate::actors::session::{CLASS, Session};
use crate::actors::stored;
use crate::actors::summary::{SessionState, Summary};
use crate::store::StoreError;

/// How the ledger names a record that cannot be read.
const UNREADABLE: &str = "unreadable";

impl Session {
    /// Reads the record, once in the life of this object.
    pub(in crate::actors::session) async fn load(self: &Rc<Self>) -> Result<(), StoreError> {
        if self.kept.memory.borrow().loaded {
            return Ok(());
        }
        let session = Rc::clone(self);
        self.kept.loading.join(|| async move { session.read().await }).await
    }

    async fn read(&self) -> Result<(), StoreError> {
        if self.kept.memory.borrow().loaded {
            return Ok(());
        }
        let record = match self.kept.store.load(self.now()).await {
            Err(StoreError::Unreadable(why)) => return self.give_up(&why.to_string()),
            record => record?,
        };
        let state = match record.as_deref().map(stored::decode::<State>).transpose() {
            Ok(state) => state,
            Err(error) => return self.give_up(&error.to_string()),
        };
        let is_elsewhere = self.kept.store.is_elsewhere();
        if let (Some(state), Some(record), true) = (&state, record, is_elsewhere) {
            // If the process ends before that is done, the alarm goes on with it.
            self.schedule(self.now().saturating_add(LOOK_AGAIN)).await?;
            self.kept.store.carry_over(record, about(state)).await?;
        }
        let used_written_at = state.as_ref().and_then(State::active).map(|active| active.last_used_at);
        {
            let mut memory = self.kept.memory.borrow_mut();
            *memory = Memory { loaded: true, state, used_written_at, alarm_at: memory.alarm_at, ..Memory::default() };
        }
        if is_elsewhere { self.schedule_next().await } else { Ok(()) }
    }

    /// A record that cannot be read is no session: its user logs in again. It is left as it is, for an operator who can
    /// repair what is wrong, until the retention is over.
    fn give_up(&self, why: &str) -> Result<(), StoreError> {
        self.isolate.error(&format!("the record of session {} cannot be read: {why}", self.id));
        let mut memory = self.kept.memory.borrow_mut();
        *memory = Memory { loaded: true, unreadable: true, alarm_at: memory.alarm_at, ..Memory::default() };
        drop(memory);
        if self.unreadable_since().is_none() {
            let now = self.now();
            let entry = Entry::new(Event::GetDenied, UNREADABLE, Cause::Request, (now, now), None, why);
            log::tell(&*self.isolate, &entry, CLASS, &self.id, Beside::default());
            ledger::create(&*self.storage)?;
            ledger::append(&*self.storage, &entry)?;
        }
        Ok(())
    }

    /// When the record was first found to be unreadable.
    pub(in crate::actors::session) fn unreadable_since(&self) -> Option<OffsetDateTime> {
        let entries = ledger::entries(&*self.storage).unwrap_or_default();
        entries.into_iter().rev().find(|entry| entry.outcome == UNREADABLE).map(|entry| entry.at)
    }

    /// What is known of a session whose record cannot be read: its ledger.
    pub(in crate::actors::session) fn inspect_unreadable(&self) -> Option<Inspection> {
        let ledger = ledger::entries(&*self.storage).unwrap_or_default();
        let (first, region) = (ledger.first()?.at, ledger.iter().rev().find_map(|entry| entry.region));
        Some(Inspection {
            summary: Summary {
                region: region.unwrap_or(self.config.regions.default),
                country: None,
                state: SessionState::Ended,
                created_at: first,
                last_used_at: None,
                expires_at: self.unreadable_since().unwrap_or(first),
                user_agent: None,
                bound_at: None,
                provider: None,
            },
            subject: None,
            issuer: None,
            epoch: 0,
            generation: self.kept.store.generation(),
            next_alarm_at: self.kept.memory.borrow().alarm_at,
            access_token_expires_at: None,
            moved_to: None,
            ledger,
            store: self.kept.store.kind(),
        })
    }
}
