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
        ("aud", json!(["gateway", 7])),
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
fn additional_audiences_are_accepted_with_azp_of_this_client_and_with_azp_of_another_never() {
    let mut claims = with("aud", json!(["gateway", "other"]));
    claims["azp"] = json!("gateway");
    assert!(check(&claims).is_ok());
    claims["azp"] = json!("other");
    assert!(check(&claims).unwrap_err().to_string().contains("(azp)"));
    // "project" is trusted, which makes up for a missing `azp` and for nothing else.
    assert!(check(&with("aud", json!(["project", "gateway"]))).is_ok());
    assert!(check(&with("aud", json!(["project"]))).is_err());
    let mut claims = with("aud", json!(["project", "gateway"]));
    claims["azp"] = json!("project");
    assert!(check(&claims).is_err());
    let refused = check(&with("aud", json!(["gateway", "project", "other"]))).unwrap_err();
    assert!(refused.to_string().contains("OIDC_TRUSTED_AUDIENCES"), "{refused}");
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
    for name in ["iss", "sub", "aud", "exp", "iat", "nonce", "azp", "at_hash", "nbf", "sid", "events"] {
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
    let expected = |expected: ExpectedIdToken<'_>| validate_as(raw, keys, expected);
    with_expected(algorithms, access, expected)
}

fn validate_as(raw: &str, keys: &KeySet, expected: ExpectedIdToken<'_>) -> Result<Claims, Untrusted> {
    let jwt = read(raw, expected)?;
    verify(&jwt, keys).map_err(words)?;
    super::check(jwt, expected, OffsetDateTime::from_unix_timestamp(NOW).unwrap())
}

/// What the tests' tokens are checked against.
fn with_expected<T>(algorithms: &[&'static Algorithm], access: &str, then: impl FnOnce(ExpectedIdToken<'_>) -> T) -> T {
    let client_id = ClientId::new("gateway".into());
    let access_token = AccessToken::new(access.into());
    let expected = ExpectedIdToken {
        issuer: Issuer::Exactly("https://op.example"),
        client_id: &client_id,
        trusted_audiences: &["project".to_owned()],
        nonce: Some("n"),
        nonce_optional: false,
        access_token: &access_token,
        algorithms,
        asked: &[],
    };
    then(expected)
}

/// The same, where these parameters were in the authorization request.
fn check_asked(claims: &Value, asked: &[(String, String)]) -> Result<Claims, Untrusted> {
    let raw = sign(&json!({"alg": "EdDSA", "kid": "k"}), claims);
    let keys = set(&[jwk("k")]);
    with_expected(&named(&["EdDSA"]), "access", |expected| {
        validate_as(&raw, &keys, ExpectedIdToken { asked, ..expected })
    })
}

#[test]
fn a_nonce_may_be_missing_where_it_is_optional_and_a_wrong_one_is_refused_all_the_same() {
    let of = |claims: &Value, nonce_optional: bool| {
        let raw = sign(&json!({"alg": "EdDSA", "kid": "k"}), claims);
        let keys = set(&[jwk("k")]);
        with_expected(&named(&["EdDSA"]), "access", |expected| {
            validate_as(&raw, &keys, ExpectedIdToken { nonce_optional, ..expected })
        })
    };
    let mut without = good();
    without.as_object_mut().unwrap().remove("nonce");
    assert!(of(&without, true).is_ok());
    assert!(of(&without, false).unwrap_err().to_string().contains("OIDC_NONCE"));
    assert!(of(&good(), true).is_ok());
    let mut logout = without.clone();
    logout["events"] = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    assert!(of(&logout, true).unwrap_err().to_string().contains("logout token"));
    for wrong in [json!("m"), json!(""), json!(null), json!(["n"]), json!("N")] {
        assert!(of(&with("nonce", wrong.clone()), true).is_err(), "{wrong}");
    }
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
    let values = [json!(7), json!("text"), json!(["a", 7, null]), json!({"x": 1}), json!(null), json!(false)];
    for name in [
        "email",
        "name",
        "phone_number",
        "address",
        "updated_at",
        "email_verified",
        "birthdate",
        "locale",
        "groups",
        "roles",
        "amr",
        "acr",
        "auth_time",
        "jti",
        "c_hash",
        "s_hash",
        "org_id",
        "preferred_username",
    ] {
        for value in &values {
            assert_eq!(check(&with(name, value.clone())).unwrap()[name], *value, "{name}: {value}");
        }
    }
}

#[test]
fn claims_that_checks_depend_on_have_their_type() {
    let odd = [json!(7), json!("text"), json!(["a"]), json!({"x": 1}), json!(null), json!(false)];
    for (name, is_right) in [
        ("iss", Value::is_string as fn(&Value) -> bool),
        ("sub", Value::is_string),
        ("nonce", Value::is_string),
        ("azp", Value::is_string),
        ("at_hash", Value::is_string),
        ("sid", Value::is_string),
        ("exp", Value::is_number),
        ("iat", Value::is_number),
        ("nbf", Value::is_number),
        ("events", Value::is_object),
    ] {
        for value in odd.iter().filter(|value| !is_right(value)) {
            assert!(matches!(check(&with(name, value.clone())), Err(Untrusted::Invalid(_))), "{name}: {value}");
        }
    }
    assert!(check(&with("events", json!({"x": 1}))).is_ok());
}

#[test]
fn acr_and_auth_time_have_their_type_where_they_are_asked_for() {
    let asked = [("acr_values".to_owned(), "mfa".to_owned()), ("max_age".to_owned(), "60".to_owned())];
    let of = |name: &str, value: Value| check_asked(&with(name, value), &asked).is_ok();
    assert!(of("acr", json!("mfa")) && of("auth_time", json!(NOW)) && of("amr", json!(7)));
    for odd in [json!(null), json!(["mfa"]), json!({})] {
        assert!(!of("acr", odd.clone()) && !of("auth_time", odd.clone()), "{odd}");
    }
    assert!(!of("acr", json!(1)) && !of("auth_time", json!("1800000000")));
}

#[test]
fn the_claims_parameter_asks_for_acr_and_auth_time_too() {
    let of = |requested: &str, name: &str, value: Value| {
        let asked = [("claims".to_owned(), requested.to_owned())];
        check_asked(&with(name, value), &asked).is_ok()
    };
    let both = r#"{"id_token":{"acr":{"essential":true},"auth_time":null}}"#;
    assert!(of(both, "acr", json!("mfa")) && of(both, "auth_time", json!(NOW)));
    assert!(!of(both, "acr", json!(7)) && !of(both, "acr", json!(null)) && !of(both, "auth_time", json!("soon")));
    for other in [r#"{"id_token":{"acr":null}}"#, r#"{"userinfo":{"auth_time":null}}"#, "{}", "no JSON", "[]"] {
        assert!(of(other, "auth_time", json!("soon")), "{other}");
    }
}

#[test]
fn a_token_that_cannot_be_checked_is_about_a_user_where_it_says_so_and_is_for_this_client() {
    let about = |name: &str, value: Value| {
        let claims = with(name, value);
        let audience = Audience::Client { id: "gateway", trusted: &[] };
        is_about(claims.as_object().unwrap(), "https://op.example", audience, "ada")
    };
    assert!(about("exp", json!(0)) && about("aud", json!(["gateway"])));
    for (name, other) in [
        ("iss", json!("https://evil.example")),
        ("sub", json!("grace")),
        ("sub", json!(null)),
        ("aud", json!("other")),
        ("aud", json!([])),
        ("aud", json!(["gateway", "other"])),
        ("azp", json!("other")),
    ] {
        assert!(!about(name, other.clone()), "{name}: {other}");
    }
}
