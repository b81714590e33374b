//! The message of a login that came back, and its outcome.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::actors::session::attempt::{Attempt, Predecessor};
use crate::actors::summary::UserPlace;
use crate::credential::Secret;
use crate::provider::said::said;
use crate::provider::user_error::UserError;
use crate::region::Region;

/// The parameters of the authorization response (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Clone, Serialize, Deserialize)]
pub struct Callback {
    /// `code`.
    pub code: Option<String>,
    /// `iss`.
    pub iss: Option<String>,
    /// `error`.
    pub error: Option<String>,
    /// `error_description`: for the log alone.
    pub error_description: Option<String>,
}

impl Callback {
    /// What the provider said where it sent an error, for the log alone. `secrets` are those of the login.
    pub fn said(&self, secrets: impl IntoIterator<Item = String>) -> Option<String> {
        let secrets: Vec<String> = self.code.iter().cloned().chain(secrets).collect();
        said(self.error.as_deref(), self.error_description.as_deref(), &secrets)
    }
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback").field("iss", &self.iss).field("error", &self.error).finish_non_exhaustive()
    }
}

/// A callback arrived, with the cookie of a login that is to live in this actor, and with its `state`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Complete {
    /// The login.
    pub attempt: Box<Attempt>,
    /// What the provider sent along.
    pub callback: Callback,
    /// `redirect_uri`, as in the authorization request.
    pub redirect_uri: String,
    /// Where the user is.
    pub place: UserPlace,
    /// The session that the browser has now, and which this login replaces.
    pub replaces: Option<Predecessor>,
}

/// How a login came out.
#[derive(Debug, Serialize, Deserialize)]
pub enum Completed {
    /// There is a session.
    SignedIn {
        /// For the session cookie.
        secret: Secret,
        /// Where this actor lives.
        region: Region,
        /// The end of the cookie's life.
        expires_at: OffsetDateTime,
    },
    /// The application asked for `prompt=none`, and the provider refused: the browser goes on without a session.
    NotSignedIn,
    /// The gateway asked for `prompt=none`, and the provider refused: the user has to log in.
    LoginNeeded {
        /// Whether the session that was to be renewed or moved has ended.
        ended: bool,
    },
    /// The session was to move, and the provider refused: it goes on where it is.
    Kept,
}

/// Why a login failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum SignInError {
    /// The callback, the code or the ID token fails a check; or the provider says that the user may not.
    #[error("{0}")]
    CallbackRejected(String),
    /// The provider logged the user in otherwise, or longer ago, than the login asked for.
    #[error("{0}")]
    AuthenticationInsufficient(String),
    /// The provider refuses this client, or answers nonsense.
    #[error("{0}")]
    ProviderRejected(String),
    /// The provider does not answer.
    #[error("{0}")]
    ProviderUnavailable(String),
    /// The session cannot be kept.
    #[error("the session store cannot be used")]
    StoreUnavailable,
    /// The user has to do something first.
    #[error(transparent)]
    UserError(Box<UserError>),
    /// Another one, with the provider's own words for the log alone.
    #[error("{error}")]
    Said {
        /// What is wrong.
        error: Box<Self>,
        /// A sentence.
        said: String,
    },
}
