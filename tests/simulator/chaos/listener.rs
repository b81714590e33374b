//! Pages that listen to their session, and event streams that the gateway watches over. Who listens hears of an end in time, or the connection
//! closes; and nobody hears of another session.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::actors::session::listeners::Push;
use edge_oauth_sessions::gateway::forward::watch::Closing;
use edge_oauth_sessions::runtime::Heard as _;
use time::OffsetDateTime;

use super::super::executor::OUTSIDE;
use super::super::faults::Kind;
use super::Run;
use super::browser::Browser;
use super::checks::NO_CAUSE;
use super::request::{Connection, Request};
use super::truth::{Known, secret_of};

/// How late a listener may hear of an end where all answer, where something may be in the way, and where connections are cut: the gateway
/// then asks every 15 minutes.
const AT_ONCE: Duration = Duration::from_secs(1);
const IN_A_WHILE: Duration = Duration::from_secs(150);
const AT_THE_LATEST: Duration = Duration::from_secs(20 * 60);

/// What is open.
pub struct Listener {
    pub known: Rc<Known>,
    pub what: &'static str,
    pub closed_at: Cell<Option<OffsetDateTime>>,
    /// The connection was cut, and a page cannot notice.
    is_cut: Rc<Cell<bool>>,
}

impl Run {
    /// A page begins to listen, or opens an event stream.
    pub async fn listen(&self, browser: Rc<Browser>, is_page: bool) {
        let request = if is_page {
            let request = Request::of("GET", "/auth/events").header("upgrade", "websocket");
            request.header("sec-fetch-mode", "websocket").header("sec-fetch-dest", "empty")
        } else {
            let request = Request::of("GET", "/stream").header("accept", "text/event-stream");
            request.header("sec-fetch-mode", "cors").header("sec-fetch-dest", "empty")
        };
        let request = request.header("sec-fetch-site", "same-origin");
        let Some(delivered) = self.exchange(&browser, request, true).await else { return };
        let (Some(connection), Some(cookie)) = (delivered.connection, delivered.cookie) else { return };
        let Some(known) = secret_of(&cookie).and_then(|secret| self.truth.sessions.borrow().get(secret).cloned())
        else {
            return;
        };
        match connection {
            Connection::Page(mut ear) => {
                let homes: Vec<_> = known.actors.borrow().clone();
                let is_own = self.owners(&homes).iter().any(|home| home == ear.actor.as_str());
                self.world
                    .tally
                    .must(is_own, "a page listens to another session", || format!("{homes:?}, {}", ear.actor));
                let listener = self.listener(&known, "a page", &ear.is_cut);
                let run = self.clone();
                self.world.executor.spawn(OUTSIDE, async move {
                    while let Some(text) = ear.next().await {
                        run.tell(|| format!("a page of {}'s hears {text}", listener.known.user));
                        match Push::read(&text) {
                            Some(Push::Ended { reason }) => run.hears_of_end(&listener, Some(&reason)),
                            Some(Push::Moved { .. } | Push::Refreshed { .. }) => {}
                            None => run.world.tally.violate("a page hears what it cannot read", text),
                        }
                    }
                    run.closes(&listener);
                });
            }
            Connection::Stream(closing) => {
                let listener = self.listener(&known, "a stream", &Rc::default());
                let run = self.clone();
                self.world.executor.spawn(OUTSIDE, async move {
                    // It breaks off where the gateway's isolate ends.
                    if let Ok(Closing::Over) = closing.await {
                        run.hears_of_end(&listener, None);
                    }
                    run.closes(&listener);
                });
            }
        }
    }

    fn listener(&self, known: &Rc<Known>, what: &'static str, is_cut: &Rc<Cell<bool>>) -> Rc<Listener> {
        let (known, is_cut) = (Rc::clone(known), Rc::clone(is_cut));
        let listener = Rc::new(Listener { known, what, closed_at: Cell::default(), is_cut });
        self.listeners.borrow_mut().push(Rc::clone(&listener));
        listener
    }

    /// A listener is told that its session is over: somebody wanted that, and the session serves nobody any more.
    fn hears_of_end(&self, listener: &Listener, reason: Option<&str>) {
        let known = &listener.known;
        let reasons = ["logout", "revoked", "backchannel", "idle", "expired", "refresh_rejected", "limit", "device"];
        let is_wanted = match reason {
            Some(reason) => self.has_cause(known, reason),
            None => known.ended.get().is_some() || reasons.iter().any(|reason| self.has_cause(known, reason)),
        };
        self.world.tally.must(is_wanted || self.has_mishaps(known), NO_CAUSE, || {
            format!("{} of {}'s hears {reason:?}", listener.what, known.user)
        });
        // What a storage has not taken may be lost with the process: then the session is there again.
        if reason != Some("superseded") && !self.has_mishaps(known) {
            known.heard_end.set(known.heard_end.get().or(Some(self.world.executor.now())));
        }
    }

    fn closes(&self, listener: &Listener) {
        let now = self.world.executor.now();
        listener.closed_at.set(Some(now));
        self.tell(|| format!("{} of {}'s closes", listener.what, listener.known.user));
        self.is_in_time(listener, now);
    }

    fn is_in_time(&self, listener: &Listener, now: OffsetDateTime) {
        let Some(ended) = listener.known.ended.get().filter(|_| !listener.is_cut.get()) else { return };
        let late = now - ended;
        self.world.tally.must(late <= self.hears_within(), "a listener hears too late of an end", || {
            format!("{} of {}'s, {late} after it", listener.what, listener.known.user)
        });
    }

    fn hears_within(&self) -> Duration {
        if self.world.faults.may(Kind::ListenerCut) {
            return AT_THE_LATEST;
        }
        let others = [
            Kind::Zombie,
            Kind::ProcessEnds,
            Kind::MachineEnds,
            Kind::StorageReads,
            Kind::StorageWrites,
            Kind::ClockBack,
        ];
        let is_in_the_way = !self.answers_in_time() || others.into_iter().any(|kind| self.world.faults.may(kind));
        if is_in_the_way { IN_A_WHILE } else { AT_ONCE }
    }

    /// All sessions are over: nobody listens any more but to a connection that was cut.
    pub async fn check_listeners(&self) {
        self.world.wait(self.hears_within() + Duration::from_secs(1)).await;
        let open: Vec<Rc<Listener>> = self.listeners.borrow().clone();
        for listener in open.iter().filter(|listener| listener.closed_at.get().is_none() && !listener.is_cut.get()) {
            self.world.tally.violate(
                "somebody listens to a session that is over",
                format!("{} of {}'s {:?}", listener.what, listener.known.user, listener.known.actors.borrow()),
            );
        }
    }
}
