//! What Workers gives, as the traits of [`crate::runtime`]: the only code that names the platform. It implements, and decides nothing.
//!
//! One file for each thing: time and randomness ([`clock`]), tasks, timers and the log ([`isolate`]), HTTP ([`http`]), other actors
//! ([`actors`]), an actor's storage and alarm ([`storage`]), Workers KV ([`kv`]), Postgres over a socket ([`postgres`]), the Cache API
//! ([`cache`]), bodies ([`body`]), Analytics Engine ([`metrics`]), and the two Durable Object classes.

use std::rc::Rc;

use worker::{Env, State};

use self::kept::kept;

use crate::config::{Config, Configured};
use crate::provider::link::Link;
use crate::runtime::ActorContext;

pub mod actors;
pub mod applications;
pub mod body;
pub mod buffer;
pub mod cache;
pub mod client_abort;
pub mod clock;
pub mod directory_actor;
pub mod event_stream;
pub mod gateway;
pub mod http;
pub mod isolate;
pub mod kept;
pub mod kv;
pub mod listeners;
pub mod metrics;
pub mod pipe;
pub mod postgres;
pub mod rate_limit;
pub mod reply;
mod response;
pub mod session_actor;
pub mod storage;
pub mod timer;
pub mod variables;
pub mod web_crypto;
pub mod web_socket;

/// The configuration of this isolate, read at its first use.
pub fn configured(env: &Env) -> Rc<Configured> {
    let kept = kept();
    kept.metrics.get_or_init(|| metrics::dataset(env));
    Rc::clone(kept.configured.get_or_init(|| Rc::new(variables::configured(env))))
}

/// What an actor is given; none where the platform's id is not what it should be.
pub fn actor_context(state: &State, env: &Env, config: &Config) -> Option<ActorContext> {
    Some(ActorContext {
        id: state.id().to_string().try_into().ok()?,
        isolate: Rc::new(isolate::OfActor),
        http: Rc::new(http::Fetch),
        cache: Rc::new(cache::CacheApi),
        signatures: kept().signatures,
        actors: Rc::new(actors::Stubs::new(env)),
        storage: Rc::new(storage::Own::new(state)),
        kv: Rc::new(kv::Namespace::new(env)),
        postgres: Rc::new(postgres::Database::new(env, config.store.database.clone())),
    })
}

/// What a provider is reached with from a request of the stateless Worker.
pub fn link(context: &Rc<worker::Context>) -> Link {
    Link {
        isolate: Rc::new(isolate::OfRequest::new(context)),
        http: Rc::new(http::Fetch),
        cache: Rc::new(cache::CacheApi),
        signatures: kept().signatures,
        documents: kept().documents,
    }
}
