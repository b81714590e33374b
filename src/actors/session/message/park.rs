//! A request that waits in a session's actor until its user has logged in.

use serde::{Deserialize, Serialize};

use crate::credential::{Secret, SecretHash};

/// Keep a request until its user has logged in. One that was kept before goes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Park {
    /// From the session cookie. The session may be over.
    pub secret: Secret,
    /// Of the secret that takes it back.
    pub ticket: SecretHash,
    /// The request, sealed.
    pub request: SealedRequest,
}

/// Hand out the request that was kept, once.
#[derive(Debug, Serialize, Deserialize)]
pub struct TakeParked {
    /// What [`Park`] had the hash of.
    pub ticket: Secret,
    /// `iss` and `sub` of whoever has logged in.
    pub user: (String, String),
}

/// What became of a request that was kept.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Parked {
    /// Here it is. Nobody gets it again.
    Taken(SealedRequest),
    /// Another user has logged in. It is gone.
    OtherUser,
    /// It was taken before, replaced, or kept for too long.
    Gone,
}

/// A request, sealed with a key that no actor has.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedRequest(pub Vec<u8>);

impl std::fmt::Debug for SealedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedRequest({} bytes)", self.0.len())
    }
}
