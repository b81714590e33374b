use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::json;

use super::super::jwt::Form;
use super::super::signing::{keys, set, sign, verify};
use super::*;

const FORM: Form = Form { types: &["jwt"], max_bytes: 16 << 10 };

/// The position of the key that a token with this header is checked with.
fn key_of(header: &Value, set: &KeySet) -> Result<usize, Flaw> {
    let token = sign(header, &json!({}));
    let key = set.key_of(&Jwt::parse(&token, FORM).unwrap(), ANY_ISSUER)?;
    Ok(set.0.iter().position(|other| std::ptr::eq(key, other)).unwrap())
}

fn ec(more: &Value) -> Value {
    let mut key = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "a"});
    key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    key
}

fn rsa(modulus: &[u8]) -> Value {
    json!({"kty": "RSA", "e": "AQAB", "n": BASE64_URL_SAFE_NO_PAD.encode(modulus), "kid": "a"})
}

#[test]
fn a_key_is_used_for_what_it_says_alone() {
    let header = json!({"alg": "ES256", "kid": "a"});
    for good in [json!({}), json!({"use": "sig"}), json!({"alg": "ES256"}), json!({"key_ops": ["sign", "verify"]})] {
        assert_eq!(key_of(&header, &set(&[ec(&good)])), Ok(0), "{good}");
    }
    for (bad, flaw) in [
        (json!({"use": "enc"}), Flaw::UnfittingKey),
        (json!({"use": ""}), Flaw::UnfittingKey),
        (json!({"alg": "ES384"}), Flaw::UnfittingKey),
        (json!({"alg": "ECDH-ES"}), Flaw::UnfittingKey),
        (json!({"key_ops": ["sign"]}), Flaw::UnfittingKey),
        (json!({"key_ops": []}), Flaw::UnfittingKey),
        (json!({"kty": "OKP"}), Flaw::UnfittingKey),
        (json!({"kty": "oct"}), Flaw::UnfittingKey),
        (json!({"crv": "P-384"}), Flaw::UnusableKey),
        (json!({"crv": null}), Flaw::UnusableKey),
    ] {
        assert_eq!(key_of(&header, &set(&[ec(&bad)])), Err(flaw), "{bad}");
        assert!(flaw.is_about_the_key());
    }
}

#[test]
fn an_rsa_key_has_2048_bits_at_least_zeros_in_front_aside() {
    let header = json!({"alg": "RS256", "kid": "a"});
    let padded = [vec![0; 128], vec![255; 128]].concat();
    assert_eq!(key_of(&header, &set(&[rsa(&[255; 256])])), Ok(0));
    assert_eq!(key_of(&header, &set(&[rsa(&[vec![0], vec![255; 256]].concat())])), Ok(0));
    for weak in [&[255; 128][..], &[255; 255], &padded, &[]] {
        assert_eq!(key_of(&header, &set(&[rsa(weak)])), Err(Flaw::UnusableKey), "{} bytes", weak.len());
    }
}

#[test]
fn a_key_is_found_by_its_id_and_without_one_only_where_a_single_key_fits() {
    let named = |kid: &str| ec(&json!({"kid": kid}));
    let one = set(&[named("a"), rsa(&[255; 256]), ec(&json!({"crv": "P-384"})), ec(&json!({"use": "enc"}))]);
    let two = set(&[json!({"kty": "oct", "k": "AA"}), named("a"), named("b"), json!("junk"), json!({"kid": "c"})]);
    assert_eq!(key_of(&json!({"alg": "ES256"}), &one), Ok(0));
    assert_eq!(key_of(&json!({"alg": "ES256", "kid": "b"}), &two), Ok(2));
    assert_eq!(key_of(&json!({"alg": "ES256"}), &two), Err(Flaw::AmbiguousKey));
    assert_eq!(key_of(&json!({"alg": "ES256", "kid": "a"}), &set(&[named("a"), named("a")])), Err(Flaw::AmbiguousKey));
    assert_eq!(key_of(&json!({"alg": "ES256", "kid": "c"}), &two), Err(Flaw::UnknownKey));
    assert_eq!(key_of(&json!({"alg": "ES256", "kid": ""}), &two), Err(Flaw::UnknownKey));
    assert_eq!(key_of(&json!({"alg": "ES256"}), &set(&[])), Err(Flaw::UnfittingKey));
    assert!(!Flaw::AmbiguousKey.is_about_the_key());
}

#[test]
fn a_key_that_names_its_issuer_signs_for_that_one_alone() {
    let of = |kid: &str, issuer: Value| {
        let mut key = super::super::signing::jwk(kid);
        key["issuer"] = issuer;
        key
    };
    let keys = set(&[of("a", json!("A")), of("b", json!("B")), of("odd", json!(["A"])), of("none", json!(null))]);
    let check = |kid: &str| {
        let raw = sign(&json!({"alg": "EdDSA", "kid": kid}), &json!({}));
        let jwt = Jwt::parse(&raw, FORM).unwrap();
        let verified = keys.verify(&jwt, &super::super::signing::Ed25519, &|issuer| issuer == "A");
        futures::FutureExt::now_or_never(verified).unwrap()
    };
    assert_eq!((check("a"), check("none")), (Ok(()), Ok(())));
    assert_eq!((check("b"), check("odd")), (Err(Flaw::UnknownKey), Err(Flaw::UnknownKey)));
    assert_eq!(key_of(&json!({"alg": "EdDSA", "kid": "odd"}), &keys), Ok(2), "elsewhere the member says nothing");
}

#[test]
fn both_names_of_eddsa_name_the_same_keys() {
    let okp = |alg: &str| json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "alg": alg});
    for (token, key) in [("EdDSA", "EdDSA"), ("EdDSA", "Ed25519"), ("Ed25519", "EdDSA"), ("Ed25519", "Ed25519")] {
        assert_eq!(key_of(&json!({"alg": token}), &set(&[okp(key)])), Ok(0), "{token} {key}");
    }
    let other = json!({"kty": "OKP", "crv": "Ed448", "x": "AAAA"});
    assert_eq!(key_of(&json!({"alg": "EdDSA"}), &set(&[other])), Err(Flaw::UnusableKey));
}

#[test]
fn a_set_is_usable_where_a_signature_that_is_accepted_can_be_checked_with_a_key_of_it() {
    let usable = |key: Value| set(&[key]).is_usable();
    let okp = |name: &str, value: &str| {
        let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"});
        key[name] = value.into();
        key
    };
    for good in
        [okp("kid", "k"), okp("use", "sig"), okp("alg", "EdDSA"), rsa(&[255; 256]), ec(&json!({"crv": "P-521"}))]
    {
        assert!(usable(good.clone()), "{good}");
    }
    for unusable in [
        okp("use", "enc"),
        okp("alg", "HS256"),
        okp("alg", "RSA-OAEP"),
        okp("crv", "Ed448"),
        okp("crv", "X25519"),
        rsa(&[255; 128]),
        json!({"kty": "oct", "k": "AAAA"}),
        json!({"kty": "oct", "k": "AAAA", "alg": "HS256"}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}),
        json!({}),
    ] {
        assert!(!usable(unusable.clone()), "{unusable}");
    }
    assert!(KeySet::read(b"[]").is_none() && KeySet::read(b"{}").is_none() && KeySet::read(b"").is_none());
}

#[test]
fn a_signature_counts_under_its_own_key_and_text_alone() {
    let check = |raw: &str| verify(&Jwt::parse(raw, FORM).unwrap(), &keys(&["k"]));
    let header = json!({"alg": "EdDSA", "kid": "k"});
    let good = sign(&header, &json!({"sub": "ada"}));
    assert_eq!(check(&good), Ok(()));
    assert_eq!(check(&sign(&json!({"alg": "Ed25519", "kid": "k"}), &json!({}))), Ok(()));
    let signature = |raw: &str| raw.rsplit_once('.').unwrap().1.to_owned();
    let (other, _) = good.rsplit_once('.').unwrap();
    let other = format!("{other}.{}", signature(&sign(&header, &json!({"sub": "grace"}))));
    assert_eq!(check(&other), Err(Flaw::BadSignature));
    assert_eq!(check(&format!("{}.AAAA", good.rsplit_once('.').unwrap().0)), Err(Flaw::BadSignature));
    assert_eq!(check(&format!("{}.", good.rsplit_once('.').unwrap().0)), Err(Flaw::BadSignature));
    assert_eq!(check(&sign(&json!({"alg": "EdDSA", "kid": "other"}), &json!({}))), Err(Flaw::UnknownKey));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_of_key_sets_panic(
        bytes in prop_oneof![any::<Vec<u8>>(), r#"\{"keys":\[(\{("(kty|kid|alg|use|key_ops|crv|n|e|x|y)":("[A-Za-z0-9-]{0,9}"|null|7|\[\]),?){0,6}\},?){0,3}\]\}"#.prop_map(String::into_bytes)],
    ) {
        if let Some(set) = KeySet::read(&bytes) {
            let _ = set.is_usable();
        }
    }
}
