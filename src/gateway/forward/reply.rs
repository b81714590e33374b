//! The answer to a request: a response of the gateway's own, or the application's.

use crate::gateway::answer::response::Outgoing;
use crate::gateway::forward::watch::Watch;
use crate::runtime::Inbound;

/// An answer. The platform performs it.
pub enum Reply {
    /// The gateway's own.
    Own(Outgoing),
    /// The application's.
    Forwarded(Box<Forwarded>),
    /// An actor's, which accepts a WebSocket.
    Accepted(Inbound),
}

/// The application's response, and what becomes of it.
pub struct Forwarded {
    /// As it came.
    pub response: Inbound,
    /// The headers that go no further.
    pub removed: Vec<String>,
    /// The headers that are put in.
    pub set: Vec<(&'static str, String)>,
    /// `Cache-Control`.
    pub cache_control: Option<&'static str>,
    /// The `Set-Cookie` lines that take the place of those that came.
    pub cookies: Option<Vec<String>>,
    /// Headers of the gateway's own, beside the application's of the same name.
    pub own: Vec<(&'static str, String)>,
    /// Set for a WebSocket or an event stream of a session: it closes the stream when the session ends.
    pub watch: Option<Watch>,
}

impl Forwarded {
    /// A response with these headers beside its own.
    pub fn with(response: Inbound, own: Vec<(&'static str, String)>) -> Self {
        let (removed, set) = (Vec::new(), Vec::new());
        Self { response, removed, set, cache_control: None, cookies: None, own, watch: None }
    }
}

impl From<Outgoing> for Reply {
    fn from(outgoing: Outgoing) -> Self {
        Self::Own(outgoing)
    }
}
