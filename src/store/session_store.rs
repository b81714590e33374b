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
//! So a store that is stale, replayed, restored or swapped can make a user log in again, and nothing else. What stands there
//! and was never written by this actor stands in no write's way: it is written over ([`SessionStore::take_foreign`]).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::lock::Mutex;
use time::OffsetDateTime;

use super::durable::{Durable, FenceRow};
use super::error::StoreError;
use super::kv::KvStore;
use super::neon::NeonStore;
use super::outside::{About, Overwritten, Store as _};
use crate::ambient;
use crate::config::{StoreKind, StoreSettings};
use crate::credential::ActorId;
use crate::runtime::{ActorContext, Isolate};
use crate::sealing::record::{self, RecordPlace, StateKeys, Unreadable};

/// When a store is asked again that did not take a record.
const PUSH_AGAIN: time::Duration = time::Duration::minutes(1);
/// The shortest time between two writes of one key in KV, and a little more.
const KV_SPACING: Duration = Duration::from_millis(1_050);
/// When KV is asked whether it has a record. Its readers may see the one before for a minute.
const KV_SETTLES: time::Duration = time::Duration::minutes(2);

/// How long a write to KV that was not answered may still be on its way. What it then brings is older than what the copy
/// says, which is kept until that time is over.
const KV_LATE: time::Duration = time::Duration::hours(1);

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
    /// When the store has to be seen about the copy in `row`.
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

/// A record that the store has not got.
struct Held {
    generation: u64,
    sealed: Rc<[u8]>,
    about: About,
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

    /// The generation of a record that stood in the store, was none of this actor's, and has been written over; told once.
    pub fn take_foreign(&self) -> Option<u64> {
        self.foreign.take()
    }

    /// When [`SessionStore::settle`] has something to do.
    pub fn settles_at(&self) -> Option<OffsetDateTime> {
        self.kept.borrow().as_ref().filter(|kept| kept.about.is_some())?.settles_at
    }

    /// Whether the record is still where another `SESSION_STORE` put it.
    pub fn is_elsewhere(&self) -> bool {
        self.kept.borrow().as_ref().is_some_and(|kept| kept.row.store != self.kind)
    }

    /// The record; none where this actor never began.
    pub async fn load(&self, now: OffsetDateTime) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(row) = self.own.read()?.filter(|row| row.attempted > 0) else { return Ok(None) };
        let settles_at = (row.store != StoreKind::Durable && row.state.is_some()).then_some(now);
        // A copy may be of a write a moment ago, in a process that has ended.
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

    /// Writes the record, or leaves everything as it was. Without `about` it stays with the actor.
    pub async fn save(self: &Rc<Self>, record: Vec<u8>, about: Option<About>) -> Result<Saved, StoreError> {
        let (StoreKind::Kv | StoreKind::Neon, Some(about)) = (self.kind, &about) else {
            return self.hold(record, about).map(|()| Saved::Taken);
        };
        let now = self.isolate.now();
        if self.kind == StoreKind::Kv && self.is_too_soon(now) {
            // KV takes one write a second. The record is safe with the actor until then.
            if self.kept.borrow().as_ref().and_then(|kept| kept.written).is_some_and(|last| !last.taken) {
                return Err(StoreError::Unavailable("KV did not take the last write".to_owned()));
            }
            self.hold(record, Some(about.clone()))?;
            self.push_later();
            return Ok(Saved::Taken);
        }
        let attempted = self.attempted();
        let _writing = self.writing.lock().await;
        if self.attempted() != attempted {
            // The record was made before that fact.
            return Ok(Saved::Overtaken);
        }
        let now = self.isolate.now();
        let before = self.kept.borrow().clone();
        let number = before.as_ref().map_or(1, |kept| kept.row.attempted.saturating_add(1));
        let sealed = self.seal(number, &record)?;
        // What counts until the store has answered, whatever it has by then.
        let fence = FenceRow {
            store: self.kind,
            generation: before.as_ref().map_or(0, |kept| kept.row.generation),
            attempted: number,
            state: before.as_ref().and_then(|kept| kept.sealed.as_deref().map(<[u8]>::to_vec)),
        };
        self.own.write(&fence)?;
        let (sealed_before, written_before) = before.map(|kept| (kept.sealed, kept.written)).unwrap_or_default();
        let kept = |row, sealed, pause, written| KeptRecord {
            row,
            sealed,
            about: Some(about.clone()),
            settles_at: Some(now.saturating_add(pause)),
            written,
        };
        // From now on the number is spent, for a fact that comes meanwhile, too.
        self.kept.replace(Some(kept(fence, sealed_before, PUSH_AGAIN, written_before)));
        let taken = self.write(number, &sealed, about).await;
        let written = Some(Written { at: self.isolate.now(), generation: number, taken: taken.is_ok() });
        let is_overtaken = {
            let mut kept = self.kept.borrow_mut();
            if let Some(kept) = kept.as_mut() {
                kept.written = written;
            }
            kept.as_ref().is_none_or(|kept| kept.row.attempted != number)
        };
        taken?;
        if is_overtaken {
            return Ok(Saved::Overtaken);
        }
        let is_copied = self.kind == StoreKind::Kv;
        let state = is_copied.then(|| sealed.to_vec());
        let row = FenceRow { store: self.kind, generation: number, attempted: number, state };
        self.own.write(&row)?;
        let mut after = kept(row, Some(sealed), KV_SETTLES, written);
        after.settles_at = after.settles_at.filter(|_| is_copied);
        self.kept.replace(Some(after));
        Ok(Saved::Taken)
    }

    /// Takes the record as a fact: it counts from now on. A store outside of the actor is yet to be told
    /// ([`SessionStore::push`]).
    pub fn hold(&self, record: Vec<u8>, about: Option<About>) -> Result<(), StoreError> {
        let before = self.kept.borrow().clone();
        let number = before.as_ref().map_or(1, |kept| kept.row.attempted.saturating_add(1));
        let sealed = match self.kind {
            StoreKind::Durable => None,
            StoreKind::Kv | StoreKind::Neon => Some(self.seal(number, &record)?),
        };
        let state = sealed.as_deref().map_or(record, <[u8]>::to_vec);
        let row = FenceRow { store: self.kind, generation: number, attempted: number, state: Some(state) };
        self.own.write(&row)?;
        let after = if self.kind == StoreKind::Kv { KV_SETTLES } else { PUSH_AGAIN };
        let settles_at = sealed.as_ref().map(|_| self.isolate.now().saturating_add(after));
        let written = before.and_then(|kept| kept.written);
        self.kept.replace(Some(KeptRecord { row, sealed, about, settles_at, written }));
        Ok(())
    }

    /// Brings what the actor holds to the store. What fails is done by [`SessionStore::settle`].
    pub async fn push(&self) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        let last = self.kept.borrow().as_ref().and_then(|kept| kept.written);
        if let (StoreKind::Kv, Some(last)) = (self.kind, last) {
            let passed = ambient::between(last.at, self.isolate.now()).unsigned_abs();
            self.isolate.sleep(KV_SPACING.saturating_sub(passed)).await;
        }
        let Some(Held { generation, sealed, about }) = self.held()? else { return Ok(()) };
        if last.is_some_and(|last| last.taken && last.generation == generation) {
            return Ok(());
        }
        let written = self.write(generation, &sealed, &about).await;
        let at = self.isolate.now();
        let taken = written.is_ok();
        if let Some(kept) = self.kept.borrow_mut().as_mut() {
            let after = if self.kind == StoreKind::Kv && taken { KV_SETTLES } else { PUSH_AGAIN };
            kept.written = Some(Written { at, generation, taken });
            kept.settles_at = Some(at.saturating_add(after));
        }
        let mut kept = self.kept.borrow_mut();
        let kept = kept.as_mut().filter(|kept| kept.row.attempted == generation);
        if let (Some(kept), true, StoreKind::Neon) = (kept, taken, self.kind) {
            self.drop_copy(kept)?;
        }
        written
    }

    /// What the actor holds for its store. It gets a number of its own where the store was asked for another write since:
    /// nobody knows what became of that one.
    fn held(&self) -> Result<Option<Held>, StoreError> {
        let Some(KeptRecord { row, sealed: Some(sealed), about: Some(about), .. }) = self.kept.borrow().clone() else {
            return Ok(None);
        };
        if row.state.is_none() || row.store != self.kind {
            return Ok(None);
        }
        if row.attempted == row.generation {
            return Ok(Some(Held { generation: row.generation, sealed, about }));
        }
        let record = self.keys.open(self.place(row.store, row.generation), &sealed)?;
        self.hold(record, Some(about))?;
        self.held()
    }

    /// Sees about a copy that the actor still holds: drops it where the store has it for good, else brings it there.
    /// `about` describes the record, as after [`SessionStore::load`] the store alone cannot.
    pub async fn settle(&self, now: OffsetDateTime, about: Option<About>) -> Result<(), StoreError> {
        if let Some(kept) = self.kept.borrow_mut().as_mut() {
            kept.about = about;
        }
        if self.settles_at().is_none_or(|at| now < at) {
            return Ok(());
        }
        let settled = self.settle_copy().await;
        if let (Err(_), Some(kept)) = (&settled, self.kept.borrow_mut().as_mut()) {
            // Not at once: a store that is away is not to be asked without a pause.
            let again = self.isolate.now().saturating_add(PUSH_AGAIN);
            kept.settles_at = kept.settles_at.map(|at| at.max(again));
        }
        settled
    }

    async fn settle_copy(&self) -> Result<(), StoreError> {
        if self.kind == StoreKind::Kv {
            let generation = self.generation();
            let found = self.kv.read(&self.actor).await?;
            // A write that is under way may come to nothing, and has the copy for its fence.
            let _writing = self.writing.lock().await;
            let mut kept = self.kept.borrow_mut();
            let Some(kept) = kept.as_mut().filter(|kept| kept.row.generation == generation) else { return Ok(()) };
            let is_own = found.is_some() && found.as_deref() == kept.sealed.as_deref();
            if is_own && kept.row.attempted == generation {
                let late_until = self.own.unanswered_at()?.map(|at| at.saturating_add(KV_LATE));
                if let Some(late_until) = late_until.filter(|until| self.isolate.now() < *until) {
                    kept.settles_at = Some(late_until);
                    return Ok(());
                }
                return self.drop_copy(kept);
            }
            // An older one came late, or is all that is to be seen yet.
            let is_foreign = |found: &u64| !is_own && (*found > kept.row.attempted || *found == generation);
            self.foreign.set(found.as_deref().and_then(record::generation_of).filter(is_foreign));
            kept.written = None;
        }
        self.push().await
    }

    /// Takes over a record that another `SESSION_STORE` has written, and deletes it there.
    pub async fn carry_over(&self, record: Vec<u8>, about: Option<About>) -> Result<(), StoreError> {
        let former = self.kept.borrow().as_ref().map(|kept| kept.row.store);
        let was_outside = about.is_some();
        self.hold(record, about)?;
        if self.push().await.is_ok() && was_outside {
            // What stays there opens for nobody any more, and goes with its time.
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

    /// The store has the record for good: the actor's copy goes.
    fn drop_copy(&self, kept: &mut KeptRecord) -> Result<(), StoreError> {
        let row = FenceRow { state: None, ..kept.row.clone() };
        self.own.write(&row)?;
        kept.row = row;
        kept.settles_at = None;
        Ok(())
    }

    fn is_too_soon(&self, now: OffsetDateTime) -> bool {
        let written = self.kept.borrow().as_ref().and_then(|kept| kept.written);
        written.is_some_and(|last| ambient::between(last.at, now).unsigned_abs() < KV_SPACING)
            || self.writing.try_lock().is_none()
    }

    fn push_later(self: &Rc<Self>) {
        let store = Rc::clone(self);
        self.isolate.go_on(async move {
            let _ = store.push().await;
        });
    }

    async fn write(&self, generation: u64, sealed: &[u8], about: &About) -> Result<(), StoreError> {
        let written = match self.kind {
            StoreKind::Durable => Ok(Overwritten::Own),
            StoreKind::Kv => self.kv.write(&self.actor, generation, sealed, about).await,
            StoreKind::Neon => self.neon.write(&self.actor, generation, sealed, about).await,
        };
        match &written {
            Ok(Overwritten::Own) => {}
            Ok(Overwritten::Foreign(generation)) => self.foreign.set(Some(*generation)),
            Err(error) => {
                self.isolate.error(&format!("session {}: {error}", self.actor));
                // Postgres compares generations; to KV the last one to arrive is the newest.
                if self.kind == StoreKind::Kv {
                    self.own.write_unanswered(self.isolate.now())?;
                }
            }
        }
        written.map(drop)
    }

    fn seal(&self, generation: u64, record: &[u8]) -> Result<Rc<[u8]>, StoreError> {
        let nonce = self.isolate.random_bytes().ok_or_else(|| StoreError::Unavailable("no random bytes".to_owned()))?;
        let sealed = self.keys.seal(self.place(self.kind, generation), nonce, record);
        sealed.map(Rc::from).ok_or_else(|| StoreError::Unavailable("STATE_KEYS has no key".to_owned()))
    }

    const fn place(&self, store: StoreKind, generation: u64) -> RecordPlace<'_> {
        RecordPlace { store: store.as_str(), actor: &self.actor, generation }
    }
}
