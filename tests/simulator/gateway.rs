//! The gateway: the real one, on a stateless isolate, in front of an application.
//!
//! - The application answers at once, as the test says.
//! - Of a request that goes there all is noted: its URL, its headers as the application sees them, whether a cache may keep the answer.
//! - [`Gateway::exchange`] does what `exchange.mjs` does with a plan.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use edge_oauth_sessions::actors::session::line;
use edge_oauth_sessions::config::Configured;
use edge_oauth_sessions::gateway;
use edge_oauth_sessions::gateway::arrival::arrive;
use edge_oauth_sessions::gateway::bearer::ClientKeys;
use edge_oauth_sessions::gateway::bearer::verified::VerifiedJwts;
use edge_oauth_sessions::gateway::forward::edits::watched;
use edge_oauth_sessions::gateway::forward::reply::Reply;
use edge_oauth_sessions::gateway::plan::{Plan, Planner};
use edge_oauth_sessions::gateway::request::head::{Arrived, Head};
use edge_oauth_sessions::gateway::request::headers;
use edge_oauth_sessions::provider::link::{Documents, Link};
use edge_oauth_sessions::runtime::{Applications, Inbound, Isolate, Outbound, RateLimit, SendError};
use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, ready};

use super::actors::{Calls, Life};
use super::executor::OUTSIDE;
use super::http::{Line, NoCache};
use super::signatures::Ed25519;
use super::storage::Disk;
use super::world::World;

/// Header lines, as the platform packs them.
pub type Lines = String;

/// What a browser or the application sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// A status, or the URL.
    pub what: String,
    pub headers: BTreeMap<String, String>,
    pub cookies: Vec<String>,
}

/// See the module.
pub struct Gateway {
    world: World,
    configured: Configured,
    isolate: Rc<dyn Isolate>,
    gateway: gateway::Gateway,
    application: Rc<Application>,
}

/// The application, and what it was sent.
pub struct Application {
    pub status: u16,
    pub answers: Lines,
    visitor: RefCell<Lines>,
    pub sent: RefCell<Vec<Seen>>,
}

impl Gateway {
    /// In front of an application that answers so.
    pub fn new(world: &World, status: u16, answers: &str) -> Self {
        let isolate: Rc<dyn Isolate> = Rc::new(Life {
            executor: world.executor.clone(),
            process: OUTSIDE,
            skew: time::Duration::ZERO,
            log: Rc::clone(&world.log),
        });
        let (visitor, sent) = Default::default();
        let application = Rc::new(Application { status, answers: answers.to_owned(), visitor, sent });
        let link = Link {
            isolate: Rc::clone(&isolate),
            http: Rc::new(Line {
                executor: world.executor.clone(),
                isolate: Rc::clone(&isolate),
                provider: Rc::clone(&world.provider),
                disk: Disk::new(&world.executor),
            }),
            cache: Rc::new(NoCache),
            signatures: Rc::new(Ed25519),
            documents: Documents::default(),
        };
        let calls = || Rc::new(Calls { world: world.clone(), from: None });
        let gateway = gateway::Gateway {
            config: Rc::clone(&world.config),
            link,
            actors: calls(),
            actors_in_turn: calls(),
            applications: Rc::clone(&application) as Rc<_>,
            login_limit: Rc::new(NoLimit),
            client_keys: ClientKeys::default(),
            verified: VerifiedJwts::default(),
        };
        Self { world: world.clone(), configured: Ok(Rc::clone(&world.config)), isolate, gateway, application }
    }

    /// A request by the path that waits: what the application was sent, and what the browser gets.
    pub async fn serve(&self, packed: &str) -> (Option<Seen>, Seen) {
        let head = Head::read(packed);
        self.application.arrives(packed);
        let arrived = Arrived { head, body: None, isolate: &*self.isolate };
        let answer = match self.gateway.serve(arrive(&self.configured, arrived)).await {
            Reply::Own(outgoing) => seen_of(&outgoing.status.to_string(), outgoing.all_headers()),
            Reply::Forwarded(forwarded) => {
                let mut seen = seen(&forwarded.response.status.to_string(), &forwarded.response.lines);
                forwarded.removed.iter().for_each(|name| drop(seen.headers.remove(name)));
                seen.headers.extend(forwarded.cache_control.map(|cache| ("cache-control".into(), cache.into())));
                seen.cookies = forwarded.cookies.unwrap_or(seen.cookies);
                seen.cookies.extend(forwarded.own_cookie);
                seen
            }
        };
        (self.application.sent.borrow_mut().pop(), answer)
    }

    fn planner(&self) -> Planner<'_> {
        Planner { configured: &self.configured, isolate: &*self.isolate, verified: &self.gateway.verified }
    }

    /// The same by the hot path; none where that leaves it to the other one.
    pub async fn exchange(&self, packed: &str) -> Option<(Option<Seen>, Seen)> {
        let Plan { text, .. } = self.planner().plan(packed)?;
        let (fetch, token) = match text.split_at(1) {
            ("P" | "T", _) => return Some((None, answer(&text))),
            ("F", rest) => (rest.strip_prefix('\n').unwrap().to_owned(), None),
            (kind @ ("A" | "N" | "I"), rest) => {
                let (id, rest) = rest.split_once('\n').unwrap();
                let (line, fetch) = rest.split_once('\n').unwrap();
                let actor = self.world.session(&id.parse().unwrap())?;
                let reply = actor.get_line(&self.world, line).await;
                match kind {
                    _ if reply.is_empty() => return None,
                    "A" => (fetch.to_owned(), Some(reply)),
                    "N" => (fetch.to_owned(), None),
                    _ => {
                        assert!(line::read_reply(&reply).is_some());
                        let Plan { text, .. } = self.planner().identify(packed, &reply)?;
                        match text.strip_prefix("F\n") {
                            Some(fetch) => (fetch.to_owned(), None),
                            None => return Some((None, answer(&text))),
                        }
                    }
                }
            }
            _ => return None,
        };
        let lines: Vec<&str> = fetch.split('\n').collect();
        let [_, url, _, no_store, _, cache_control, removed, set @ ..] = lines.as_slice() else { panic!("{fetch}") };
        let set =
            set.iter().filter_map(|line| line.split_once(',')).chain(token.as_deref().map(|t| ("authorization", t)));
        let sent =
            self.application.sees(&format!("{url} {no_store}"), &removed.split(',').collect::<Vec<_>>(), set, packed);
        let (status, lines) = (self.application.status, &self.application.answers);
        let asks = headers::Headers::read(lines).names().any(|name| watched().any(|watched| watched == name));
        let mut got = seen(&status.to_string(), lines);
        if matches!(status, 101 | 401) || asks {
            let Plan { text, .. } = self.planner().judge(packed, status, lines)?;
            let Some(edits) = text.strip_prefix('E') else {
                return Some((Some(sent), answer(&text)));
            };
            let edits: Vec<&str> = edits.split('\n').collect();
            let [removed, cache, cookies, lines @ ..] = edits.as_slice() else { panic!("{edits:?}") };
            removed.split(',').for_each(|name| drop(got.headers.remove(name)));
            if !cache.is_empty() {
                got.headers.insert("cache-control".into(), (*cache).to_owned());
            }
            if *cookies == "replace" {
                got.cookies = lines.iter().filter(|line| !line.is_empty()).map(|line| (*line).to_owned()).collect();
            }
        } else if !cache_control.is_empty() {
            got.headers.insert("cache-control".into(), (*cache_control).to_owned());
        }
        Some((Some(sent), got))
    }
}

/// `P<status> LF (<name>,<value> LF)* LF <body>`.
fn answer(text: &str) -> Seen {
    let (status, rest) = text.get(1..).unwrap().split_once('\n').unwrap();
    seen(status, rest.split_once("\n\n").map_or(rest, |(lines, _)| lines))
}

fn seen(what: &str, lines: &str) -> Seen {
    seen_of(what, lines.split('\n').filter_map(|line| line.split_once(',')))
}

fn seen_of<'a>(what: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Seen {
    let (cookies, headers): (Vec<_>, Vec<_>) = pairs.partition(|(name, _)| *name == "set-cookie");
    Seen {
        what: what.to_owned(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        cookies: cookies.into_iter().map(|(_, line)| line.to_owned()).collect(),
    }
}

impl Application {
    fn arrives(&self, packed: &str) {
        self.visitor.replace(packed.to_owned());
    }

    fn sees<'a>(
        &self,
        what: &str,
        removed: &[&str],
        set: impl Iterator<Item = (&'a str, &'a str)>,
        packed: &str,
    ) -> Seen {
        let lines = packed.splitn(3, '\n').nth(2).unwrap().split("\n\n").next().unwrap();
        let mut seen = seen(what, lines);
        removed.iter().for_each(|name| drop(seen.headers.remove(*name)));
        seen.headers.extend(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
        seen
    }
}

impl Applications for Application {
    fn send<'a>(&'a self, request: Outbound<'a>) -> LocalBoxFuture<'a, Result<Inbound, SendError>> {
        let no_store = if request.no_store { "no-store" } else { "" };
        let set = request.set.iter().map(|(name, value)| (*name, value.as_ref()));
        let sent = self.sees(&format!("{} {no_store}", request.url), request.removed, set, &self.visitor.borrow());
        self.sent.borrow_mut().push(sent);
        let raw: Box<dyn Any> = Box::new(());
        ready(Ok(Inbound { status: self.status, lines: self.answers.clone(), raw })).boxed_local()
    }

    fn discard(&self, _: Inbound) {}
}

struct NoLimit;

impl RateLimit for NoLimit {
    fn admits<'a>(&'a self, _: &'a str) -> LocalBoxFuture<'a, Option<bool>> {
        ready(Some(true)).boxed_local()
    }
}
