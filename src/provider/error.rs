//! Why a provider gave no login or no tokens.

use openidconnect::RefreshToken;
use time::Duration;

use super::tokens::Tokens;
use super::user_error::UserError;
use crate::http::HttpError;

/// Why a login cannot begin or complete.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The provider does not answer, or asks to come back later.
    #[error("{0}")]
    Unavailable(String),
    /// The provider refuses this client, or answers nonsense. That is its fault or the operator's.
    #[error("{0}")]
    Rejected(String),
    /// The code was refused, or the ID token fails a check.
    #[error("{0}")]
    Callback(String),
    /// The user has to do something first.
    #[error(transparent)]
    UserError(Box<UserError>),
    /// Another one, with the provider's own words for the log alone ([`super::said`]).
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

/// Why a code brought no login.
#[derive(Debug)]
pub struct ExchangeError {
    /// Why.
    pub error: ProviderError,
    /// The refresh token that came all the same. It has to be revoked.
    pub granted: Option<RefreshToken>,
    /// The provider's session that it belongs to, where that is known for certain.
    pub sid: Option<String>,
}

impl From<ProviderError> for ExchangeError {
    fn from(error: ProviderError) -> Self {
        Self { error, granted: None, sid: None }
    }
}

/// The outcome of presenting a refresh token that brought no tokens.
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
    /// A complete answer that refuses a target. The token was not taken.
    TargetRefused {
        /// In words.
        why: String,
        /// The answer may mean the whole grant.
        is_grant_in_doubt: bool,
    },
    /// The organization to switch to wants a login of its own, or does not exist. The grant stays as it was.
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
    /// The provider's own words, a sentence for the log alone ([`super::said`]).
    pub said: Option<String>,
    /// The refresh token of a grant that still lives. It has to be revoked if the failure ends the session, or if the session has ended meanwhile.
    pub granted: Option<RefreshToken>,
}

impl From<RefreshFailure> for RefreshError {
    fn from(failure: RefreshFailure) -> Self {
        failure.with_words(None)
    }
}

/// Why an access token was not exchanged.
#[derive(Debug)]
pub enum TokenExchangeError {
    /// The provider says no.
    Refused {
        /// In words.
        why: String,
        /// The provider's own words, a sentence for the log alone ([`super::said`]).
        said: Option<String>,
    },
    /// The provider does not answer, or asks to come back later.
    Unavailable {
        /// In words.
        why: String,
        /// Seconds.
        retry_after: Option<u32>,
    },
}

/// The error of a call without a complete answer: the provider is away, or at fault.
pub fn unanswered(error: HttpError) -> ProviderError {
    match error {
        HttpError::Unreachable | HttpError::TimedOut => ProviderError::Unavailable(error.to_string()),
        HttpError::Forbidden | HttpError::BadRequest | HttpError::TooLarge => {
            ProviderError::Rejected(error.to_string())
        }
    }
}
