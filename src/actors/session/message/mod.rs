//! What can be asked of a session, and what it answers.
//!
//! ```text
//!   gateway ── Complete ──► session secret                        (callback)
//!           ── GetToken ──► access token                          (a proxied request)
//!           ── GetIdentity ─► a token and the claims              (a proxied request whose route needs the claims)
//!           ── GetTargetToken ─► the same, with the token for a target of the route
//!           ── GetView ───► the session's view                    (GET /session)
//!           ── CanGoOn ───► whether a login is needed             (GET /login)
//!           ── IsAlive ───► whether it lives                      (an open stream)
//!           ── Refresh ───► the session's view                    (POST /refresh)
//!           ── Switch ────► the session's view                    (POST /refresh with an organization)
//!           ── Revoke ────► end-session URL                       (logout, administrators, directories)
//!           ── Inspect ───► everything but the tokens             (administrators)
//!           ── Migrate ───► where the session lives now           (administrators)
//!           ── Attested ──► whatever the message inside gets      (any of those above, where the session may be bound to a device)
//!           ── BindDevice ─► the key's thumbprint                 (POST /device/register)
//!           ── RenewProof ─► the same, or a challenge             (POST /device/refresh)
//!           ── Park ──────► nothing                           (a form meets a session that has to log in first)
//!           ── TakeParked ─► the form, once                   (its user has logged in)
//!           ── GetProvider ─► the provider's name, whether it lives   (a login begins where there are several)
//!           ── SilentLogin ─► the ID token, the organization      (a silent login begins)
//!   directory ─ Describe ─► what lists show                       (users, administrators)
//!   successor ─ Migrate ────► age, ledger, perhaps the grant      (a silent login came back: the session goes on there)
//!             ─ Supersede ──► it gave way, or had to a later one  (a login came back: the browser has another session)
//!             ─ LetGo ──────► whether the grant is its own, and when it was used last  (it was adopted)
//!             ─ Release ────► whether the grant is its own        (the same, from a release without `LetGo`)
//!   old actor ─ Adopt ────► kept, and not used yet                (the whole grant moves)
//!             ─ Confirm ────► whether it lives                    (the old one is asked something in its grace)
//!             ─ ConfirmUse ─► whether it lives                    (the old one serves a request in its grace)
//! ```
//!
//! Architecture Invariant: variants are only ever appended, and no field is ever added to one: bincode cannot tell. A
//! message that has to say more gets a variant of its own. See [`crate::actors::wire`].

use openidconnect::AccessToken;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::view::{Inspection, SessionView};
use crate::actors::end_reason::EndReason;
use crate::actors::requests;
use crate::actors::summary::Summary;
use crate::credential::{ActorId, Secret};

mod authority;
mod denied;
mod device;
mod get;
mod moves;
mod park;
mod sign_in;

pub use authority::Authority;
pub use denied::Denied;
pub use device::{
    Attested, AttestedReply, BindDevice, Binding, Consequence, DeviceDenied, DeviceEvidence, DeviceRefusal, RenewProof,
    Renewal,
};
pub use get::{
    CanGoOn, GetIdentity, GetProvider, GetTargetToken, GetToken, GetView, IsAlive, SessionProvider, TokenKind,
    TokenWithClaims,
};
pub use moves::{
    Adopt, Destination, LetGo, Migrate, Migrated, Release, SilentLogin, SilentLoginHints, Supersede, Superseded,
};
pub use park::{Park, Parked, SealedRequest, TakeParked};
pub use sign_in::{Callback, Complete, Completed, SignInError};

/// The binding of the namespace that session actors live in; an instance is named by its [`ActorId`].
pub const BINDING: &str = "SESSIONS";

/// Any message to a session actor.
#[derive(Debug, Serialize, Deserialize)]
pub enum SessionMessage {
    /// A callback arrived.
    Complete(Complete),
    /// A request is to be proxied with the access token.
    GetToken(GetToken),
    /// A request is to be proxied with a token and by the claims.
    GetIdentity(GetIdentity),
    /// Describe the session to its user.
    GetView(GetView),
    /// Whether the session can go on without a login.
    CanGoOn(CanGoOn),
    /// Whether the session lives. The sender has its cookie.
    IsAlive(IsAlive),
    /// Get a new access token now.
    Refresh(Refresh),
    /// End the session.
    Revoke(Revoke),
    /// Describe the session to an administrator.
    Inspect(Inspect),
    /// Describe the session as lists do.
    Describe(Describe),
    /// What a silent login tells the provider about whom it is for.
    SilentLogin(SilentLogin),
    /// Go on elsewhere.
    Migrate(Migrate),
    /// Take a session over.
    Adopt(Adopt),
    /// Whether the one that adopted it may use it.
    Release(Release),
    /// Get a new access token for another organization.
    Switch(Switch),
    /// Whether the session lives. The sender is a session in its grace, which still answers for it.
    Confirm(Confirm),
    /// Another session took its place.
    Supersede(Supersede),
    /// Whether the one that adopted it may use it, and when it was used last.
    LetGo(LetGo),
    /// Whether the session lives. The sender is a session in its grace, which is about to serve a request in its place.
    ConfirmUse(ConfirmUse),
    /// A message of a request that may have to come from the session's device.
    Attested(Attested),
    /// A browser brings a key that the session is to be bound to.
    BindDevice(BindDevice),
    /// A browser proves that it has the device's key.
    RenewProof(RenewProof),
    /// A request is to be proxied with an access token for a target of its own.
    GetTargetToken(GetTargetToken),
    /// Keep a request until its user has logged in.
    Park(Park),
    /// Hand it out, once.
    TakeParked(TakeParked),
    /// Which provider the session is of.
    GetProvider(GetProvider),
}

// Each limit is longer than the actor can take: 10 s for a call, twice that for a GET.
requests! { SessionMessage:
    Complete -> Result<Completed, SignInError>, within 120 s;
    GetToken -> Result<AccessToken, Denied>, within 15 s;
    GetIdentity -> Result<Box<TokenWithClaims>, Denied>, within 15 s;
    GetView -> Result<Box<SessionView>, Denied>, within 15 s;
    CanGoOn -> Result<(), Denied>, within 15 s;
    IsAlive -> Result<(), Denied>, within 15 s;
    Refresh -> Result<SessionView, Denied>, within 15 s;
    Revoke -> Result<Revoked, Denied>, within 30 s;
    Inspect -> Option<Box<Inspection>>, within 10 s;
    Describe -> Option<Description>, within 5 s;
    SilentLogin -> Option<SilentLoginHints>, within 5 s;
    Migrate -> Result<Migrated, Denied>, within 30 s;
    Adopt -> Result<(), Denied>, within 15 s;
    Release -> Result<bool, Denied>, within 5 s;
    Switch -> Result<SessionView, Denied>, within 15 s;
    Confirm -> Result<(), Denied>, within 5 s;
    Supersede -> Result<Superseded, Denied>, within 10 s;
    LetGo -> Result<Option<OffsetDateTime>, Denied>, within 5 s;
    ConfirmUse -> Result<(), Denied>, within 5 s;
    Attested -> Result<AttestedReply, DeviceDenied>, within 20 s;
    BindDevice -> Result<Binding, Denied>, within 10 s;
    RenewProof -> Result<Renewal, Denied>, within 10 s;
    GetTargetToken -> Result<Box<TokenWithClaims>, Denied>, within 15 s;
    Park -> Result<(), Denied>, within 10 s;
    TakeParked -> Result<Parked, Denied>, within 10 s;
    GetProvider -> Option<SessionProvider>, within 5 s;
}

/// What a cookie says: an actor, and the secret that gives the right to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credential {
    /// The actor.
    pub actor: ActorId,
    /// The secret.
    pub secret: Secret,
}

/// Get a new access token, however long the present one lasts.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refresh {
    /// Who asks.
    pub authority: Authority,
}

/// Get a new access token for another of the user's organizations. Where the provider knows no such thing: a
/// [`Refresh`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Switch {
    /// Who asks.
    pub authority: Authority,
    /// The provider's id of the organization.
    pub organization: String,
}

/// End the session.
#[derive(Debug, Serialize, Deserialize)]
pub struct Revoke {
    /// Who asks.
    pub authority: Authority,
    /// Why.
    pub reason: EndReason,
    /// A logout goes through the provider and comes back here.
    pub logout: Option<Logout>,
}

/// What a logout needs to come back from the provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Logout {
    /// The gateway's `/logged-out`, absolute.
    pub post_logout_redirect_uri: String,
    /// `state`, by which the gateway knows the way back.
    pub state: Secret,
    /// The cookie came with the proof of the session's device. Without it the ID token of a bound session is not given away.
    pub is_proven: bool,
}

/// The session has ended.
#[derive(Serialize, Deserialize)]
pub struct Revoked {
    /// Where the browser can end the user's session at the provider, too.
    pub end_session_url: Option<String>,
}

/// Whether the session lives, or its login is about to make it so.
#[derive(Debug, Serialize, Deserialize)]
pub struct Confirm {}

/// The same, where the sender is about to serve a request of the user's: that is a use of this session.
#[derive(Debug, Serialize, Deserialize)]
pub struct ConfirmUse {}

/// Describe the session, without its tokens.
#[derive(Debug, Serialize, Deserialize)]
pub struct Inspect {}

/// Describe the session as lists do.
#[derive(Debug, Serialize, Deserialize)]
pub struct Describe {}

/// What lists show of a session, and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The line of a list.
    pub summary: Summary,
    /// `sub`.
    pub subject: String,
    /// `iss`.
    pub issuer: String,
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
