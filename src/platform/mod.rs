//! What Workers gives, as the traits of [`crate::runtime`]: the only code that names the platform. It implements, and decides nothing.
//!
//! One file for each thing: time and randomness ([`clock`]), tasks, timers and the log ([`isolate`]), HTTP ([`http`]), other actors
//! ([`actors`]), an actor's storage and alarm ([`storage`]), Workers KV ([`kv`]), Postgres over a socket ([`postgres`]), the Cache API
//! ([`cache`]), bodies ([`body`]), and the two Durable Object classes.

use std::rc::Rc;

use worker::{Env, State};

use crate::config::Config;
use crate::provider::Link;
use crate::provider::published::Documents;
use crate::runtime::{ActorContext, Isolate};

pub mod actors;
pub mod body;
pub mod cache;
pub mod clock;
pub mod directory_actor;
pub mod http;
pub mod isolate;
pub mod kv;
pub mod postgres;
pub mod session_actor;
pub mod storage;
pub mod timer;

pub use clock::{id, now, random};

thread_local! {
    /// The published documents of this isolate: its requests' and its actors' alike.
    static DOCUMENTS: Documents = Documents::default();
}

/// The published documents of this isolate.
pub fn documents() -> Documents {
    DOCUMENTS.with(Clone::clone)
}

/// What an actor is given; none where the platform's id is not what it should be.
pub fn actor_context(state: &State, env: &Env, config: &Config) -> Option<ActorContext> {
    Some(ActorContext {
        id: state.id().to_string().try_into().ok()?,
        isolate: Rc::new(isolate::OfActor),
        http: Rc::new(http::Fetch),
        cache: Rc::new(cache::CacheApi),
        actors: Rc::new(actors::Stubs::new(env)),
        storage: Rc::new(storage::Own::new(state)),
        kv: Rc::new(kv::Namespace::new(env)),
        postgres: Rc::new(postgres::Database::new(env, config.store.database.clone())),
    })
}

/// What a request of the stateless Worker runs in.
pub fn request_isolate(context: &Rc<worker::Context>) -> Rc<dyn Isolate> {
    Rc::new(isolate::OfRequest::new(context))
}

/// What a provider is reached with from a request of the stateless Worker.
pub fn link(context: &Rc<worker::Context>) -> Link {
    Link {
        isolate: request_isolate(context),
        http: Rc::new(http::Fetch),
        cache: Rc::new(cache::CacheApi),
        documents: documents(),
    }
}
