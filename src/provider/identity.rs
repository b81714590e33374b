//! Who is logged in: the claims of a validated ID token and of UserInfo (OpenID Connect Core 1.0 section 5).

use openidconnect::core::CoreJsonWebKeySet;
use openidconnect::{AccessToken, HttpRequest};
use serde_json::{Map, Value};

use super::discovery::Metadata;
use super::id_token::{self, Expected, IdTokenError};
use super::oidc::Oidc;
use super::{ProviderError, RefreshFailure, Tokens, http, keys};
use crate::actors::session::state::Identity;

type Claims = Map<String, Value>;

/// Claims of the ID token that say something about the token, not about the user.
const TOKEN_CLAIMS: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];
/// Claims that UserInfo does not overrule.
const ID_TOKEN_CLAIMS: [&str; 9] = ["iss", "sub", "aud", "exp", "iat", "nbf", "azp", "sid", "auth_time"];

/// Why an ID token is not validated.
enum Unvalidated {
    /// It fails a check.
    Invalid(String),
    /// The provider publishes no key for it.
    NoKey(String),
    /// The provider's keys are not to be had.
    NoKeys(ProviderError),
}

impl From<Unvalidated> for ProviderError {
    fn from(unvalidated: Unvalidated) -> Self {
        match unvalidated {
            Unvalidated::Invalid(why) | Unvalidated::NoKey(why) => Self::Callback(why),
            Unvalidated::NoKeys(error) => error,
        }
    }
}

enum UserInfoFailure {
    OtherSubject,
    NoAnswer,
}

impl Oidc {
    /// Who a login's ID token and UserInfo say it is, and what went wrong without harm.
    pub(super) async fn identify(
        &self,
        metadata: &Metadata,
        raw: &str,
        nonce: &str,
        tokens: &Tokens,
    ) -> Result<(Identity, Option<String>), ProviderError> {
        let mut claims = self.validate(metadata, raw, Some(nonce), tokens).await?;
        let remark = match self.user_info(metadata, &tokens.access_token, claims.get("sub")).await {
            Ok(further) => {
                claims.extend(further.into_iter().filter(|(name, _)| !ID_TOKEN_CLAIMS.contains(&name.as_str())));
                None
            }
            Err(UserInfoFailure::NoAnswer) => Some("UserInfo could not be read".to_owned()),
            Err(UserInfoFailure::OtherSubject) => {
                let why = "UserInfo names another subject than the ID token (sub)";
                return Err(ProviderError::Callback(why.to_owned()));
            }
        };
        Ok((identity(claims, raw), remark))
    }

    /// The identity that a refreshed ID token states: the same user's, or the refresh is refused. One whose key
    /// cannot be had is held against the session all the same, and nothing of it is used: a rotation of keys must
    /// not end sessions, and the token endpoint's TLS vouches for what came with it.
    pub(super) async fn renewed(
        &self,
        metadata: &Metadata,
        raw: &str,
        tokens: &Tokens,
        known: &Identity,
    ) -> Result<Option<Identity>, RefreshFailure> {
        let other = || RefreshFailure::Refused("the refreshed ID token names another user (iss, sub, aud)".to_owned());
        match self.validate(metadata, raw, None, tokens).await {
            Ok(claims) if claims.get("sub").and_then(Value::as_str) == Some(known.subject.as_str()) => {
                let mut merged: Claims = serde_json::from_str(&known.claims).unwrap_or_default();
                merged.extend(claims);
                Ok(Some(identity(merged, raw)))
            }
            Ok(_) => Err(other()),
            Err(Unvalidated::Invalid(why)) => Err(RefreshFailure::Refused(why)),
            Err(Unvalidated::NoKey(_) | Unvalidated::NoKeys(_)) => {
                let claims = id_token::payload(raw).ok_or_else(other)?;
                let is = |name: &str, value: &str| claims.get(name).and_then(Value::as_str) == Some(value);
                let client_id = self.settings.client_id.as_str();
                let only_us = match claims.get("aud") {
                    Some(Value::Array(audiences)) => {
                        audiences.iter().all(|aud| aud == client_id) && !audiences.is_empty()
                    }
                    audience => audience.and_then(Value::as_str) == Some(client_id),
                };
                let same = is("iss", &known.issuer) && is("sub", &known.subject) && only_us;
                if same { Ok(None) } else { Err(other()) }
            }
        }
    }

    /// Validates an ID token, with one look at the provider's keys anew where its key is missing.
    async fn validate(
        &self,
        metadata: &Metadata,
        raw: &str,
        nonce: Option<&str>,
        tokens: &Tokens,
    ) -> Result<Claims, Unvalidated> {
        let expected = Expected {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            nonce,
            access_token: &tokens.access_token,
        };
        let check = |keys: &CoreJsonWebKeySet| id_token::validate(raw, keys, expected, tokens.received_at);
        let claims = keys::check(metadata.jwks_uri(), check).await.map_err(Unvalidated::NoKeys)?;
        claims.map_err(|error| match error {
            IdTokenError::UnknownKey => Unvalidated::NoKey(error.to_string()),
            IdTokenError::Invalid(why) => Unvalidated::Invalid(why.to_owned()),
        })
    }

    /// The claims of UserInfo, read as they come: a claim of an odd type must not cost the others, nor the check of
    /// the subject.
    async fn user_info(
        &self,
        metadata: &Metadata,
        access_token: &AccessToken,
        subject: Option<&Value>,
    ) -> Result<Claims, UserInfoFailure> {
        let Some(endpoint) = metadata.userinfo_endpoint() else { return Ok(Claims::new()) };
        let request: HttpRequest = ::http::Request::builder()
            .uri(endpoint.as_str())
            .header("accept", "application/json")
            .header("authorization", format!("Bearer {}", access_token.secret()))
            .body(Vec::new())
            .map_err(|_| UserInfoFailure::NoAnswer)?;
        let response = http::send(request).await.map_err(|_| UserInfoFailure::NoAnswer)?;
        if !response.status().is_success() {
            return Err(UserInfoFailure::NoAnswer);
        }
        let claims: Claims = serde_json::from_slice(response.body()).map_err(|_| UserInfoFailure::NoAnswer)?;
        if claims.get("sub") == subject { Ok(claims) } else { Err(UserInfoFailure::OtherSubject) }
    }
}

fn identity(mut claims: Claims, raw: &str) -> Identity {
    claims.retain(|name, _| !TOKEN_CLAIMS.contains(&name.as_str()));
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    Identity {
        issuer: text("iss").unwrap_or_default(),
        subject: text("sub").unwrap_or_default(),
        sid: text("sid"),
        id_token: raw.to_owned(),
        claims: Value::Object(claims).to_string(),
    }
}
