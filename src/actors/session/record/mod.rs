//! The session's record: read once in the life of this object, written through at each transition.
//!
//! A *transition* takes hold once the store has it. A *fact* ([`super::Session::establish`]) takes hold at once: tokens have come, the
//! session is over. If a store does not take it then, the actor holds it, and the alarm brings it there.

use std::cell::{Cell, Ref, RefCell};
use std::rc::Rc;

use futures::lock::Mutex;
use time::{Duration, OffsetDateTime};

use super::ledger::Cause;
use super::remains::Remains;
use super::single_flight::{Flight, SingleFlight};
use super::state::{DoesNotApply, State};
use crate::actors::end_reason::{EndReason, RETENTION};
use crate::config::{Lifetimes, StoreKind};
use crate::runtime::Isolate;
use crate::store::outside::About;
use crate::store::{SessionStore, StoreError};

mod forget;
mod read;
mod schedule;
mod write;

/// When to look again after the store failed.
pub(super) const LOOK_AGAIN: Duration = Duration::minutes(1);

/// The record of this actor. Nothing outside of this folder changes it but by [`super::Session::transition`], [`super::Session::establish`] and
/// the methods below.
pub(in crate::actors::session) struct Record {
    store: Rc<SessionStore>,
    memory: RefCell<Memory>,
    /// Held while a transition is written. So no transition starts from a state that another one is about to replace.
    writing: Mutex<()>,
    /// Everything is being deleted.
    forgetting: Cell<bool>,
    /// The last time that the store outside of the actor was told of a fact.
    pushing: RefCell<Option<Flight<()>>>,
    loading: SingleFlight<Result<(), StoreError>>,
}

/// The record as last read or written.
#[derive(Default)]
struct Memory {
    loaded: bool,
    state: Option<State>,
    /// There is a record, and it cannot be read.
    unreadable: bool,
    /// The state is a fact that the actor's own storage did not take.
    unwritten: Option<Unwritten>,
    /// What is to be done about the end of the session once that is written.
    owed: Option<Owed>,
    alarm_at: Option<OffsetDateTime>,
    /// The last use that the store knows. The state's own may be later.
    used_written_at: Option<OffsetDateTime>,
    /// The last denial in the ledger. The same one again is not written.
    denied: Option<&'static str>,
}

/// A fact that the actor's own storage did not take.
struct Unwritten {
    /// The last state that was written: what the directories know.
    known: Option<State>,
    /// When it is tried again.
    again_at: OffsetDateTime,
}

/// The end of a session that could not be written. It is not in the ledger, and its tokens are not revoked.
pub(in crate::actors::session) struct Owed {
    pub remains: Remains,
    pub reason: EndReason,
    pub cause: Cause,
    pub detail: String,
    pub at: OffsetDateTime,
}

impl Record {
    /// One that has not been read.
    pub fn new(store: Rc<SessionStore>, isolate: &Rc<dyn Isolate>) -> Self {
        Self {
            store,
            memory: RefCell::default(),
            writing: Mutex::default(),
            forgetting: Cell::default(),
            pushing: RefCell::default(),
            loading: SingleFlight::new(isolate),
        }
    }

    /// The session, as it was last read or written. None: there is none, or it has not been read.
    pub fn state(&self) -> Ref<'_, Option<State>> {
        Ref::map(self.memory.borrow(), |memory| &memory.state)
    }

    /// Whether the record was read.
    pub fn is_loaded(&self) -> bool {
        self.memory.borrow().loaded
    }

    /// Whether there is a record, and it cannot be read.
    pub fn is_unreadable(&self) -> bool {
        self.memory.borrow().unreadable
    }

    /// Where it is kept.
    pub fn store_kind(&self) -> StoreKind {
        self.store.kind()
    }

    /// Counts its writes.
    pub fn generation(&self) -> u64 {
        self.store.generation()
    }

    /// The alarm that was set is there.
    pub fn alarm_fired(&self) {
        self.memory.borrow_mut().alarm_at = None;
    }

    /// Remembers a use, and says whether it has to be written, too.
    pub fn note_use(&self, now: OffsetDateTime, lifetimes: Lifetimes) -> bool {
        let mut memory = self.memory.borrow_mut();
        let Memory { state: Some(State::Active(active)), used_written_at, .. } = &mut *memory else { return false };
        let notable = active.use_is_notable(now, used_written_at.unwrap_or(active.last_used_at), lifetimes);
        active.last_used_at = now.max(active.last_used_at);
        active.used = true;
        if notable {
            // This is set at once, so that the requests right behind this one are not notable.
            *used_written_at = Some(now);
        }
        notable
    }

    /// Remembers a denial, and says whether it differs from the last one, which is in the ledger.
    pub fn is_new_denial(&self, outcome: &'static str) -> bool {
        self.memory.borrow_mut().denied.replace(outcome) != Some(outcome)
    }

    /// All sessions have been told whose place this one took. The record still names them, so that a login writes no more than it
    /// has to.
    pub fn all_are_told(&self) {
        if let Some(State::Active(active)) = self.memory.borrow_mut().state.as_mut() {
            active.superseding = std::mem::take(&mut active.superseding).all_told();
        }
    }

    /// What is to be done about an end once that is written, where it is not yet. False: it is.
    pub fn owe(&self, owed: impl FnOnce() -> Owed) -> bool {
        let mut memory = self.memory.borrow_mut();
        let is_unwritten = memory.unwritten.is_some();
        if is_unwritten {
            memory.owed = Some(owed());
        }
        is_unwritten
    }
}

/// What became of a fact.
#[must_use]
pub(in crate::actors::session) struct Established<T> {
    /// What the change has to say, or that it does not apply to the session as it is.
    pub(in crate::actors::session) made: Result<T, DoesNotApply>,
    /// Whether what stands now would outlive the process.
    pub(in crate::actors::session) written: Result<(), StoreError>,
}

/// What a store outside of the actor may know. None: nobody has logged in yet, and so the store does not get the record.
fn about(state: &State) -> Option<About> {
    let (issuer, subject) = state.user()?;
    let summary = state.summary()?;
    let kept_until = match state {
        State::Ended(ended) => ended.ended_at.saturating_add(RETENTION),
        State::Moved(moved) => moved.forgotten_at(),
        State::SigningIn(_) | State::Active(_) | State::Arriving(_) => summary.expires_at.saturating_add(RETENTION),
    };
    Some(About {
        state: summary.state.as_str(),
        issuer,
        subject,
        region: summary.region.as_str(),
        created_at: summary.created_at,
        last_used_at: summary.last_used_at,
        expires_at: summary.expires_at,
        kept_until,
    })
}
