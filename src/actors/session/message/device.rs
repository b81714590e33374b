//! The messages about a session's device (Device Bound Session Credentials).

use serde::{Deserialize, Serialize};

use super::denied::Denied;
use crate::actors::session::device::Shown;
use crate::actors::session::location::ActorLocation;
use crate::actors::{MessageRefusal, Request, wire};
use crate::credential::Secret;
use crate::device::{Challenge, Proof, Thumbprint};
use crate::region::Region;
use crate::store::StoreError;

/// What a request shows of the device that it comes from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct DeviceEvidence {
    /// What decides, as far as the gateway can tell.
    pub shown: Shown,
    /// The bound cookie, where it is no proof of the actor that is asked. It may be one of the session's former home.
    pub proof: Option<Proof>,
    /// What becomes of it without the proof of a bound session.
    pub consequence: Consequence,
    /// Where it comes from.
    pub region: Option<Region>,
    /// Its `User-Agent`, shortened.
    pub user_agent: Option<String>,
}

/// What becomes of a request without proof, beside that it does not pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Consequence {
    /// Nothing: the browser may bring the proof at once, or need not have one here.
    #[default]
    Nothing,
    /// The ledger tells of it.
    Refused,
    /// And `DEVICE_POLICY` says what becomes of the session.
    Final,
}

impl DeviceEvidence {
    /// Whose request it was, for the ledger.
    pub fn in_words(&self) -> String {
        let region = self.region.map_or("an unknown region", Region::as_str);
        format!("from {region}, by {}", self.user_agent.as_deref().unwrap_or("an unnamed client"))
    }
}

/// A message of a request with the session's cookie. It is answered only where the request may come from the session's device, and takes
/// sessions of its provider.
#[derive(Serialize, Deserialize)]
pub struct Attested {
    /// From the session cookie.
    pub secret: Secret,
    /// What the request shows.
    pub evidence: DeviceEvidence,
    /// The providers whose sessions are let in, with commas; none: all.
    pub let_in: Option<String>,
    /// The bytes of the message. It is no `Attested`.
    pub message: Vec<u8>,
}

/// What such a message is answered with.
#[derive(Serialize, Deserialize)]
pub struct AttestedReply {
    /// The challenge of an offer to bind the session, for the answer to the request.
    pub offer: Option<Challenge>,
    /// The bytes of the message's own reply.
    pub reply: Vec<u8>,
}

/// Why a request does not pass on account of its device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DeviceDenied {
    /// The session is bound to a device, and the request does not prove that it comes from there.
    #[error("the request does not prove that it comes from the session's device")]
    ProofRequired,
    /// The session is bound to no device, and has to be.
    #[error("the session is bound to no device")]
    DeviceRequired {
        /// The browser may be about to bind it.
        is_awaited: bool,
        /// The challenge of an offer to do so.
        offer: Option<Challenge>,
    },
    /// It does not pass anyway.
    #[error(transparent)]
    Other(#[from] Denied),
}

impl From<StoreError> for DeviceDenied {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

impl Attested {
    /// The message of a request.
    pub fn of<R: Request>(
        secret: Secret,
        evidence: DeviceEvidence,
        let_in: Option<String>,
        request: R,
    ) -> Result<Self, MessageRefusal> {
        Ok(Self { secret, evidence, let_in, message: wire::encode(&request.into_message())? })
    }
}

impl AttestedReply {
    /// The reply to that message.
    pub fn read<R: Request>(&self) -> Result<R::Reply, MessageRefusal> {
        wire::decode::<Result<R::Reply, MessageRefusal>>(&self.reply)?
    }
}

/// A browser brings a key that the session is to be bound to.
#[derive(Serialize, Deserialize)]
pub struct BindDevice {
    /// `Secure-Session-Response`.
    pub token: String,
    /// The endpoint that it was sent to.
    pub endpoint: String,
    /// From the session cookie, where one came along.
    pub secret: Option<Secret>,
}

/// What comes of that.
#[derive(Debug, Serialize, Deserialize)]
pub enum Binding {
    /// The session is bound.
    Bound {
        /// To this key.
        thumbprint: Thumbprint,
        /// Where it lives.
        lives: ActorLocation,
    },
    /// It is not.
    Refused(DeviceRefusal),
}

/// Why a session is not bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DeviceRefusal {
    /// The token cannot be accepted.
    #[error("the token cannot be used: {0}")]
    Token(String),
    /// It answers no challenge of this gateway's, or an old one.
    #[error("the challenge is none of this gateway's, or too old")]
    Challenge,
    /// It is for another endpoint.
    #[error("the token is for another endpoint (aud)")]
    Endpoint,
    /// The key that it brings has not signed it.
    #[error("the signature is not the key's")]
    Signature,
    /// The first key stays.
    #[error("the session is bound already")]
    AlreadyBound,
}

/// A browser proves that it has the device's key.
#[derive(Serialize, Deserialize)]
pub struct RenewProof {
    /// `Secure-Session-Response`; none: it asks for a challenge.
    pub token: Option<String>,
    /// The endpoint that it was sent to.
    pub endpoint: String,
    /// From the session cookie, where one came along.
    pub secret: Option<Secret>,
}

/// What it gets.
#[derive(Debug, Serialize, Deserialize)]
pub enum Renewal {
    /// What it has to sign.
    Challenge(Challenge),
    /// It has proved it.
    Renewed {
        /// Of the device's key.
        thumbprint: Thumbprint,
        /// Where the session lives.
        lives: ActorLocation,
    },
}

/// They hold tokens, or proofs that somebody could present in the next minute.
macro_rules! redacted {
    ($($type:ident),*) => {$(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    )*};
}

redacted! { Attested, AttestedReply, BindDevice, RenewProof }
