//! Who is logged in: the identity that a validated ID token and UserInfo state.

use serde_json::Value;

use super::claims::{self, Claims};
use super::discovery::Metadata;
use super::id_token::{self, Expected};
use super::keys::{self, Untrusted};
use super::oidc::Oidc;
use super::user_info::{Asking, PATIENCE, UserInfo};
use super::{ProviderError, RefreshFailure, Tokens};
use crate::identity::Identity;
use crate::jose::document::Presenter;
use crate::jose::jwt::payload;

/// Who has logged in, as far as is known in time.
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
        nonce: &str,
        tokens: &Tokens,
    ) -> Result<Identified, ProviderError> {
        let said = self.validate(metadata, raw, Some(nonce), tokens).await?;
        let known = identity(claims::of_id_token(said), raw, &Claims::new());
        let asking = self.ask_user_info(self.link.isolate.now(), tokens.access_token.clone(), known.subject.clone());
        let (identity, remark, user_info) = match asking.within(&*self.link.isolate, PATIENCE).await {
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
        match self.validate(metadata, raw, None, tokens).await {
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

    /// Whether an ID token that cannot be checked claims to be about this user, for this client alone.
    fn is_about(&self, raw: &str, known: &Identity) -> bool {
        payload(raw)
            .is_some_and(|claims| id_token::is_about(&claims, &known.issuer, &self.settings.client_id, &known.subject))
    }

    /// Validates an ID token, with one look at the provider's keys anew where its key is missing, or is another.
    async fn validate(
        &self,
        metadata: &Metadata,
        raw: &str,
        nonce: Option<&str>,
        tokens: &Tokens,
    ) -> Result<Claims, Untrusted> {
        let algorithms = self.algorithms(metadata);
        let expected = Expected {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            nonce,
            access_token: &tokens.access_token,
            algorithms: &algorithms,
        };
        let jwt = id_token::read(raw, expected)?;
        let uri = metadata.jwks_uri().as_str();
        keys::verify(&jwt, uri, &self.link, Presenter::Provider, id_token::words).await?;
        id_token::check(jwt, expected, tokens.asked_at)
    }
}

impl Identity {
    /// The claims.
    fn claims(&self) -> Claims {
        serde_json::from_str(&self.claims).unwrap_or_default()
    }

    /// Those of UserInfo.
    pub fn user_info(&self) -> Claims {
        serde_json::from_str(&self.user_info).unwrap_or_default()
    }

    /// The same one, of whom UserInfo now says this.
    #[must_use]
    pub fn informed(self, said: Claims) -> Self {
        let of_id_token = claims::of_id_token(payload(&self.id_token).unwrap_or_default());
        let of_id_token = claims::refreshed(of_id_token, &self.claims());
        let claims = Value::Object(claims::together(&of_id_token, &said)).to_string();
        Self { claims, user_info: Value::Object(said).to_string(), ..self }
    }
}

fn identity(of_id_token: Claims, raw: &str, user_info: &Claims) -> Identity {
    let text = |name: &str| of_id_token.get(name).and_then(Value::as_str).map(str::to_owned);
    Identity {
        issuer: text("iss").unwrap_or_default(),
        subject: text("sub").unwrap_or_default(),
        sid: text("sid").filter(|sid| !sid.is_empty()),
        id_token: raw.to_owned(),
        claims: Value::Object(claims::together(&of_id_token, user_info)).to_string(),
        user_info: Value::Object(user_info.clone()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::signing::sign;

    fn object(value: &Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    fn of(said: &Value) -> Identity {
        identity(object(said), &sign(&json!({"alg": "EdDSA"}), said), &Claims::new())
    }

    #[test]
    fn what_user_info_said_before_is_gone_and_what_the_id_token_said_is_not() {
        let login = of(&json!({"iss": "i", "sub": "a", "groups": ["staff"], "nonce": "n"}));
        let first = login.informed(object(&json!({"roles": ["admin"], "name": "Ada"})));
        assert_eq!(first.claims()["roles"], json!(["admin"]));
        let second = first.informed(object(&json!({"name": "Ada"})));
        let expected = json!({"iss": "i", "sub": "a", "groups": ["staff"], "name": "Ada"});
        assert_eq!(Value::Object(second.claims()), expected);
    }

    #[test]
    fn what_belongs_to_the_login_outlives_refreshed_id_tokens_and_what_user_info_says_after_them() {
        let login =
            of(&json!({"iss": "i", "sub": "a", "acr": "mfa", "sid": "s"})).informed(object(&json!({"plan": 1})));
        let said = json!({"iss": "i", "sub": "a", "iat": 2});
        let renewed = claims::refreshed(object(&said), &login.claims());
        let renewed = identity(renewed, &sign(&json!({"alg": "EdDSA"}), &said), &login.user_info());
        let expected = json!({"iss": "i", "sub": "a", "iat": 2, "acr": "mfa", "sid": "s", "plan": 1});
        assert_eq!(Value::Object(renewed.claims()), expected);
        let informed = renewed.informed(object(&json!({"plan": 2})));
        assert_eq!((informed.claims()["acr"].clone(), informed.claims()["plan"].clone()), (json!("mfa"), json!(2)));
    }
}
