//! Tests of the access token's validation, with a key of their own.
#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use openidconnect::{ClientId, ClientSecret};
use serde_json::{Value, json};
use time::Duration;

use super::*;
use crate::config::WorkOsSettings;
use crate::jose::Claims;
use crate::jose::signing::{keys, sign, verify};

const NOW: i64 = 1_800_000_000;

fn settings() -> WorkOsSettings {
    WorkOsSettings {
        client_id: ClientId::new("client_1".into()),
        api_key: ClientSecret::new("sk_1".into()),
        api: "https://api.workos.com".parse().unwrap(),
        authorization_params: Vec::new(),
        reuse_leeway: Duration::ZERO,
    }
}

fn with(name: &str, value: Value) -> Value {
    let mut claims =
        json!({"iss": "https://api.workos.com/", "sub": "user_1", "sid": "s", "iat": NOW, "exp": NOW + 300});
    claims[name] = value;
    claims
}

fn check_raw(raw: &str, kids: &[&str]) -> Result<Claims, Untrusted> {
    let settings = settings();
    let jwt = read(raw, &settings, OffsetDateTime::from_unix_timestamp(NOW).unwrap())?;
    verify(&jwt, &keys(kids)).map_err(words)?;
    Ok(jwt.claims)
}

fn check(claims: &Value) -> Result<Claims, Untrusted> {
    check_raw(&sign(&json!({"alg": "EdDSA", "kid": "k"}), claims), &["other", "k"])
}

#[test]
fn a_good_token_passes_with_or_without_an_audience() {
    assert_eq!(check(&with("role", json!("admin"))).unwrap()["role"], "admin");
    assert!(check(&with("aud", json!("client_1"))).is_ok());
    assert!(check(&with("aud", json!(["client_1", "api"]))).is_ok());
    assert!(check(&with("exp", json!(NOW - 59))).is_ok());
}

#[test]
fn a_token_for_or_from_another_or_of_another_time_is_refused() {
    for claims in [
        with("iss", json!("https://api.example.com")),
        with("iss", Value::Null),
        with("aud", json!("client_2")),
        with("aud", json!([])),
        with("aud", Value::Null),
        with("exp", json!(NOW - 61)),
        with("exp", json!("later")),
        with("exp", Value::Null),
        with("exp", json!(1e300)),
        with("nbf", json!(NOW + 61)),
        with("iat", json!(NOW + 61)),
        with("iat", json!("today")),
    ] {
        assert!(matches!(check(&claims), Err(Untrusted::Invalid(_))), "{claims}");
    }
}

#[test]
fn a_signature_counts_under_its_own_key_and_algorithm_alone() {
    let claims = with("sub", json!("user_1"));
    let raw = |header: Value| sign(&header, &claims);
    assert_eq!(check_raw(&raw(json!({"alg": "EdDSA", "kid": "x"})), &["k"]), Err(Untrusted::NoKey));
    assert!(check_raw(&raw(json!({"alg": "EdDSA"})), &["k"]).is_ok());
    assert!(check_raw(&raw(json!({"alg": "EdDSA"})), &["k", "l"]).is_err());
    for alg in ["none", "None", "HS256", "RS256", ""] {
        assert!(check_raw(&raw(json!({"alg": alg, "kid": "k"})), &["k"]).is_err(), "{alg}");
    }
    assert!(check_raw(&raw(json!({"kid": "k"})), &["k"]).is_err());
    let good = raw(json!({"alg": "EdDSA", "kid": "k"}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let other = sign(&json!({"alg": "EdDSA", "kid": "k"}), &with("sub", json!("user_2")));
    let forged = format!("{}.{signature}", other.rsplit_once('.').unwrap().0);
    for bad in [forged.as_str(), signed, &format!("{signed}."), "", "a.b.c", "opaque", "a.b.c.d.e"] {
        assert!(check_raw(bad, &["k"]).is_err(), "{bad}");
    }
}
