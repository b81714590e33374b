//! Writes a record: to the actor's own row, and to its store.

use std::rc::Rc;

use time::OffsetDateTime;

use super::{KV_SETTLES, KV_SPACING, KeptRecord, PUSH_AGAIN, Saved, SessionStore, Written};
use crate::ambient;
use crate::config::StoreKind;
use crate::store::durable::FenceRow;
use crate::store::error::StoreError;
use crate::store::outside::{About, Overwritten, Store as _};

impl SessionStore {
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
        // This counts until the store has answered, whatever the store has by then.
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
        // From now on the number is spent, also for a fact that comes in the meantime.
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

    pub(super) async fn write(&self, generation: u64, sealed: &[u8], about: &About) -> Result<(), StoreError> {
        let written = match self.kind {
            StoreKind::Durable => Ok(Overwritten::Own),
            StoreKind::Kv => self.write_to_kv(generation, sealed, about).await,
            StoreKind::Neon => self.write_to_postgres(generation, sealed, about).await,
        };
        match &written {
            Ok(Overwritten::Own) => {}
            Ok(Overwritten::Foreign(generation)) => self.foreign.set(Some(*generation)),
            Err(error) => self.isolate.error(&format!("session {}: {error}", self.actor)),
        }
        written.map(drop)
    }

    /// The statement must not arrive before its number is durable here: if the process ended in between, the record would be newer
    /// than its actor knows.
    async fn write_to_postgres(
        &self,
        generation: u64,
        sealed: &[u8],
        about: &About,
    ) -> Result<Overwritten, StoreError> {
        self.own.sync().await?;
        self.neon.write(&self.actor, generation, sealed, about).await
    }

    /// Postgres compares generations. In KV the last write to arrive wins. So one counts as unanswered before it begins: the process may
    /// end while it is under way.
    async fn write_to_kv(&self, generation: u64, sealed: &[u8], about: &About) -> Result<Overwritten, StoreError> {
        let before = self.own.unanswered_at()?;
        self.own.write_unanswered(self.isolate.now())?;
        let written = self.kv.write(&self.actor, generation, sealed, about).await;
        match written {
            // Where that cannot be written the copy stays for longer.
            Ok(_) => drop(self.own.write_answered(before)),
            Err(_) => self.own.write_unanswered(self.isolate.now())?,
        }
        written
    }

    fn seal(&self, generation: u64, record: &[u8]) -> Result<Rc<[u8]>, StoreError> {
        let nonce = self.isolate.random_bytes().ok_or_else(|| StoreError::Unavailable("no random bytes".to_owned()))?;
        let sealed = self.keys.seal(self.place(self.kind, generation), nonce, record);
        sealed.map(Rc::from).ok_or_else(|| StoreError::Unavailable("STATE_KEYS has no key".to_owned()))
    }
}
