//! Who is logged in at WorkOS: the user object of the answer in OpenID Connect's claims, and those of the access
//! token. Pure.

use serde_json::{Map, Value, json};

use crate::identity::Identity;

/// Claims of the access token that say something about the token, not about the user.
const TOKEN_CLAIMS: [&str; 7] = ["iss", "aud", "exp", "iat", "nbf", "jti", "client_id"];

/// The user's fields, and the standard claims (OpenID Connect Core 1.0 section 5.1) that they are; the last ones have
/// none.
const USER_CLAIMS: [(&str, &str); 9] = [
    ("id", "sub"),
    ("email", "email"),
    ("email_verified", "email_verified"),
    ("first_name", "given_name"),
    ("last_name", "family_name"),
    ("profile_picture_url", "picture"),
    ("locale", "locale"),
    ("external_id", "external_id"),
    ("metadata", "metadata"),
];

/// The id of the answer's user.
pub fn user_id(body: &Value) -> Option<&str> {
    body.get("user")?.get("id")?.as_str().filter(|id| !id.is_empty())
}

/// The identity that an answer and its access token's claims state; none where they name different users or different
/// organizations.
pub fn of(issuer: &str, body: &Value, token: Map<String, Value>) -> Option<Identity> {
    let subject = user_id(body).filter(|id| token.get("sub").and_then(Value::as_str) == Some(id))?.to_owned();
    let sid = token.get("sid").and_then(Value::as_str).map(str::to_owned);
    let user = body.get("user")?;

    let mut claims = token;
    claims.retain(|name, _| !TOKEN_CLAIMS.contains(&name.as_str()));
    let known = USER_CLAIMS.iter().filter_map(|(field, claim)| Some(((*claim).to_owned(), user.get(field)?.clone())));
    claims.extend(known);
    let names: Vec<&str> = ["first_name", "last_name"].iter().filter_map(|field| user.get(field)?.as_str()).collect();
    if !names.is_empty() {
        claims.insert("name".to_owned(), names.join(" ").into());
    }
    let org_id = claims.get("org_id").and_then(Value::as_str);
    if body.get("organization_id").is_some_and(|id| id.as_str() != org_id) {
        return None;
    }
    for name in ["authentication_method", "impersonator"] {
        claims.extend(body.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    claims.insert("iss".to_owned(), json!(issuer));
    claims.retain(|_, value| !value.is_null());
    Some(Identity {
        issuer: issuer.to_owned(),
        subject,
        sid,
        claims: Value::Object(claims).to_string(),
        // There is none, and no logout needs one.
        id_token: String::new(),
        user_info: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Value {
        json!({
            "user": {
                "object": "user", "id": "user_1", "email": "ada@example.com", "email_verified": true,
                "first_name": "Ada", "last_name": "Lovelace", "profile_picture_url": null, "external_id": "7",
                "metadata": {"team": "engines"}, "created_at": "2026-01-15T12:00:00.000Z",
            },
            "organization_id": "org_1", "access_token": "a", "refresh_token": "r", "impersonator": null,
        })
    }

    fn token() -> Map<String, Value> {
        let claims = json!({
            "iss": "https://api.workos.com/", "sub": "user_1", "sid": "session_1", "jti": "j", "exp": 1, "iat": 1,
            "org_id": "org_1", "role": "admin", "permissions": ["posts:read"], "entitlements": [],
        });
        claims.as_object().unwrap().clone()
    }

    #[test]
    fn the_user_has_the_standard_claims_and_those_of_the_access_token() {
        let identity = of("https://api.workos.com", &body(), token()).unwrap();
        assert_eq!((identity.subject.as_str(), identity.sid.as_deref()), ("user_1", Some("session_1")));
        assert_eq!(identity.issuer, "https://api.workos.com");
        let claims: Value = serde_json::from_str(&identity.claims).unwrap();
        let expected = json!({
            "iss": "https://api.workos.com", "sub": "user_1", "sid": "session_1", "org_id": "org_1", "role": "admin",
            "permissions": ["posts:read"], "entitlements": [], "email": "ada@example.com", "email_verified": true,
            "given_name": "Ada", "family_name": "Lovelace", "name": "Ada Lovelace", "external_id": "7",
            "metadata": {"team": "engines"},
        });
        assert_eq!(claims, expected);
    }

    #[test]
    fn a_user_and_a_token_of_different_users_are_nobody() {
        let mut other = token();
        other.insert("sub".to_owned(), json!("user_2"));
        assert!(of("https://api.workos.com", &body(), other).is_none());
        assert!(of("https://api.workos.com", &json!({}), token()).is_none());
        for org_id in [json!("org_2"), json!(null)] {
            let mut other = token();
            other.insert("org_id".to_owned(), org_id);
            assert!(
                of("https://api.workos.com", &body(), other).is_none(),
                "an organization that the token is not for"
            );
        }
        assert!(of("https://api.workos.com", &body(), Map::new()).is_none());
    }
}
