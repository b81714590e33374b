//! What a request asks of its session: one message for each question, each with its own answer.

use openidconnect::AccessToken;
use serde::{Deserialize, Serialize};

use crate::config::target::TargetKey;
use crate::credential::Secret;
use crate::region::Region;

/// A request is to be proxied with the access token, which is a use of the session.
#[derive(Debug, Serialize, Deserialize)]
pub struct GetToken {
    /// From the session cookie.
    pub secret: Secret,
    /// On a GET navigation, which may move the session: the region that the visitor is in, where that is known.
    pub navigation_from: Option<Region>,
}

/// A request is to be proxied with a token and by the claims, which is a use of the session.
#[derive(Debug, Serialize, Deserialize)]
pub struct GetIdentity {
    /// From the session cookie.
    pub secret: Secret,
    /// Which token.
    pub token: TokenKind,
    /// As in [`GetToken`].
    pub navigation_from: Option<Region>,
}

/// A request is to be proxied with an access token for a target of its own, and perhaps by the claims. That is a use of the session.
#[derive(Debug, Serialize, Deserialize)]
pub struct GetTargetToken {
    /// From the session cookie.
    pub secret: Secret,
    /// The target, as the configuration knows it.
    pub target: TargetKey,
    /// As in [`GetToken`].
    pub navigation_from: Option<Region>,
}

/// Which of the session's tokens a request is proxied with. Either takes a valid access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenKind {
    /// The access token.
    Access,
    /// The ID token.
    Id,
}

/// A token, and who it is of.
#[derive(Serialize, Deserialize)]
pub struct TokenWithClaims {
    /// The access token, the ID token, or the access token for a target.
    pub token: AccessToken,
    /// The claims of the ID token and UserInfo: a JSON object.
    pub claims: String,
}

impl std::fmt::Debug for TokenWithClaims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenWithClaims").finish_non_exhaustive()
    }
}

/// What the session's user may know of it. No use of the session.
#[derive(Debug, Serialize, Deserialize)]
pub struct GetView {
    /// From the session cookie.
    pub secret: Secret,
}

/// Whether the session lives and can go on without a login: there is, or can be, a token. No use of the session.
#[derive(Debug, Serialize, Deserialize)]
pub struct CanGoOn {
    /// From the session cookie.
    pub secret: Secret,
    /// As in [`GetToken`].
    pub navigation_from: Option<Region>,
}

/// Whether the session lives, whatever became of its tokens. No use of the session.
#[derive(Debug, Serialize, Deserialize)]
pub struct IsAlive {
    /// From the session cookie.
    pub secret: Secret,
}

/// Which provider the session is of. It may be over.
#[derive(Debug, Serialize, Deserialize)]
pub struct GetProvider {
    /// From the session cookie.
    pub secret: Secret,
}

/// The provider of a session, for who has its cookie.
#[derive(Debug, Serialize, Deserialize)]
pub struct SessionProvider {
    /// Its name in `PROVIDERS`; none: the single one.
    pub name: Option<String>,
    /// Whether the session lives, here or where it has moved.
    pub lives: bool,
}
