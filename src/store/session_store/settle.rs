//! Brings what the actor holds to its store, and drops the copy once the store has it for good.

use std::rc::Rc;

use time::OffsetDateTime;

use super::{KV_SETTLES, KV_SPACING, KeptRecord, PUSH_AGAIN, SessionStore, Written};
use crate::ambient;
use crate::config::StoreKind;
use crate::sealing::record;
use crate::store::durable::FenceRow;
use crate::store::error::StoreError;
use crate::store::outside::{About, Store as _};

/// How long a write to KV that was not answered may still be on its way. What it then brings is older than what the copy
/// says, which is kept until that time is over.
const KV_LATE: time::Duration = time::Duration::hours(1);

/// A record that the store has not got.
struct Held {
    generation: u64,
    sealed: Rc<[u8]>,
    about: About,
}

impl SessionStore {
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
            let mut kept = self.kept.borrow_mut();
            return match kept.as_mut().filter(|kept| kept.row.attempted == generation) {
                // The actor could not write then that it needs the copy no longer.
                Some(kept) if self.kind == StoreKind::Neon => self.drop_copy(kept),
                Some(_) | None => Ok(()),
            };
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

    /// Looks after a copy that the actor still holds. If the store has the record for good, it drops the copy. Else it brings it there.
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
            // It waits: a store that does not answer is not asked again without a pause.
            let again = self.isolate.now().saturating_add(PUSH_AGAIN);
            kept.settles_at = kept.settles_at.map(|at| at.max(again));
        }
        settled
    }

    async fn settle_copy(&self) -> Result<(), StoreError> {
        if self.kind == StoreKind::Kv {
            let generation = self.generation();
            let found = self.kv.read(&self.actor).await?;
            // A write that is under way may fail. Until it is answered the copy is what counts.
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
            // An older record came late, or readers still see it.
            let is_foreign = |found: &u64| !is_own && (*found > kept.row.attempted || *found == generation);
            self.foreign.set(found.as_deref().and_then(record::generation_of).filter(is_foreign));
            kept.written = None;
        }
        self.push().await
    }

    /// The store has the record for good: the actor's copy goes.
    fn drop_copy(&self, kept: &mut KeptRecord) -> Result<(), StoreError> {
        let row = FenceRow { state: None, ..kept.row.clone() };
        self.own.write(&row)?;
        kept.row = row;
        kept.settles_at = None;
        Ok(())
    }
}
