//! Users, administrators, faults and ends of processes in random order. What must never be is checked at every answer.
//!
//! `SEEDS=1000 cargo test --test simulator chaos` tries more; `SEED=17` runs one and prints what happened.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::actors::end_reason::EndReason;
use edge_oauth_sessions::actors::session::message::Denied;
use edge_oauth_sessions::region::Region;

use super::endings::revoke_all;
use super::executor::OUTSIDE;
use super::provider::Fault;
use super::world::{Cookie, World};

const USERS: [&str; 2] = ["ada", "grace"];
const STEPS: u64 = 80;

/// One login, and what its browser and others did to it.
struct Session {
    name: String,
    user: &'static str,
    cookie: Cookie,
    /// Somebody wants it to end.
    is_to_end: Cell<bool>,
    /// Somebody was told that it has.
    has_ended: Cell<bool>,
}

/// One run.
#[derive(Clone)]
struct Run {
    world: World,
    sessions: Rc<RefCell<Vec<Rc<Session>>>>,
    under_way: Rc<Cell<u32>>,
    trace: Rc<RefCell<Vec<String>>>,
}

impl Run {
    fn tell(&self, what: String) {
        let at = self.world.executor.now().unix_timestamp() - 1_800_000_000;
        self.trace.borrow_mut().push(format!("{at:>7} s  {what}"));
    }

    fn below(&self, most: u64) -> u64 {
        let mut bytes = [0; 8];
        self.world.executor.random(&mut bytes);
        u64::from_le_bytes(bytes) % most
    }

    fn must(&self, holds: bool, what: &str) {
        assert!(holds, "{what}\n{}\n{:#?}", self.trace.borrow().join("\n"), self.world.log.borrow());
    }

    fn begin(&self, work: impl Future<Output = ()> + 'static) {
        let under_way = Rc::clone(&self.under_way);
        under_way.set(under_way.get() + 1);
        self.world.executor.spawn(OUTSIDE, async move {
            work.await;
            under_way.set(under_way.get() - 1);
        });
    }

    fn some_session(&self) -> Option<Rc<Session>> {
        let sessions = self.sessions.borrow();
        let at = self.below(sessions.len().max(1) as u64) as usize;
        sessions.get(at).cloned()
    }

    async fn log_in(self, user: &'static str) {
        let name = format!("{user}'s login {}", self.world.executor.number());
        self.tell(format!("{name} begins"));
        match self.world.try_log_in(user).await {
            Ok(cookie) => {
                self.tell(format!("{name} is session {}", cookie.actor));
                let (is_to_end, has_ended) = (Cell::default(), Cell::default());
                self.sessions.borrow_mut().push(Rc::new(Session { name, user, cookie, is_to_end, has_ended }));
            }
            Err(why) => self.tell(format!("{name} fails: {why}")),
        }
    }

    /// A request: nobody's else token, and none after the end.
    async fn get(self, session: Rc<Session>) {
        let had_ended = session.has_ended.get();
        let got = self.world.get(&session.cookie).await;
        self.tell(format!("{} gets {got:?}", session.name));
        self.must(!(had_ended && got.is_ok()), "a session was served after its end had been answered");
        if let Ok(token) = got {
            self.must(token.starts_with(&format!("access-{}-", session.user)), "a token of another user");
        }
    }

    async fn log_out(self, session: Rc<Session>) {
        session.is_to_end.set(true);
        let out = self.world.log_out(&session.cookie).await.map(drop);
        self.tell(format!("{} logs out: {out:?}", session.name));
        session.has_ended.set(session.has_ended.get() || out.is_ok());
    }

    async fn revoke(self, user: &'static str) {
        let theirs = self.sessions.borrow().iter().filter(|session| session.user == user).cloned().collect::<Vec<_>>();
        theirs.iter().for_each(|session| session.is_to_end.set(true));
        let revoked = revoke_all(&self.world, user).await;
        self.tell(format!("an administrator ends all of {user}'s sessions: {revoked:?}"));
        if matches!(revoked, Ok(0)) {
            theirs.iter().for_each(|session| session.has_ended.set(true));
        }
    }

    async fn migrate(self, session: Rc<Session>) {
        let region = [Region::Apac, Region::Enam, Region::Weur][self.below(3) as usize];
        let moved = self.world.migrate(&session.cookie, region).await;
        self.tell(format!("{} is to move to {region}: {moved:?}", session.name));
    }

    /// A process ends after some polls.
    fn end_some_process(&self) {
        let all = self.world.everybody();
        if let Some(actor) = all.get(self.below(all.len().max(1) as u64) as usize) {
            let (polls, keeps) = (self.below(12), self.below(2) == 0);
            self.tell(format!("the process of {} ends after {polls} polls", actor.id));
            actor.keeps.set(keeps);
            let process = actor.process(&self.world);
            self.world.executor.end_after_polls(process, polls);
        }
    }

    async fn step(&self) {
        let run = self.clone();
        match (self.below(24), self.some_session()) {
            (0 | 1, _) => run.clone().begin(run.log_in(USERS[self.below(2) as usize])),
            (2, Some(session)) => run.clone().begin(run.log_out(session)),
            (3, _) if self.below(4) == 0 => run.clone().begin(run.revoke(USERS[self.below(2) as usize])),
            (4 | 5, Some(session)) => run.clone().begin(run.migrate(session)),
            (6 | 7, _) => run.end_some_process(),
            (8 | 9, _) => {
                let faults = [Fault::LoseAnswer, Fault::Status(503), Fault::Slow(Duration::from_secs(3))];
                let fault = faults[self.below(3) as usize];
                self.tell(format!("the provider's next answer: {fault:?}"));
                self.world.provider.script.borrow_mut().push_back(fault);
            }
            (10..=14, _) => {
                let most = [20, 2_000, 100_000, 1_000_000][self.below(4) as usize];
                self.world.wait(Duration::from_millis(self.below(most))).await;
            }
            (_, Some(session)) => run.clone().begin(run.get(session)),
            (_, None) => run.clone().begin(run.log_in(USERS[self.below(2) as usize])),
        }
        self.must(self.world.provider.reused.borrow().is_empty(), "a spent refresh token was presented again");
    }

    /// After all of it: who was not ended goes on, or goes through the provider.
    async fn settle(&self) {
        self.world.provider.script.borrow_mut().clear();
        self.world.executor.spare_all();
        self.world.wait(Duration::from_secs(900)).await;
        self.must(self.under_way.get() == 0, "somebody waits for ever");
        for user in USERS {
            let mut live = 0;
            let theirs =
                self.sessions.borrow().iter().filter(|session| session.user == user).cloned().collect::<Vec<_>>();
            for session in theirs {
                let got = self.world.get(&session.cookie).await;
                self.tell(format!("in the end {} gets {got:?}", session.name));
                let lives = matches!(got, Ok(_) | Err(Denied::Reauthenticate));
                let is_over = matches!(got, Err(Denied::Ended(EndReason::Logout | EndReason::Revoked)));
                self.must(lives || (session.is_to_end.get() && is_over), "a session is lost without a cause");
                self.must(!(session.has_ended.get() && lives), "a session lives after its end had been answered");
                live += usize::from(lives);
            }
            self.must(self.world.list(user).await.len() >= live, "a session lives that nobody could list");
        }
        self.must(self.world.provider.reused.borrow().is_empty(), "a spent refresh token was presented again");
    }
}

fn run(seed: u64, variables: &[(&str, &str)]) -> Vec<String> {
    let world = World::seeded(seed, variables);
    let run = Run { world, sessions: Rc::default(), under_way: Rc::default(), trace: Rc::default() };
    run.tell(format!("seed {seed}"));
    let running = run.clone();
    run.world.executor.run(async move {
        for _ in 0..STEPS {
            running.step().await;
        }
        running.settle().await;
    });
    run.trace.take()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn seeds(variables: &[(&str, &str)]) {
    if let Some(seed) = number("SEED") {
        println!("{}", run(seed, variables).join("\n"));
        return;
    }
    for seed in 0..number("SEEDS").unwrap_or(12) {
        run(seed, variables);
    }
}

#[test]
fn whatever_happens_in_whatever_order_no_token_is_presented_twice_and_what_has_ended_stays_so() {
    seeds(&[]);
}

#[test]
fn the_same_seed_is_the_same_run() {
    assert_eq!(run(7, &[]), run(7, &[]));
}

#[test]
fn the_same_holds_with_the_records_in_kv() {
    seeds(&super::endings::KV);
}
