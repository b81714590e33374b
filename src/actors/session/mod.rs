//! The actor of one session: the only owner of its grant, and the only one that talks to the token endpoint.
//!
//! Instances are created with `newUniqueId` near the user, bound as [`message::BINDING`]. An instance is asked
//! ([`Session::ask`]) and woken ([`Session::alarm`]); it keeps its [`state`] in memory, writes it through to the store,
//! and its [`ledger`] to its own SQLite. [`state`] decides; this shell loads, saves, schedules and logs.
//!
//! Architecture Invariant: a `GetToken` with a fresh token does no storage operation, and an actor without a record
//! writes nothing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::lock::Mutex;
use time::OffsetDateTime;

use self::directory_client::DirectoryClient;
use self::ledger::{Cause, Entry, Event};
use self::message::{EndReason, Successor};
use self::mover::Mover;
use self::provider_health::ProviderHealth;
use self::record::Established;
use self::single_flight::{Flight, SingleFlight};
use self::state::{Active, Identity, Refreshing, State};
use crate::actors::log::{self, Beside};
use crate::config::{Config, Lifetimes};
use crate::credential::ActorId;
use crate::provider::{Documents, Link, Provider};
use crate::region::Region;
use crate::runtime::{ActorContext, Actors, Isolate, Storage};
use crate::store::{SessionStore, StoreError};

pub mod active;
mod alarm;
pub mod attempt;
mod authorize;
mod deadline;
mod directory_client;
pub mod follow;
mod get;
mod grace;
pub mod grant;
mod inspect;
pub mod ledger;
pub mod line;
pub mod message;
mod migrate;
pub mod moved;
mod mover;
mod observe;
mod provider_health;
mod record;
mod refresh;
mod registration;
mod revoke;
#[cfg(test)]
pub mod samples;
mod serve;
pub mod sign_in;
mod single_flight;
pub mod state;
pub mod stored;
mod succession;
pub mod superseding;
mod user_info;
pub mod view;

/// What the actor object holds for as long as it lives.
pub struct Session {
    id: ActorId,
    isolate: Rc<dyn Isolate>,
    actors: Rc<dyn Actors>,
    storage: Rc<dyn Storage>,
    store: Rc<SessionStore>,
    provider: Rc<Provider>,
    config: Rc<Config>,
    memory: RefCell<Memory>,
    /// Held while a code is redeemed: who asks what became of the login waits for it.
    signing_in: Mutex<()>,
    /// Held while a transition is written, so that none is made from a state that another one is about to replace.
    writing: Mutex<()>,
    /// Everything is being deleted.
    forgetting: Cell<bool>,
    /// The last time that the store outside of the actor was told of a fact.
    pushing: RefCell<Option<Flight<()>>>,
    loading: SingleFlight<Result<(), StoreError>>,
    refreshing: SingleFlight<refresh::Outcome>,
    directories: Rc<DirectoryClient>,
    mover: Mover,
    provider_health: ProviderHealth,
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
    /// The last use as the store knows it; the state's own is ahead of it.
    used_written_at: Option<OffsetDateTime>,
    /// The last denial that went into the ledger: the same one again does not.
    denied: Option<&'static str>,
}

/// A fact that the actor's own storage did not take.
struct Unwritten {
    /// The last state that was written: what the directories know.
    known: Option<State>,
    /// When it is tried again.
    again_at: OffsetDateTime,
}

/// The end of a session, which could not be written: its ledger has no word of it, and its tokens are not revoked.
struct Owed {
    remains: Remains,
    reason: EndReason,
    cause: Cause,
    detail: String,
    at: OffsetDateTime,
}

impl Session {
    /// An actor that has not read its record.
    pub fn new(given: ActorContext, documents: Documents, config: &Rc<Config>) -> Rc<Self> {
        let store = Rc::new(SessionStore::new(&given, &config.store));
        let ActorContext { id, isolate, http, cache, signatures, actors, storage, .. } = given;
        let link = Link { isolate: Rc::clone(&isolate), http, cache, signatures, documents };
        let provider = Rc::new(Provider::new(config, link));
        let directories = DirectoryClient::new(&id, &isolate, &actors, config);
        Rc::new(Self {
            id,
            actors,
            storage,
            store,
            config: Rc::clone(config),
            memory: RefCell::default(),
            signing_in: Mutex::default(),
            writing: Mutex::default(),
            forgetting: Cell::default(),
            pushing: RefCell::default(),
            loading: SingleFlight::new(&isolate),
            refreshing: SingleFlight::new(&isolate),
            directories,
            mover: Mover::new(&isolate),
            provider_health: ProviderHealth::new(&isolate, &provider),
            provider,
            isolate,
        })
    }

    fn now(&self) -> OffsetDateTime {
        self.isolate.now()
    }

    fn lifetimes(&self) -> Lifetimes {
        self.config.lifetimes
    }

    /// Reads of the live session.
    fn active<T>(&self, read: impl FnOnce(&Active) -> T) -> Option<T> {
        self.memory.borrow().state.as_ref().and_then(State::active).map(read)
    }

    /// Ends the session; its refresh token is the caller's to revoke. One that was just presented is not among what
    /// remains: the refresh in flight revokes what it brings. None: it had ended, or moved, by the time that this could be
    /// written. Where it could not, what remains is revoked when it can.
    async fn end(
        self: &Rc<Self>,
        reason: EndReason,
        cause: Cause,
        detail: &str,
    ) -> Result<Option<Remains>, StoreError> {
        self.end_for(reason, cause, detail, None).await
    }

    /// The same, where `successor` took its place. Many providers give a user one grant, and end all of it with one of its tokens:
    /// what may be the successor's, too, is not among what remains.
    async fn end_for(
        self: &Rc<Self>,
        reason: EndReason,
        cause: Cause,
        detail: &str,
        successor: Option<&Successor>,
    ) -> Result<Option<Remains>, StoreError> {
        let now = self.now();
        let Established { made, written } = self
            .establish_with(|state| {
                let remains = match &state {
                    State::SigningIn(_) => Some(Remains::default()),
                    State::Active(active) => Some(Remains::of(active)),
                    // It had given way to an earlier login, and is told of a later one.
                    State::Ended(_) | State::Moved(_) | State::Arriving(_) => None,
                };
                let state = match successor {
                    Some(successor) => state.superseded_by(now, successor),
                    None => state.end(now, reason),
                };
                Ok((state?, remains))
            })
            .await;
        let Ok(Some(mut remains)) = made else { return written.map(|()| None) };
        let user = remains.identity.as_ref().map(Identity::user);
        if successor.is_some_and(|successor| user.is_some_and(|user| successor.is_of(&user))) {
            remains.refresh_token = None;
        }
        {
            let memory = &mut *self.memory.borrow_mut();
            if let (Err(error), Some(_)) = (&written, &memory.unwritten) {
                memory.owed = Some(Owed { remains, reason, cause, detail: detail.to_owned(), at: now });
                return Err(error.clone());
            }
        }
        // Written it is, even if the alarm could not be set.
        self.record(Event::End, reason.as_str(), cause, now, detail);
        Ok(Some(remains))
    }

    /// Writes an event to the ledger and the log. What cannot be written down stops nothing.
    fn record(&self, event: Event, outcome: &str, cause: Cause, began: OffsetDateTime, detail: &str) {
        self.record_with_words(event, outcome, cause, began, detail, None);
    }

    /// The same, with what the provider said: in the log alone.
    fn record_with_words(
        &self,
        event: Event,
        outcome: &str,
        cause: Cause,
        began: OffsetDateTime,
        detail: &str,
        said: Option<&str>,
    ) {
        let memory = self.memory.borrow();
        let Some(state) = memory.state.as_ref() else { return };
        let entry = Entry::new(event, outcome, cause, (began, self.now()), Some(state.place().region), detail);
        let user = state.user().map(|(issuer, subject)| log::user(&issuer, &subject, self.config.log_subject));
        let beside = Beside { user: user.as_deref(), next_alarm_at: self.next_alarm(), said };
        self.isolate.log(&entry.line(CLASS, &self.id, beside));
        let _ = ledger::append(&*self.storage, &entry);
    }

    /// Writes an event to the log alone: this actor has no record, and leaves nothing behind.
    fn log(
        &self,
        event: Event,
        outcome: &str,
        began: OffsetDateTime,
        detail: &str,
        said: Option<&str>,
        region: Region,
    ) {
        let entry = Entry::new(event, outcome, Cause::Request, (began, self.now()), Some(region), detail);
        self.isolate.log(&entry.line(CLASS, &self.id, Beside { said, ..Beside::default() }));
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
    fn of(active: &Active) -> Self {
        Self {
            identity: Some(active.identity.clone()),
            refresh_token: match &active.grant.refresh {
                Refreshing::Ready { token, .. } => Some(token.clone()),
                Refreshing::Impossible | Refreshing::Presented { .. } | Refreshing::Lost => None,
            },
        }
    }

    /// The provider's own session.
    fn sid(&self) -> Option<String> {
        self.identity.as_ref()?.sid.clone()
    }
}
