use proptest::prelude::*;
use serde_json::json;

use super::*;

const FORM: Form = Form { types: &["jwt", "at+jwt"], max_bytes: 16 << 10 };

fn token(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.AAAA", part(header), part(claims))
}

fn flaw(header: &Value) -> Option<Flaw> {
    Jwt::parse(&token(header, &json!({})), FORM).err()
}

#[test]
fn public_key_algorithms_alone_are_accepted() {
    for alg in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"] {
        assert_eq!(flaw(&json!({ "alg": alg })), None, "{alg}");
    }
    for alg in ["none", "nOnE", "HS256", "HS512", "rs256", "RSA-OAEP", "ES256K", "", "A128GCM", "Ed448"] {
        assert_eq!(flaw(&json!({ "alg": alg })), Some(Flaw::Algorithm), "{alg}");
    }
    assert_eq!(flaw(&json!({})), Some(Flaw::Algorithm));
    assert_eq!(flaw(&json!({"alg": ["RS256"]})), Some(Flaw::Malformed));
}

#[test]
fn the_type_is_one_of_the_kind_s_or_none() {
    for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT"] {
        assert_eq!(flaw(&json!({"alg": "RS256", "typ": typ})), None, "{typ}");
    }
    for typ in ["logout+jwt", "dpop+jwt", "id_token", "application/jwe", ""] {
        assert_eq!(flaw(&json!({"alg": "RS256", "typ": typ})), Some(Flaw::Type), "{typ}");
    }
    assert_eq!(flaw(&json!({"alg": "RS256", "typ": 7})), Some(Flaw::Malformed));
}

#[test]
fn a_critical_header_parameter_is_refused_whatever_it_says() {
    for crit in [json!(["b64"]), json!(["exp"]), json!([]), json!(null), json!("exp")] {
        assert_eq!(flaw(&json!({"alg": "RS256", "crit": crit})), Some(Flaw::Critical), "{crit}");
    }
}

#[test]
fn a_content_type_is_seen() {
    let has = |header: &Value| Jwt::parse(&token(header, &json!({})), FORM).unwrap().has_content_type;
    assert!(has(&json!({"alg": "RS256", "cty": "JWT"})) && has(&json!({"alg": "RS256", "cty": null})));
    assert!(!has(&json!({"alg": "RS256"})));
}

#[test]
fn what_is_no_signed_jwt_is_refused() {
    let good = token(&json!({"alg": "RS256"}), &json!({}));
    for bad in ["", ".", "..", "a.b.c", "e30.e30", &format!("{good}.AAAA"), &format!("{good}="), &format!(".{good}")] {
        assert_eq!(Jwt::parse(bad, FORM).err(), Some(Flaw::Malformed), "{bad}");
    }
    assert_eq!(Jwt::parse(&"a".repeat(20_000), FORM).err(), Some(Flaw::TooLong));
    for claims in [json!([]), json!("text"), json!(null), json!(7)] {
        assert_eq!(
            Jwt::parse(&token(&json!({"alg": "RS256"}), &claims), FORM).err(),
            Some(Flaw::Malformed),
            "{claims}"
        );
    }
    let twice = format!("{}.e30.AAAA", BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","alg":"ES256"}"#));
    assert_eq!(Jwt::parse(&twice, FORM).err(), Some(Flaw::Malformed), "a header that names two algorithms");
}

/// Any bytes as one of the three parts.
fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<Vec<u8>>().prop_map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes)),
        ".*",
        r#"\{("(alg|kid|typ|crit|iss|exp)":("[a-zA-Z0-9]{0,5}"|null|-?[0-9]{1,400}|\[\]),?){0,4}\}"#
            .prop_map(|json| BASE64_URL_SAFE_NO_PAD.encode(json)),
        Just(BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#)),
    ]
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic_and_what_it_accepts_is_what_was_signed(parts in proptest::collection::vec(part(), 0..5)) {
        let text = parts.join(".");
        let _ = payload(&text);
        if let Ok(jwt) = Jwt::parse(&text, FORM) {
            prop_assert_eq!(&text, &format!("{}.{}", jwt.signed, BASE64_URL_SAFE_NO_PAD.encode(jwt.signature)));
        }
    }
}
