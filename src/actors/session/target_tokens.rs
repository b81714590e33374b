//! An access token that a session holds for a target, beside its own. Pure.

use openidconnect::AccessToken;
use time::OffsetDateTime;

use super::active::Active;
use super::grant::served_until;
use crate::config::target::TargetKey;
use crate::provider::tokens::Tokens;

/// An access token for a target.
#[derive(Clone, Debug)]
pub struct TargetToken {
    /// The target.
    pub key: TargetKey,
    /// The token.
    pub access_token: AccessToken,
    /// When it came.
    pub issued_at: OffsetDateTime,
    /// Its end, where the provider says.
    pub expires_at: Option<OffsetDateTime>,
}

impl TargetToken {
    /// What a token response brought.
    pub fn new(key: TargetKey, tokens: &Tokens) -> Self {
        let issued_at = tokens.valid_from;
        let expires_at = tokens.lifetime.map(|life| issued_at.saturating_add(life));
        Self { key, access_token: tokens.access_token.clone(), issued_at, expires_at }
    }

    /// Whether it still serves.
    pub fn is_valid(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_none_or(|expires_at| now < served_until(self.issued_at, expires_at))
    }
}

impl Active {
    /// The access token for this target, if there is one that serves.
    pub fn target_token(&self, key: &TargetKey, now: OffsetDateTime) -> Option<&AccessToken> {
        let found = self.target_tokens.iter().find(|token| token.key == *key && token.is_valid(now));
        found.map(|token| &token.access_token)
    }
}
