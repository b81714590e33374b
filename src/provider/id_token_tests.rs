#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

use super::*;
use crate::jose::KeySet;
use crate::jose::signing::{jwk, set, sign, verify};

const NOW: i64 = 1_800_000_000;

fn good() -> Value {
    json!({"iss": "https://op.example", "aud": "gateway", "sub": "ada", "nonce": "n", "iat": NOW, "exp": NOW + 300})
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn check_header(header: &Value, claims: &Value) -> Result<Claims, Untrusted> {
    validate_raw(&sign(header, claims), &named(&["EdDSA"]))
}

fn named(names: &[&str]) -> Vec<&'static Algorithm> {
    names.iter().map(|name| Algorithm::named(name).unwrap()).collect()
}

fn check(claims: &Value) -> Result<Claims, Untrusted> {
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
        assert!(matches!(check(&with(name, value.clone())), Err(Untrusted::Invalid(_))), "{name}: {value}");
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
    for alg in ["none", "nOnE", "", "HS256", "RS256", "eddsa"] {
        assert!(matches!(check_header(&json!({"alg": alg, "kid": "k"}), &good()), Err(Untrusted::Invalid(_))), "{alg}");
    }
    assert!(check_header(&json!({"kid": "k"}), &good()).is_err());
}

#[test]
fn an_unknown_key_is_told_apart_from_a_bad_signature() {
    assert_eq!(check_header(&json!({"alg": "EdDSA", "kid": "other"}), &good()), Err(Untrusted::NoKey));
    let token = sign(&json!({"alg": "EdDSA", "kid": "k"}), &good());
    let (signed, _) = token.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode([0_u8; 64]));
    let refused = validate_raw(&forged, &named(&["EdDSA"])).unwrap_err();
    assert_eq!(refused.to_string(), "the token's signature is not accepted");
}

#[test]
fn an_algorithm_that_is_not_the_registration_s_is_refused_though_the_signature_is_good() {
    let token = sign(&json!({"alg": "EdDSA", "kid": "k"}), &good());
    assert!(validate_raw(&token, &named(&["RS256", "EdDSA"])).is_ok());
    for others in [&["RS256"][..], &["ES256", "ES512"], &[]] {
        let refused = validate_raw(&token, &named(others)).unwrap_err();
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

fn validate_raw(raw: &str, algorithms: &[&'static Algorithm]) -> Result<Claims, Untrusted> {
    validate(raw, algorithms, &set(&[jwk("k")]), "access")
}

fn validate(raw: &str, algorithms: &[&'static Algorithm], keys: &KeySet, access: &str) -> Result<Claims, Untrusted> {
    let client_id = ClientId::new("gateway".into());
    let access_token = AccessToken::new(access.into());
    let expected = ExpectedIdToken {
        issuer: Issuer::Exactly("https://op.example"),
        client_id: &client_id,
        nonce: Some("n"),
        access_token: &access_token,
        algorithms,
    };
    let jwt = read(raw, expected)?;
    verify(&jwt, keys).map_err(words)?;
    super::check(jwt, expected, OffsetDateTime::from_unix_timestamp(NOW).unwrap())
}

#[test]
fn a_token_without_a_key_id_passes_where_one_key_fits() {
    assert!(check_header(&json!({"alg": "EdDSA"}), &good()).is_ok());
}

#[test]
fn a_key_of_the_named_id_that_is_for_something_else_is_told_apart_from_one_that_can_sign_nothing() {
    let raw = sign(&json!({"alg": "ES256", "kid": "k"}), &good());
    let checked = |key: Value| validate(&raw, &named(&["ES256"]), &set(&[key]), "access").unwrap_err();
    for rotated in [
        json!({"kty": "RSA", "n": "AAAA", "e": "AQAB", "kid": "k"}),
        json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "k"}),
        json!({"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", "kid": "k", "use": "enc"}),
    ] {
        assert_eq!(checked(rotated.clone()), Untrusted::NoKey, "{rotated}");
    }
    for unusable in ["P-384", "P-521", "P-256"] {
        let key = json!({"kty": "EC", "crv": unusable, "x": "AAAA", "y": "AAAA", "kid": "k"});
        assert!(matches!(checked(key), Untrusted::Invalid(_)), "{unusable}");
    }
}

#[test]
fn an_at_hash_is_the_hash_of_the_access_token_by_the_algorithm_s_own_function() {
    // The left half of SHA-512 of "access".
    let half = "kyd4-h3ZoV2sH212kLKbcOnCBajStKQ38Ae_bfT-PFI";
    let sha256 = Algorithm::named("RS256").unwrap().half_hash("access");
    let other = Algorithm::named("EdDSA").unwrap().half_hash("other");
    for alg in ["EdDSA", "Ed25519"] {
        let with_hash = |at_hash: &str| {
            let raw = sign(&json!({"alg": alg, "kid": "k"}), &with("at_hash", json!(at_hash)));
            validate(&raw, &named(&[alg]), &set(&[jwk("k")]), "access")
        };
        assert!(with_hash(half).is_ok(), "{alg}");
        for bad in [&sha256, &other, "", &half.to_lowercase(), &format!("{half}=")] {
            let refused = with_hash(bad).unwrap_err().to_string();
            assert!(refused.contains("at_hash"), "{alg} {bad}: {refused}");
        }
    }
}

#[test]
fn a_header_that_says_more_than_is_understood_is_refused() {
    for more in [json!({"crit": ["exp"]}), json!({"crit": null}), json!({"cty": "JWT"}), json!({"typ": "at+jwt"})] {
        let mut header = json!({"alg": "EdDSA", "kid": "k"});
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert!(matches!(check_header(&header, &good()), Err(Untrusted::Invalid(_))), "{header}");
    }
    for typ in ["JWT", "application/jwt", "JOSE"] {
        assert!(check_header(&json!({"alg": "EdDSA", "kid": "k", "typ": typ}), &good()).is_ok(), "{typ}");
    }
}

#[test]
fn claims_that_nothing_depends_on_may_be_of_any_type() {
    for (name, odd) in
        [("email", json!(7)), ("name", json!({"x": 1})), ("amr", json!("pwd")), ("updated_at", json!([]))]
    {
        assert!(check(&with(name, odd.clone())).is_ok(), "{name}: {odd}");
    }
}

#[test]
fn a_token_that_cannot_be_checked_is_about_a_user_where_it_says_so_and_is_for_this_client_alone() {
    let about = |name: &str, value: Value| {
        let claims = with(name, value);
        is_about(claims.as_object().unwrap(), "https://op.example", &ClientId::new("gateway".into()), "ada")
    };
    assert!(about("exp", json!(0)) && about("aud", json!(["gateway"])));
    for (name, other) in [
        ("iss", json!("https://evil.example")),
        ("sub", json!("grace")),
        ("sub", json!(null)),
        ("aud", json!("other")),
        ("aud", json!([])),
        ("aud", json!(["gateway", "other"])),
    ] {
        assert!(!about(name, other.clone()), "{name}: {other}");
    }
}
