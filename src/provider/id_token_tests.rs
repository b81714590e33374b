#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use serde_json::json;

use super::*;
use crate::provider::signing::{keys, sign};

const NOW: i64 = 1_800_000_000;

fn good() -> Value {
    json!({"iss": "https://op.example", "aud": "gateway", "sub": "ada", "nonce": "n", "iat": NOW, "exp": NOW + 300})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn check_header(header: &Value, claims: &Value) -> Result<Map<String, Value>, IdTokenError> {
    validate_raw(&sign(header, claims), &[CoreJwsSigningAlgorithm::EdDsa])
}

fn check(claims: &Value) -> Result<Map<String, Value>, IdTokenError> {
    check_header(&json!({"alg": "EdDSA", "kid": "k"}), claims)
}

#[test]
fn a_good_token_passes_and_keeps_the_claims_that_nobody_knows() {
    let claims = check(&with("https://claims.example/plan", json!({"seats": 3}))).unwrap();
    assert_eq!(claims["https://claims.example/plan"]["seats"], 3);
    assert!(check(&with("exp", json!(NOW as f64 + 0.5))).is_ok());
    assert!(check(&with("exp", json!(NOW - 59))).is_ok());
    assert!(check(&with("nbf", json!(NOW + 59))).is_ok());
    assert!(check(&with("updated_at", json!("2024-01-01T00:00:00.000Z"))).is_ok());
    assert!(check(&with("email_verified", json!("true"))).is_ok());
}

#[test]
fn claims_that_are_wrong_or_of_a_wrong_type_are_refused() {
    for (name, value) in [
        ("iss", json!("https://op.example/")),
        ("iss", json!(null)),
        ("aud", json!("other")),
        ("aud", json!([])),
        ("aud", json!(["gateway", "other"])),
        ("nonce", json!("m")),
        ("sub", json!(null)),
        ("sub", json!(7)),
        ("exp", json!("1900000000")),
        ("exp", json!("2099-01-01T00:00:00Z")),
        ("iat", json!("2027-01-15T08:00:00Z")),
        ("exp", json!(1e300)),
        ("exp", json!(NOW - 61)),
        ("exp", json!(-1e300)),
        ("iat", json!("1800000000")),
        ("iat", json!(1e300)),
        ("iat", json!(NOW + 61)),
        ("iat", json!(NOW - 3600)),
        ("nbf", json!("1800000000")),
        ("nbf", json!(1e300)),
        ("nbf", json!(NOW + 61)),
        ("azp", json!("other")),
        ("at_hash", json!("AAAA")),
    ] {
        assert!(matches!(check(&with(name, value.clone())), Err(IdTokenError::Invalid(_))), "{name}: {value}");
    }
    for name in ["iss", "aud", "sub", "nonce", "iat", "exp"] {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(name);
        assert!(check(&claims).is_err(), "without {name}");
    }
}

#[test]
fn additional_audiences_are_refused_with_azp_too() {
    let mut claims = with("aud", json!(["gateway", "other"]));
    claims["azp"] = json!("gateway");
    assert!(check(&claims).is_err());
}

#[test]
fn algorithms_that_are_none_or_symmetric_or_unknown_are_refused() {
    for alg in ["none", "nOnE", "", "HS256", "ES512", "eddsa"] {
        assert!(
            matches!(check_header(&json!({"alg": alg, "kid": "k"}), &good()), Err(IdTokenError::Invalid(_))),
            "{alg}"
        );
    }
    assert!(check_header(&json!({"kid": "k"}), &good()).is_err());
}

#[test]
fn an_unknown_key_is_told_apart_from_a_bad_signature() {
    assert_eq!(check_header(&json!({"alg": "EdDSA", "kid": "other"}), &good()), Err(IdTokenError::UnknownKey));
    let token = sign(&json!({"alg": "EdDSA", "kid": "k"}), &good());
    let (signed, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode([0_u8; 64]));
    assert_eq!(validate_raw(&forged, &[CoreJwsSigningAlgorithm::EdDsa]), Err(IdTokenError::BadSignature));
    assert!(IdTokenError::BadSignature.is_about_the_key() && IdTokenError::UnknownKey.is_about_the_key());
    assert!(!IdTokenError::Invalid("").is_about_the_key());
}

#[test]
fn an_algorithm_that_is_not_the_registration_s_is_refused_though_the_signature_is_good() {
    let token = sign(&json!({"alg": "EdDSA", "kid": "k"}), &good());
    assert!(validate_raw(&token, &ALGORITHMS).is_ok());
    for others in [&[CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256][..], &[CoreJwsSigningAlgorithm::HmacSha256], &[]] {
        let refused = validate_raw(&token, others).unwrap_err();
        assert!(refused.to_string().contains("OIDC_ID_TOKEN_ALG"), "{refused}");
    }
}

#[test]
fn a_claim_that_is_missing_is_named() {
    for name in ["iss", "sub", "aud", "exp", "iat"] {
        let mut claims = good();
        claims.as_object_mut().unwrap().remove(name);
        let refused = check(&claims).unwrap_err().to_string();
        assert!(refused.contains(&format!("({name})")), "{name}: {refused}");
    }
    assert!(check(&with("sub", json!(""))).unwrap_err().to_string().contains("empty (sub)"));
}

#[test]
fn null_is_no_value_for_a_claim_that_is_used() {
    for name in ["iss", "sub", "aud", "exp", "iat", "nonce", "azp", "at_hash", "nbf", "sid"] {
        let refused = check(&with(name, json!(null))).unwrap_err();
        assert!(refused.to_string().contains("null"), "{name}: {refused}");
    }
    assert!(check(&with("email", json!(null))).is_ok(), "another claim may be anything");
    for (name, odd) in [("sid", json!(7)), ("sid", json!(["s"])), ("azp", json!(["gateway"])), ("nonce", json!({}))] {
        assert!(check(&with(name, odd)).is_err(), "{name}");
    }
}

fn validate_raw(raw: &str, algorithms: &[CoreJwsSigningAlgorithm]) -> Result<Map<String, Value>, IdTokenError> {
    let (issuer, client_id) = (IssuerUrl::new("https://op.example".into()).unwrap(), ClientId::new("gateway".into()));
    let access_token = AccessToken::new("access".into());
    let expected =
        Expected { issuer: &issuer, client_id: &client_id, nonce: Some("n"), access_token: &access_token, algorithms };
    validate(raw, &keys("k"), expected, OffsetDateTime::from_unix_timestamp(NOW).unwrap())
}

#[test]
fn a_token_without_a_key_id_passes_where_one_key_fits() {
    assert!(check_header(&json!({"alg": "EdDSA"}), &good()).is_ok());
}

#[test]
fn a_key_of_the_named_id_that_fits_in_its_type_alone_is_worth_another_look() {
    let raw = sign(&json!({"alg": "ES256", "kid": "k"}), &good());
    let (issuer, client_id) = (IssuerUrl::new("https://op.example".into()).unwrap(), ClientId::new("gateway".into()));
    let algorithms = [CoreJwsSigningAlgorithm::EcdsaP256Sha256];
    let access_token = AccessToken::new("at".into());
    let expected = Expected {
        issuer: &issuer,
        client_id: &client_id,
        nonce: Some("n"),
        access_token: &access_token,
        algorithms: &algorithms,
    };
    for key in [
        json!({"kty": "EC", "crv": "P-384", "x": "AAAA", "y": "AAAA", "kid": "k"}),
        json!({"kty": "EC", "crv": "P-521", "x": "AAAA", "y": "AAAA", "kid": "k"}),
        json!({"kty": "RSA", "n": "AAAA", "e": "AQAB", "kid": "k"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "k"}),
    ] {
        let keys: CoreJsonWebKeySet = serde_json::from_value(json!({ "keys": [key] })).unwrap();
        let error = validate(&raw, &keys, expected, OffsetDateTime::from_unix_timestamp(NOW).unwrap()).unwrap_err();
        assert!(error.is_about_the_key(), "{key}: {error}");
    }
}
