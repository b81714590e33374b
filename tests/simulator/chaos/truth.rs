//! What is true of the sessions, beside all that the gateway says: whose they are, who ended them and was told so.
//!
//! A session is known by the secret of its cookie, which stays where the session moves with its whole grant.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::config::DevicePolicy;
use edge_oauth_sessions::credential::ActorId;
use edge_oauth_sessions::device::Thumbprint;
use time::OffsetDateTime;

use super::super::provider::Family;
use super::super::world::World;

/// By any clock, and however long a request takes.
pub const SURELY: Duration = Duration::from_secs(20);

/// Somebody wanted sessions to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    pub reason: &'static str,
    pub whose: Whose,
    pub began: OffsetDateTime,
    pub answered: Option<OffsetDateTime>,
}

/// Which sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// All of a user's.
    User(String),
    /// Those of a session of the provider's.
    Sid(String),
    /// That of this secret.
    Secret(String),
    /// That of this actor.
    Actor(String),
}

/// A session.
pub struct Known {
    pub secret: String,
    pub user: String,
    pub browser: usize,
    pub sid: String,
    /// When its login began, and when the browser got its cookie.
    pub login_began: OffsetDateTime,
    /// The secret of the cookie that the browser had then.
    pub predecessor: Option<String>,
    pub born: OffsetDateTime,
    /// When the first login of the chain was done.
    pub first_born: OffsetDateTime,
    pub actors: RefCell<Vec<ActorId>>,
    pub families: RefCell<Vec<Family>>,
    pub last_used: Cell<OffsetDateTime>,
    /// When its browser last asked for something: a use counts though its answer is lost.
    pub last_asked: Cell<OffsetDateTime>,
    /// When somebody was told that it is over.
    pub ended: Cell<Option<OffsetDateTime>>,
    /// Another login of its browser has taken its place, or tried to.
    pub was_succeeded: Cell<bool>,
    /// A login that is no silent one has come back in its place: what comes after that begins anew.
    pub begins_anew: Cell<bool>,
    /// Its browser has another cookie in its place.
    pub is_replaced: Cell<bool>,
    /// The session that a silent login has made of it.
    pub renewed_as: RefCell<Option<String>>,
    /// When a listener was told that it is over.
    pub heard_end: Cell<Option<OffsetDateTime>>,
    pub device: Device,
}

/// What is true of a session's device.
#[derive(Default)]
pub struct Device {
    /// The key that it is bound to, and when its browser was told so.
    pub bound_to: Cell<Option<(Thumbprint, OffsetDateTime)>>,
    /// A browser has brought a key. What came of that is perhaps not known.
    pub may_be_bound: Cell<bool>,
    /// A request came without a good proof.
    pub was_unproven: Cell<bool>,
}

/// The value of a bound cookie.
#[derive(Clone)]
pub struct Proof {
    /// Of the session that it is for.
    pub secret: String,
    pub expires_at: OffsetDateTime,
}

/// A form that a user filled in.
#[derive(Default)]
pub struct FilledIn {
    /// Who, where a session of theirs was there.
    pub user: Option<String>,
    pub has_arrived: bool,
}

/// A request that is under way.
pub struct Pending {
    pub began: OffsetDateTime,
    pub secret: Option<String>,
    /// When its session was last asked for something before.
    pub asked_before: Option<OffsetDateTime>,
    /// The bound cookie that came along.
    pub proof: Option<String>,
}

/// See the module.
pub struct Truth {
    pub world: World,
    pub sessions: RefCell<BTreeMap<String, Rc<Known>>>,
    pub acts: RefCell<Vec<Act>>,
    pub pending: RefCell<BTreeMap<u64, Pending>>,
    /// The logins that went out, by their `state`: when they began, and the secret of the cookie that the browser had.
    pub logins: RefCell<BTreeMap<String, (OffsetDateTime, Option<String>)>>,
    /// The forms that users have filled in, by their number.
    pub forms: RefCell<BTreeMap<u64, FilledIn>>,
    /// The bound cookies that browsers got.
    pub proofs: RefCell<BTreeMap<String, Proof>>,
    /// How far clocks are off beyond what the product reckons with.
    pub slack: time::Duration,
    /// Sessions answer each other in time, so that one in its grace knows what became of its successor.
    pub asks_in_grace: Cell<bool>,
}

impl Truth {
    pub fn new(world: &World, slack: time::Duration) -> Rc<Self> {
        Rc::new(Self {
            world: world.clone(),
            sessions: RefCell::default(),
            acts: RefCell::default(),
            pending: RefCell::default(),
            logins: RefCell::default(),
            forms: RefCell::default(),
            proofs: RefCell::default(),
            slack,
            asks_in_grace: Cell::default(),
        })
    }

    pub fn now(&self) -> OffsetDateTime {
        self.world.executor.now()
    }

    /// The session of a cookie's value, `<region>.<actor>.<secret>`.
    pub fn of_cookie(&self, cookie: &str) -> Option<Rc<Known>> {
        self.sessions.borrow().get(secret_of(cookie)?).cloned()
    }

    /// A browser got a cookie for a session that began, or that has moved. A session that was ended while its login was under
    /// way is over.
    pub fn know(&self, known: Known) {
        let covering =
            self.acts.borrow().iter().filter(|act| self.covers(act, &known)).filter_map(|act| act.answered).min();
        known.ended.set(covering);
        self.sessions.borrow_mut().insert(known.secret.clone(), Rc::new(known));
    }

    /// Whether a bound cookie proves this session, by any clock.
    pub fn is_good_proof(&self, known: &Known, proof: Option<&str>) -> bool {
        let proofs = self.proofs.borrow();
        let proof = proof.and_then(|proof| proofs.get(proof));
        proof.is_some_and(|proof| proof.secret == known.secret && self.now() + SURELY < proof.expires_at)
    }

    /// Whether sessions are asked for their devices.
    pub fn are_devices_asked(&self) -> bool {
        self.world.config.device.policy != DevicePolicy::Off
    }

    /// Whether a request of the session's has no good proof and may need one.
    pub fn may_be_unproven(&self, known: &Known, proof: Option<&str>) -> bool {
        self.are_devices_asked() && known.device.may_be_bound.get() && !self.is_good_proof(known, proof)
    }

    /// Whether an act ends this session once it is answered: it began before, by any clock.
    fn covers(&self, act: &Act, known: &Known) -> bool {
        let began_before = known.login_began + self.slack < act.began;
        match &act.whose {
            Whose::User(user) => *user == known.user && began_before,
            Whose::Sid(sid) => *sid == known.sid && began_before,
            Whose::Secret(secret) => *secret == known.secret,
            Whose::Actor(actor) => known.actors.borrow().iter().any(|own| own.as_str() == actor),
        }
    }

    /// The same where the session may still be served in its grace, on behalf of the one that a silent login has made of it.
    fn covers_what_it_became(&self, act: &Act, known: &Known) -> bool {
        let ends_with_others = || self.became(known).iter().any(|renewed| self.covers(act, renewed));
        self.covers(act, known) || self.asks_in_grace.get() && ends_with_others()
    }

    /// What silent logins have made of a session: a use of it in its grace is one of theirs.
    pub fn became(&self, known: &Known) -> Vec<Rc<Known>> {
        let mut all: Vec<Rc<Known>> = Vec::new();
        let mut next = known.renewed_as.borrow().clone();
        while let Some(renewed) = next.and_then(|secret| self.sessions.borrow().get(&secret).cloned()) {
            next = renewed.renewed_as.borrow().clone();
            all.push(renewed);
        }
        all
    }

    /// Somebody is about to end sessions: the number of that act.
    pub fn begin(&self, reason: &'static str, whose: Whose) -> usize {
        let mut acts = self.acts.borrow_mut();
        acts.push(Act { reason, whose, began: self.now(), answered: None });
        acts.len() - 1
    }

    /// They were told that they are over.
    pub fn answered(&self, number: usize) {
        let now = self.now();
        self.acts.borrow_mut()[number].answered = Some(now);
        let act = self.acts.borrow()[number].clone();
        let all: Vec<Rc<Known>> = self.sessions.borrow().values().cloned().collect();
        for known in all.into_iter().filter(|known| self.covers_what_it_became(&act, known)) {
            known.ended.set(known.ended.get().or(Some(now)));
        }
    }

    /// Whether somebody wanted the session, or one of its browser's or user's, to end for this reason.
    pub fn wanted(&self, known: &Known, reason: &str) -> bool {
        self.acts.borrow().iter().any(|act| {
            let is_theirs = match &act.whose {
                Whose::User(user) => *user == known.user,
                // Where a user has one grant, its tokens name the last session there.
                Whose::Sid(sid) => *sid == known.sid || self.world.provider.rules.one_grant.get(),
                // A logout, or an end by its id, holds for what took its place, too.
                Whose::Secret(secret) => {
                    self.sessions.borrow().get(secret).is_some_and(|other| other.browser == known.browser)
                }
                Whose::Actor(_) => true,
            };
            act.reason == reason && is_theirs
        })
    }
}

/// The secret of a cookie's value.
pub fn secret_of(cookie: &str) -> Option<&str> {
    cookie.rsplit('.').next().filter(|secret| !secret.is_empty())
}

/// The actor of a cookie's value.
pub fn actor_of(cookie: &str) -> Option<ActorId> {
    cookie.split('.').nth(1)?.parse().ok()
}
