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
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use time::Duration;

use super::error::ProviderError;
use super::tokens::{RoundTrip, Tokens};

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
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct TokenSet(StandardTokenResponse<RawIdToken, CoreTokenType>);

impl<'de> Deserialize<'de> for TokenSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut answer = Map::<String, Value>::deserialize(deserializer)?;
        // Azure AD B2C and others write the number as a string.
        if let Some(life) = answer.get_mut("expires_in")
            && let Some(seconds) = life.as_str().and_then(|text| text.trim().parse::<u64>().ok())
        {
            *life = seconds.into();
        }
        // The library's own error may quote a token.
        let malformed = |_| serde::de::Error::custom("this is no token response");
        StandardTokenResponse::deserialize(Value::Object(answer)).map(Self).map_err(malformed)
    }
}

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

    /// The refresh token, whatever the rest is like.
    pub fn granted(&self) -> Option<RefreshToken> {
        self.0.refresh_token().filter(|token| !token.secret().is_empty()).cloned()
    }

    /// The tokens, if the gateway can use them.
    pub fn tokens(&self, round_trip: RoundTrip) -> Result<Tokens, ProviderError> {
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
        // A decade stands for ever, and can be added to a time safely.
        let lifetime = lifetime.map(|life| life.min(Duration::days(3650)));
        Ok(Tokens {
            access_token: self.0.access_token().clone(),
            lifetime,
            refresh_token: self.granted(),
            valid_from: round_trip.valid_from(lifetime),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(expires_in: &str) -> Option<Option<Duration>> {
        let answer =
            format!(r#"{{"access_token":"at","token_type":"bearer","expires_in":{expires_in},"id_token":"x"}}"#);
        let set: TokenSet = serde_json::from_str(&answer).ok()?;
        assert_eq!(set.id_token(), Some("x"));
        let epoch = time::OffsetDateTime::UNIX_EPOCH;
        Some(set.tokens(RoundTrip { asked_at: epoch, received_at: epoch }).ok()?.lifetime)
    }

    #[test]
    fn a_lifetime_is_whole_seconds_and_may_come_as_a_string() {
        for text in ["3600", "\"3600\"", "\" 3600 \""] {
            assert_eq!(lifetime(text), Some(Some(Duration::hours(1))), "{text}");
        }
        assert_eq!(lifetime("null"), Some(None));
        for malformed in ["\"soon\"", "\"\"", "-1", "\"-1\"", "[]", "0", "\"0\""] {
            assert_eq!(lifetime(malformed), None, "{malformed}");
        }
    }
}
