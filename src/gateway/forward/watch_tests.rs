#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, pending, ready};
use time::OffsetDateTime;

use super::*;
use crate::actors;
use crate::actors::session::location::ActorLocation;
use crate::credential::Secret;
use crate::region::{Jurisdiction, Region};
use crate::runtime::{ActorAddress, CallError, Heard, Inbound};

const EVERY: time::Duration = time::Duration::seconds(15);

/// A session's actors, and the gateway's isolate, by a script. What the watch does is written down.
#[derive(Default)]
struct Script {
    /// What each connection brings before it is lost; none: it cannot listen.
    connections: RefCell<VecDeque<Option<Vec<Push>>>>,
    /// What each question is answered.
    answers: RefCell<VecDeque<Result<Result<(), Denied>, CallError>>>,
    /// How long connections last, in ms.
    lasting: Cell<i64>,
    now: Cell<i64>,
    did: RefCell<Vec<String>>,
}

impl Script {
    fn did(&self, what: String) {
        self.did.borrow_mut().push(what);
    }
}

struct Shared(Rc<Script>);

impl Isolate for Shared {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(self.0.now.get())
    }

    fn random(&self, _: &mut [u8]) -> bool {
        false
    }

    fn sleep(&self, span: Duration) -> LocalBoxFuture<'static, ()> {
        // Nothing takes that long here.
        if span == LOOK_AGAIN {
            return pending().boxed_local();
        }
        self.0.did(format!("waits {} s", span.as_secs()));
        ready(()).boxed_local()
    }

    fn spawn(&self, _: LocalBoxFuture<'static, ()>) {}

    fn log(&self, _: &str) {}

    fn error(&self, _: &str) {}
}

struct Connection {
    script: Rc<Script>,
    pushes: VecDeque<Push>,
}

impl Heard for Connection {
    fn next(&mut self) -> LocalBoxFuture<'_, Option<String>> {
        let push = self.pushes.pop_front();
        if push.is_none() {
            self.script.now.set(self.script.now.get() + self.script.lasting.get());
        }
        ready(push.map(|push| serde_json::to_string(&push).unwrap())).boxed_local()
    }
}

impl Actors for Shared {
    fn ask<'a>(&'a self, _: &'a ActorAddress, _: &'a [u8], _: u32) -> LocalBoxFuture<'a, Result<Vec<u8>, CallError>> {
        self.0.did("asks".to_owned());
        let answer = self.0.answers.borrow_mut().pop_front().unwrap();
        ready(answer.map(|reply| actors::reply::<IsAlive>(&reply).unwrap())).boxed_local()
    }

    fn listen<'a>(&'a self, id: &'a ActorId) -> LocalBoxFuture<'a, Result<Box<dyn Heard>, CallError>> {
        self.0.did(format!("listens to {}", id.as_str().get(..1).unwrap()));
        let pushes = self.0.connections.borrow_mut().pop_front().unwrap();
        let connection = |pushes: Vec<Push>| -> Box<dyn Heard> {
            Box::new(Connection { script: Rc::clone(&self.0), pushes: pushes.into() })
        };
        ready(pushes.map(connection).ok_or(CallError::Unreachable)).boxed_local()
    }

    fn let_listen<'a>(&'a self, _: &'a ActorId) -> LocalBoxFuture<'a, Result<Inbound, CallError>> {
        ready(Err(CallError::Unreachable)).boxed_local()
    }

    fn new_session_id(&self, _: Option<Jurisdiction>) -> Result<ActorId, CallError> {
        Err(CallError::Unreachable)
    }
}

fn actor(digit: &str) -> ActorId {
    digit.repeat(64).parse().unwrap()
}

fn ended(reason: EndReason) -> Push {
    Push::Ended { reason: reason.as_str().to_owned() }
}

/// What a watch over the session of actor `a` does, and how it ends.
fn watched<const C: usize, const A: usize>(
    lasting_ms: i64,
    connections: [Option<Vec<Push>>; C],
    answers: [Result<Result<(), Denied>, CallError>; A],
) -> (Vec<String>, Closing) {
    let script = Rc::new(Script {
        connections: RefCell::new(connections.into()),
        answers: RefCell::new(answers.into()),
        lasting: Cell::new(lasting_ms),
        ..Script::default()
    });
    let isolate: Rc<dyn Isolate> = Rc::new(Shared(Rc::clone(&script)));
    let actors: Rc<dyn Actors> = Rc::new(Shared(Rc::clone(&script)));
    let session = Credential { actor: actor("a"), secret: Secret::from_random([7; 32]) };
    let closing = Watch::new(&isolate, &actors, &session, EVERY).closing().now_or_never().unwrap();
    (script.did.take(), closing)
}

#[test]
fn a_session_that_ends_closes_the_stream_without_a_question() {
    for reason in [EndReason::Logout, EndReason::Revoked, EndReason::Idle, EndReason::Device] {
        let refreshed = Push::Refreshed { access_token_expires_at: None };
        let (did, closing) = watched(60_000, [Some(vec![refreshed, ended(reason)])], []);
        assert_eq!((did, closing), (vec!["listens to a".to_owned()], Closing::Over), "{reason}");
    }
}

#[test]
fn a_session_whose_place_another_one_took_has_its_client_connect_again() {
    let (_, closing) = watched(60_000, [Some(vec![ended(EndReason::Superseded)])], []);
    assert_eq!(closing, Closing::Unsure);
    let superseded = Ok(Err(Denied::Ended(EndReason::Superseded)));
    let (_, closing) = watched(60_000, [Some(Vec::new())], [superseded]);
    assert_eq!(closing, Closing::Unsure);
}

#[test]
fn a_session_that_moves_is_listened_to_where_it_lives_now() {
    let to = ActorLocation { actor: actor("b"), region: Region::Oc, expires_at: OffsetDateTime::UNIX_EPOCH };
    let connections = [Some(vec![Push::Moved { region: Region::Oc }]), Some(vec![ended(EndReason::Logout)])];
    let (did, closing) = watched(0, connections, [Ok(Err(Denied::Moved(to))), Ok(Ok(()))]);
    assert_eq!(did, ["listens to a", "asks", "asks", "listens to b"]);
    assert_eq!(closing, Closing::Over);
}

#[test]
fn after_a_lost_connection_it_asks_at_once_and_listens_again() {
    let connections = [Some(Vec::new()), Some(vec![ended(EndReason::Logout)])];
    let (did, closing) = watched(60_000, connections, [Ok(Ok(()))]);
    assert_eq!(did, ["listens to a", "asks", "listens to a"]);
    assert_eq!(closing, Closing::Over);
}

#[test]
fn connections_that_are_lost_at_once_are_a_second_apart() {
    let connections = [Some(Vec::new()), Some(Vec::new())];
    let (did, closing) = watched(10, connections, [Ok(Ok(())), Ok(Err(Denied::Unknown))]);
    assert_eq!(did, ["listens to a", "waits 1 s", "asks", "listens to a", "waits 1 s", "asks"]);
    assert_eq!(closing, Closing::Over);
}

#[test]
fn while_it_cannot_listen_it_asks_after_each_wait() {
    let gone = Ok(Err(Denied::Ended(EndReason::Revoked)));
    let (did, closing) = watched(0, [None, None, None], [Ok(Ok(())), Ok(Ok(())), gone]);
    let round = ["listens to a", "waits 15 s", "asks"];
    assert_eq!(did, [round, round, round].concat());
    assert_eq!(closing, Closing::Over);
}

#[test]
fn what_cannot_be_found_out_closes_the_stream_for_another_try() {
    for answer in [Err(CallError::Unreachable), Err(CallError::TimedOut), Ok(Err(Denied::StoreUnavailable))] {
        assert_eq!(watched(0, [None], [answer]).1, Closing::Unsure);
    }
    assert_eq!(watched(0, [None], [Err(CallError::NoSuchActor)]).1, Closing::Over);
}
