//! The token endpoint's answers, read leniently where that is safe: the ID token stays text, so that a bad one is
//! told apart from a bad answer.

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AccessToken, Client, EmptyAdditionalClaims, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdToken,
    OAuth2TokenResponse, RefreshToken, Scope, StandardErrorResponse, TokenResponse,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
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

/// A token response (RFC 6749 section 5.1) with an ID token that is yet to be read. A refresh token is spent when the answer to it
/// comes. So an odd member on which nothing depends must not make the answer unreadable.
#[derive(Clone, Serialize)]
pub struct TokenSet {
    access_token: AccessToken,
    token_type: CoreTokenType,
    expires_in: Option<std::time::Duration>,
    refresh_token: Option<RefreshToken>,
    scope: Option<Vec<Scope>>,
    id_token: Option<String>,
}

/// The members of a token response as they come.
#[derive(Deserialize)]
struct Answer {
    access_token: AccessToken,
    /// Missing at Twitch. RFC 6749 requires it; a token of another type says so.
    token_type: Option<String>,
    /// Azure AD B2C and others write the number as a string, others a fraction.
    expires_in: Option<Value>,
    refresh_token: Option<RefreshToken>,
    /// Twitch sends an array.
    scope: Option<Words>,
    id_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Text(String),
    Array(Vec<String>),
}

impl<'de> Deserialize<'de> for TokenSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The library's own error may quote a token.
        let malformed = || serde::de::Error::custom("this is no token response");
        let answer = Answer::deserialize(deserializer).map_err(|_| malformed())?;
        let words = |words: &[String]| {
            let words = words.iter().flat_map(|words| words.split_ascii_whitespace());
            words.map(|word| Scope::new(word.to_owned())).collect()
        };
        Ok(Self {
            access_token: answer.access_token,
            token_type: match answer.token_type {
                Some(other) if !other.eq_ignore_ascii_case("bearer") => CoreTokenType::Extension(other),
                Some(_) | None => CoreTokenType::Bearer,
            },
            expires_in: answer.expires_in.map(|life| seconds(&life).ok_or_else(malformed)).transpose()?,
            refresh_token: answer.refresh_token.filter(|token| !token.secret().is_empty()),
            scope: answer.scope.map(|scope| match scope {
                Words::Text(text) => words(&[text]),
                Words::Array(array) => words(&array),
            }),
            // An empty one says nothing, like none.
            id_token: answer.id_token.filter(|token| !token.is_empty()),
        })
    }
}

/// A life in seconds: a number, or one as decimal text. What is no time, or begins with a sign, is none.
fn seconds(life: &Value) -> Option<std::time::Duration> {
    let seconds = match life {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => {
            let text = text.trim();
            let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            text.parse::<f64>().ok().filter(|_| is_decimal)?
        }
        _ => return None,
    };
    // More than fits is for ever.
    (seconds >= 0.0).then(|| std::time::Duration::try_from_secs_f64(seconds).unwrap_or(std::time::Duration::MAX))
}

impl std::fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSet([redacted])")
    }
}

impl TokenSet {
    /// The ID token, unread.
    pub fn id_token(&self) -> Option<&str> {
        self.id_token.as_deref()
    }

    /// The refresh token, whatever the rest is like.
    pub fn granted(&self) -> Option<RefreshToken> {
        self.refresh_token.clone()
    }

    /// The tokens, if the gateway can use them.
    pub fn tokens(&self, round_trip: RoundTrip) -> Result<Tokens, ProviderError> {
        let rejected = |what: &str| Err(ProviderError::Rejected(what.to_owned()));
        if !matches!(self.token_type, CoreTokenType::Bearer) {
            return rejected("the provider issued a token that is no bearer token");
        }
        // RFC 6750 section 2.1; anything else could not be sent in a header.
        let in_header = |token: &str| !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        if !in_header(self.access_token.secret()) {
            return rejected("the provider issued an access token with characters that no header can carry");
        }
        let lifetime = self.expires_in.map(|life| Duration::try_from(life).unwrap_or(Duration::MAX));
        if lifetime.is_some_and(Duration::is_zero) {
            return rejected("the provider issued an access token that has already expired");
        }
        // A decade stands for ever, and can be added to a time safely.
        let lifetime = lifetime.map(|life| life.min(Duration::days(3650)));
        Ok(Tokens {
            access_token: self.access_token.clone(),
            lifetime,
            refresh_token: self.granted(),
            valid_from: round_trip.valid_from(lifetime),
        })
    }
}

impl OAuth2TokenResponse for TokenSet {
    type TokenType = CoreTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &CoreTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<std::time::Duration> {
        self.expires_in
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.scope.as_ref()
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
#[path = "token_tests.rs"]
mod tests;
