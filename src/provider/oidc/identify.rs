//! Finds out whose login or refresh it is: validates the ID token, and asks UserInfo.

use serde_json::Value;

use super::Oidc;
use crate::identity::Identity;
use crate::jose::Claims;
use crate::jose::document::Presenter;
use crate::jose::jwt::payload;
use crate::jose::policy::Audience;
use crate::provider::claims;
use crate::provider::discovery::plain_issuer;
use crate::provider::error::{ProviderError, RefreshFailure};
use crate::provider::id_token::{self, ExpectedIdToken};
use crate::provider::identity_claims::identity;
use crate::provider::issuer::Issuer;
use crate::provider::keys::{self, Untrusted};
use crate::provider::metadata::Metadata;
use crate::provider::requests::Exchange;
use crate::provider::tokens::Tokens;
use crate::provider::user_info::{Asking, UserInfo, WAIT_LIMIT};

/// Who has logged in. UserInfo may have more to say later.
pub(super) struct Identified {
    pub(super) identity: Identity,
    /// What went wrong without harm.
    pub(super) remark: Option<String>,
    /// What UserInfo has yet to say.
    pub(super) user_info: Option<Asking>,
}

impl Oidc {
    /// Who a login's ID token and UserInfo say it is.
    pub(super) async fn identify(
        &self,
        metadata: &Metadata,
        raw: &str,
        exchange: Exchange<'_>,
        tokens: &Tokens,
    ) -> Result<Identified, ProviderError> {
        let issuer = Issuer::of(&self.settings, exchange.iss);
        let validated = self.validate(metadata, raw, issuer, Some(exchange.nonce), tokens).await;
        let said = validated.map_err(|untrusted| ProviderError::from(untrusted).with_words(self.other_issuer(raw)))?;
        let known = identity(claims::of_id_token(said), raw, &Claims::new());
        let asking = self.ask_user_info(self.link.isolate.now(), tokens.access_token.clone(), known.user());
        let (identity, remark, user_info) = match asking.within(&*self.link.isolate, WAIT_LIMIT).await {
            Ok(UserInfo::NotAsked) => (known, None, None),
            Ok(UserInfo::Said(said)) => (known.informed(said), None, None),
            Ok(UserInfo::NoAnswer) => (known, Some("UserInfo could not be read"), None),
            Ok(UserInfo::OtherSubject) => {
                let why = "UserInfo names another subject than the ID token (sub)";
                return Err(ProviderError::Callback(why.to_owned()));
            }
            Err(asking) => (known, Some("UserInfo did not answer within 3 s, and its claims come later"), Some(asking)),
        };
        Ok(Identified { identity, remark: remark.map(str::to_owned), user_info })
    }

    /// The identity that a refreshed ID token states: the same user's, or the refresh is refused. One whose key cannot be
    /// had may be anybody's: nothing of the answer is used, and a rotation of keys must not end sessions.
    pub(super) async fn renewed(
        &self,
        metadata: &Metadata,
        raw: &str,
        tokens: &Tokens,
        known: &Identity,
    ) -> Result<Identity, RefreshFailure> {
        let other = || RefreshFailure::Refused("the refreshed ID token names another user (iss, sub, aud)".to_owned());
        let issuer = Issuer::of(&self.settings, Some(&known.issuer));
        match self.validate(metadata, raw, issuer, None, tokens).await {
            Ok(said) if said.get("sub").and_then(Value::as_str) == Some(known.subject.as_str()) => {
                let said = claims::refreshed(claims::of_id_token(said), &known.claims());
                Ok(identity(said, raw, &known.user_info()))
            }
            Ok(_) => Err(other()),
            Err(Untrusted::Invalid(why)) => Err(RefreshFailure::Refused(why.to_owned())),
            Err(untrusted @ Untrusted::NoKey) if self.is_about(raw, known) => {
                Err(RefreshFailure::Unknown(untrusted.to_string()))
            }
            Err(Untrusted::NoKeys(error)) if self.is_about(raw, known) => {
                Err(RefreshFailure::Unknown(format!("the refreshed ID token cannot be checked: {error}")))
            }
            Err(Untrusted::NoKey | Untrusted::NoKeys(_)) => Err(other()),
        }
    }

    /// Whether an ID token that cannot be checked claims to be about this user, for this client.
    fn is_about(&self, raw: &str, known: &Identity) -> bool {
        let audience = Audience::Client { id: &self.settings.client_id, trusted: &self.settings.trusted_audiences };
        payload(raw).is_some_and(|claims| id_token::is_about(&claims, &known.issuer, audience, &known.subject))
    }

    /// The issuer that an ID token names where it is another one, beside the configured one: for the log.
    fn other_issuer(&self, raw: &str) -> Option<String> {
        let claims = payload(raw)?;
        let (theirs, ours) = (claims.get("iss")?.as_str()?, self.settings.issuer.as_str());
        let variable = &self.settings.issuer_variable;
        let is_other = !self.settings.may_be_issuer(theirs);
        is_other.then(|| format!("The ID token's issuer is {}, and {variable} is {ours}", plain_issuer(theirs)))
    }

    /// Validates an ID token, and fetches the provider's keys once more where its key is missing or has changed.
    async fn validate(
        &self,
        metadata: &Metadata,
        raw: &str,
        issuer: Issuer<'_>,
        nonce: Option<&str>,
        tokens: &Tokens,
    ) -> Result<Claims, Untrusted> {
        let algorithms = self.algorithms(metadata);
        let expected = ExpectedIdToken {
            issuer,
            client_id: &self.settings.client_id,
            trusted_audiences: &self.settings.trusted_audiences,
            nonce,
            nonce_optional: self.settings.nonce_optional,
            access_token: &tokens.access_token,
            algorithms: &algorithms,
            asked: &self.settings.authorization_params,
        };
        let jwt = id_token::read(raw, expected)?;
        let uri = metadata.jwks_uri().as_str();
        let signs_for = |key: &Value| jwt.text("iss").is_some_and(|iss| issuer.is_signed_by(key, iss));
        keys::verify(&jwt, uri, &self.link, Presenter::Provider, &signs_for, id_token::words).await?;
        id_token::check(jwt, expected, tokens.valid_from)
    }
}
