//! Why a session turns a request away.

use serde::{Deserialize, Serialize};

use crate::actors::end_reason::EndReason;
use crate::actors::session::location::ActorLocation;

/// Why a request does not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Denied {
    /// No such session, or not with this secret.
    #[error("there is no such session")]
    Unknown,
    /// The session has ended.
    #[error("the session has ended: {0}")]
    Ended(EndReason),
    /// No token is left. To get one, the user has to go through the provider.
    #[error("the user has to go through the provider")]
    Reauthenticate,
    /// The session is to go on in the visitor's region, after a trip to the provider.
    #[error("the session is to move to the region of its user")]
    Relocate,
    /// The session lives elsewhere: ask there.
    #[error("the session lives elsewhere")]
    Moved(ActorLocation),
    /// No token is left, and the provider does not answer.
    #[error("the provider does not answer; try again in {retry_after} s")]
    ProviderUnavailable {
        /// Seconds.
        retry_after: u32,
    },
    /// The session cannot be read.
    #[error("the session store cannot be used")]
    StoreUnavailable,
    /// The provider gives the session no access token for this target.
    #[error("the provider gives no access token for this target")]
    TargetRefused,
    /// The request takes sessions of other providers.
    #[error("the session is of another provider")]
    OtherProvider,
}
