use serde_json::json;

use super::*;
use crate::jose::signing::{keys, sign, verify};

const NOW: i64 = 1_800_000_000;

fn good() -> Value {
    json!({
        "iss": "https://op.example", "aud": "gateway", "iat": NOW, "exp": NOW + 120, "jti": "j", "sub": "ada", "sid": "s",
        "events": {EVENT: {}},
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = good();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn check_header(header: &Value, claims: &Value) -> Result<LogoutToken, Untrusted> {
    validate_raw(&sign(header, claims), &["EdDSA"])
}

fn validate_raw(raw: &str, algorithms: &[&str]) -> Result<LogoutToken, Untrusted> {
    let client_id = ClientId::new("gateway".into());
    let issuer = Issuer::Exactly("https://op.example");
    let algorithms: Vec<_> = algorithms.iter().map(|name| Algorithm::named(name).unwrap()).collect();
    let expected = ExpectedLogoutToken {
        issuer,
        client_id: &client_id,
        trusted_audiences: &["project".to_owned()],
        algorithms: &algorithms,
    };
    let (jwt, said) = read(raw, expected, OffsetDateTime::from_unix_timestamp(NOW).unwrap())?;
    verify(&jwt, &keys(&["k"])).map_err(words)?;
    Ok(said)
}

fn check(claims: &Value) -> Result<LogoutToken, Untrusted> {
    check_header(&json!({"alg": "EdDSA", "kid": "k", "typ": "logout+jwt"}), claims)
}

#[test]
fn a_good_token_names_a_user_or_a_session_of_the_provider_or_both() {
    let both = check(&good()).unwrap();
    assert_eq!((both.subject.as_deref(), both.sid.as_deref(), both.jti.as_str()), (Some("ada"), Some("s"), "j"));
    assert_eq!(check(&without("sub")).unwrap().subject, None);
    assert_eq!(check(&without("sid")).unwrap().sid, None);
    assert!(check_header(&json!({"alg": "EdDSA"}), &good()).is_ok());
}

#[test]
fn a_token_for_several_audiences_is_accepted_with_azp_of_this_client_or_where_the_others_are_trusted() {
    let several = |aud: Value, azp: Option<&str>| {
        let mut claims = with("aud", aud);
        if let Some(azp) = azp {
            claims["azp"] = json!(azp);
        }
        check(&claims)
    };
    assert!(several(json!(["other", "gateway"]), Some("gateway")).is_ok());
    assert!(several(json!(["project", "gateway"]), None).is_ok());
    let refused = several(json!(["other", "gateway"]), None).unwrap_err();
    assert!(refused.to_string().contains("OIDC_TRUSTED_AUDIENCES"), "{refused}");
    for (aud, azp) in [
        (json!(["other", "gateway"]), Some("other")),
        (json!(["project", "gateway"]), Some("project")),
        (json!("gateway"), Some("other")),
        (json!(["project"]), Some("gateway")),
    ] {
        assert!(several(aud.clone(), azp).is_err(), "{aud} {azp:?}");
    }
}

#[test]
fn a_token_that_fails_a_check_is_refused() {
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("other")),
        ("aud", json!([])),
        ("iat", json!("1800000000")),
        ("iat", json!(NOW - 601)),
        ("iat", json!(NOW + 61)),
        ("exp", json!(NOW - 61)),
        ("exp", json!("soon")),
        ("exp", json!(1e300)),
        ("nbf", json!(NOW + 61)),
        ("jti", json!("")),
        ("jti", json!(7)),
        ("events", json!({})),
        ("events", json!({"http://schemas.openid.net/event/other": {}})),
        ("events", json!({EVENT: "yes"})),
        ("events", json!([EVENT])),
        ("nonce", json!("n")),
        ("nonce", json!(null)),
        ("sub", json!(7)),
        ("sub", json!("")),
        ("sub", json!(null)),
        ("sid", json!({})),
        ("sid", json!("")),
        ("sid", json!(null)),
    ] {
        assert!(matches!(check(&with(name, value.clone())), Err(Untrusted::Invalid(_))), "{name}: {value}");
    }
    for name in ["iss", "aud", "iat", "jti", "events"] {
        assert!(check(&without(name)).is_err(), "without {name}");
    }
    let mut nobody = without("sub");
    nobody.as_object_mut().unwrap().remove("sid");
    assert!(check(&nobody).is_err());
}

#[test]
fn a_token_without_an_end_is_accepted_for_two_minutes_from_when_it_was_issued() {
    let endless = |iat: Value| {
        let mut claims = without("exp");
        claims["iat"] = iat;
        check(&claims)
    };
    for good in [json!(NOW), json!(NOW - 119), json!(NOW + 59)] {
        let remembered_until = endless(good).unwrap().expires_at.unix_timestamp();
        assert!(remembered_until > NOW + 120, "its jti is known for longer than it is accepted");
    }
    for bad in [json!(NOW - 121), json!(NOW - 86_400), json!(NOW + 61), json!(null), json!("1800000000"), json!(-1e300)]
    {
        assert!(matches!(endless(bad.clone()), Err(Untrusted::Invalid(_))), "{bad}");
    }
    assert!(check(&with("exp", json!(null))).is_err());
    let mut undated = without("exp");
    undated.as_object_mut().unwrap().remove("iat");
    assert!(check(&undated).is_err());
}

#[test]
fn a_token_with_another_algorithm_type_or_signature_is_refused() {
    for header in [
        json!({"alg": "none", "kid": "k"}),
        json!({"alg": "HS256", "kid": "k"}),
        json!({"kid": "k"}),
        json!({"alg": "EdDSA", "kid": "k", "typ": "at+jwt"}),
        json!({"alg": "EdDSA", "kid": "k", "crit": ["exp"]}),
    ] {
        assert!(matches!(check_header(&header, &good()), Err(Untrusted::Invalid(_))), "{header}");
    }
    assert_eq!(check_header(&json!({"alg": "EdDSA", "kid": "other"}), &good()), Err(Untrusted::NoKey));

    let token = sign(&json!({"alg": "EdDSA", "kid": "k"}), &good());
    let (signed, _) = token.rsplit_once('.').unwrap();
    for raw in [format!("{signed}."), format!("{signed}.AAAA"), signed.to_owned(), String::new(), format!("{token}.x")]
    {
        assert!(validate_raw(&raw, &["RS256", "EdDSA"]).is_err(), "{raw}");
    }
}

#[test]
fn a_token_that_cannot_be_good_is_refused_before_its_key_is_looked_for() {
    let header = json!({"alg": "EdDSA", "kid": "nobody's"});
    assert_eq!(check_header(&header, &good()), Err(Untrusted::NoKey));
    for (name, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("other")),
        ("iat", json!(NOW - 601)),
        ("exp", json!(NOW - 61)),
        ("events", json!({})),
        ("nonce", json!("n")),
        ("sub", json!("")),
        ("jti", json!("")),
    ] {
        let refused = check_header(&header, &with(name, value.clone()));
        assert!(matches!(refused, Err(Untrusted::Invalid(_))), "{name}: {value}");
    }
}

#[test]
fn an_algorithm_that_is_not_the_registration_s_is_refused_though_the_signature_is_good() {
    let token = sign(&json!({"alg": "EdDSA", "kid": "k"}), &good());
    assert!(validate_raw(&token, &["RS256", "EdDSA"]).is_ok());
    assert!(matches!(validate_raw(&token, &["RS256", "ES256"]), Err(Untrusted::Invalid(_))));
}
