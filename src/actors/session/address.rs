//! How a session's actor is reached.

use super::message::SessionMessage;
use crate::actors::{AskError, TypedAddress};
use crate::credential::ActorId;
use crate::region::{Jurisdiction, Region};
use crate::runtime::{self, Actors};

/// The actor of a session.
pub type SessionAddress = TypedAddress<SessionMessage>;
/// The session actor of this id.
pub fn existing_session(id: &ActorId) -> SessionAddress {
    TypedAddress::new(runtime::ActorAddress::Session { id: id.clone(), near: None })
}

/// The session actor of this id. If nobody has asked it yet, it comes to live near `region`.
pub fn session_near(id: &ActorId, region: Region) -> SessionAddress {
    TypedAddress::new(runtime::ActorAddress::Session { id: id.clone(), near: Some(region) })
}

/// The id of a session actor that nobody has asked yet, within the jurisdiction where there is one. No actor is touched.
pub fn new_session_id(actors: &dyn Actors, jurisdiction: Option<Jurisdiction>) -> Result<ActorId, AskError> {
    actors.new_session_id(jurisdiction).map_err(|error| AskError::of(error, 0))
}
