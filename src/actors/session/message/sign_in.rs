//! The messages of a login: it begins, and it comes back.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Credential, UserPlace};
use crate::credential::{ActorId, Secret};
use crate::provider::said::said;
use crate::provider::turned_down::TurnedDown;
use crate::region::Region;

/// Start a login in this actor, which is new.
#[derive(Debug, Serialize, Deserialize)]
pub struct Begin {
    /// The gateway's origin as this browser sees it, for the redirect URI.
    pub origin: String,
    /// A local URL to go on to.
    pub return_to: String,
    /// Names the login cookie; becomes part of `state`.
    pub attempt: String,
    /// Parameters of `/login` that are handed on to the provider.
    pub hints: Vec<(String, String)>,
    /// The session that this login replaces, proved by its cookie.
    pub predecessor: Option<Credential>,
    /// What it is for.
    pub occasion: Occasion,
    /// Where the user is.
    pub place: UserPlace,
}

/// What a login is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Occasion {
    /// Somebody wants to log in.
    Asked,
    /// The predecessor has run out of tokens. Silent: `prompt=none`, and a refusal leads to an interactive login.
    Renewal,
    /// The predecessor's user is in another region. Silent, too; any other error leaves the predecessor as it is.
    Move,
}

/// A login has begun.
#[derive(Serialize, Deserialize)]
pub struct Begun {
    /// Where the browser goes now.
    pub authorization_url: String,
    /// For the login cookie.
    pub secret: Secret,
}

/// The parameters of the authorization response (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Clone, Serialize, Deserialize)]
pub struct Callback {
    /// `state`.
    pub state: String,
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
    /// What the provider said where it sent an error, for the log alone.
    pub fn said(&self) -> Option<String> {
        let secrets: Vec<String> = self.code.iter().chain([&self.state]).cloned().collect();
        said(self.error.as_deref(), self.error_description.as_deref(), &secrets)
    }
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback").field("iss", &self.iss).field("error", &self.error).finish_non_exhaustive()
    }
}

/// A callback arrived with this login's cookie.
#[derive(Debug, Serialize, Deserialize)]
pub struct Complete {
    /// From the login cookie.
    pub secret: Secret,
    /// What the provider sent along.
    pub callback: Callback,
}

/// How a login came out.
#[derive(Debug, Serialize, Deserialize)]
pub enum Completed {
    /// There is a session.
    SignedIn {
        /// For the session cookie: another one than the login's.
        secret: Secret,
        /// Where this actor lives.
        region: Region,
        /// The end of the cookie's life.
        expires_at: OffsetDateTime,
        /// Where the browser goes now.
        return_to: String,
    },
    /// `prompt=none` was asked for by the application and refused: it goes on without a session.
    NotSignedIn {
        /// Where the browser goes now.
        return_to: String,
    },
    /// `prompt=none` was asked for by the gateway and refused: the user has to log in.
    LoginNeeded {
        /// Where the browser goes after that.
        return_to: String,
        /// The session that was to be renewed or moved.
        predecessor: Option<ActorId>,
        /// Whether it has ended.
        ended: bool,
    },
    /// The session was to move, and the provider would not have it: it goes on where it is.
    Kept {
        /// Where the browser goes now.
        return_to: String,
    },
    /// The callback was this login's, and came to nothing: another login may fare better.
    Failed {
        /// Why.
        error: SignInError,
        /// Where the browser wanted to go.
        return_to: String,
    },
}

/// Why a login failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum SignInError {
    /// The callback, the code or the ID token fails a check; or the provider says that the user may not.
    #[error("{0}")]
    CallbackRejected(String),
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
    TurnedDown(Box<TurnedDown>),
    /// Another one, with the provider's own words for the log alone.
    #[error("{error}")]
    Said {
        /// What is wrong.
        error: Box<Self>,
        /// A sentence.
        said: String,
    },
}
