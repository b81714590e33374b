//! What a session is to the sender of a request: whether it lives, where, or why not.

use super::active::Active;
use super::location::ActorLocation;
use crate::actors::end_reason::EndReason;

/// What a session is at a moment, for one who brings a secret.
#[derive(Debug)]
pub enum Standing<'a> {
    /// Nothing, to this one.
    Unknown,
    /// Over.
    Ended(EndReason),
    /// Over from this moment on: the state is yet to be told.
    Over(EndReason),
    /// Live.
    Active(&'a Active),
    /// Live, elsewhere.
    Moved(&'a ActorLocation),
}
