//! The access tokens that a session holds for targets, beside its own, and the targets that the provider refused. Pure.

use std::cell::RefCell;
use std::collections::BTreeMap;

use openidconnect::AccessToken;
use time::{Duration, OffsetDateTime};

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

/// How long a provider that refused a target is not asked for it again.
const REFUSED_FOR: Duration = Duration::seconds(30);

/// The targets that the provider refused a short while ago. Memory alone: a process that begins anew may ask again.
#[derive(Default)]
pub struct RefusedTargets(RefCell<BTreeMap<TargetKey, OffsetDateTime>>);

impl RefusedTargets {
    /// Whether this one was refused a short while ago.
    pub fn has(&self, key: &TargetKey, now: OffsetDateTime) -> bool {
        let since = self.0.borrow().get(key).copied();
        // A time in the future comes from a clock that was wrong.
        since.is_some_and(|since| (since..since.saturating_add(REFUSED_FOR)).contains(&now))
    }

    /// It was refused now.
    pub fn add(&self, key: &TargetKey, now: OffsetDateTime) {
        self.0.borrow_mut().insert(key.clone(), now);
    }
}
