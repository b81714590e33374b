//! Messages between actors, and from a gateway to actors.
//!
//! - A message is under way for a millisecond. It leaves when all that its sender wrote before is durable, and so does its reply.
//! - It may be late, and so may its reply: messages overtake each other. (Calls through one stub keep their order; the product takes a new
//!   stub for each call.) It may never be answered, or fail before it is delivered, or be delivered and its reply be lost.
//! - None is delivered twice: the platform does not repeat a call (Cloudflare's documentation of Durable Objects, "Error handling": the
//!   caller decides whether to try again).
//! - A caller waits as long as it says, and no longer. A message whose sender has ended is delivered all the same.
//! - An id that was never issued is refused.

use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::actors::MessageRefusal;
use edge_oauth_sessions::actors::wire::{self, WireError};
use edge_oauth_sessions::credential::ActorId;
use edge_oauth_sessions::region::Jurisdiction;
use edge_oauth_sessions::runtime::{ActorAddress, Actors, CallError, Heard, Inbound, Listening};
use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::future::{Either, LocalBoxFuture, pending, select};

use super::actors::{Actor, Message, Origin};
use super::executor::OUTSIDE;
use super::faults::Kind;
use super::listeners::Ear;
use super::world::World;

/// One way.
const LATENCY: Duration = Duration::from_millis(1);
/// How long an actor has to accept a listener.
const LISTEN_LIMIT: Duration = Duration::from_secs(10);
/// How late a message may be.
const LATE: [Duration; 3] = [Duration::from_millis(20), Duration::from_millis(500), Duration::from_secs(8)];

/// Calls to actors: of an actor, or of a gateway.
pub struct Calls {
    pub world: World,
    pub origin: Option<Origin>,
}

impl Calls {
    /// Asks an actor, and waits so long for what it says.
    pub async fn call(&self, actor: Rc<Actor>, message: Message, within: Duration) -> Result<Vec<u8>, CallError> {
        let (world, faults) = (self.world.clone(), Rc::clone(&self.world.faults));
        if let Some(origin) = &self.origin
            && !origin.lets_out(&world.executor)
        {
            return pending().await;
        }
        if faults.strikes(Kind::MessageFails) {
            return Err(CallError::Unreachable);
        }
        let (sender, reply) = oneshot::channel();
        if faults.strikes(Kind::MessageHangs) {
            world.executor.sleep(within).await;
            drop(sender);
            return Err(CallError::TimedOut);
        }
        let late = |kind| {
            if faults.strikes(kind) {
                world.executor.up_to(LATE[world.executor.below(3) as usize])
            } else {
                Duration::ZERO
            }
        };
        let (there, back, is_lost) = (late(Kind::MessageLate), late(Kind::ReplyLate), faults.strikes(Kind::ReplyLost));
        let delivering = world.clone();
        world.executor.spawn(OUTSIDE, async move {
            delivering.executor.sleep(LATENCY + there).await;
            delivering.step();
            delivering.tally.tell(|| format!("a message for {}", actor.name()));
            actor.receive(&delivering, message, sender);
        });
        let executor = world.executor.clone();
        let answered = async move {
            let reply = reply.await;
            if !back.is_zero() {
                executor.sleep(back).await;
            }
            reply
        };
        match select(answered.boxed_local(), world.executor.sleep(within)).await {
            Either::Left((Ok(_), _)) if is_lost => Err(CallError::Unreachable),
            Either::Left((Ok(bytes), _)) => {
                world.step();
                Ok(bytes)
            }
            Either::Left((Err(oneshot::Canceled), _)) => Err(CallError::Unreachable),
            Either::Right(_) => Err(CallError::TimedOut),
        }
    }
}

impl Calls {
    /// Begins to listen to a session. It is a call like any other.
    async fn connect(&self, id: &ActorId, listening: Listening) -> Result<Ear, CallError> {
        let (world, faults) = (&self.world, &self.world.faults);
        let actor = world.session(id).ok_or(CallError::NoSuchActor)?;
        if faults.strikes(Kind::MessageFails) {
            return Err(CallError::Unreachable);
        }
        if faults.strikes(Kind::MessageHangs) {
            world.executor.sleep(LISTEN_LIMIT).await;
            return Err(CallError::TimedOut);
        }
        let is_lost = faults.strikes(Kind::ReplyLost);
        world.executor.sleep(LATENCY).await;
        world.step();
        let (sender, reply) = oneshot::channel();
        actor.accept(world, listening, sender);
        match select(reply, world.executor.sleep(LISTEN_LIMIT)).await {
            Either::Left((Ok(_), _)) if is_lost => Err(CallError::Unreachable),
            Either::Left((Ok(ear), _)) => ear.ok_or(CallError::NoSuchActor),
            Either::Left((Err(oneshot::Canceled), _)) => Err(CallError::Unreachable),
            Either::Right(_) => Err(CallError::TimedOut),
        }
    }
}

impl Actors for Calls {
    fn ask<'a>(
        &'a self,
        address: &'a ActorAddress,
        message: &'a [u8],
        within_seconds: u32,
    ) -> LocalBoxFuture<'a, Result<Vec<u8>, CallError>> {
        async move {
            let actor = match address {
                ActorAddress::Session { id, .. } => self.world.session(id).ok_or(CallError::NoSuchActor)?,
                ActorAddress::Directory { name, .. } => self.world.directory(name),
            };
            // It is of the release before these messages.
            if self.world.knows_messages_below.get() <= message[1] {
                let refusal = MessageRefusal::Wire(WireError::Malformed);
                return Ok(wire::encode(&Err::<(), _>(refusal)).unwrap());
            }
            let within = Duration::from_secs(within_seconds.into());
            if let Some((number, late)) = self.world.delay_next.get().filter(|(number, _)| *number == message[1]) {
                self.world.delay_next.take();
                self.world.tally.tell(|| format!("message {number} is {late:?} late"));
                self.world.executor.sleep(late).await;
            }
            let reply = self.call(actor, Message::Bytes(message.to_vec()), within).await;
            let is_lost = self.world.lose_reply_to.get() == Some(message[1]);
            if is_lost {
                self.world.lose_reply_to.take();
                return Err(CallError::Unreachable);
            }
            reply
        }
        .boxed_local()
    }

    fn listen<'a>(&'a self, id: &'a ActorId) -> LocalBoxFuture<'a, Result<Box<dyn Heard>, CallError>> {
        async { Ok(Box::new(self.connect(id, Listening::Watch).await?) as Box<dyn Heard>) }.boxed_local()
    }

    fn let_listen<'a>(&'a self, id: &'a ActorId) -> LocalBoxFuture<'a, Result<Inbound, CallError>> {
        async {
            let ear = self.connect(id, Listening::Page).await?;
            Ok(Inbound { status: 101, lines: String::new(), raw: Box::new(ear) })
        }
        .boxed_local()
    }

    fn new_session_id(&self, _: Option<Jurisdiction>) -> Result<ActorId, CallError> {
        let id = self.world.issue();
        if let (Some((polls, keeps)), Some(actor)) = (self.world.doom_of_next.take(), self.world.session(&id)) {
            actor.doom.set(Some(polls));
            actor.keeps.set(keeps);
        }
        Ok(id)
    }
}
