//! A world: its actors, its provider, its key-value store, and what a gateway would ask.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::actors::directory_message::name::of_user;
use edge_oauth_sessions::actors::directory_message::{self, List};
use edge_oauth_sessions::actors::end_reason::EndReason;
use edge_oauth_sessions::actors::log::Cause;
use edge_oauth_sessions::actors::session::attempt::{Attempt, LoginReason, Predecessor};
use edge_oauth_sessions::actors::session::message::{
    Authority, Callback, Complete, Completed, Denied, Destination, GetTargetToken, GetToken, Inspect, Migrate,
    Migrated, Refresh, Revoke, Revoked, SignInError,
};
use edge_oauth_sessions::actors::session::view::Inspection;
use edge_oauth_sessions::actors::session::{address, follow};
use edge_oauth_sessions::actors::summary::{SessionState, UserPlace};
use edge_oauth_sessions::actors::{self, AskError, Request};
use edge_oauth_sessions::config::Config;
use edge_oauth_sessions::credential::{ActorId, Secret};
use edge_oauth_sessions::region::Region;
use sha2::{Digest as _, Sha256};

use super::actors::{Actor, Class};
use super::clocks::Clocks;
use super::executor::{Executor, Process};
use super::faults::Faults;
use super::kv::Namespace;
use super::messages::Calls;
use super::postgres::Server;
use super::provider::{ISSUER, Provider};
use super::signatures::Checks;
use super::tally::Tally;

/// See the module.
#[derive(Clone)]
pub struct World {
    pub executor: Executor,
    pub config: Rc<Config>,
    pub faults: Rc<Faults>,
    pub tally: Rc<Tally>,
    pub clocks: Rc<Clocks>,
    pub provider: Rc<Provider>,
    pub kv: Rc<Namespace>,
    pub postgres: Rc<Server>,
    pub signatures: Rc<Checks>,
    pub log: Rc<RefCell<Vec<String>>>,
    /// After how many polls the first process of the next actor ends that a session makes, and whether it keeps what was not durable.
    pub doom_of_next: Rc<Cell<Option<(u64, bool)>>>,
    /// Actors refuse messages of this number and above, as those of an earlier release do.
    pub knows_messages_below: Rc<Cell<u8>>,
    /// The next message of this number is late.
    pub delay_next: Rc<Cell<Option<(u8, Duration)>>>,
    /// Browsers come back from a login with the proof of their device.
    pub proves: Rc<Cell<bool>>,
    /// The reply to the next message of this number is lost.
    pub lose_reply_to: Rc<Cell<Option<u8>>>,
    actors: Rc<RefCell<BTreeMap<ActorId, Rc<Actor>>>>,
}

/// What a browser has after a login.
#[derive(Clone)]
pub struct Cookie {
    pub actor: ActorId,
    pub secret: Secret,
}

/// What a session says of a login that comes back.
type Completion = Result<Completed, SignInError>;

/// How a login names the session before it.
fn named(cookie: &Cookie) -> Predecessor {
    Predecessor { actor: cookie.actor.clone(), secret_hash: cookie.secret.hash(), is_proven: true }
}

impl World {
    /// With these variables beside the necessary ones.
    pub fn new(variables: &[(&str, &str)]) -> Self {
        Self::seeded(1, variables)
    }

    /// The same, of this seed.
    pub fn seeded(seed: u64, variables: &[(&str, &str)]) -> Self {
        let usual = [
            ("UPSTREAM", "https://app.internal"),
            ("PUBLIC_ORIGIN", "https://app.example"),
            ("OIDC_ISSUER", ISSUER),
            ("OIDC_CLIENT_ID", "client"),
            ("OIDC_CLIENT_SECRET", "hunter2-hunter2-hunter2-hunter2"),
        ];
        let variables: HashMap<&str, &str> = usual.iter().chain(variables).copied().collect();
        let config = Config::read(|name| match name {
            "SESSION_KV" | "SESSION_DB" => Some("a binding".to_owned()),
            name => variables.get(name).map(|text| (*text).to_owned()),
        });
        let executor = Executor::new(seed);
        let (faults, tally) = (Rc::new(Faults::none(&executor)), Rc::new(Tally::new(&executor)));
        Self {
            config: Rc::new(config.unwrap()),
            clocks: Rc::new(Clocks::right(&executor)),
            provider: Rc::new(Provider::new(&executor, &faults, &tally)),
            kv: Rc::new(Namespace::new(&executor, &faults, &tally)),
            postgres: Rc::new(Server::new(&executor, &faults, &tally)),
            faults,
            tally,
            signatures: Rc::default(),
            log: Rc::default(),
            doom_of_next: Rc::default(),
            delay_next: Rc::default(),
            proves: Rc::new(Cell::new(true)),
            lose_reply_to: Rc::default(),
            knows_messages_below: Rc::new(Cell::new(u8::MAX)),
            actors: Rc::default(),
            executor,
        }
    }

    /// An id that nobody has asked yet.
    pub fn issue(&self) -> ActorId {
        let id = id_of(&format!("session {}", self.executor.number()));
        self.actors.borrow_mut().insert(id.clone(), Actor::new(self, id.clone(), Class::Session));
        id
    }

    /// The actor of this id.
    pub fn session(&self, id: &ActorId) -> Option<Rc<Actor>> {
        self.actors.borrow().get(id).cloned()
    }

    /// All of them.
    pub fn everybody(&self) -> Vec<Rc<Actor>> {
        self.actors.borrow().values().cloned().collect()
    }

    /// The directory of this name.
    pub fn directory(&self, name: &str) -> Rc<Actor> {
        let id = id_of(name);
        let known = self.session(&id);
        known.unwrap_or_else(|| {
            let directory = Actor::new(self, id.clone(), Class::Directory);
            self.actors.borrow_mut().insert(id, Rc::clone(&directory));
            directory
        })
    }

    pub async fn wait(&self, span: Duration) {
        self.executor.sleep(span).await;
    }

    /// Asks an actor, as the gateway does.
    pub async fn ask<R: Request>(
        &self,
        address: &actors::TypedAddress<R::Message>,
        request: R,
    ) -> Result<R::Reply, AskError> {
        actors::ask(&self.gateway(), address, request).await
    }

    pub fn gateway(&self) -> Calls {
        Calls { world: self.clone(), origin: None }
    }

    /// One step more.
    pub fn step(&self) {
        self.tally.step();
    }

    /// Takes everything apart, as its parts refer to each other.
    pub fn dismantle(&self) {
        self.executor.dismantle();
        let actors = self.actors.take();
        actors.values().for_each(|actor| actor.disk.dismantle());
        self.executor.dismantle();
    }

    /// The session's process ends after some polls; whether what it wrote is kept that was not durable.
    pub fn doom(&self, cookie: &Cookie, polls: u64, keeps: bool) -> (Rc<Actor>, Process) {
        let actor = self.session(&cookie.actor).unwrap();
        actor.keeps.set(keeps);
        let process = actor.process(self);
        self.executor.end_after_polls(process, polls);
        (actor, process)
    }

    /// An administrator moves the session.
    pub async fn migrate(&self, cookie: &Cookie, region: Region) -> Result<Migrated, Denied> {
        let authority = Authority::Trusted(Cause::Admin);
        let migrate = || Migrate { authority: authority.clone(), destination: Destination::Region(region) };
        follow::ask(&self.gateway(), &cookie.actor, migrate).await?.reply
    }

    /// The same of the session in this actor: where it lives then.
    pub async fn migrate_actor(&self, actor: &ActorId, region: Region) -> Option<ActorId> {
        let migrate = Migrate { authority: Authority::Trusted(Cause::Admin), destination: Destination::Region(region) };
        match self.ask(&address::existing_session(actor), migrate).await {
            Ok(Ok(Migrated::Lives(to))) => Some(to.actor),
            _ => None,
        }
    }

    /// The sessions that a user's list shows as live.
    pub async fn list(&self, subject: &str) -> Vec<ActorId> {
        let directory = directory_message::address(&of_user(ISSUER, subject), None);
        let page = self.ask(&directory, List { cursor: None, limit: 40 }).await.unwrap().unwrap();
        let live = page.listed.into_iter().filter(|listed| listed.summary.state == SessionState::Active);
        live.map(|listed| listed.actor).collect()
    }

    /// A user logs in.
    pub async fn log_in(&self, subject: &str) -> Cookie {
        self.try_log_in(subject).await.unwrap_or_else(|why| panic!("{why}: {:#?}", self.log.borrow()))
    }

    /// A user tries to log in.
    pub async fn try_log_in(&self, subject: &str) -> Result<Cookie, String> {
        self.log_in_over(subject, LoginReason::Asked, None, None).await
    }

    /// A login in a browser that had this session when it began, and that one when it came back.
    pub async fn log_in_over(
        &self,
        subject: &str,
        reason: LoginReason,
        before: Option<&Cookie>,
        now: Option<&Cookie>,
    ) -> Result<Cookie, String> {
        let attempt = self.attempt(reason, before);
        let code = self.provider.log_in(subject, &attempt.nonce.expose());
        let actor = attempt.actor.clone();
        match self.come_back(attempt, Ok(code), now).await {
            Ok(Ok(Completed::SignedIn { secret, .. })) => Ok(Cookie { actor, secret }),
            other => Err(format!("{other:?}")),
        }
    }

    /// A silent login of this session's browser comes back, and the provider wants the user to log in.
    pub async fn come_back_refused(&self, reason: LoginReason, before: &Cookie) -> Result<Completion, AskError> {
        self.come_back(self.attempt(reason, Some(before)), Err("login_required"), Some(before)).await
    }

    fn attempt(&self, reason: LoginReason, before: Option<&Cookie>) -> Attempt {
        let actor = self.issue();
        let secret = |byte| Secret::from_random([byte; 32]);
        Attempt {
            actor,
            began_at: self.executor.now(),
            state: secret(1),
            nonce: secret(2),
            code_verifier: secret(3),
            return_to: "/".to_owned(),
            predecessor: before.map(|before| Predecessor { is_proven: self.proves.get(), ..named(before) }),
            reason,
            prompt_none: reason != LoginReason::Asked,
            organization: None,
            form: None,
            authentication: None,
            asks_anew: false,
            hints: Vec::new(),
        }
    }

    /// A browser that has the session `now` comes back from the provider with a code, or an error.
    async fn come_back(
        &self,
        attempt: Attempt,
        said: Result<String, &str>,
        now: Option<&Cookie>,
    ) -> Result<Completion, AskError> {
        let actor = attempt.actor.clone();
        let error = said.as_ref().err().map(|error| (*error).to_owned());
        let complete = Complete {
            attempt: Box::new(attempt),
            callback: Callback { code: said.ok(), iss: None, error, error_description: None },
            redirect_uri: "https://app.example/auth/callback".to_owned(),
            place: UserPlace { region: Region::Weur, country: None, user_agent: None, provider: None },
            replaces: now.map(|now| Predecessor { is_proven: self.proves.get(), ..named(now) }),
        };
        self.ask(&address::session_near(&actor, Region::Weur), complete).await
    }

    /// A request of the browser's wants to pass: its access token, wherever the session lives.
    pub async fn get(&self, cookie: &Cookie) -> Result<String, Denied> {
        let get = || GetToken { secret: cookie.secret.clone(), navigation_from: None };
        let reply = follow::ask(&self.gateway(), &cookie.actor, get).await?.reply;
        reply.map(|token| token.secret().clone())
    }

    /// A request to a route with a target of its own: the access token for it.
    pub async fn get_for(&self, cookie: &Cookie, target: &str) -> Result<String, Denied> {
        let found =
            self.config.routes.iter().filter_map(|route| route.target.as_ref()).find(|known| known.name() == target);
        let key = found.unwrap().key.clone();
        let get = || GetTargetToken { secret: cookie.secret.clone(), target: key.clone(), navigation_from: None };
        let reply = follow::ask(&self.gateway(), &cookie.actor, get).await?.reply;
        reply.map(|found| found.token.secret().clone())
    }

    /// The same, and where it lives if that is not where it lived first.
    pub async fn find(&self, cookie: &Cookie) -> (Result<String, Denied>, Option<ActorId>) {
        let get = || GetToken { secret: cookie.secret.clone(), navigation_from: None };
        match follow::ask(&self.gateway(), &cookie.actor, get).await {
            Ok(followed) => (followed.reply.map(|token| token.secret().clone()), followed.moved_to.map(|to| to.actor)),
            Err(error) => (Err(error.into()), None),
        }
    }

    /// What an administrator sees of this actor, if anything.
    pub async fn look_at(&self, actor: &ActorId) -> Option<Inspection> {
        self.ask(&address::existing_session(actor), Inspect {}).await.ok().flatten().map(|inspection| *inspection)
    }

    /// The user logs out.
    pub async fn log_out(&self, cookie: &Cookie) -> Result<Revoked, Denied> {
        let authority = Authority::Cookie(cookie.secret.clone());
        let revoke = || Revoke { authority: authority.clone(), reason: EndReason::Logout, logout: None };
        follow::ask(&self.gateway(), &cookie.actor, revoke).await?.reply
    }

    /// An administrator renews the session.
    pub async fn refresh(&self, cookie: &Cookie) -> Result<(), Denied> {
        let refresh = Refresh { authority: Authority::Trusted(Cause::Admin) };
        self.ask(&address::existing_session(&cookie.actor), refresh).await?.map(drop)
    }

    /// What an administrator sees.
    pub async fn inspect(&self, cookie: &Cookie) -> Inspection {
        *self.ask(&address::existing_session(&cookie.actor), Inspect {}).await.unwrap().unwrap()
    }

    /// What the ledger says of refreshes.
    pub async fn refreshes(&self, cookie: &Cookie) -> Vec<String> {
        let ledger = self.inspect(cookie).await.ledger;
        ledger
            .into_iter()
            .filter(|entry| format!("{:?}", entry.event) == "Refresh")
            .map(|entry| entry.outcome)
            .collect()
    }
}

fn id_of(name: &str) -> ActorId {
    hex::encode(Sha256::digest(name)).try_into().unwrap()
}
