//! Actors' errors as problems.

use super::Problem;
use crate::actors::AskError;
use crate::actors::directory_message::DirectoryError;
use crate::actors::session::message::{Denied, SignInError};

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            // At a host or a route of other providers' it is none.
            Denied::Unknown | Denied::Reauthenticate | Denied::Relocate | Denied::OtherProvider => Self::LoginRequired,
            Denied::Ended(reason) => Self::SessionEnded(reason),
            Denied::ProviderUnavailable { retry_after } => Self::ProviderUnavailable { retry_after },
            Denied::TargetRefused => {
                Self::ProviderRejected("it gives no access token for the API behind this address".to_owned())
            }
            Denied::StoreUnavailable | Denied::Moved(_) => Self::StoreUnavailable,
        }
    }
}

impl From<DirectoryError> for Problem {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::ForeignCursor => Self::BadRequest("This list did not issue this cursor."),
            DirectoryError::Overtaken
            | DirectoryError::TakenAway
            | DirectoryError::Replayed
            | DirectoryError::StoreUnavailable
            | DirectoryError::Incomplete => Self::StoreUnavailable,
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::CallbackRejected(why) | SignInError::AuthenticationInsufficient(why) => {
                Self::CallbackRejected(why)
            }
            SignInError::ProviderRejected(why) => Self::ProviderRejected(why),
            SignInError::ProviderUnavailable(why) => Self::ProviderUnavailable { retry_after: 5 }.explained(why),
            SignInError::StoreUnavailable => Self::StoreUnavailable,
            SignInError::UserError(user_error) => Self::UserError(user_error),
            SignInError::Said { error, said } => Self::from(*error).explained(said),
        }
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        match error {
            // The cookie is well-formed and names nothing: it counts as no cookie.
            AskError::NoSuchActor => Self::LoginRequired,
            AskError::TimedOut(_) | AskError::Unreachable | AskError::Refused(_) => {
                Self::StoreUnavailable.explained(error.to_string())
            }
        }
    }
}
