//! The identity that a validated ID token and UserInfo state.

use serde_json::Value;

use super::claims;
use crate::identity::Identity;
use crate::jose::Claims;
use crate::jose::jwt::payload;

impl Identity {
    /// The claims.
    pub(super) fn claims(&self) -> Claims {
        serde_json::from_str(&self.claims).unwrap_or_default()
    }

    /// Those of UserInfo.
    pub fn user_info(&self) -> Claims {
        serde_json::from_str(&self.user_info).unwrap_or_default()
    }

    /// The same identity, with what UserInfo says now.
    #[must_use]
    pub fn informed(self, said: Claims) -> Self {
        let of_id_token = claims::of_id_token(payload(&self.id_token).unwrap_or_default());
        let of_id_token = claims::refreshed(of_id_token, &self.claims());
        let claims = Value::Object(claims::together(&of_id_token, &said)).to_string();
        Self { claims, user_info: Value::Object(said).to_string(), ..self }
    }
}

/// The identity that the claims of this ID token and of UserInfo state.
pub(super) fn identity(of_id_token: Claims, raw: &str, user_info: &Claims) -> Identity {
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
