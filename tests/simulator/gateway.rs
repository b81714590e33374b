//! The gateway: the real one, on a stateless isolate, in front of an application.
//!
//! - The application answers at once, as the test says.
//! - Of a request that goes there all is noted: its URL, its headers as the application sees them, whether a cache may keep the answer.
//! - [`Gateway::exchange`] does what `exchange.mjs` does with a plan.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::actors::Request as _;
use edge_oauth_sessions::actors::session::line;
use edge_oauth_sessions::actors::session::message::GetToken;
use edge_oauth_sessions::config::Configured;
use edge_oauth_sessions::gateway;
use edge_oauth_sessions::gateway::arrival::arrive;
use edge_oauth_sessions::gateway::bearer::ClientKeys;
use edge_oauth_sessions::gateway::bearer::verified::VerifiedJwts;
use edge_oauth_sessions::gateway::forward::addresses::ADDRESSES;
use edge_oauth_sessions::gateway::forward::edits::{is_event_stream, watched};
use edge_oauth_sessions::gateway::forward::reply::Reply;
use edge_oauth_sessions::gateway::forward::watch::Watch;
use edge_oauth_sessions::gateway::plan::{Failure, Plan, Planner};
use edge_oauth_sessions::gateway::rendered_refusal::RenderedRefusal;
use edge_oauth_sessions::gateway::request::head::{Arrived, Head};
use edge_oauth_sessions::gateway::request::headers;
use edge_oauth_sessions::provider::link::{Documents, Link};
use edge_oauth_sessions::runtime::{
    Applications, CallError, Inbound, Isolate, Outbound, RateLimit, ReadError, RequestBody, SendError,
};
use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, ready};

use super::actors::{Life, Message};
use super::clocks::Clock;
use super::executor::{OUTSIDE, Process};
use super::http::{Line, NoCache};
use super::listeners::Ear;
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
    /// Of the gateway's own answers.
    pub body: String,
}

/// What the application answers to what it sees: a status and headers.
pub type Answers = Rc<dyn Fn(&Seen) -> (u16, Lines)>;

/// One isolate of the gateway.
#[derive(Clone)]
pub struct Gateway {
    world: World,
    configured: Configured,
    isolate: Rc<dyn Isolate>,
    link: Link,
    verified: Rc<VerifiedJwts>,
    rendered_refusal: Rc<RenderedRefusal>,
    answers: Answers,
}

/// The application, as one request reaches it.
struct Application {
    answers: Answers,
    visitor: Lines,
    sent: RefCell<Vec<Seen>>,
}

/// What stays open after an answer.
pub enum Opened {
    /// A page listens to its session.
    Page(Ear),
    /// The gateway watches over a stream of the application's.
    Stream(Watch),
}

/// The body of a request.
pub struct Bytes(pub Vec<u8>);

impl RequestBody for Bytes {
    fn is_there(&self) -> bool {
        !self.0.is_empty()
    }

    fn read(&self, limit: usize) -> LocalBoxFuture<'_, Result<Vec<u8>, ReadError>> {
        ready(if self.0.len() > limit { Err(ReadError::TooLarge) } else { Ok(self.0.clone()) }).boxed_local()
    }
}

impl Gateway {
    /// In front of an application that always answers so.
    pub fn new(world: &World, status: u16, answers: &str) -> Self {
        let answers = answers.to_owned();
        Self::on(world, OUTSIDE, world.clocks.first(), Rc::new(move |_| (status, answers.clone())))
    }

    /// In this process, in front of this application.
    pub fn on(world: &World, process: Process, clock: Clock, answers: Answers) -> Self {
        let isolate: Rc<dyn Isolate> = Rc::new(Life { world: world.clone(), process, clock });
        let link = Link {
            isolate: Rc::clone(&isolate),
            http: Rc::new(Line { world: world.clone(), isolate: Rc::clone(&isolate), origin: None }),
            cache: Rc::new(NoCache),
            signatures: Rc::clone(&world.signatures) as Rc<_>,
            documents: Documents::default(),
        };
        Self {
            world: world.clone(),
            configured: Ok(Rc::clone(&world.config)),
            isolate,
            link,
            verified: Rc::default(),
            rendered_refusal: Rc::default(),
            answers,
        }
    }

    fn server(&self, packed: &str) -> (gateway::Gateway, Rc<Application>) {
        let application =
            Application { answers: Rc::clone(&self.answers), visitor: packed.to_owned(), sent: RefCell::default() };
        let application = Rc::new(application);
        let calls = || Rc::new(self.world.gateway());
        let gateway = gateway::Gateway {
            config: Rc::clone(&self.world.config),
            link: self.link.clone(),
            actors: calls(),
            actors_in_turn: calls(),
            applications: Rc::clone(&application) as Rc<_>,
            login_limit: Rc::new(NoLimit),
            client_keys: ClientKeys::default(),
            verified: (*self.verified).clone(),
        };
        (gateway, application)
    }

    /// A request by whichever path takes it, the hot one first.
    pub async fn request(&self, packed: &str, body: Option<&Bytes>) -> Seen {
        let taken = if body.is_none() { self.take(packed).await } else { Taken::Later };
        match taken {
            Taken::Answered(_, seen) => seen,
            Taken::Later => self.serve_with(packed, body).await.1,
            // `exchange.mjs` hands the response and what was sent to the path that can wait.
            Taken::ToResume(response, authorization) => {
                let (gateway, application) = self.server(packed);
                let arrived = Arrived { head: Head::read(packed), body: None, isolate: &*self.isolate };
                let reply = gateway.resume(arrive(&self.configured, arrived), response, &authorization).await;
                drop(application);
                reply_seen(reply)
            }
        }
    }

    /// The same by the hot path; none where that leaves it to the other one.
    pub async fn exchange(&self, packed: &str) -> Option<(Option<Seen>, Seen)> {
        match self.take(packed).await {
            Taken::Answered(sent, seen) => Some((sent, seen)),
            Taken::Later | Taken::ToResume(..) => None,
        }
    }

    /// A request by the path that waits: what the application was sent last, and what the browser gets.
    pub async fn serve(&self, packed: &str) -> (Option<Seen>, Seen) {
        self.serve_with(packed, None).await
    }

    async fn serve_with(&self, packed: &str, body: Option<&Bytes>) -> (Option<Seen>, Seen) {
        let (gateway, application) = self.server(packed);
        let body = body.map(|body| body as &dyn RequestBody);
        let arrived = Arrived { head: Head::read(packed), body, isolate: &*self.isolate };
        let answer = reply_seen(gateway.serve(arrive(&self.configured, arrived)).await);
        let sent = application.sent.borrow_mut().pop();
        (sent, answer)
    }

    /// A request that opens a stream, or is to listen to its session: the stream beside the answer, where there is one.
    pub async fn open(&self, packed: &str) -> (Seen, Option<Opened>) {
        let (gateway, application) = self.server(packed);
        let arrived = Arrived { head: Head::read(packed), body: None, isolate: &*self.isolate };
        let reply = gateway.serve(arrive(&self.configured, arrived)).await;
        drop(application);
        match reply {
            Reply::Accepted(Inbound { status, lines, raw }) => {
                let ear = raw.downcast::<Ear>().ok().map(|ear| Opened::Page(*ear));
                (seen(&status.to_string(), &lines), ear)
            }
            Reply::Forwarded(mut forwarded) => {
                let watch = forwarded.watch.take().map(Opened::Stream);
                (reply_seen(Reply::Forwarded(forwarded)), watch)
            }
            reply @ Reply::Own(_) => (reply_seen(reply), None),
        }
    }

    /// What a session says to the line of the hot path.
    async fn ask(&self, id: &str, line: &str) -> Result<String, CallError> {
        let id = id.parse().map_err(|_| CallError::NoSuchActor)?;
        let actor = self.world.session(&id).ok_or(CallError::NoSuchActor)?;
        let within = Duration::from_secs(GetToken::TIME_LIMIT_SECONDS.into());
        let reply = self.world.gateway().call(actor, Message::Line(line.to_owned()), within).await?;
        Ok(String::from_utf8(reply).unwrap())
    }

    fn planner(&self) -> Planner<'_> {
        let (verified, rendered_refusal) = (&self.verified, &self.rendered_refusal);
        Planner { configured: &self.configured, isolate: &*self.isolate, verified, rendered_refusal }
    }

    /// What `exchange.mjs` does.
    async fn take(&self, packed: &str) -> Taken {
        let Some(Plan { text, .. }) = self.planner().plan(packed) else { return Taken::Later };
        let (fetch, token, resume_with) = match text.split_at(1) {
            ("P" | "T", _) => return Taken::Answered(None, answer(&text)),
            ("F", rest) => (rest.strip_prefix('\n').unwrap().to_owned(), None, String::new()),
            (kind @ ("A" | "N" | "I"), rest) => {
                let (id, rest) = rest.split_once('\n').unwrap();
                let (line, fetch) = rest.split_once('\n').unwrap();
                let failed = |failure| {
                    let plan = self.planner().failed(packed, failure);
                    plan.map_or(Taken::Later, |Plan { text, .. }| Taken::Answered(None, answer(&text)))
                };
                let reply = match self.ask(id, line).await {
                    Ok(reply) => reply,
                    // Late is late. A call that failed is made once more, as a message.
                    Err(CallError::TimedOut) => return failed(Failure::Session),
                    Err(CallError::NoSuchActor | CallError::Unreachable) => return Taken::Later,
                };
                match (kind, reply.as_str()) {
                    (_, "") => return Taken::Later,
                    (_, NO_RECORD) => return failed(Failure::Store),
                    ("A", _) => (fetch.to_owned(), Some(reply.clone()), reply),
                    ("N", _) => (fetch.to_owned(), None, reply),
                    _ => {
                        let (authorization, _) = line::read_reply(&reply).unwrap();
                        let Some(Plan { text, .. }) = self.planner().identify(packed, &reply) else {
                            return Taken::Later;
                        };
                        match text.strip_prefix("F\n") {
                            Some(fetch) => (fetch.to_owned(), None, authorization.to_owned()),
                            None => return Taken::Answered(None, answer(&text)),
                        }
                    }
                }
            }
            _ => return Taken::Later,
        };
        self.fetch(packed, &fetch, token, &resume_with)
    }

    /// The application is asked, and the browser gets what is to become of its answer.
    fn fetch(&self, packed: &str, fetch: &str, token: Option<String>, resume_with: &str) -> Taken {
        let lines: Vec<&str> = fetch.split('\n').collect();
        let [_, url, _, no_store, _, cache_control, rewrites, removed, set @ ..] = lines.as_slice() else {
            panic!("{fetch}")
        };
        let set =
            set.iter().filter_map(|line| line.split_once(',')).chain(token.as_deref().map(|t| ("authorization", t)));
        let sent = sees(&format!("{url} {no_store}"), &removed.split(',').collect::<Vec<_>>(), set, packed);
        let (status, lines) = (self.answers)(&sent);
        let seen_headers = headers::Headers::read(&lines);
        let asks = is_event_stream(&seen_headers)
            || seen_headers.names().any(|name| watched().any(|watched| watched == name))
            || !rewrites.is_empty() && seen_headers.names().any(|name| ADDRESSES.contains(&name));
        let mut got = seen(&status.to_string(), &lines);
        if matches!(status, 101 | 401) || asks {
            let Some(Plan { text, .. }) = self.planner().judge(packed, status, &lines) else {
                let raw: Box<dyn Any> = Box::new(());
                return Taken::ToResume(Inbound { status, lines, raw }, resume_with.to_owned());
            };
            let Some(edits) = text.strip_prefix('E') else {
                return Taken::Answered(Some(sent), answer(&text));
            };
            let edits: Vec<&str> = edits.split('\n').collect();
            let [removed, cache, lines @ ..] = edits.as_slice() else { panic!("{edits:?}") };
            let at = lines.iter().position(|line| line.is_empty()).unwrap();
            let (set, rest) = lines.split_at(at);
            let [_, cookies, lines @ ..] = rest else { panic!("{edits:?}") };
            removed.split(',').for_each(|name| drop(got.headers.remove(name)));
            if !cache.is_empty() {
                got.headers.insert("cache-control".into(), (*cache).to_owned());
            }
            for (name, value) in set.iter().filter_map(|line| line.split_once(',')) {
                got.headers.insert(name.to_owned(), value.to_owned());
            }
            if *cookies == "replace" {
                got.cookies = lines.iter().filter(|line| !line.is_empty()).map(|line| (*line).to_owned()).collect();
            }
        } else if !cache_control.is_empty() {
            got.headers.insert("cache-control".into(), (*cache_control).to_owned());
        }
        Taken::Answered(Some(sent), got)
    }
}

/// What becomes of a request on the hot path.
enum Taken {
    /// What the application was sent, and what the browser gets.
    Answered(Option<Seen>, Seen),
    /// The path that can wait has to serve it.
    Later,
    /// The path that can wait has to go on with the application's response; what that was sent.
    ToResume(Inbound, String),
}

/// What a session says whose record cannot be read.
const NO_RECORD: &str = "!";

fn reply_seen(reply: Reply) -> Seen {
    match reply {
        Reply::Own(outgoing) => {
            let seen = seen_of(&outgoing.status.to_string(), outgoing.all_headers());
            Seen { body: outgoing.body.text().unwrap_or_default().to_owned(), ..seen }
        }
        Reply::Accepted(accepted) => seen(&accepted.status.to_string(), &accepted.lines),
        Reply::Forwarded(forwarded) => {
            let mut seen = seen(&forwarded.response.status.to_string(), &forwarded.response.lines);
            forwarded.removed.iter().for_each(|name| drop(seen.headers.remove(name)));
            seen.headers.extend(forwarded.set.into_iter().map(|(name, value)| (name.to_owned(), value)));
            seen.headers.extend(forwarded.cache_control.map(|cache| ("cache-control".into(), cache.into())));
            seen.cookies = forwarded.cookies.unwrap_or(seen.cookies);
            for (name, value) in forwarded.own {
                if name == "set-cookie" {
                    seen.cookies.push(value)
                } else {
                    drop(seen.headers.insert(name.to_owned(), value))
                }
            }
            seen
        }
    }
}

/// `P<status> LF (<name>,<value> LF)* LF <body>`.
fn answer(text: &str) -> Seen {
    let (status, rest) = text.get(1..).unwrap().split_once('\n').unwrap();
    let (lines, body) = rest.split_once("\n\n").unwrap_or((rest, ""));
    Seen { body: body.to_owned(), ..seen(status, lines) }
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
        body: String::new(),
    }
}

fn sees<'a>(what: &str, removed: &[&str], set: impl Iterator<Item = (&'a str, &'a str)>, packed: &str) -> Seen {
    let lines = packed.splitn(3, '\n').nth(2).unwrap().split("\n\n").next().unwrap();
    let mut seen = seen(what, lines);
    removed.iter().for_each(|name| drop(seen.headers.remove(*name)));
    seen.headers.extend(set.map(|(name, value)| (name.to_owned(), value.to_owned())));
    seen
}

impl Applications for Application {
    fn send<'a>(&'a self, request: Outbound<'a>) -> LocalBoxFuture<'a, Result<Inbound, SendError>> {
        let no_store = if request.no_store { "no-store" } else { "" };
        let set = request.set.iter().map(|(name, value)| (*name, value.as_ref()));
        let sent = sees(&format!("{} {no_store}", request.url), request.removed, set, &self.visitor);
        let (status, lines) = (self.answers)(&sent);
        self.sent.borrow_mut().push(sent);
        let raw: Box<dyn Any> = Box::new(());
        ready(Ok(Inbound { status, lines, raw })).boxed_local()
    }

    fn discard(&self, _: Inbound) {}
}

struct NoLimit;

impl RateLimit for NoLimit {
    fn admits<'a>(&'a self, _: &'a str) -> LocalBoxFuture<'a, Option<bool>> {
        ready(Some(true)).boxed_local()
    }
}
