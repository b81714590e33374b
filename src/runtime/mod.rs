//! What the code needs of the platform it runs on, as small traits: time, randomness, tasks, calls, storage. A leaf: it names no
//! platform. [`crate::platform`] implements the traits on Workers; tests implement them with models.
//!
//! The traits are object-safe and used as `Rc<dyn …>`, so that the code is compiled once. What takes time is a
//! `LocalBoxFuture`: an isolate has one thread.

use std::rc::Rc;

use crate::credential::ActorId;

mod calls;
mod isolate;
mod listeners;
mod request;
mod storage;
mod stores;

pub use calls::{ActorAddress, Actors, Cache, Cached, CallError, Http, HttpError, MAX_BODY, TIME_LIMIT};
pub use isolate::{DataPoint, Isolate};
pub use listeners::{Heard, Listeners, Listening, Unheard};
pub use request::{
    Applications, Inbound, Outbound, RateLimit, ReadError, RequestBody, SendError, Signatures, Signed, Signing,
    SigningKey, is_bodied_get,
};
pub use storage::{SqlValue, Storage, StorageError};
pub use stores::{Connection, Kv, KvError, PgParameter, PgValue, Postgres, PostgresError};

/// All that an actor is given when its object is made.
#[derive(Clone)]
pub struct ActorContext {
    /// The actor's own id.
    pub id: ActorId,
    /// Time, randomness, tasks, log.
    pub isolate: Rc<dyn Isolate>,
    /// Calls to the provider.
    pub http: Rc<dyn Http>,
    /// Documents that the isolates of a data centre share.
    pub cache: Rc<dyn Cache>,
    /// Signatures.
    pub signatures: Rc<dyn Signatures>,
    /// Calls to other actors.
    pub actors: Rc<dyn Actors>,
    /// The actor's SQLite and its alarm.
    pub storage: Rc<dyn Storage>,
    /// The key-value store.
    pub kv: Rc<dyn Kv>,
    /// The database.
    pub postgres: Rc<dyn Postgres>,
}
