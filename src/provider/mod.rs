//! The provider that users log in at: the kinds there are, and what the session actor and the gateway ask of them.

use openidconnect::{AccessToken, RefreshToken};
use time::OffsetDateTime;

use self::auth0::Auth0;
use self::logout_token::LogoutToken;
use self::oidc::Oidc;
use self::user_info::Asking;
use self::workos::WorkOs;
use crate::config;
use crate::config::target::Target;
use crate::identity::Identity;
use crate::provider::error::{ExchangeError, ProviderError, RefreshError, RefreshFailure, TokenExchangeError};
use crate::provider::link::Link;
use crate::provider::requests::{Authorization, EndSession, Exchange, RefreshFor};
use crate::provider::sign_in::SignIn;
use crate::provider::tokens::Tokens;

pub mod auth0;
pub mod claims;
pub mod client_authentication;
pub mod discovery;
pub mod error;
pub mod id_token;
pub mod identity_claims;
pub mod issuer;
pub mod keys;
pub mod link;
pub mod logout_token;
pub mod metadata;
pub mod oidc;
pub mod requests;
pub mod retry_after;
pub mod said;
pub mod sign_in;
pub mod token;
pub mod token_answer;
pub mod tokens;
pub mod user_error;
pub mod user_info;
pub mod workos;

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
    /// The provider of these settings.
    pub fn new(settings: &config::ProviderSettings, link: Link) -> Self {
        match settings.clone() {
            config::ProviderSettings::Oidc(settings) => Self::Oidc(Oidc::new(settings, link)),
            config::ProviderSettings::Auth0(settings) => Self::Auth0(Auth0::new(settings, link)),
            config::ProviderSettings::WorkOs(settings) => Self::WorkOs(WorkOs::new(settings, link)),
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

    /// Presents a refresh token, once. The new tokens must be `identity`'s.
    pub async fn refresh(
        &self,
        now: OffsetDateTime,
        token: &RefreshToken,
        identity: &Identity,
        wanted: &RefreshFor,
    ) -> Result<(Tokens, Option<Identity>), RefreshError> {
        let target = if let RefreshFor::Target(target) = wanted { Some(&**target) } else { None };
        match (self, wanted) {
            (Self::Oidc(oidc), _) => oidc.refresh(now, token, identity, target).await,
            (Self::Auth0(auth0), _) => auth0.refresh(now, token, identity, target).await,
            (Self::WorkOs(workos), RefreshFor::Session) => workos.refresh(token, identity, None).await,
            (Self::WorkOs(workos), RefreshFor::Organization(id)) => workos.refresh(token, identity, Some(id)).await,
            (Self::WorkOs(_), RefreshFor::Target(_)) => {
                let why = workos::ONE_ACCESS_TOKEN.to_owned();
                Err(RefreshFailure::TargetRefused { why, is_grant_in_doubt: false }.into())
            }
        }
    }

    /// Exchanges an access token for one for this target (RFC 8693).
    pub async fn exchange_token(
        &self,
        now: OffsetDateTime,
        subject: &AccessToken,
        target: &Target,
    ) -> Result<Tokens, TokenExchangeError> {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0 { oidc, .. }) => oidc.exchange_token(now, subject, target).await,
            Self::WorkOs(_) => {
                Err(TokenExchangeError::Refused { why: workos::ONE_ACCESS_TOKEN.to_owned(), said: None })
            }
        }
    }

    /// Asks again what UserInfo says, now that this access token came; none where the kind of provider says it at the login
    /// alone: Auth0 limits how often it may be asked.
    pub fn user_info(&self, now: OffsetDateTime, access_token: &AccessToken, identity: &Identity) -> Option<Asking> {
        match self {
            Self::Oidc(oidc) => Some(oidc.ask_user_info(now, access_token.clone(), identity.user())),
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
            Self::Auth0(auth0) => auth0.revoke(now, token).await,
            Self::WorkOs(workos) => workos.revoke(sid).await,
        }
    }

    /// Whether a logout through the browser ends all that a revocation would. Such a logout must come before the revocation.
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

    /// The origins whose pages tell of a logout in a frame (OpenID Connect Front-Channel Logout 1.0): the issuer's and its end-session
    /// endpoint's.
    pub async fn logout_origins(&self, now: OffsetDateTime) -> Vec<String> {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0 { oidc, .. }) => oidc.logout_origins(now).await,
            Self::WorkOs(_) => Vec::new(),
        }
    }

    /// Reads a logout token (OpenID Connect Back-Channel Logout 1.0).
    pub async fn logout_token(&self, now: OffsetDateTime, raw: &str) -> Result<LogoutToken, ProviderError> {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0 { oidc, .. }) => oidc.logout_token(now, raw).await,
            Self::WorkOs(_) => Err(ProviderError::Callback("WorkOS sends no logout tokens".to_owned())),
        }
    }

    /// What an operator has to put right so that the provider's discovery document can be used, where a login has found that out: the
    /// variable to look at, and why.
    pub async fn discovery_problem(&self) -> Option<(String, String)> {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0 { oidc, .. }) => oidc.discovery_problem().await,
            Self::WorkOs(_) => None,
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
