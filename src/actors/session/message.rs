//! What can be asked of a session, and what it answers.
//!
//! ```text
//!   gateway ── Begin ─────► authorization URL, login secret       (GET /login)
//!           ── Complete ──► session secret, return_to             (callback)
//!           ── Get ───────► access token | the session's view     (every proxied request, GET /session)
//!           ── Refresh ───► the session's view                    (POST /refresh)
//!           ── Revoke ────► end-session URL                       (logout, administrators, a later login)
//!           ── LoggedOut ─► return_to                             (back from the provider's end-session endpoint)
//!           ── Inspect ───► everything but the tokens             (administrators)
//!           ── Migrate ───► where the session lives now           (administrators)
//!   directory ─ Describe ─► what lists show                       (users, administrators)
//!   successor ─ IdTokenHint ─► the ID token                       (a silent login begins)
//!             ─ Migrate ────► age, ledger, perhaps the grant      (it came back: the session goes on there)
//!             ─ Release ────► whether the grant is its own        (it was adopted)
//!   old actor ─ Adopt ────► kept, and not used yet                (the whole grant moves)
//!           ── Switch ────► the session's view                    (POST /refresh with an organization)
//! ```
//!
//! Architecture Invariant: variants are only ever appended, and no field is ever added to one: bincode cannot tell. A
//! message that has to say more gets a variant of its own. See [`crate::actors::wire`].

use openidconnect::AccessToken;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::active::Active;
pub use super::view::{Estate, Inspection, SessionView, Summary};
use crate::actors::log::{Cause, Entry};
use crate::actors::requests;
use crate::credential::{ActorId, Secret, SecretHash};
pub use crate::provider::turned_down::{Choice, TurnedDown};
use crate::region::Region;

/// The binding of the namespace that session actors live in; an instance is named by its [`ActorId`].
pub const BINDING: &str = "SESSIONS";

/// Any message to a session actor.
#[derive(Debug, Serialize, Deserialize)]
pub enum SessionMessage {
    /// Start a login.
    Begin(Begin),
    /// A callback arrived.
    Complete(Complete),
    /// A request wants to pass.
    Get(Get),
    /// Get a new access token now.
    Refresh(Refresh),
    /// End the session.
    Revoke(Revoke),
    /// Describe the session to an administrator.
    Inspect(Inspect),
    /// The provider has logged the user out.
    LoggedOut(LoggedOut),
    /// Describe the session as lists do.
    Describe(Describe),
    /// What a silent login tells the provider about whom it is for.
    IdTokenHint(IdTokenHint),
    /// Go on elsewhere.
    Migrate(Migrate),
    /// Take a session over.
    Adopt(Adopt),
    /// Whether the one that adopted it may use it.
    Release(Release),
    /// Get a new access token for another organization.
    Switch(Switch),
}

// Each limit is above what the actor spends at the worst: 10 s for a call, twice for a GET.
requests! { SessionMessage:
    Begin -> Result<Begun, SignInError>, within 45 s;
    Complete -> Result<Completed, SignInError>, within 120 s;
    Get -> Result<Got, Denied>, within 15 s;
    Refresh -> Result<SessionView, Denied>, within 15 s;
    Revoke -> Result<Revoked, Denied>, within 30 s;
    Inspect -> Option<Box<Inspection>>, within 10 s;
    LoggedOut -> Option<String>, within 10 s;
    Describe -> Option<Description>, within 5 s;
    IdTokenHint -> Option<String>, within 5 s;
    Migrate -> Result<Migrated, Denied>, within 30 s;
    Adopt -> Result<(), Denied>, within 15 s;
    Release -> Result<bool, Denied>, within 5 s;
    Switch -> Result<SessionView, Denied>, within 15 s;
}

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

/// An actor and the right to it: what a cookie says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credential {
    /// The actor.
    pub actor: ActorId,
    /// The secret.
    pub secret: Secret,
}

/// Where and with what a user logged in; shown in lists of sessions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserPlace {
    /// The region in which the actor was asked to live.
    pub region: Region,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// The `User-Agent` header, shortened.
    pub user_agent: Option<String>,
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

/// How a login came out, where nothing went wrong.
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
    #[error("the session store does not answer")]
    StoreUnavailable,
    /// The user has to do something first, and can log in again on the way to this address.
    #[error("{0}")]
    TurnedDown(Box<TurnedDown>, String),
}

/// A request wants to pass.
#[derive(Debug, Serialize, Deserialize)]
pub struct Get {
    /// From the session cookie.
    pub secret: Secret,
    /// What the request needs.
    pub want: Want,
    /// On a GET navigation, which may move the session: the region that the visitor is in, where that is known.
    pub navigation_from: Option<Region>,
}

/// What a [`Get`] is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Want {
    /// A valid access token: the request is proxied, which is a use of the session.
    AccessToken,
    /// The session's view; no use.
    View,
    /// Whether the session lives and can go on without a login; no use.
    Standing,
}

/// What a [`Get`] is answered with.
#[derive(Debug, Serialize, Deserialize)]
pub enum Got {
    /// For [`Want::AccessToken`].
    AccessToken(AccessToken),
    /// For [`Want::View`].
    View(Box<SessionView>),
    /// For [`Want::Standing`]: there is, or can be, a token.
    Standing,
}

/// Why a request does not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Denied {
    /// No such session, or not with this secret.
    #[error("there is no such session")]
    Unknown,
    /// The session has ended.
    #[error("the session has ended: {0}")]
    Ended(EndReason),
    /// No token is left and none to be had without a trip to the provider.
    #[error("the user has to go through the provider")]
    Reauthenticate,
    /// The session is to go on in the visitor's region, after a trip to the provider.
    #[error("the session is to move to the region of its user")]
    Relocate,
    /// The session lives elsewhere: ask there.
    #[error("the session has moved to another actor")]
    Moved(Whereabouts),
    /// No token is left, and the provider does not answer.
    #[error("the provider does not answer; try again in {retry_after} s")]
    ProviderUnavailable {
        /// Seconds.
        retry_after: u32,
    },
    /// The session cannot be read.
    #[error("the session store does not answer")]
    StoreUnavailable,
}

/// Where a session lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whereabouts {
    /// Its actor.
    pub actor: ActorId,
    /// Near whom.
    pub region: Region,
    /// The end in any case.
    pub expires_at: OffsetDateTime,
}

/// Why a session ended; `reason` of the code `session_ended`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndReason {
    /// The user logged out.
    Logout,
    /// An administrator or the user elsewhere ended it.
    Revoked,
    /// It was not used for too long.
    Idle,
    /// Its time was up.
    Expired,
    /// The provider refused to refresh it.
    RefreshRejected,
    /// The provider said that the user logged out.
    Backchannel,
    /// Another session took its place.
    Superseded,
}

impl EndReason {
    /// As problem documents, log lines and the ledger spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Revoked => "revoked",
            Self::Idle => "idle",
            Self::Expired => "expired",
            Self::RefreshRejected => "refresh_rejected",
            Self::Backchannel => "backchannel",
            Self::Superseded => "superseded",
        }
    }
}

impl std::fmt::Display for EndReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who asks for something that changes a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Authority {
    /// Whoever has the cookie.
    Cookie(Secret),
    /// Whoever may, as the gateway or the directory has checked.
    Trusted(Cause),
    /// The session that takes this one's place: it kept the hash of the cookie's secret from its login's beginning.
    Successor(SecretHash),
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
    /// A local URL to go on to from there.
    pub return_to: Option<String>,
}

/// The session has ended.
#[derive(Serialize, Deserialize)]
pub struct Revoked {
    /// Where the browser can end the user's session at the provider, too.
    pub end_session_url: Option<String>,
}

/// The browser came back to `/logged-out`.
#[derive(Debug, Serialize, Deserialize)]
pub struct LoggedOut {
    /// The random half of the logout's `state`.
    pub secret: Secret,
}

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

/// What a silent login tells the provider about whom it is for.
#[derive(Debug, Serialize, Deserialize)]
pub struct IdTokenHint {
    /// Who asks.
    pub authority: Authority,
}

/// Go on elsewhere.
#[derive(Debug, Serialize, Deserialize)]
pub struct Migrate {
    /// Who asks.
    pub authority: Authority,
    /// Where.
    pub destination: Destination,
}

/// Where a session goes on.
#[derive(Debug, Serialize, Deserialize)]
pub enum Destination {
    /// In a new actor near this region, with the whole grant.
    Region(Region),
    /// In the actor that the user has come back to from the provider, with a grant of its own.
    Successor(Successor),
}

/// The session that takes another one's place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Successor {
    /// Its actor.
    pub actor: ActorId,
    /// Where it lives.
    pub region: Region,
    /// `iss`: only the same user's session inherits anything.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// The provider gave it no refresh token.
    pub needs_refresh_token: bool,
}

/// How a session went on elsewhere.
#[derive(Debug, Serialize, Deserialize)]
pub enum Migrated {
    /// For [`Destination::Region`]: it lives there now.
    Lives(Whereabouts),
    /// For [`Destination::Successor`]: what that one inherits; nothing where it is another user's.
    Leaves(Option<Box<Estate>>),
}

/// Take a session over: keep it, and use it once its old actor has released it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Adopt {
    /// The old actor.
    pub from: ActorId,
    /// When the move began.
    pub began_at: OffsetDateTime,
    /// The session.
    pub active: Box<Active>,
    /// Its last events, oldest first.
    pub ledger: Vec<Entry>,
}

/// Whether the session is the new actor's to use: from this answer on it is, or never will be.
#[derive(Debug, Serialize, Deserialize)]
pub struct Release {
    /// The new actor.
    pub to: ActorId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::{Request as _, wire};

    /// The bytes that deployments in the field send. A change here breaks every session while a release rolls out.
    #[test]
    fn the_golden_bytes_of_the_protocol_do_not_change() {
        let secret = || Secret::from_random([0xAB; 32]);
        let get = Get { secret: secret(), want: Want::AccessToken, navigation_from: Some(Region::Oc) };
        let get = wire::encode(&get.into_message()).unwrap();
        assert_eq!(get, [&[1, 2][..], &[0xAB; 32], &[0, 1, 6]].concat());

        let refresh = wire::encode(&Refresh { authority: Authority::Trusted(Cause::Admin) }.into_message()).unwrap();
        assert_eq!(refresh, [1, 3, 1, 2]);

        let revoke = Revoke { authority: Authority::Cookie(secret()), reason: EndReason::Superseded, logout: None };
        let revoke = wire::encode(&revoke.into_message()).unwrap();
        assert_eq!(revoke, [&[1, 4, 0][..], &[0xAB; 32], &[6, 0]].concat());

        assert_eq!(wire::encode(&Inspect {}.into_message()).unwrap(), [1, 5]);
        let logged_out = wire::encode(&LoggedOut { secret: secret() }.into_message()).unwrap();
        assert_eq!(logged_out, [&[1, 6][..], &[0xAB; 32]].concat());

        let switch = Switch { authority: Authority::Cookie(secret()), organization: "o".into() };
        assert_eq!(wire::encode(&switch.into_message()).unwrap(), [&[1, 12, 0][..], &[0xAB; 32], &[1, b'o']].concat());

        let callback = Callback { state: "s".into(), code: Some("c".into()), iss: None, error: None };
        let complete = wire::encode(&Complete { secret: secret(), callback }.into_message()).unwrap();
        assert_eq!(complete, [&[1, 1][..], &[0xAB; 32], &[1, b's', 1, 1, b'c', 0, 0]].concat());

        let place = UserPlace { region: Region::Oc, country: None, user_agent: None };
        let begin = Begin {
            origin: "o".into(),
            return_to: "/".into(),
            attempt: "a".into(),
            hints: vec![],
            predecessor: None,
            occasion: Occasion::Asked,
            place,
        };
        let begin = wire::encode(&begin.into_message()).unwrap();
        assert_eq!(begin, [1, 0, 1, b'o', 1, b'/', 1, b'a', 0, 0, 0, 6, 0, 0]);

        let id: ActorId = "0123456789abcdef".repeat(4).parse().unwrap();
        let named = [&[64][..], id.as_str().as_bytes()].concat();
        assert_eq!(wire::encode(&Describe {}.into_message()).unwrap(), [1, 7]);
        let hint = IdTokenHint { authority: Authority::Successor(secret().hash()) };
        assert_eq!(wire::encode(&hint.into_message()).unwrap()[..3], [1, 8, 2]);
        let migrate =
            Migrate { authority: Authority::Trusted(Cause::Admin), destination: Destination::Region(Region::Me) };
        assert_eq!(wire::encode(&migrate.into_message()).unwrap(), [1, 9, 1, 2, 0, 8]);
        assert_eq!(wire::encode(&Release { to: id }.into_message()).unwrap(), [&[1, 11][..], &named].concat());
    }

    #[test]
    fn a_callback_does_not_show_its_code_in_debug_output() {
        let callback = Callback { state: "s3cret".into(), code: Some("s3cret".into()), iss: None, error: None };
        assert!(!format!("{callback:?}").contains("s3cret"));
    }
}
