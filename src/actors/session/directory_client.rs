//! Asks the session's directories: its user's, and, if there is one, that of the provider's own session. It remembers what the
//! user's directory said of the visitor's region.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;

use futures::future::join_all;
use time::{Duration, OffsetDateTime};

use super::single_flight::{Flight, SingleFlight};
use super::state::Identity;
use crate::actors;
use crate::actors::directory_message::name::{of_provider_session, of_user};
use crate::actors::directory_message::{
    self, DirectoryAddress, DirectoryError, Forget, News, Observe, RegionVerdict, Register, Report,
};
use crate::actors::summary::UserPlace;
use crate::config::Config;
use crate::credential::ActorId;
use crate::region::{Jurisdiction, Region};
use crate::runtime::{Actors, Isolate};

/// When to ask again a directory that did not answer.
const ASK_AGAIN: Duration = Duration::seconds(30);

/// What the session makes of its user's region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionDecision {
    /// Nothing, until then.
    Stay { until: OffsetDateTime },
    /// One navigation is to go through the provider.
    Reauthenticate,
    /// One navigation is on its way to `/login`; others stay, until then.
    Sent { until: OffsetDateTime },
    /// The grant is to move.
    Migrate,
}

/// The directories of one session.
pub struct DirectoryClient {
    id: ActorId,
    isolate: Rc<dyn Isolate>,
    actors: Rc<dyn Actors>,
    jurisdiction: Option<Jurisdiction>,
    /// A user's sessions have a limit (`SESSIONS_PER_USER`).
    has_limit: bool,
    observing: SingleFlight<RegionDecision>,
    /// What the directory said of the last change of region.
    decision: Cell<Option<RegionDecision>>,
}

impl DirectoryClient {
    /// Of the session in this actor.
    pub fn new(id: &ActorId, isolate: &Rc<dyn Isolate>, actors: &Rc<dyn Actors>, config: &Config) -> Rc<Self> {
        Rc::new(Self {
            id: id.clone(),
            isolate: Rc::clone(isolate),
            actors: Rc::clone(actors),
            jurisdiction: config.regions.jurisdiction,
            has_limit: config.sessions_per_user.is_some(),
            observing: SingleFlight::new(isolate),
            decision: Cell::default(),
        })
    }

    /// What becomes of the session in its visitor's region. None: the directory was not asked yet.
    pub fn decision(&self) -> Option<RegionDecision> {
        self.decision.get()
    }

    /// The login that one navigation was sent to is under way. No other navigation is sent.
    pub fn login_begins(&self, until: OffsetDateTime) {
        self.decision.set(Some(RegionDecision::Stay { until }));
    }

    /// Whether this navigation goes through the provider. Of several, only the first does.
    pub fn send(&self, until: OffsetDateTime) -> bool {
        let is_the_one = self.decision.get() == Some(RegionDecision::Reauthenticate);
        if is_the_one {
            self.decision.set(Some(RegionDecision::Sent { until }));
        }
        is_the_one
    }

    /// The session is forgotten.
    pub fn forget_decision(&self) {
        self.decision.set(None);
    }

    /// Asks what a change of region means, or waits for the answer that is under way.
    pub fn observe_once<W>(&self, start: impl FnOnce() -> W) -> Flight<RegionDecision>
    where
        W: Future<Output = RegionDecision> + 'static,
    {
        self.observing.join(start)
    }

    /// Asks the user's directory what it means that the session is used from this region; and what the ledger says of the answer.
    pub async fn observe(&self, user: &str, region: Region) -> (RegionDecision, &'static str, &'static str) {
        let observe = Observe { actor: self.id.clone(), region };
        let (decision, outcome, what) = match actors::ask(&*self.actors, &self.directory(user), observe).await {
            Ok(Ok(RegionVerdict::Stay { until })) => (RegionDecision::Stay { until }, "stay", "stays where it is"),
            Ok(Ok(RegionVerdict::Reauthenticate)) => {
                (RegionDecision::Reauthenticate, "reauthenticate", "is to be renewed there")
            }
            Ok(Ok(RegionVerdict::Migrate)) => (RegionDecision::Migrate, "migrate", "is to move there"),
            Ok(Err(_)) | Err(_) => {
                let until = self.isolate.now().saturating_add(ASK_AGAIN);
                (RegionDecision::Stay { until }, "no_answer", "stays where it is, as its directory does not answer")
            }
        };
        self.decision.set(Some(decision));
        (decision, outcome, what)
    }

    /// Makes the session known to all of its directories, or to none.
    pub async fn register(
        &self,
        identity: &Identity,
        place: UserPlace,
        began_at: OffsetDateTime,
        lives: (OffsetDateTime, OffsetDateTime),
        predecessor: Option<ActorId>,
    ) -> Result<(), DirectoryError> {
        let registered = self.register_again(identity, place, began_at, lives, predecessor).await;
        if registered.is_err() {
            self.unregister(identity).await;
        }
        registered
    }

    /// The same of one that they may know: a directory that takes it keeps it.
    pub async fn register_again(
        &self,
        identity: &Identity,
        place: UserPlace,
        began_at: OffsetDateTime,
        (created_at, expires_at): (OffsetDateTime, OffsetDateTime),
        predecessor: Option<ActorId>,
    ) -> Result<(), DirectoryError> {
        let actor = self.id.clone();
        let register =
            Register { actor, began_at, counterpart: None, place, created_at, expires_at, predecessor, limited: false };
        self.register_in(identity, &register).await
    }

    /// The same with a message of the caller's; a directory that took it keeps it.
    pub async fn register_in(&self, identity: &Identity, register: &Register) -> Result<(), DirectoryError> {
        let user = user_directory(identity);
        let registrations = directories(identity).into_iter().map(|(name, counterpart)| {
            let register = Register { counterpart, limited: name == user, ..register.clone() };
            async move {
                let asked = actors::ask(&*self.actors, &self.directory(&name), register).await;
                asked.unwrap_or(Err(DirectoryError::StoreUnavailable))
            }
        });
        join_all(registrations).await.into_iter().collect()
    }

    /// Tells the directories what has become of the session, in the background. A list finds out by itself what they were not
    /// told.
    pub fn report(self: &Rc<Self>, news: News, identity: &Identity) {
        let names = match news {
            News::Ended { .. } => directories(identity).into_iter().map(|(name, _)| name).collect(),
            // The directory of the provider's session orders no list, and asks a session that has moved where it lives: it may
            // be known there by another `sid`.
            News::Refreshed | News::Moved => vec![user_directory(identity)],
            // It makes room for the session, where there is a limit.
            News::Began if self.has_limit => vec![user_directory(identity)],
            News::Began => return,
        };
        let client = Rc::clone(self);
        self.isolate.go_on(async move {
            let client = &client;
            join_all(names.into_iter().map(|name| async move {
                let report = Report { actor: client.id.clone(), news };
                let _ = actors::ask(&*client.actors, &client.directory(&name), report).await;
            }))
            .await;
        });
    }

    /// Takes the session out of its directories. A directory that does not answer drops it when its time is over.
    pub async fn unregister(&self, identity: &Identity) {
        self.forget_in(directories(identity).into_iter().map(|(name, _)| name).collect()).await;
    }

    /// Takes it out of the directories of these names.
    pub async fn forget_in(&self, names: Vec<String>) {
        join_all(names.into_iter().map(|name| async move {
            let forget = Forget { actor: self.id.clone() };
            let _ = actors::ask(&*self.actors, &self.directory(&name), forget).await;
        }))
        .await;
    }

    fn directory(&self, name: &str) -> DirectoryAddress {
        directory_message::address(name, self.jurisdiction)
    }
}

fn user_directory(identity: &Identity) -> String {
    of_user(&identity.issuer, &identity.subject)
}

/// The directories that are to know the session, each with the session's counterpart there: in its user's, the provider's own
/// session; in that one's, the user.
fn directories(identity: &Identity) -> Vec<(String, Option<String>)> {
    let user = user_directory(identity);
    let sid = identity.sid.as_ref().map(|sid| (of_provider_session(&identity.issuer, sid), Some(user.clone())));
    std::iter::once((user, identity.sid.clone())).chain(sid).collect()
}
