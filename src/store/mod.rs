//! Where the record of a session is kept: in the actor's own storage, in Workers KV, or in Postgres.
//!
//! An actor has one [`SessionStore`], and does not know which kind it is. A [`Store`](outside::Store) is a place outside of the actor; it
//! gets records sealed ([`crate::sealing::record`]) and understands nothing of them. The actor's own storage ([`durable`]) holds the fence: which
//! write counts.

pub mod durable;
pub mod error;
pub mod kv;
#[cfg(test)]
pub mod memory;
#[cfg(test)]
pub mod model;
pub mod neon;
pub mod outside;
pub mod session_store;

pub use error::StoreError;
pub use session_store::{Saved, SessionStore};
