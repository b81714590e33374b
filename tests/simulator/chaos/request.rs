//! A request of a browser, or of an administrator, through an isolate of the gateway.
//!
//! - There are two isolates of the gateway, on machines of their own. One may end: then its requests fail, and a fresh one takes its place.
//! - A browser that gives up a request leaves it: the platform drops it where it waits.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::gateway::forward::watch::Closing;
use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::{Either, select};

use super::super::executor::Process;
use super::super::faults::Kind;
use super::super::gateway::{Answers, Bytes, Gateway, Opened, Seen};
use super::super::listeners::Ear;
use super::super::world::World;

pub const ORIGIN: &str = "https://app.example";
/// How long a request may take at the most: a login may wait two minutes for its session.
const LONGEST: Duration = Duration::from_secs(150);

/// What a request says.
#[derive(Clone, Default)]
pub struct Request {
    pub method: &'static str,
    /// A path and a query, or a whole URL.
    pub target: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Country, continent, longitude.
    pub place: [&'static str; 3],
    /// The browser sends none along.
    pub comes_without_cookies: bool,
    /// The secret of the session that a proof in the answer is for, where that is not the cookie's own.
    pub proves: Option<String>,
}

impl Request {
    pub fn of(method: &'static str, target: &str) -> Self {
        Self { method, target: target.to_owned(), place: ["", "", ""], ..Self::default() }
    }

    /// A page is to open.
    pub fn navigation(method: &'static str, target: &str, site: &str) -> Self {
        Self::of(method, target)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .header("sec-fetch-site", site)
            .header("accept", "text/html")
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn proves(mut self, secret: &str) -> Self {
        self.proves = Some(secret.to_owned());
        self
    }

    pub fn body(mut self, kind: &str, body: &str) -> Self {
        self.body = body.to_owned();
        self.header("content-type", kind)
    }

    fn packed(&self) -> String {
        let address =
            if self.target.starts_with('/') { format!("{ORIGIN}{}", self.target) } else { self.target.clone() };
        let mut packed = format!("{}\n{address}\nhost,app.example\n", self.method);
        for (name, value) in &self.headers {
            packed.push_str(name);
            packed.push(',');
            packed.push_str(value);
            packed.push('\n');
        }
        let [country, continent, longitude] = self.place;
        let visitor = ["", "", "", "", country, continent, "", longitude, "", "", "", ""].join("\n");
        packed.push('\n');
        packed.push_str(&visitor);
        packed
    }
}

/// What a request has opened, as the browser sees it.
pub enum Connection {
    /// A page listens.
    Page(Ear),
    /// A stream. The gateway says when and why it closes it.
    Stream(oneshot::Receiver<Closing>),
}

/// The isolates of the gateway.
pub struct Gateways {
    world: World,
    answers: Answers,
    isolates: RefCell<[Option<(Process, Gateway)>; 2]>,
}

impl Gateways {
    /// In front of this application.
    pub fn new(world: &World, answers: Answers) -> Rc<Self> {
        Rc::new(Self { world: world.clone(), answers, isolates: RefCell::default() })
    }

    pub fn dismantle(&self) {
        self.isolates.take();
    }

    /// One of them ends.
    pub fn end_one(&self) {
        let at = self.world.executor.below(2) as usize;
        let gone = self.isolates.borrow_mut()[at].take();
        if let Some((process, _)) = gone {
            self.world.executor.end(process);
        }
    }

    fn one(&self) -> (Process, Gateway) {
        let at = self.world.executor.below(2) as usize;
        if let Some(isolate) = &self.isolates.borrow()[at] {
            return isolate.clone();
        }
        let process = self.world.executor.begin(|| {});
        let (_, clock) = self.world.clocks.some();
        let isolate = (process, Gateway::on(&self.world, process, clock, Rc::clone(&self.answers)));
        self.isolates.borrow_mut()[at] = Some(isolate.clone());
        isolate
    }

    /// Sends a request that may open something: that, beside the answer. It closes when the isolate ends.
    pub async fn open(&self, request: &Request) -> Option<(Seen, Option<Connection>)> {
        self.world.step();
        let (process, gateway) = self.one();
        let packed = request.packed();
        let (sender, answer) = oneshot::channel();
        self.world.executor.spawn(process, async move {
            let (seen, opened) = gateway.open(&packed).await;
            match opened {
                Some(Opened::Stream(watch)) => {
                    let (closed, closing) = oneshot::channel();
                    let _ = sender.send((seen, Some(Connection::Stream(closing))));
                    let _ = closed.send(watch.closing().await);
                }
                Some(Opened::Page(ear)) => drop(sender.send((seen, Some(Connection::Page(ear))))),
                None => drop(sender.send((seen, None))),
            }
        });
        answer.await.ok()
    }

    /// Sends a request: the answer; none where it broke off.
    pub async fn send(&self, request: &Request) -> Option<Seen> {
        let (world, began) = (&self.world, self.world.executor.now());
        world.step();
        let (process, gateway) = self.one();
        let (packed, body) = (request.packed(), request.body.clone());
        let (mut sender, answer) = oneshot::channel();
        world.executor.spawn(process, async move {
            let body = (!body.is_empty()).then(|| Bytes(body.into_bytes()));
            let served = gateway.request(&packed, body.as_ref()).boxed_local();
            // Nobody waits any longer: the platform drops it.
            let served = match select(served, sender.cancellation()).await {
                Either::Left((seen, _)) => seen,
                Either::Right(_) => return,
            };
            let _ = sender.send(served);
        });
        if world.faults.strikes(Kind::BrowserLeaves) {
            let patience = world.executor.sleep(world.executor.up_to(Duration::from_secs(2)));
            return match select(answer, patience).await {
                Either::Left((answer, _)) => answer.ok(),
                Either::Right(_) => None,
            };
        }
        let answer = answer.await.ok();
        let took = world.executor.now() - began;
        world.tally.must(took <= LONGEST, "a request waits too long", || {
            format!("{} {}: {took}", request.method, request.target)
        });
        answer
    }
}
