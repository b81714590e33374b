//! What a session is to the sender of a request: whether it lives, where, or why not.

use super::active::Active;
use super::location::ActorLocation;
use crate::actors::end_reason::EndReason;

/// What a session is at a moment, to a request that brings a secret.
#[derive(Debug)]
pub enum Standing<'a> {
    /// Nothing, to this one.
    Unknown,
    /// Over.
    Ended(EndReason),
    /// Over from this moment on. The state does not say so yet.
    Over(EndReason),
    /// Live.
    Active(&'a Active),
    /// Live, elsewhere.
    Moved(&'a ActorLocation),
}
