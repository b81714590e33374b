//! The provider that users log in at: what the session actor and the gateway need of one, and the kinds there are.

use std::rc::Rc;

use openidconnect::{AccessToken, RefreshToken};
use time::{Duration, OffsetDateTime};

use self::auth0::Auth0;
use self::discovery::Metadata;
use self::logout_token::LogoutToken;
use self::oidc::Oidc;
use self::user_error::UserError;
use self::user_info::Asking;
use self::workos::WorkOs;
use crate::config::{self, Config};
use crate::http;
use crate::identity::Identity;
use crate::jose::KeySet;
use crate::jose::published::Published;
use crate::runtime::{Cache, Http, Isolate, Signatures};

pub mod answer;
pub mod auth0;
pub mod claims;
pub mod discovery;
pub mod id_token;
pub mod identity;
pub mod keys;
pub mod logout_token;
pub mod oidc;
pub mod retry_after;
pub mod said;
pub mod token;
pub mod user_error;
pub mod user_info;
pub mod workos;

/// Why a login cannot begin or complete.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider does not answer, or asks to come back later.
    #[error("{0}")]
    Unavailable(String),
    /// The provider refuses this client, or answers nonsense: its or the operator's fault.
    #[error("{0}")]
    Rejected(String),
    /// The code was refused, or the ID token fails a check.
    #[error("{0}")]
    Callback(String),
    /// The user has to do something first.
    #[error(transparent)]
    UserError(Box<UserError>),
    /// Another one, with the provider's own words for the log alone ([`said`]).
    #[error("{error}")]
    Said {
        /// What is wrong.
        error: Box<Self>,
        /// A sentence.
        said: String,
    },
}

impl ProviderError {
    /// The same, with what the provider said where it said something.
    pub fn with_words(self, said: Option<String>) -> Self {
        match said {
            Some(said) => Self::Said { error: Box::new(self), said },
            None => self,
        }
    }
}

/// A code that was exchanged, or was not, and made no login.
#[derive(Debug)]
pub struct ExchangeError {
    /// Why.
    pub error: ProviderError,
    /// The refresh token that came all the same: nobody keeps it.
    pub granted: Option<RefreshToken>,
    /// The provider's session that it belongs to, where that is known for certain.
    pub sid: Option<String>,
}

impl From<ProviderError> for ExchangeError {
    fn from(error: ProviderError) -> Self {
        Self { error, granted: None, sid: None }
    }
}

/// How presenting a refresh token came out, where it brought no tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshFailure {
    /// `invalid_grant`, or the new ID token is another user's: the grant is gone.
    Refused(String),
    /// A complete answer that says: not now. The token was not taken.
    Deferred {
        /// What the provider asked for.
        retry_after: Option<Duration>,
        /// In words.
        why: String,
    },
    /// Anything else: the token may have been taken.
    Unknown(String),
    /// The organization to switch to wants a login of its own, or there is none such; the grant stays as it was.
    OtherOrganization(String),
}

impl RefreshFailure {
    /// The failure, and what the provider said where it said something.
    pub const fn with_words(self, said: Option<String>) -> RefreshError {
        RefreshError { failure: self, said, granted: None }
    }

    /// The failure. Nobody keeps the refresh token any longer: the one that came, or else the one that was presented.
    pub fn granting(self, tokens: Tokens, presented: &RefreshToken) -> RefreshError {
        let granted = tokens.refresh_token.unwrap_or_else(|| presented.clone());
        RefreshError { failure: self, said: None, granted: Some(granted) }
    }
}

/// Why a refresh brought no tokens.
#[derive(Debug)]
pub struct RefreshError {
    /// What is wrong.
    pub failure: RefreshFailure,
    /// The provider's own words, a sentence for the log alone ([`said`]).
    pub said: Option<String>,
    /// The refresh token of a grant that lives, where the failure ends the session: nobody keeps it.
    pub granted: Option<RefreshToken>,
}

impl From<RefreshFailure> for RefreshError {
    fn from(failure: RefreshFailure) -> Self {
        failure.with_words(None)
    }
}

/// One authorization request.
#[derive(Clone, Copy)]
pub struct Authorization<'a> {
    /// `redirect_uri`.
    pub redirect_uri: &'a str,
    /// `state`.
    pub state: &'a str,
    /// `nonce`.
    pub nonce: &'a str,
    /// `code_verifier`, of which the challenge is sent.
    pub code_verifier: &'a str,
    /// From `/login`.
    pub hints: &'a [(String, String)],
    /// `id_token_hint`: whom a silent login is for.
    pub id_token_hint: Option<&'a str>,
}

/// One code, and what its tokens are checked against.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// `code`.
    pub code: &'a str,
    /// `redirect_uri`, as in the authorization request.
    pub redirect_uri: &'a str,
    /// `code_verifier`.
    pub code_verifier: &'a str,
    /// `nonce`, as in the authorization request.
    pub nonce: &'a str,
    /// The organization that `/login` was asked for.
    pub organization: Option<&'a str>,
}

/// One logout through the provider.
#[derive(Clone, Copy)]
pub struct EndSession<'a> {
    /// Who logs out.
    pub identity: &'a Identity,
    /// `post_logout_redirect_uri`: the gateway's `/logged-out`.
    pub post_logout_redirect_uri: &'a str,
    /// `state`.
    pub state: &'a str,
}

/// The tokens of a token response.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// What goes to the application.
    pub access_token: AccessToken,
    /// How long it lasts, where the provider says.
    pub lifetime: Option<Duration>,
    /// What gets the next one.
    pub refresh_token: Option<RefreshToken>,
    /// When the provider was asked: their life is counted from here, as its answer may take a while.
    pub asked_at: OffsetDateTime,
}

/// A completed login.
#[derive(Debug)]
pub struct SignIn {
    /// Who.
    pub identity: Identity,
    /// With what.
    pub tokens: Tokens,
    /// What went wrong without harm: a UserInfo endpoint that did not answer.
    pub remark: Option<String>,
    /// Where no refresh token came: so, and what an operator can do about it.
    pub no_refresh_token: Option<&'static str>,
    /// What UserInfo has yet to say: the login does not wait for it any longer.
    pub user_info: Option<Asking>,
}

/// All that a provider publishes. One for each isolate, which its requests and its actors share.
#[derive(Clone, Default)]
pub struct Documents {
    /// Metadata, by the issuer.
    pub metadata: Rc<Published<Metadata>>,
    /// Keys, by their address.
    pub keys: Rc<Published<KeySet>>,
}

/// What a provider is reached with.
#[derive(Clone)]
pub struct Link {
    /// Time and tasks.
    pub isolate: Rc<dyn Isolate>,
    /// The calls.
    pub http: Rc<dyn Http>,
    /// Documents that isolates share.
    pub cache: Rc<dyn Cache>,
    /// Checks of signatures.
    pub signatures: Rc<dyn Signatures>,
    /// Documents that this isolate keeps.
    pub documents: Documents,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

/// A provider of one kind.
#[derive(Clone, Debug)]
pub enum Provider {
    /// Any OpenID Connect issuer.
    Oidc(Oidc),
    /// Auth0.
    Auth0(Auth0),
    /// WorkOS User Management.
    WorkOs(WorkOs),
}

impl Provider {
    /// The provider of this configuration.
    pub fn new(config: &Config, link: Link) -> Self {
        match config.provider.clone() {
            config::Provider::Oidc(settings) => Self::Oidc(Oidc::new(settings, link)),
            config::Provider::Auth0(settings) => Self::Auth0(Auth0::new(settings, link)),
            config::Provider::WorkOs(settings) => Self::WorkOs(WorkOs::new(settings, link)),
        }
    }

    /// Where the browser goes to log in.
    pub async fn authorization_url(
        &self,
        now: OffsetDateTime,
        request: &Authorization<'_>,
    ) -> Result<String, ProviderError> {
        match self {
            Self::Oidc(oidc) => oidc.authorization_url(now, request).await,
            Self::Auth0(auth0) => auth0.authorization_url(now, request).await,
            Self::WorkOs(workos) => Ok(workos.authorization_url(request)),
        }
    }

    /// Checks the `iss` of an authorization response (RFC 9207).
    pub async fn check_issuer(&self, now: OffsetDateTime, iss: Option<&str>) -> Result<(), ProviderError> {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0 { oidc, .. }) => oidc.check_issuer(now, iss).await,
            Self::WorkOs(workos) => workos.check_issuer(iss),
        }
    }

    /// Redeems a code.
    pub async fn exchange(&self, now: OffsetDateTime, exchange: Exchange<'_>) -> Result<SignIn, ExchangeError> {
        match self {
            Self::Oidc(oidc) => oidc.exchange(now, exchange).await,
            Self::Auth0(auth0) => auth0.exchange(now, exchange).await,
            Self::WorkOs(workos) => workos.exchange(exchange).await,
        }
    }

    /// Fetches what a refresh needs beside the token, where it is not at hand: the session then waits for nothing but the provider between the
    /// intent to present its token and the new tokens, as a process that ends in between leaves a token that must not be presented again.
    pub async fn prepare(&self, now: OffsetDateTime) {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0 { oidc, .. }) => oidc.prepare(now).await,
            Self::WorkOs(_) => {}
        }
    }

    /// Presents a refresh token, once. The new tokens must be `identity`'s. `organization` switches the session to
    /// another one, where the provider knows such a thing.
    pub async fn refresh(
        &self,
        now: OffsetDateTime,
        token: &RefreshToken,
        identity: &Identity,
        organization: Option<&str>,
    ) -> Result<(Tokens, Option<Identity>), RefreshError> {
        match self {
            Self::Oidc(oidc) => oidc.refresh(now, token, identity).await,
            Self::Auth0(auth0) => auth0.refresh(now, token, identity).await,
            Self::WorkOs(workos) => workos.refresh(token, identity, organization).await,
        }
    }

    /// Asks again what UserInfo says, now that this access token came; none where the kind of provider says it at the login
    /// alone: Auth0 limits how often it may be asked.
    pub fn user_info(&self, now: OffsetDateTime, access_token: &AccessToken, identity: &Identity) -> Option<Asking> {
        match self {
            Self::Oidc(oidc) => Some(oidc.ask_user_info(now, access_token.clone(), identity.subject.clone())),
            Self::Auth0(_) | Self::WorkOs(_) => None,
        }
    }

    /// Whether UserInfo is asked at refreshes, too.
    pub const fn asks_user_info_again(&self) -> bool {
        match self {
            Self::Oidc(_) => true,
            Self::Auth0(_) | Self::WorkOs(_) => false,
        }
    }

    /// Whether a session can be switched to another organization by a refresh.
    pub const fn switches_organizations(&self) -> bool {
        match self {
            Self::Oidc(_) | Self::Auth0(_) => false,
            Self::WorkOs(_) => true,
        }
    }

    /// The organization that a session is for, where the provider can be asked for it.
    pub fn organization_of(&self, identity: &Identity) -> Option<String> {
        match self {
            Self::Oidc(_) => None,
            Self::Auth0(_) | Self::WorkOs(_) => identity.organization(),
        }
    }

    /// Revokes a refresh token where the provider can (RFC 7009), or the provider's session that it belongs to, `sid`.
    pub async fn revoke(
        &self,
        now: OffsetDateTime,
        token: &RefreshToken,
        sid: Option<&str>,
    ) -> Result<(), ProviderError> {
        match self {
            Self::Oidc(oidc) => oidc.revoke(now, token).await,
            Self::Auth0(auth0) => auth0.revoke(token).await,
            Self::WorkOs(workos) => workos.revoke(sid).await,
        }
    }

    /// Whether a logout through the browser ends all that a revocation would, and needs what it would take away.
    pub const fn revokes_at_logout(&self) -> bool {
        match self {
            Self::Oidc(_) | Self::Auth0(_) => false,
            Self::WorkOs(_) => true,
        }
    }

    /// Where the browser goes to log out (OpenID Connect RP-Initiated Logout 1.0); none where the provider has no
    /// such endpoint, or does not answer.
    pub async fn end_session_url(&self, now: OffsetDateTime, logout: EndSession<'_>) -> Option<String> {
        match self {
            Self::Oidc(oidc) => oidc.end_session_url(now, logout).await,
            Self::Auth0(auth0) => auth0.end_session_url(now, logout).await,
            Self::WorkOs(workos) => workos.end_session_url(logout),
        }
    }

    /// Reads a logout token (OpenID Connect Back-Channel Logout 1.0).
    pub async fn logout_token(&self, now: OffsetDateTime, raw: &str) -> Result<LogoutToken, ProviderError> {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0 { oidc, .. }) => oidc.logout_token(now, raw).await,
            Self::WorkOs(_) => Err(ProviderError::Callback("WorkOS sends no logout tokens".to_owned())),
        }
    }

    /// Whether the provider answers at all: a GET, which changes nothing there.
    pub async fn answers(&self) -> bool {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0 { oidc, .. }) => oidc.answers().await,
            Self::WorkOs(workos) => workos.answers().await,
        }
    }
}
