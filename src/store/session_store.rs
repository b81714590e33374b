//! The record of one actor, wherever it is kept, behind the actor's own fence.
//!
//! ```text
//!   own row: generation, attempted, state
//!
//!   save ──► state := the record as it was ──► Store::write ──┬─ done ───► generation := attempted, state := null
//!                                                             └─ failed ─► all is as it was, and the number is spent
//!   hold ──► state := the record as it is now (a fact that cannot be undone) ──► push, as soon as the store takes it
//!   load ──► state, where there is one; else what the store has, if it is of this very generation
//! ```
//!
//! So a store that is stale, replayed, restored or swapped can make a user log in again, and nothing else. A record that this
//! actor never wrote does not stop a write: it is written over ([`SessionStore::take_foreign`]).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::lock::Mutex;
use time::OffsetDateTime;

use super::durable::{Durable, FenceRow};
use super::error::StoreError;
use super::kv::KvStore;
use super::neon::NeonStore;
use super::outside::{About, Store as _};
use crate::config::{StoreKind, StoreSettings};
use crate::credential::ActorId;
use crate::runtime::{ActorContext, Isolate};
use crate::sealing::record::{RecordPlace, StateKeys, Unreadable};

mod settle;
mod write;

/// When a store that did not take a record is asked again.
const PUSH_AGAIN: time::Duration = time::Duration::minutes(1);
/// The shortest time between two writes of one key in KV, and a little more.
const KV_SPACING: Duration = Duration::from_millis(1_050);
/// When KV is asked whether it has a record. Its readers may see the one before for a minute.
const KV_SETTLES: time::Duration = time::Duration::minutes(2);

/// The store of one actor.
pub struct SessionStore {
    actor: ActorId,
    isolate: Rc<dyn Isolate>,
    kind: StoreKind,
    keys: StateKeys,
    own: Durable,
    kv: KvStore,
    neon: NeonStore,
    kept: RefCell<Option<KeptRecord>>,
    foreign: Cell<Option<u64>>,
    /// Held while a store is written to, so that its writes keep their order.
    writing: Mutex<()>,
}

/// The record as last read or written.
#[derive(Clone)]
struct KeptRecord {
    row: FenceRow,
    /// As it is sealed; none for `durable`.
    sealed: Option<Rc<[u8]>>,
    /// None where the record is for the actor alone: nobody has logged in yet.
    about: Option<About>,
    /// When to look whether the store has the record, so that the copy in `row` can go.
    settles_at: Option<OffsetDateTime>,
    /// The last write to the store.
    written: Option<Written>,
}

impl KeptRecord {
    /// Whether a store outside of the actor may have a record: this one, one that could not be read, or one of which nobody
    /// knows whether it was taken.
    const fn may_be_outside(&self) -> bool {
        self.about.is_some() || self.sealed.is_none() || self.row.attempted > self.row.generation
    }
}

/// A write to the store.
#[derive(Clone, Copy)]
struct Written {
    /// When it was answered: it arrived before.
    at: OffsetDateTime,
    generation: u64,
    taken: bool,
}

/// What became of a record that was to be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It counts.
    Taken,
    /// A fact came while it was written, or waited to be ([`SessionStore::hold`]), and that counts.
    Overtaken,
}

impl SessionStore {
    /// The store that the configuration names.
    pub fn new(given: &ActorContext, settings: &StoreSettings) -> Self {
        let ActorContext { id, isolate, storage, kv, postgres, .. } = given;
        Self {
            actor: id.clone(),
            isolate: Rc::clone(isolate),
            kind: settings.kind,
            keys: settings.keys.clone(),
            own: Durable::new(Rc::clone(storage)),
            kv: KvStore::new(isolate, kv),
            neon: NeonStore::new(isolate, postgres),
            kept: RefCell::default(),
            foreign: Cell::default(),
            writing: Mutex::default(),
        }
    }

    /// The kind of store.
    pub const fn kind(&self) -> StoreKind {
        self.kind
    }

    /// Counts the writes of the record.
    pub fn generation(&self) -> u64 {
        self.kept.borrow().as_ref().map_or(0, |kept| kept.row.generation)
    }

    /// The number of the last write that was asked for.
    fn attempted(&self) -> Option<u64> {
        self.kept.borrow().as_ref().map(|kept| kept.row.attempted)
    }

    /// When [`SessionStore::settle`] has something to do.
    pub fn settles_at(&self) -> Option<OffsetDateTime> {
        self.kept.borrow().as_ref().filter(|kept| kept.about.is_some())?.settles_at
    }

    /// Whether the record is still where another `SESSION_STORE` put it.
    pub fn is_elsewhere(&self) -> bool {
        self.kept.borrow().as_ref().is_some_and(|kept| kept.row.store != self.kind)
    }

    const fn place(&self, store: StoreKind, generation: u64) -> RecordPlace<'_> {
        RecordPlace { store: store.as_str(), actor: &self.actor, generation }
    }

    /// The generation of another writer's record that was written over. It is given once.
    pub fn take_foreign(&self) -> Option<u64> {
        self.foreign.take()
    }

    /// The record. None: this actor never began.
    pub async fn load(&self, now: OffsetDateTime) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(row) = self.own.read()? else { return Ok(None) };
        let settles_at = (row.store != StoreKind::Durable && row.state.is_some()).then_some(now);
        // The copy may come from a write of just now, in a process that has ended.
        let written = settles_at.map(|at| Written { at, generation: 0, taken: true });
        let mut kept = KeptRecord { row, sealed: None, about: None, settles_at, written };
        self.kept.replace(Some(kept.clone()));
        if kept.row.generation == 0 {
            return Ok(None);
        }
        let sealed = match (kept.row.store, kept.row.state.clone()) {
            (StoreKind::Durable, state) => return Ok(Some(state.ok_or(Unreadable::Missing)?)),
            (_, Some(sealed)) => sealed,
            (StoreKind::Kv, None) => self.kv.read(&self.actor).await?.ok_or(Unreadable::Missing)?,
            (StoreKind::Neon, None) => self.neon.read(&self.actor).await?.ok_or(Unreadable::Missing)?,
        };
        let record = self.keys.open(self.place(kept.row.store, kept.row.generation), &sealed)?;
        kept.sealed = Some(sealed.into());
        self.kept.replace(Some(kept));
        Ok(Some(record))
    }

    /// Takes over a record that another `SESSION_STORE` has written, and deletes it there.
    pub async fn carry_over(&self, record: Vec<u8>, about: Option<About>) -> Result<(), StoreError> {
        let former = self.kept.borrow().as_ref().map(|kept| kept.row.store);
        let was_outside = about.is_some();
        self.hold(record, about)?;
        if self.push().await.is_ok() && was_outside {
            // Nothing opens what stays there. The store drops it when its time is over.
            let _ = match former {
                Some(StoreKind::Kv) => self.kv.delete(&self.actor).await,
                Some(StoreKind::Neon) => self.neon.delete(&self.actor).await,
                Some(StoreKind::Durable) | None => Ok(()),
            };
        }
        Ok(())
    }

    /// Lets go of what is open to the store.
    pub async fn rest(&self) {
        self.neon.rest().await;
    }

    /// The actor is about to delete its own storage: so does the store, if it may have something and answers. What stays
    /// goes with its time.
    pub async fn forget(&self) {
        let _writing = self.writing.lock().await;
        let kept = self.kept.take();
        let outside = kept.filter(KeptRecord::may_be_outside).map(|kept| kept.row.store);
        let _ = match outside {
            Some(StoreKind::Kv) => self.kv.delete(&self.actor).await,
            Some(StoreKind::Neon) => self.neon.delete(&self.actor).await,
            Some(StoreKind::Durable) | None => Ok(()),
        };
    }
}

#[cfg(test)]
#[path = "session_store_tests.rs"]
mod tests;
