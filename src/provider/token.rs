//! The token endpoint's answers, read leniently where that is safe: the ID token stays text, so that a bad one is
//! told apart from a bad answer.

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, Client, EmptyAdditionalClaims, EndpointMaybeSet, EndpointNotSet, EndpointSet, ExtraTokenFields,
    IdToken, OAuth2TokenResponse, RefreshToken, Scope, StandardErrorResponse, StandardTokenResponse, TokenResponse,
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::{ProviderError, Tokens};

/// The client of `openidconnect`, with [`TokenSet`] as its token response.
pub type OidcClient = Client<
    EmptyAdditionalClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    TokenSet,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A token response (RFC 6749 section 5.1) with an ID token that is yet to be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TokenSet(StandardTokenResponse<RawIdToken, CoreTokenType>);

/// The `id_token` of a token response.
#[derive(Clone, Serialize, Deserialize)]
pub struct RawIdToken {
    id_token: Option<String>,
}

impl std::fmt::Debug for RawIdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RawIdToken([redacted])")
    }
}

impl ExtraTokenFields for RawIdToken {}

impl TokenSet {
    /// The ID token, unread.
    pub fn id_token(&self) -> Option<&str> {
        self.0.extra_fields().id_token.as_deref()
    }

    /// The tokens, if the gateway can use them.
    pub fn tokens(&self, received_at: OffsetDateTime) -> Result<Tokens, ProviderError> {
        let rejected = |what: &str| Err(ProviderError::Rejected(what.to_owned()));
        if !matches!(self.0.token_type(), CoreTokenType::Bearer) {
            return rejected("the provider issued a token that is no bearer token");
        }
        // RFC 6750 section 2.1; anything else could not be sent in a header.
        let in_header = |token: &str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        if !in_header(self.0.access_token().secret()) {
            return rejected("the provider issued an access token with characters that no header can carry");
        }
        let lifetime = self.0.expires_in().map(|life| Duration::try_from(life).unwrap_or(Duration::MAX));
        if lifetime.is_some_and(Duration::is_zero) {
            return rejected("the provider issued an access token that has already expired");
        }
        Ok(Tokens {
            access_token: self.0.access_token().clone(),
            // A decade is as good as for ever, and safe to add to a time.
            lifetime: lifetime.map(|life| life.min(Duration::days(3650))),
            refresh_token: self.0.refresh_token().filter(|token| !token.secret().is_empty()).cloned(),
            received_at,
        })
    }
}

impl OAuth2TokenResponse for TokenSet {
    type TokenType = CoreTokenType;

    fn access_token(&self) -> &AccessToken {
        self.0.access_token()
    }

    fn token_type(&self) -> &CoreTokenType {
        self.0.token_type()
    }

    fn expires_in(&self) -> Option<std::time::Duration> {
        self.0.expires_in()
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.0.refresh_token()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.0.scopes()
    }
}

impl TokenResponse<EmptyAdditionalClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>
    for TokenSet
{
    /// None: see [`TokenSet::id_token`].
    fn id_token(
        &self,
    ) -> Option<
        &IdToken<EmptyAdditionalClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>,
    > {
        None
    }
}
