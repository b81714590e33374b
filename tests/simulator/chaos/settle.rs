//! The end of a run: nothing strikes any more, and after a quarter of an hour everything is as it should be. Then all is ended, and nothing
//! may be left.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::actors::session::message::Denied;
use edge_oauth_sessions::actors::summary::SessionState;
use edge_oauth_sessions::credential::{ActorId, Secret};

use super::super::faults::Kind;
use super::super::world::Cookie;
use super::administrator::live_ids;
use super::checks::{LOST, NO_CAUSE};
use super::truth::Known;
use super::{Run, THIEF, USERS};

/// Longer than anything waits until it tries again.
const QUIET: Duration = Duration::from_secs(900);

/// How long after the end of a session its alarm may take, and the one after that if it fails.
const ALARM_TAKES: Duration = Duration::from_secs(200);

impl Run {
    pub async fn settle(&self) {
        let world = &self.world;
        self.tell(|| "from now on nothing strikes".to_owned());
        world.faults.calm();
        world.executor.spare_all();
        world.everybody().iter().for_each(|actor| actor.disk.mend());
        world.wait(QUIET).await;
        // What is in memory alone is no part of a session.
        if world.faults.may(Kind::Evicted) {
            self.evict_idle();
        }
        // Looking at all of them at once is not what its connections are for.
        world.postgres.allow(u32::MAX);
        let under_way = self.under_way.get();
        world.tally.must(under_way == 0, "somebody waits for ever", || format!("{under_way} of them"));

        let known: Vec<Rc<Known>> = self.truth.sessions.borrow().values().cloned().collect();
        self.check_alarms(&known).await;
        let mut live: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut in_place: BTreeMap<String, u32> = BTreeMap::new();
        let mut superseded = Vec::new();
        for session in &known {
            let (got, actor) = self.look(session).await;
            let name = format!("{}'s session {} of browser {}", session.user, &actor[..6], session.browser);
            self.tell(|| format!("in the end {name} gets {got:?}"));
            let must = |holds: bool, what| world.tally.must(holds, what, || format!("{name}: {got:?}"));
            match &got {
                Ok(token) => {
                    let is_theirs =
                        world.provider.access.borrow().get(token).is_some_and(|a| a.subject == session.user);
                    must(is_theirs, "a token of another user");
                    must(session.ended.get().is_none(), "a session lives after its end was answered");
                    // A bound one stays where the login of another user lacked the proof, over whichever of the browser's cookies it came.
                    let may_stay = session.device.may_be_bound.get() && self.truth.are_devices_asked();
                    must(may_stay || !session.is_replaced.get(), "a session lives whose place another one took");
                    if session.device.bound_to.get().is_some() {
                        let seen = world.look_at(&actor.parse().unwrap()).await;
                        must(
                            seen.is_some_and(|seen| seen.summary.bound_at.is_some()),
                            "a bound session is bound no more",
                        );
                    }
                    live.entry(session.user.clone()).or_default().push(actor.clone());
                    // A thief's login does not take the place of one that is bound.
                    let may_be_beside = |before: &&String| {
                        let known = self.truth.sessions.borrow().get(*before).cloned();
                        session.browser == THIEF && known.is_some_and(|known| known.device.may_be_bound.get())
                    };
                    let before = session.predecessor.iter().filter(|before| !may_be_beside(before));
                    before.for_each(|before| *in_place.entry(before.clone()).or_default() += 1);
                }
                Err(Denied::Ended(reason)) => {
                    must(self.has_cause(session, reason.as_str()), NO_CAUSE);
                    if reason.as_str() == "superseded" {
                        superseded.push(session.secret.clone());
                    }
                    self.check_ledger(session, reason.as_str()).await;
                }
                Err(Denied::Reauthenticate) => must(self.may_need_login(session), LOST),
                Err(Denied::Unknown) => must(false, LOST),
                Err(_) => must(false, "a session does not recover"),
            }
        }
        for before in &superseded {
            let count = in_place.get(before).copied().unwrap_or_default();
            world.tally.must(count < 2, "two sessions live in the place of one", || format!("{count}"));
        }
        for user in USERS {
            let listed = self.list(user).await.map(|seen| live_ids(&seen)).unwrap_or_default();
            for actor in live.get(user).into_iter().flatten() {
                // Its time may have been up meanwhile.
                let seen = world.look_at(&actor.parse().unwrap()).await;
                let is_over = seen.is_none_or(|seen| seen.summary.state != SessionState::Active);
                let is_listed = listed.contains(actor);
                world
                    .tally
                    .must(is_listed || is_over, "a session lives that nobody can list", || format!("{user}'s {actor}"));
            }
        }
        self.end_all(&known).await;
        self.check_listeners().await;
    }

    /// Nobody has asked the sessions for a while: those whose time is up have ended by themselves.
    async fn check_alarms(&self, known: &[Rc<Known>]) {
        let now = self.world.executor.now();
        for user in USERS {
            let listed = self.list(user).await.map(|seen| live_ids(&seen)).unwrap_or_default();
            for session in known.iter().filter(|session| session.user == user) {
                let end = session.last_asked.get().max(session.born) + self.climate.idle + ALARM_TAKES;
                let is_listed =
                    session.actors.borrow().iter().any(|actor| listed.iter().any(|id| id == actor.as_str()));
                self.world.tally.must(now < end || !is_listed, "a session lives on though its time is up", || {
                    format!("{user}'s {:?}, {} after that", session.actors.borrow(), now - end)
                });
            }
        }
    }

    /// What a session answers now, and the actor that it lives in.
    async fn look(&self, session: &Known) -> (Result<String, Denied>, String) {
        let first = session.actors.borrow()[0].clone();
        let secret = Secret::parse(&session.secret).unwrap();
        let (got, moved_to) = self.world.find(&Cookie { actor: first.clone(), secret }).await;
        (got, moved_to.unwrap_or(first).as_str().to_owned())
    }

    /// The ledger of a session that has ended says why.
    async fn check_ledger(&self, session: &Known, reason: &str) {
        if self.has_mishaps(session) {
            return;
        }
        let actors = session.actors.borrow().clone();
        for actor in actors {
            let Some(inspection) = self.world.look_at(&actor).await else { continue };
            let ends = inspection.ledger.iter().filter(|entry| format!("{:?}", entry.event) == "End");
            let is_over = format!("{:?}", inspection.summary.state) == "Ended";
            let says = ends.map(|entry| entry.outcome.as_str()).any(|outcome| self.has_cause(session, outcome));
            self.world.tally.must(!is_over || says, "an end of which the ledger says nothing", || {
                format!("{actor}: {reason}, {:?}", inspection.ledger.last())
            });
        }
    }

    /// All is ended: nobody is served any more, and no refresh token is left that somebody could have revoked.
    async fn end_all(&self, known: &[Rc<Known>]) {
        let tally = &self.world.tally;
        // The application judges what reaches it.
        for session in known.iter().filter(|session| session.device.bound_to.get().is_some()) {
            let cookie = format!("weur.{}.{}", session.actors.borrow()[0], session.secret);
            drop(self.replay(&cookie, None).await);
        }
        for user in USERS {
            let is_done = self.revoke_all(user).await;
            tally.must(is_done, "sessions cannot be ended", || user.to_owned());
        }
        self.world.wait(Duration::from_secs(60)).await;
        for session in known {
            let (got, actor) = self.look(session).await;
            tally.must(got.is_err(), "a session is served after its end was answered", || actor);
        }
        for (token, user, family) in self.world.provider.good_tokens() {
            let grants = self.world.provider.grants.borrow();
            let Some(grant) = grants.get(&family) else { continue };
            let owners = self.owners(&grant.presenters);
            let is_excused = grant.is_in_doubt || owners.iter().any(|actor| self.is_excused(actor));
            tally.must(is_excused, "a refresh token outlives its session", || {
                format!("{token} of {user}, family {family}, {owners:?}")
            });
        }
    }

    /// These actors, and those to which their sessions moved.
    pub fn owners(&self, first: &[ActorId]) -> Vec<String> {
        let mut owners: Vec<String> = first.iter().map(|actor| actor.as_str().to_owned()).collect();
        let log = self.world.log.borrow();
        // Either end of a move says where it led to or came from.
        let behind =
            |line: &'_ str, words: &str| Some(line.get(line.find(words)? + words.len()..)?.get(..64)?.to_owned());
        let moves = log.iter().filter(|line| line.starts_with("{\"event\":\"migrate\""));
        let moves: Vec<(String, String)> = moves
            .filter_map(|line| {
                let own = actor_in(line)?.to_owned();
                let to = behind(line, " as session ").map(|to| (own.clone(), to));
                to.or_else(|| Some((behind(line, "its former home, session ")?, own)))
            })
            .collect();
        let mut at = 0;
        while at < owners.len() {
            let next = moves.iter().filter(|(from, _)| *from == owners[at]).map(|(_, to)| to.clone());
            let next: Vec<String> = next.filter(|to| !owners.contains(to)).collect();
            owners.extend(next);
            at += 1;
        }
        owners
    }

    /// Whether somebody knows why this actor left a refresh token: nobody knows which one it is, it may be another session's, too,
    /// or the log says that it could not be revoked.
    fn is_excused(&self, actor: &str) -> bool {
        let fell = actor.parse().ok().and_then(|id| self.world.session(&id));
        if fell.is_some_and(|actor| actor.mishaps.get() + actor.ends.get() > 0) {
            return true;
        }
        let log = self.world.log.borrow();
        log.iter().filter(|line| actor_in(line) == Some(actor)).any(|line| {
            let says = |what: &str| line.contains(&format!("\"outcome\":\"{what}\""));
            let has_failed = line.starts_with("{\"event\":\"complete\"") && !says("ok");
            has_failed || says("not_revoked") || says("unknown") || says("superseded")
        })
    }
}

/// Whose line of the log it is.
fn actor_in(line: &str) -> Option<&str> {
    let at = line.find("\"actor\":\"")? + 9;
    line.get(at..at + 64)
}
