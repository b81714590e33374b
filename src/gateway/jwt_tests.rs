use serde_json::json;

use super::*;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const EXPECTED: Expected<'_> = Expected { issuer: "https://login.example", audience: "api" };

fn token(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.AAAA", part(header), part(claims))
}

fn refusal(header: &Value) -> Option<JwtError> {
    Jwt::parse(&token(header, &json!({}))).err()
}

/// Good claims with these instead.
fn checked(more: &Value) -> Result<(), JwtError> {
    let mut claims = json!({"iss": EXPECTED.issuer, "aud": EXPECTED.audience, "exp": 1});
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    Jwt::parse(&token(&json!({"alg": "RS256"}), &claims)).unwrap().check(EXPECTED, NOW)
}

fn keys(keys: &Value) -> Vec<Jwk> {
    Jwk::read_set(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn key_of(header: &Value, set: &[Jwk]) -> Result<usize, JwtError> {
    Jwt::parse(&token(header, &json!({}))).unwrap().key(set.iter())
}

#[test]
fn public_key_algorithms_alone_are_accepted() {
    for alg in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] {
        assert_eq!(refusal(&json!({ "alg": alg })), None, "{alg}");
    }
    for alg in ["none", "nOnE", "HS256", "HS512", "rs256", "RSA-OAEP", "ES256K", "", "A128GCM"] {
        assert!(refusal(&json!({ "alg": alg })).is_some(), "{alg}");
    }
    assert!(refusal(&json!({})).is_some());
    assert!(refusal(&json!({"alg": ["RS256"]})).is_some());
}

#[test]
fn the_type_is_that_of_an_access_token_or_none() {
    for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT"] {
        assert_eq!(refusal(&json!({"alg": "RS256", "typ": typ})), None, "{typ}");
    }
    for typ in ["logout+jwt", "dpop+jwt", "id_token", "application/jwe", ""] {
        assert!(refusal(&json!({"alg": "RS256", "typ": typ})).is_some(), "{typ}");
    }
    assert!(refusal(&json!({"alg": "RS256", "crit": ["b64"], "b64": false})).is_some());
}

#[test]
fn what_is_no_signed_jwt_is_refused() {
    let good = token(&json!({"alg": "RS256"}), &json!({}));
    for bad in ["", ".", "..", "a.b.c", "e30.e30", &format!("{good}.AAAA"), &format!("{good}="), &"a".repeat(20_000)] {
        assert!(Jwt::parse(bad).is_err(), "{bad}");
    }
    assert!(Jwt::parse(&token(&json!({"alg": "RS256"}), &json!([]))).is_err());
}

#[test]
fn times_have_a_leeway_of_a_minute_and_are_numbers() {
    assert_eq!(checked(&json!({})), Ok(()));
    assert_eq!(checked(&json!({"exp": -59.5, "nbf": 60, "iat": 60})), Ok(()));
    for bad in [
        json!({"exp": -60}),
        json!({"exp": "9999999999"}),
        json!({"exp": null}),
        json!({"exp": -1e300}),
        json!({"exp": 1e300}),
        json!({"nbf": 61}),
        json!({"nbf": "0"}),
        json!({"iat": 1e300}),
        json!({"iat": true}),
    ] {
        assert!(checked(&bad).is_err(), "{bad}");
    }
}

#[test]
fn issuer_and_audience_are_exactly_the_expected_ones() {
    assert_eq!(checked(&json!({"aud": ["other", "api"]})), Ok(()));
    for bad in [
        json!({"iss": "https://login.example/"}),
        json!({"iss": null}),
        json!({"iss": ["https://login.example"]}),
        json!({"aud": "API"}),
        json!({"aud": []}),
        json!({"aud": null}),
        json!({"aud": ["apis"]}),
    ] {
        assert!(checked(&bad).is_err(), "{bad}");
    }
}

#[test]
fn a_key_is_used_for_what_it_says_alone() {
    let ec = |more: Value| {
        let mut key = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "a"});
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        keys(&json!([key]))
    };
    let header = json!({"alg": "ES256", "kid": "a"});
    for good in [json!({}), json!({"use": "sig"}), json!({"alg": "ES256"}), json!({"key_ops": ["verify"]})] {
        assert_eq!(key_of(&header, &ec(good)), Ok(0));
    }
    for bad in [
        json!({"use": "enc"}),
        json!({"alg": "ES384"}),
        json!({"key_ops": ["sign"]}),
        json!({"crv": "P-384"}),
        json!({"kty": "OKP"}),
    ] {
        let error = key_of(&header, &ec(bad)).unwrap_err();
        assert!(error == JwtError::UnfittingKey && error.is_about_the_key());
    }
    let rsa = |bytes: usize| {
        keys(&json!([{"kty": "RSA", "e": "AQAB", "n": BASE64_URL_SAFE_NO_PAD.encode(vec![255; bytes])}]))
    };
    assert_eq!(key_of(&json!({"alg": "RS256"}), &rsa(256)), Ok(0));
    assert!(key_of(&json!({"alg": "RS256"}), &rsa(128)).is_err(), "RSA with 1024 bits");
}

#[test]
fn a_key_is_found_by_its_id_and_without_one_only_where_a_single_key_fits() {
    let ec = |kid: &str| json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": kid});
    let (one, two) = (keys(&json!([ec("a")])), keys(&json!([{"kty": "oct", "k": "AA"}, ec("a"), ec("b"), "junk"])));
    assert_eq!(key_of(&json!({"alg": "ES256"}), &one), Ok(0));
    assert_eq!(key_of(&json!({"alg": "ES256", "kid": "b"}), &two), Ok(2));
    assert!(matches!(key_of(&json!({"alg": "ES256"}), &two), Err(JwtError::Invalid(_))));
    assert_eq!(key_of(&json!({"alg": "ES256", "kid": "c"}), &two), Err(JwtError::UnknownKey));
    assert!(Jwk::read_set(b"[]").is_none() && Jwk::read_set(b"{}").is_none());
}
