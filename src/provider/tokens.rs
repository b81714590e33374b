//! The tokens that a provider gives.

use openidconnect::{AccessToken, RefreshToken};
use time::{Duration, OffsetDateTime};

/// The tokens of a token response.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// What goes to the application.
    pub access_token: AccessToken,
    /// How long it lasts, where the provider says.
    pub lifetime: Option<Duration>,
    /// What gets the next one.
    pub refresh_token: Option<RefreshToken>,
    /// The start of their life: when the provider was asked at the latest, as its answer may take a while.
    pub valid_from: OffsetDateTime,
}
