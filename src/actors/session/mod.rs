//! The actor of one session: the only owner of its grant, and the only one that talks to the token endpoint.
//!
//! Instances are created with `newUniqueId` near the user, bound as [`message::BINDING`]. An instance is asked
//! ([`SessionActor::ask`]) and woken ([`alarm`]); it keeps its [`state`] in memory, writes it through to the store,
//! and its [`ledger`] to its own SQLite. [`state`] decides; this shell loads, saves, schedules and logs.
//!
//! Architecture Invariant: a `Get` with a fresh token does no storage operation, and an actor without a record
//! writes nothing.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::lock::Mutex;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use worker::{Env, SqlStorage, Storage};

use self::ledger::{Cause, Entry, Event};
use self::message::{Denied, Description, EndReason, Inspection, Whereabouts};
use self::observe::Heed;
use self::single_flight::SingleFlight;
use self::state::{Active, Identity, Refreshing, State};
use crate::actors::wire;
use crate::ambient;
use crate::config::{Config, Lifetimes};
use crate::credential::ActorId;
use crate::provider::Provider;
use crate::region::Region;
use crate::store::{self, Record, Store as _, StoreError};

pub mod active;
mod alarm;
pub mod follow;
mod get;
pub mod grant;
pub mod ledger;
pub mod message;
mod migrate;
pub mod moved;
mod object;
mod observe;
pub mod pending;
mod reading;
mod refresh;
mod registration;
mod revoke;
mod sign_in;
mod single_flight;
pub mod state;
mod succession;
pub mod view;

pub use object::SessionActor;

/// What the actor object holds for as long as it lives.
struct Session {
    id: ActorId,
    sql: SqlStorage,
    storage: Storage,
    provider: Provider,
    config: Rc<Config>,
    env: Env,
    memory: RefCell<Memory>,
    /// Held while a transition is written, so that none is made from a state that another one is about to replace.
    writing: Mutex<()>,
    refreshing: SingleFlight<refresh::Outcome>,
    observing: SingleFlight<Heed>,
    relocating: SingleFlight<Result<Whereabouts, Denied>>,
    arriving: SingleFlight<Result<(), Denied>>,
    /// When the provider last answered a GET, or did not.
    answered_at: Cell<Option<(OffsetDateTime, bool)>>,
    answering: SingleFlight<bool>,
}

/// The record as stored. A field cannot be added to what bincode has written: a changed [`State`] gets a variant of its
/// own, and reads the older ones.
#[derive(Serialize, Deserialize)]
enum Stored<'a> {
    V1(Cow<'a, State>),
}

/// The record as last read or written.
#[derive(Default)]
struct Memory {
    loaded: bool,
    generation: u64,
    state: Option<State>,
    alarm_at: Option<OffsetDateTime>,
    /// The last use as the store knows it; the state's own is ahead of it.
    used_written_at: Option<OffsetDateTime>,
    /// The last denial that went into the ledger: the same one again does not.
    denied: Option<&'static str>,
    /// What the directory said of the last change of region.
    heed: Option<Heed>,
}

impl Session {
    /// An actor that has not read its record; none where the platform's id is not what it should be.
    fn new(state: &worker::State, env: Env, config: &Rc<Config>) -> Option<Self> {
        Some(Self {
            id: state.id().to_string().try_into().ok()?,
            sql: state.storage().sql(),
            storage: state.storage(),
            provider: Provider::new(config),
            config: Rc::clone(config),
            env,
            memory: RefCell::default(),
            writing: Mutex::default(),
            refreshing: SingleFlight::default(),
            observing: SingleFlight::default(),
            relocating: SingleFlight::default(),
            arriving: SingleFlight::default(),
            answered_at: Cell::default(),
            answering: SingleFlight::default(),
        })
    }

    fn lifetimes(&self) -> Lifetimes {
        self.config.lifetimes
    }

    /// Reads the record, once in the life of this object.
    async fn load(&self) -> Result<(), StoreError> {
        if self.memory.borrow().loaded {
            return Ok(());
        }
        let record = store::of(self.sql.clone()).load().await?;
        let (generation, state) = match record {
            Some(record) => (record.generation, self.read(&record.bytes)),
            None => (0, None),
        };
        let mut memory = self.memory.borrow_mut();
        if !memory.loaded {
            let used_written_at = state.as_ref().and_then(State::active).map(|active| active.last_used_at);
            *memory = Memory { loaded: true, generation, state, used_written_at, ..Memory::default() };
        }
        Ok(())
    }

    /// A record that cannot be read is no session: its user logs in again.
    fn read(&self, bytes: &[u8]) -> Option<State> {
        match wire::decode(bytes) {
            Ok(Stored::V1(state)) => Some(state.into_owned()),
            Err(error) => {
                worker::console_error!("the record of session {} cannot be read: {error}", self.id);
                None
            }
        }
    }

    /// Makes one transition: the new state is written, then remembered, then scheduled.
    async fn transition(&self, change: impl FnOnce(State) -> State) -> Result<(), StoreError> {
        let _writing = self.writing.lock().await;
        let state = self.memory.borrow().state.clone();
        match state {
            Some(state) => self.commit(change(state)).await,
            None => Ok(()),
        }
    }

    async fn commit(&self, state: State) -> Result<(), StoreError> {
        let generation = self.memory.borrow().generation.saturating_add(1);
        let bytes = wire::encode(&Stored::V1(Cow::Borrowed(&state))).map_err(|_| StoreError::Corrupt)?;
        store::of(self.sql.clone()).save(&Record { generation, bytes }).await?;
        let next = state.next_alarm(self.lifetimes());
        {
            let mut memory = self.memory.borrow_mut();
            memory.used_written_at = state.active().map(|active| active.last_used_at);
            memory.state = Some(state);
            memory.generation = generation;
        }
        self.schedule(next).await
    }

    async fn schedule(&self, at: OffsetDateTime) -> Result<(), StoreError> {
        if self.memory.borrow().alarm_at == Some(at) {
            return Ok(());
        }
        // Before the call, so that of two at once the later one is remembered, as the platform does.
        self.memory.borrow_mut().alarm_at = Some(at);
        // Rounded up and never in the past: the platform drops an alarm that its own handler sets to the same moment.
        let at = ambient::to_millis(at).ceil().max(ambient::to_millis(ambient::now()) + 1.0);
        let date = js_sys::Date::new(&at.into());
        let set = self.storage.set_alarm(worker::ScheduledTime::new(date)).await;
        if set.is_err() {
            self.memory.borrow_mut().alarm_at = None;
        }
        Ok(set?)
    }

    /// Reads of the live session.
    fn active<T>(&self, read: impl FnOnce(&Active) -> T) -> Option<T> {
        self.memory.borrow().state.as_ref().and_then(State::active).map(read)
    }

    /// Ends the session; its refresh token is the caller's to revoke. One that was just presented is not among what
    /// remains: the refresh in flight revokes what it brings.
    async fn end(&self, reason: EndReason, cause: Cause, detail: &str) -> Result<Remains, StoreError> {
        let now = ambient::now();
        let remains = self.active(|active| Remains {
            identity: Some(active.identity.clone()),
            refresh_token: match &active.grant.refresh {
                Refreshing::Ready { token, .. } => Some(token.clone()),
                Refreshing::Impossible | Refreshing::Presented { .. } | Refreshing::Lost => None,
            },
        });
        self.transition(|state| state.end(now, reason)).await?;
        self.record(Event::End, reason.as_str(), cause, now, detail);
        Ok(remains.unwrap_or_default())
    }

    /// Writes an event to the ledger and the log. What cannot be written down stops nothing.
    fn record(&self, event: Event, outcome: &str, cause: Cause, began: OffsetDateTime, detail: &str) {
        let memory = self.memory.borrow();
        let Some(state) = memory.state.as_ref() else { return };
        let entry = Entry::new(event, outcome, cause, began, Some(state.place().region), detail);
        worker::console_log!("{}", entry.line(CLASS, &self.id, Some(state.next_alarm(self.lifetimes()))));
        let _ = ledger::append(&self.sql, &entry);
    }

    /// Writes an event to the log alone: this actor has no record, and leaves nothing behind.
    fn log(&self, event: Event, outcome: &str, began: OffsetDateTime, detail: &str, region: Region) {
        let entry = Entry::new(event, outcome, Cause::Request, began, Some(region), detail);
        worker::console_log!("{}", entry.line(CLASS, &self.id, None));
    }

    async fn inspect(self: &Rc<Self>, _: message::Inspect) -> Option<Box<Inspection>> {
        self.ready().await.ok()?;
        let memory = self.memory.borrow();
        let state = memory.state.as_ref()?;
        let (issuer, subject) = state.user()?;
        Some(Box::new(Inspection {
            summary: state.summary(),
            subject: Some(subject),
            issuer: Some(issuer),
            epoch: state.epoch(),
            generation: memory.generation,
            next_alarm_at: Some(state.next_alarm(self.lifetimes())),
            access_token_expires_at: state.active().and_then(|active| active.grant.expires_at),
            moved_to: state.moved_to().map(|to| to.actor.clone()),
            ledger: ledger::entries(&self.sql).unwrap_or_default(),
        }))
    }

    async fn describe(self: &Rc<Self>, _: message::Describe) -> Option<Description> {
        self.ready().await.ok()?;
        let memory = self.memory.borrow();
        let state = memory.state.as_ref()?;
        let (issuer, subject) = state.user()?;
        Some(Description { summary: state.summary(), subject, issuer })
    }
}

/// The class, as log lines name it.
const CLASS: &str = "SessionActor";

/// What an ended session had.
#[derive(Default)]
struct Remains {
    identity: Option<Identity>,
    refresh_token: Option<openidconnect::RefreshToken>,
}

impl Remains {
    /// The provider's own session.
    fn sid(&self) -> Option<String> {
        self.identity.as_ref()?.sid.clone()
    }
}
