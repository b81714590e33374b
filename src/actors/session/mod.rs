//! The actor of one session: the only owner of its grant, and the only one that talks to the token endpoint.
//!
//! Instances are created with `newUniqueId` near the user, bound as [`message::BINDING`]. An instance is asked
//! ([`Session::ask`]) and woken ([`Session::alarm`]); it keeps its [`state`] in memory, writes it through to the store,
//! and its [`ledger`] to its own SQLite. [`state`] decides; this shell loads, saves, schedules and logs.
//!
//! Architecture Invariant: a `GetToken` with a fresh token does no storage operation, and an actor without a record
//! writes nothing.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use futures::lock::Mutex;
use time::OffsetDateTime;

use self::device::record::DeviceRecord;
use self::directory_client::DirectoryClient;
use self::ledger::{Cause, Entry, Event};
use self::mover::Mover;
use self::parked_request::ParkedRequest;
use self::provider_health::ProviderHealth;
use self::record::Record;
use self::refresher::Refresher;
use self::state::{Active, State};
use self::target_tokens::RefusedTargets;
use crate::actors::log::{self, Beside};
use crate::config::{Config, Lifetimes, in_fields};
use crate::credential::ActorId;
use crate::provider::Provider;
use crate::provider::link::{Documents, Link};
use crate::region::Region;
use crate::runtime::{ActorContext, Actors, Isolate, Listeners, Signatures, Storage};
use crate::store::SessionStore;

pub mod active;
pub mod address;
mod adopt;
mod alarm;
pub mod attempt;
mod attested;
mod authorize;
mod begin;
mod bind_device;
mod deadline;
pub mod device;
mod directory_client;
mod end;
pub mod follow;
mod get;
mod give_way;
mod grace;
pub mod grant;
mod id_token_life;
mod inspect;
pub mod ledger;
pub mod line;
pub mod listeners;
pub mod location;
pub mod message;
mod migrate;
pub mod moved;
mod mover;
mod observe;
mod park;
mod parked_request;
pub use parked_request::PARKED_FOR;
mod present;
mod provider;
mod provider_health;
mod record;
mod refresh;
mod refresh_failure;
mod refresher;
mod registration;
mod remains;
mod renew_proof;
mod revoke;
#[cfg(test)]
pub mod samples;
mod serve;
pub mod sign_in;
mod single_flight;
pub mod standing;
pub mod state;
pub mod stored;
mod succession;
pub mod superseding;
mod target_token;
pub mod target_tokens;
mod user_info;
mod verdict;
pub mod view;

/// What the actor object holds for as long as it lives.
pub struct Session {
    id: ActorId,
    isolate: Rc<dyn Isolate>,
    actors: Rc<dyn Actors>,
    storage: Rc<dyn Storage>,
    link: Link,
    /// The one that was needed last, by its name in `PROVIDERS`.
    provider: RefCell<Option<(Option<String>, Rc<Provider>)>>,
    config: Rc<Config>,
    kept: Record,
    device: DeviceRecord,
    listeners: Rc<dyn Listeners>,
    signatures: Rc<dyn Signatures>,
    /// Held while a code is redeemed. A question about the outcome of the login waits for it.
    signing_in: Mutex<()>,
    refresher: Refresher,
    directories: Rc<DirectoryClient>,
    mover: Mover,
    provider_health: ProviderHealth,
    refused_targets: RefusedTargets,
    parked: ParkedRequest,
}

impl Session {
    /// An actor that has not read its record.
    pub fn new(
        given: ActorContext,
        listeners: Rc<dyn Listeners>,
        documents: Documents,
        config: &Rc<Config>,
    ) -> Rc<Self> {
        let store = Rc::new(SessionStore::new(&given, &config.store));
        let ActorContext { id, isolate, http, cache, signatures, actors, storage, .. } = given;
        let link = Link { isolate: Rc::clone(&isolate), http, cache, signatures: Rc::clone(&signatures), documents };
        let directories = DirectoryClient::new(&id, &isolate, &actors, config);
        Rc::new(Self {
            id,
            actors,
            config: Rc::clone(config),
            kept: Record::new(store, &isolate),
            device: DeviceRecord::new(&storage),
            parked: ParkedRequest::new(&storage),
            listeners,
            signatures,
            signing_in: Mutex::default(),
            refresher: Refresher::new(&isolate),
            directories,
            mover: Mover::new(&isolate),
            provider_health: ProviderHealth::new(&isolate),
            refused_targets: RefusedTargets::default(),
            link,
            provider: RefCell::default(),
            storage,
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
        self.kept.state().as_ref().and_then(State::active).map(read)
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
        let kept = self.kept.state();
        let Some(state) = kept.as_ref() else { return };
        let place = state.place();
        let detail = if place.provider.is_some() { in_fields(detail).into() } else { Cow::Borrowed(detail) };
        let entry = Entry::new(event, outcome, cause, (began, self.now()), Some(place.region), &detail);
        let user = state.user().map(|(issuer, subject)| log::user(&issuer, &subject, self.config.log_subject));
        let provider = place.provider.as_deref();
        let beside = Beside { user: user.as_deref(), provider, next_alarm_at: self.next_alarm(), said };
        log::tell(&*self.isolate, &entry, CLASS, &self.id, beside);
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
        log::tell(&*self.isolate, &entry, CLASS, &self.id, Beside { said, ..Beside::default() });
    }
}

/// The class, as log lines name it.
const CLASS: &str = "SessionActor";
