#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use std::collections::BTreeMap;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, pending};
use time::Duration;

use super::*;
use crate::actors;
use crate::actors::directory_message::{List, News, RevokeAll, SessionPage, Sweep, Swept};
use crate::actors::end_reason::EndReason;
use crate::actors::session::location::ActorLocation;
use crate::actors::session::message::{Denied, Describe, Description, Revoke, Revoked, SessionMessage};
use crate::actors::summary::{SessionState, Summary, UserPlace};
use crate::actors::wire;
use crate::region::{Jurisdiction, Region};
use crate::runtime::{ActorAddress, CallError, Heard, Inbound};
use crate::store::model::{Model, done};

const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const WEEK: Duration = Duration::days(7);
const USED: OffsetDateTime = T0;

/// How a session answers.
#[derive(Clone, Debug)]
enum Life {
    Lives,
    Ended,
    Superseded,
    Moved(ActorId),
    Unknown,
    NoSuchActor,
    StoreDown,
    Unreachable,
    Silent,
}

/// The sessions, by a script.
#[derive(Default)]
struct Sessions {
    lives: RefCell<BTreeMap<ActorId, Life>>,
    /// Who was asked to end, or to describe itself.
    asked: RefCell<Vec<(&'static str, ActorId)>>,
}

impl Sessions {
    fn reply(&self, id: &ActorId, message: &[u8]) -> Result<Vec<u8>, Option<CallError>> {
        let life = self.lives.borrow().get(id).cloned().unwrap_or(Life::Lives);
        let is_describe = matches!(wire::decode::<SessionMessage>(message).unwrap(), SessionMessage::Describe(_));
        self.asked.borrow_mut().push((if is_describe { "describe" } else { "revoke" }, id.clone()));
        match life {
            Life::NoSuchActor => return Err(Some(CallError::NoSuchActor)),
            Life::Unreachable => return Err(Some(CallError::Unreachable)),
            Life::Silent => return Err(None),
            _ => {}
        }
        if is_describe {
            let described = |state| {
                let summary = Summary {
                    region: Region::Weur,
                    country: None,
                    state,
                    created_at: T0,
                    last_used_at: Some(USED),
                    expires_at: T0 + WEEK,
                    user_agent: None,
                    provider: None,
                    bound_at: None,
                };
                Some(Description { summary, subject: "sub".into(), issuer: "iss".into() })
            };
            let description = match life {
                Life::Lives => described(SessionState::Active),
                Life::Moved(_) => described(SessionState::Moved),
                Life::Ended | Life::Superseded => described(SessionState::Ended),
                _ => None,
            };
            return Ok(actors::reply::<Describe>(&description).unwrap());
        }
        let answer = match life {
            Life::Lives => {
                self.lives.borrow_mut().insert(id.clone(), Life::Ended);
                Ok(Revoked { end_session_url: None })
            }
            Life::Ended => Err(Denied::Ended(EndReason::Logout)),
            Life::Superseded => Err(Denied::Ended(EndReason::Superseded)),
            Life::Moved(to) => {
                Err(Denied::Moved(ActorLocation { actor: to, region: Region::Oc, expires_at: T0 + WEEK }))
            }
            Life::StoreDown => Err(Denied::StoreUnavailable),
            _ => Err(Denied::Unknown),
        };
        Ok(actors::reply::<Revoke>(&answer).unwrap())
    }
}

impl Actors for Sessions {
    fn ask<'a>(
        &'a self,
        address: &'a ActorAddress,
        message: &'a [u8],
        _: u32,
    ) -> LocalBoxFuture<'a, Result<Vec<u8>, CallError>> {
        async move {
            let ActorAddress::Session { id, .. } = address else { panic!("a directory asks sessions alone") };
            match self.reply(id, message) {
                Ok(reply) => Ok(reply),
                Err(Some(error)) => Err(error),
                Err(None) => pending().await,
            }
        }
        .boxed_local()
    }

    fn listen<'a>(&'a self, _: &'a ActorId) -> LocalBoxFuture<'a, Result<Box<dyn Heard>, CallError>> {
        pending().boxed_local()
    }

    fn let_listen<'a>(&'a self, _: &'a ActorId) -> LocalBoxFuture<'a, Result<Inbound, CallError>> {
        pending().boxed_local()
    }

    fn new_session_id(&self, _: Option<Jurisdiction>) -> Result<ActorId, CallError> {
        Err(CallError::Unreachable)
    }
}

/// A directory, its sessions, and what it stands on.
struct World {
    model: Rc<Model>,
    sessions: Rc<Sessions>,
    config: Rc<Config>,
    shell: Rc<Shell>,
}

impl World {
    fn new(variables: &[(&str, &str)]) -> Self {
        let base = [
            ("OIDC_ISSUER", "https://op.example"),
            ("OIDC_CLIENT_ID", "gateway"),
            ("OIDC_CLIENT_SECRET", "hunter2hunter2"),
            ("UPSTREAM", "https://app.internal"),
        ];
        let read = |name: &str| {
            let found = variables.iter().chain(&base).find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let (model, sessions) = (Model::new(), Rc::new(Sessions::default()));
        let config = Rc::new(Config::read(read).unwrap());
        let given = ActorContext { actors: Rc::clone(&sessions) as _, ..model.context() };
        let shell = Shell::new(given, &config);
        Self { model, sessions, config, shell }
    }

    /// With so many sessions, which have begun.
    fn with(variables: &[(&str, &str)], count: u32) -> Self {
        let world = Self::new(variables);
        (0..count).for_each(|number| world.begin(number));
        world
    }

    fn begin(&self, number: u32) {
        done(self.shell.register(session(number))).unwrap();
        done(self.shell.report(Report { actor: actor(number), news: News::Began })).unwrap();
    }

    /// The process ends, and another one goes on.
    fn restart(&mut self) {
        let given = ActorContext { actors: Rc::clone(&self.sessions) as _, ..self.model.context() };
        self.shell = Shell::new(given, &self.config);
    }

    fn becomes(&self, number: u32, life: Life) {
        self.sessions.lives.borrow_mut().insert(actor(number), life);
    }

    fn alarm(&self) -> Option<OffsetDateTime> {
        self.model.memory.alarm.get()
    }

    /// The alarm fires, at its time.
    fn fire(&self) {
        self.model.now.set(self.alarm().unwrap().max(self.model.now.get()));
        done(self.shell.alarm());
    }

    /// Who was asked since this was asked last, by number.
    fn asked(&self, what: &str) -> Vec<u32> {
        let asked = self.sessions.asked.take();
        assert!(asked.iter().all(|(how, _)| *how == what), "{asked:?}");
        asked.iter().map(|(_, actor)| number(actor)).collect()
    }

    /// The outcomes in the log since this was asked last.
    fn outcomes(&self) -> Vec<String> {
        let lines = self.model.lines.take();
        let outcome = |line: &String| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            format!("{}: {}: {}", line["event"], line["outcome"], line["detail"]).replace('"', "")
        };
        lines.iter().map(outcome).collect()
    }

    fn list(&self, cursor: Option<String>, limit: u32) -> SessionPage {
        done(self.shell.list(List { cursor, limit })).unwrap()
    }

    fn revoke_all(&self) -> Swept {
        let revoke =
            RevokeAll { counterpart: None, reason: EndReason::Revoked, cause: Cause::Directory, logout_token: None };
        done(self.shell.revoke_all(revoke)).unwrap()
    }

    fn is_to_end(&self, number: u32) -> bool {
        self.shell.with(|directory| directory.revoking().contains(&actor(number))).unwrap()
    }
}

fn actor(number: u32) -> ActorId {
    format!("{number:064x}").parse().unwrap()
}

fn number(actor: &ActorId) -> u32 {
    u32::from_str_radix(actor.as_str().get(56..).unwrap(), 16).unwrap()
}

fn session(number: u32) -> Register {
    Register {
        actor: actor(number),
        began_at: T0 + Duration::hours(1),
        counterpart: None,
        place: UserPlace { region: Region::Weur, country: None, user_agent: None, provider: None },
        created_at: T0,
        expires_at: T0 + WEEK,
        predecessor: None,
        limited: true,
    }
}

/// What a page shows: the number, the state, and whether the session was asked.
fn shown(page: &SessionPage) -> Vec<(u32, SessionState, bool)> {
    let line = |listed: &directory_message::Listed| {
        (number(&listed.actor), listed.summary.state, listed.summary.last_used_at.is_some())
    };
    page.listed.iter().map(line).collect()
}

fn swept(revoked: u32, unreachable: u32, left: u32, last: Option<u32>) -> Swept {
    Swept { revoked, unreachable, left, last: last.map(actor) }
}

#[test]
fn a_list_shows_what_each_session_says_and_what_is_known_of_those_that_do_not_answer() {
    let world = World::with(&[], 7);
    world.becomes(1, Life::Moved(actor(9)));
    world.becomes(2, Life::Unknown);
    world.becomes(3, Life::Unreachable);
    world.becomes(4, Life::Silent);
    world.becomes(5, Life::Ended);
    let before = world.model.now.get();
    let page = world.list(None, 40);
    let active = SessionState::Active;
    assert_eq!(shown(&page), [(6, active, true), (4, active, false), (3, active, false), (0, active, true)]);
    assert_eq!(world.model.now.get(), before + Duration::seconds(5));
    // One that the list found over comes at its end, and is not asked again.
    world.asked("describe");
    let last = world.list(page.next, 40);
    assert_eq!((shown(&last), last.next), (vec![(5, SessionState::Ended, true)], None));
    assert!(world.asked("describe").is_empty());
}

#[test]
fn what_a_list_found_over_stays_so_in_another_process() {
    let mut world = World::with(&[], 2);
    world.becomes(1, Life::Ended);
    assert_eq!(world.list(None, 40).listed.len(), 1);
    world.restart();
    world.asked("describe");
    assert_eq!(world.list(None, 40).listed.len(), 2);
    assert_eq!(world.asked("describe"), [0]);
}

#[test]
fn the_pages_of_a_list_go_on_where_the_one_before_ended_also_in_another_process() {
    let mut world = World::with(&[], 3);
    let first = world.list(None, 2);
    assert_eq!(shown(&first).iter().map(|line| line.0).collect::<Vec<_>>(), [2, 1]);
    assert!(first.next.is_some());
    world.restart();
    let last = world.list(first.next, 2);
    assert_eq!((shown(&last)[0].0, last.listed.len(), last.next), (0, 1, None));
    let foreign = done(world.shell.list(List { cursor: Some("xyzzy".into()), limit: 2 }));
    assert_eq!(foreign, Err(DirectoryError::ForeignCursor));
}

#[test]
fn a_list_asks_no_more_sessions_than_one_invocation_may() {
    let world = World::with(&[], BATCH + 1);
    let page = world.list(None, 1_000);
    assert_eq!((page.listed.len(), page.next.is_some()), (BATCH_LEN, true));
    assert_eq!(World::new(&[]).list(None, 40), SessionPage { listed: Vec::new(), next: None });
}

#[test]
fn so_many_sessions_are_asked_at_once_as_their_store_has_connections_for() {
    let keys = ("STATE_KEYS", "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let neon = [("SESSION_STORE", "neon"), ("DATABASE_URL", "postgres://u:p@db.example/d"), keys];
    for (variables, expected) in [(&neon[..], 8), (&[], 32)] {
        let world = World::with(variables, 40);
        (0..40).for_each(|number| world.becomes(number, Life::Silent));
        world.list(None, 40);
        assert_eq!(world.asked("describe").len(), expected);
    }
}

#[test]
fn all_sessions_end_and_the_answer_waits_half_a_second_for_clocks_that_differ() {
    let world = World::with(&[], 3);
    world.becomes(1, Life::Ended);
    world.model.lines.take();
    let before = world.model.now.get();
    assert_eq!(world.revoke_all(), swept(2, 0, 0, Some(2)));
    assert_eq!(world.model.now.get(), before + Duration::milliseconds(500));
    assert_eq!(world.outcomes(), ["revoke: ok: sessions ended: 2; still to end: 0"]);
    assert_eq!(world.asked("revoke"), [0, 1, 2]);
    // They are over: nobody is asked twice.
    assert_eq!(world.revoke_all(), swept(0, 0, 0, None));
    assert!(world.asked("revoke").is_empty());
    let late = Register { began_at: before, ..session(4) };
    assert_eq!(done(world.shell.register(late)), Err(DirectoryError::Overtaken));
    assert!(world.outcomes().pop().unwrap().starts_with("revoke: refused: "));
}

#[test]
fn a_session_that_cannot_be_reached_is_asked_again_until_it_says_that_it_is_over() {
    for life in [Life::Unreachable, Life::StoreDown, Life::Silent] {
        let world = World::with(&[], 2);
        world.becomes(1, life.clone());
        world.model.lines.take();
        let before = world.model.now.get();
        assert_eq!(world.revoke_all(), swept(1, 1, 0, Some(1)), "{life:?}");
        let took = world.model.now.get() - before;
        let is_silent = matches!(life, Life::Silent);
        assert_eq!(took, if is_silent { Duration::seconds(15) } else { Duration::milliseconds(500) });
        let told = "revoke: incomplete: sessions ended: 1; out of reach: 1; still to end: 0";
        assert_eq!(world.outcomes(), [told]);
        world.asked("revoke");
        world.fire();
        assert_eq!(world.asked("revoke"), [1]);
        assert_eq!(world.alarm(), Some(world.model.now.get() + state::TRY_AGAIN));
        world.becomes(1, Life::Lives);
        world.fire();
        assert!(!world.is_to_end(1));
        assert_eq!(world.asked("revoke"), [1]);
        assert!(world.alarm().unwrap() > world.model.now.get() + state::TRY_AGAIN, "nothing is left to do");
    }
}

#[test]
fn how_a_session_is_over_says_what_the_list_shows_of_it() {
    for (life, expected) in [
        (Life::Ended, Some(SessionState::Ended)),
        (Life::Superseded, Some(SessionState::Active)),
        (Life::Unknown, None),
        (Life::NoSuchActor, None),
    ] {
        let world = World::with(&[], 1);
        world.becomes(0, life.clone());
        assert_eq!(world.revoke_all(), swept(0, 0, 0, Some(0)), "{life:?}");
        let known = world.shell.with(|directory| directory.rows.get(&actor(0)).map(|row| row.summary().state));
        assert_eq!(known.unwrap(), expected, "{life:?}");
        assert!(!world.is_to_end(0));
    }
}

#[test]
fn a_session_that_has_moved_is_ended_where_it_lives_unless_that_home_has_a_row_of_its_own() {
    let world = World::with(&[], 1);
    world.becomes(0, Life::Moved(actor(9)));
    assert_eq!(world.revoke_all(), swept(1, 0, 0, Some(0)));
    assert_eq!(world.asked("revoke"), [0, 9]);
    let world = World::with(&[], 2);
    world.becomes(0, Life::Moved(actor(1)));
    assert_eq!(world.revoke_all(), swept(1, 0, 0, Some(1)));
    assert_eq!(world.asked("revoke"), [0, 1]);
}

#[test]
fn what_one_message_may_not_do_a_sweep_or_the_alarm_goes_on_with() {
    let world = World::with(&[], 2 * BATCH + 5);
    assert_eq!(world.revoke_all(), swept(BATCH, 0, BATCH + 5, Some(BATCH - 1)));
    let sweep = |after, at_most| {
        let sweep = Sweep { after: actor(after), at_most, cause: Cause::Directory };
        done(world.shell.sweep(sweep)).unwrap()
    };
    assert_eq!(sweep(BATCH - 1, 2), swept(2, 0, BATCH + 3, Some(BATCH + 1)));
    assert_eq!(sweep(BATCH + 1, 1_000), swept(BATCH, 0, 3, Some(2 * BATCH + 1)));
    world.asked("revoke");
    world.fire();
    assert_eq!(world.asked("revoke"), [2 * BATCH + 2, 2 * BATCH + 3, 2 * BATCH + 4]);
}

#[test]
fn sessions_that_are_out_of_reach_do_not_keep_the_others_waiting() {
    let world = World::with(&[], BATCH + 2);
    (0..BATCH).for_each(|number| world.becomes(number, Life::Unreachable));
    assert_eq!(world.revoke_all(), swept(0, BATCH, 2, Some(BATCH - 1)));
    world.asked("revoke");
    world.fire();
    assert_eq!(world.asked("revoke"), (0..BATCH).collect::<Vec<_>>());
    assert_eq!(world.alarm(), Some(world.model.now.get() + SOON));
    world.fire();
    assert_eq!(world.asked("revoke"), [BATCH, BATCH + 1]);
    assert_eq!(world.alarm(), Some(world.model.now.get() + state::TRY_AGAIN));
    world.fire();
    assert_eq!(world.asked("revoke").len(), BATCH_LEN, "it begins anew");
}

#[test]
fn after_a_restart_those_that_are_to_end_are_asked_at_once() {
    let mut world = World::with(&[], 1);
    world.becomes(0, Life::Unreachable);
    world.revoke_all();
    world.restart();
    world.begin(1);
    assert_eq!(world.alarm(), Some(world.model.now.get() + SOON));
    let mut calm = World::with(&[], 1);
    calm.restart();
    calm.begin(1);
    assert!(calm.alarm().unwrap() > calm.model.now.get() + state::TRY_AGAIN);
}

#[test]
fn a_session_beyond_the_limit_ends_in_the_background_and_the_log_says_so() {
    let world = World::with(&[("SESSIONS_PER_USER", "2")], 2);
    world.model.lines.take();
    world.begin(2);
    assert!(world.asked("revoke").is_empty() && world.is_to_end(0));
    assert!(world.model.run_one() && !world.model.run_one());
    assert_eq!((world.asked("revoke"), world.is_to_end(0)), (vec![0], false));
    assert_eq!(world.outcomes(), ["revoke: limit: sessions ended that were too many for one user: 1"]);
}

#[test]
fn of_very_many_sessions_beyond_the_limit_the_alarm_ends_those_that_one_message_may_not() {
    let mut world = World::with(&[("SESSIONS_PER_USER", "100")], BATCH + 3);
    let read = [("SESSIONS_PER_USER", "1")];
    world.config = World::new(&read).config;
    world.restart();
    world.begin(1_000);
    assert_eq!(world.alarm(), Some(world.model.now.get() + SOON));
    assert!(world.model.run_one());
    assert_eq!(world.asked("revoke").len(), BATCH_LEN);
    world.fire();
    assert_eq!(world.asked("revoke").len(), 3);
}

#[test]
fn a_session_that_did_not_say_that_it_has_begun_is_asked_by_the_alarm() {
    let registered = |life: Life| {
        let world = World::with(&[("SESSIONS_PER_USER", "1")], 1);
        done(world.shell.register(session(1))).unwrap();
        world.becomes(1, life);
        world.becomes(0, Life::Unreachable);
        assert_eq!(world.alarm(), Some(world.model.now.get() + state::LOOK_AFTER));
        world.model.now.set(world.alarm().unwrap());
        done(world.shell.alarm());
        let first = world.sessions.asked.take().first().cloned();
        assert_eq!(first, Some(("describe", actor(1))));
        world
    };
    let lives = registered(Life::Lives);
    assert!(lives.is_to_end(0), "it makes room");
    let mut again = registered(Life::Lives);
    again.restart();
    assert!(again.is_to_end(0), "that is written");
    for life in [Life::Ended, Life::Unknown, Life::NoSuchActor] {
        let over = registered(life.clone());
        assert!(!over.is_to_end(0));
        assert!(over.alarm().unwrap() > over.model.now.get() + WEEK, "{life:?}: it is not asked again");
    }
    for life in [Life::Unreachable, Life::Silent] {
        let out_of_reach = registered(life);
        assert!(!out_of_reach.is_to_end(0));
        let expected = out_of_reach.model.now.get() + state::LOOK_AFTER;
        assert!(out_of_reach.alarm().unwrap() <= expected);
        out_of_reach.becomes(1, Life::Lives);
        out_of_reach.fire();
        assert!(out_of_reach.is_to_end(0));
    }
}

#[test]
fn a_move_that_is_granted_is_written_and_logged_and_a_stay_is_neither() {
    let mut world = World::with(&[], 1);
    let observe = |world: &World, region| done(world.shell.observe(Observe { actor: actor(0), region })).unwrap();
    world.model.lines.take();
    world.model.memory.ran.take();
    assert!(matches!(observe(&world, Region::Weur), RegionVerdict::Stay { .. }));
    assert!(world.model.memory.ran.take().is_empty() && world.outcomes().is_empty());
    assert_eq!(observe(&world, Region::Oc), RegionVerdict::Reauthenticate);
    let told = format!("observe: reauthenticate: session {} is to move to oc", actor(0));
    assert_eq!(world.outcomes(), [told]);
    world.restart();
    assert!(matches!(observe(&world, Region::Oc), RegionVerdict::Stay { .. }));
    let world = World::with(&[("REGION_POLICY", "migrate")], 1);
    world.model.lines.take();
    assert_eq!(observe(&world, Region::Oc), RegionVerdict::Migrate);
    assert!(world.outcomes()[0].starts_with("observe: migrate: "));
}

#[test]
fn a_report_of_a_session_that_is_not_known_writes_nothing() {
    let world = World::new(&[]);
    done(world.shell.report(Report { actor: actor(0), news: News::Refreshed })).unwrap();
    assert!(world.model.memory.is_empty() && world.model.memory.ran.borrow().iter().all(|ran| ran.starts_with("SEL")));
}

#[test]
fn a_directory_whose_sessions_are_forgotten_leaves_nothing_behind() {
    let world = World::with(&[], 2);
    world.model.lines.take();
    done(world.shell.forget(Forget { actor: actor(0) })).unwrap();
    assert_eq!(world.list(None, 40).listed.len(), 1);
    // A late message of the session that was taken away.
    assert_eq!(done(world.shell.register(session(0))), Err(DirectoryError::TakenAway));
    world.model.lines.take();
    world.fire();
    assert_eq!(world.outcomes(), Vec::<String>::new(), "no session went by its time");
    world.fire();
    assert_eq!(world.outcomes(), ["alarm: forgotten: sessions not listed any longer: 1"]);
    assert!(world.model.memory.is_empty() && world.alarm().is_none());
}

#[test]
fn what_cannot_be_written_is_refused_and_not_remembered_either() {
    let world = World::with(&[], 1);
    world.model.memory.writes_left.set(Some(0));
    assert_eq!(done(world.shell.register(session(1))), Err(DirectoryError::StoreUnavailable));
    let alarm = world.model.now.get() + state::TRY_AGAIN;
    done(world.shell.alarm());
    assert_eq!(world.alarm(), Some(alarm), "the alarm does it later");
    world.model.memory.writes_left.set(None);
    assert_eq!(world.list(None, 40).listed.len(), 1);
}

#[test]
fn a_message_is_bytes_and_its_reply_is_the_bytes_of_the_answer() {
    struct Directory(Option<Rc<Shell>>);

    impl Actors for Directory {
        fn ask<'a>(
            &'a self,
            _: &'a ActorAddress,
            message: &'a [u8],
            _: u32,
        ) -> LocalBoxFuture<'a, Result<Vec<u8>, CallError>> {
            async move { Ok(Shell::ask(self.0.clone(), message).await) }.boxed_local()
        }

        fn listen<'a>(&'a self, _: &'a ActorId) -> LocalBoxFuture<'a, Result<Box<dyn Heard>, CallError>> {
            pending().boxed_local()
        }

        fn let_listen<'a>(&'a self, _: &'a ActorId) -> LocalBoxFuture<'a, Result<Inbound, CallError>> {
            pending().boxed_local()
        }

        fn new_session_id(&self, _: Option<Jurisdiction>) -> Result<ActorId, CallError> {
            Err(CallError::Unreachable)
        }
    }

    let world = World::new(&[]);
    let (directory, address) = (Directory(Some(Rc::clone(&world.shell))), directory_message::address("name", None));
    done(actors::ask(&directory, &address, session(0))).unwrap().unwrap();
    let page = done(actors::ask(&directory, &address, List { cursor: None, limit: 1 })).unwrap().unwrap();
    assert_eq!(page.listed.len(), 1);
    let unconfigured = done(actors::ask(&Directory(None), &address, List { cursor: None, limit: 1 }));
    assert!(matches!(unconfigured, Err(actors::AskError::Refused(MessageRefusal::Broken))));
}
