//! What the provider publishes and signs.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::ISSUER;

pub fn discovery(has_user_info: bool) -> Value {
    let at = |path: &str| format!("{ISSUER}/{path}");
    let mut document = json!({
        "issuer": ISSUER, "authorization_endpoint": at("authorize"), "token_endpoint": at("token"), "jwks_uri": at("jwks"),
        "revocation_endpoint": at("revoke"), "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"], "scopes_supported": ["openid", "offline_access"],
        "end_session_endpoint": at("end-session"),
    });
    if has_user_info {
        document["userinfo_endpoint"] = at("userinfo").into();
    }
    document
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub fn jwk() -> Value {
    let x = BASE64_URL_SAFE_NO_PAD.encode(key().verifying_key().as_bytes());
    json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "k", "x": x})
}

pub fn sign(claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "EdDSA", "kid": "k"})), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

/// An access token that the provider has issued to another client, for this audience.
pub fn client_jwt(now: OffsetDateTime, audience: &str) -> String {
    let now = now.unix_timestamp();
    sign(&json!({
        "iss": ISSUER, "aud": audience, "sub": "machine", "groups": ["staff"], "iat": now, "exp": now + 3600,
    }))
}

/// A logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4).
pub fn logout_token(now: OffsetDateTime, jti: u64, subject: Option<&str>, sid: Option<&str>) -> String {
    let now = now.unix_timestamp();
    let mut claims = json!({
        "iss": ISSUER, "aud": "client", "iat": now, "exp": now + 120, "jti": format!("jti-{jti}"),
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    for (name, value) in [("sub", subject), ("sid", sid)] {
        if let Some(value) = value {
            claims[name] = value.into();
        }
    }
    sign(&claims)
}
