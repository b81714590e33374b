//! The actor of one session: the only owner of its grant, and the only one that talks to the token endpoint.
//!
//! Instances are created with `newUniqueId` near the user, bound as [`message::BINDING`]. An instance is asked
//! ([`Session::ask`]) and woken ([`Session::alarm`]); it keeps its [`state`] in memory, writes it through to the store,
//! and its [`ledger`] to its own SQLite. [`state`] decides; this shell loads, saves, schedules and logs.
//!
//! Architecture Invariant: a `GetToken` with a fresh token does no storage operation, and an actor without a record
//! writes nothing.

use std::rc::Rc;

use futures::lock::Mutex;
use time::OffsetDateTime;

use self::directory_client::DirectoryClient;
use self::ledger::{Cause, Entry, Event};
use self::message::{EndReason, Successor};
use self::mover::Mover;
use self::provider_health::ProviderHealth;
use self::record::{Established, Owed, Record};
use self::refresher::Refresher;
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
mod refresher;
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
    provider: Rc<Provider>,
    config: Rc<Config>,
    kept: Record,
    /// Held while a code is redeemed: who asks what became of the login waits for it.
    signing_in: Mutex<()>,
    refresher: Refresher,
    directories: Rc<DirectoryClient>,
    mover: Mover,
    provider_health: ProviderHealth,
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
            config: Rc::clone(config),
            kept: Record::new(store, &isolate),
            signing_in: Mutex::default(),
            refresher: Refresher::new(&isolate),
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
        self.kept.state().as_ref().and_then(State::active).map(read)
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
        if let Err(error) = &written {
            let owed = || Owed { remains: remains.clone(), reason, cause, detail: detail.to_owned(), at: now };
            if self.kept.owe(owed) {
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
        let kept = self.kept.state();
        let Some(state) = kept.as_ref() else { return };
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
#[derive(Clone, Default)]
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
