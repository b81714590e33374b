//! WebSockets that listen to an actor.
//!
//! - The platform keeps them while the actor is evicted (Cloudflare's documentation of hibernation). When its process ends they are lost, and the
//!   other side hears of that. An instance in whose place another one has come keeps those that it accepted until it ends.
//! - A text leaves when all that the actor wrote before is durable, and arrives a millisecond later. Texts keep their order, and a close comes
//!   behind them.
//! - A connection may be cut with nobody to notice: then nothing arrives any more, and it seems to be open for ever.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::credential::ActorId;
use edge_oauth_sessions::runtime::{Heard, Listeners, Listening};
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::LocalBoxFuture;
use futures::{FutureExt as _, StreamExt as _};

use super::actors::Origin;
use super::executor::OUTSIDE;
use super::faults::Kind;
use super::world::World;

/// One way.
const LATENCY: Duration = Duration::from_millis(1);

/// The actor's ends.
#[derive(Default)]
pub struct Sockets {
    open: RefCell<Vec<Socket>>,
    /// Nobody has noticed yet that these were cut.
    cut: RefCell<Vec<Socket>>,
}

struct Socket {
    listening: Listening,
    texts: UnboundedSender<String>,
    is_cut: Rc<Cell<bool>>,
}

/// The other end.
pub struct Ear {
    /// Whom it listens to.
    pub actor: ActorId,
    texts: UnboundedReceiver<String>,
    /// Whether the connection was cut.
    pub is_cut: Rc<Cell<bool>>,
}

impl Heard for Ear {
    fn next(&mut self) -> LocalBoxFuture<'_, Option<String>> {
        self.texts.next().boxed_local()
    }
}

impl Sockets {
    /// Accepts one.
    pub fn accept(&self, actor: &ActorId, listening: Listening) -> Ear {
        let (sender, texts) = unbounded();
        let is_cut = Rc::<Cell<bool>>::default();
        self.open.borrow_mut().push(Socket { listening, texts: sender, is_cut: Rc::clone(&is_cut) });
        Ear { actor: actor.clone(), texts, is_cut }
    }

    /// All are lost.
    pub fn lose(&self, world: &World) {
        for socket in self.open.take() {
            self.deliver(world, socket, None, true);
        }
    }

    /// A text goes out to one, or its close, or both.
    fn deliver(&self, world: &World, socket: Socket, text: Option<String>, closes: bool) {
        if world.faults.strikes(Kind::ListenerCut) {
            socket.is_cut.set(true);
            self.cut.borrow_mut().push(socket);
            return;
        }
        let (texts, executor) = (socket.texts.clone(), world.executor.clone());
        world.executor.spawn(OUTSIDE, async move {
            executor.sleep(LATENCY).await;
            if let Some(text) = text {
                let _ = texts.unbounded_send(text);
            }
        });
        if !closes {
            self.open.borrow_mut().push(socket);
        }
    }
}

/// What an instance of an actor says to its listeners.
pub struct Speaker {
    pub world: World,
    pub origin: Origin,
    pub sockets: Rc<Sockets>,
}

impl Listeners for Speaker {
    fn tell(&self, text: &str, code: Option<u16>) {
        if self.sockets.open.borrow().is_empty() || !self.origin.lets_out(&self.world.executor) {
            return;
        }
        self.world.step();
        for socket in self.sockets.open.take() {
            self.sockets.deliver(&self.world, socket, Some(text.to_owned()), code.is_some());
        }
    }

    fn watches(&self) -> usize {
        self.sockets.open.borrow().iter().filter(|socket| socket.listening == Listening::Watch).count()
    }

    fn keep_newest(&self, pages: usize) {
        let is_page = |socket: &&Socket| socket.listening == Listening::Page;
        let mut surplus = self.sockets.open.borrow().iter().filter(is_page).count().saturating_sub(pages);
        for socket in self.sockets.open.take() {
            if socket.listening == Listening::Page && surplus > 0 {
                surplus -= 1;
                self.sockets.deliver(&self.world, socket, None, true);
            } else {
                self.sockets.open.borrow_mut().push(socket);
            }
        }
    }
}
