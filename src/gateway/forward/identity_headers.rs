//! Claims as headers, which tell the application whose request it is (`IDENTITY_HEADERS`). Pure.

use std::borrow::Cow;

use serde_json::Value;

use crate::config::identity_headers::IdentityHeaders;
use crate::gateway::request::visitor::{encoded, text};
use crate::jose::Claims;
use crate::provider::claims::is_denied;

/// The headers that tell the application who the user is: one for each claim that is there.
pub fn headers<'a>(
    identity_headers: &'a IdentityHeaders,
    claims: &'a Claims,
) -> impl Iterator<Item = (&'a str, String)> + 'a {
    identity_headers.iter().filter_map(|(header, claim)| {
        if claim == "email" && claims.get("email_verified").is_some_and(is_denied) {
            return None;
        }
        let value = value(claims.get(claim)?)?;
        Some((header.as_str(), value))
    })
}

/// A claim as a header's value. No two texts, and no two arrays of texts, give the same value: commas separate the elements of an
/// array, no element holds a comma, and none begins or ends with a space, which servers would take off.
fn value(claim: &Value) -> Option<String> {
    match claim {
        Value::Array(elements) => {
            let elements = elements.iter().filter_map(|element| match element {
                Value::String(text) => Some(with_ends(text).replace(',', "%2C")),
                other => text(other).map(Cow::into_owned),
            });
            let elements: Vec<String> = elements.collect();
            (!elements.is_empty()).then(|| elements.join(","))
        }
        single => Some(with_ends(&text(single)?)),
    }
}

/// A text with its ends encoded where they are spaces.
fn with_ends(text: &str) -> String {
    let behind = text.trim_start_matches(' ');
    let kept = behind.trim_end_matches(' ');
    let spaces = |longer: &str, shorter: &str| "%20".repeat(longer.len().saturating_sub(shorter.len()));
    format!("{}{}{}", spaces(text, behind), encoded(kept), spaces(behind, kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn claims(value: Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    fn of(claims: &Claims) -> Vec<(String, String)> {
        let all = ["sub", "email", "groups"].map(|claim| (format!("x-{claim}"), claim.to_owned())).to_vec();
        headers(&all, claims).map(|(header, value)| (header.to_owned(), value)).collect()
    }

    #[test]
    fn arrays_are_joined_and_what_would_tear_them_apart_is_encoded() {
        let claims = claims(json!({"sub": "a,b%ü\n", "groups": ["staff", "a,b", "50%", "Köln", 7, true, null, {}]}));
        assert_eq!(
            of(&claims),
            [
                ("x-sub".into(), "a,b%25%C3%BC%0A".into()),
                ("x-groups".into(), "staff,a%2Cb,50%25,K%C3%B6ln,7,true".to_owned())
            ]
        );
        assert!(of(&self::claims(json!({"sub": "", "email": null, "groups": [], "other": 1}))).is_empty());
    }

    #[test]
    fn a_space_at_an_end_and_an_empty_element_stay_what_they_are() {
        let claims =
            claims(json!({"sub": " root", "email": "a b  ", "groups": [" staff", "", "a, b", "\t", "é ", "  "]}));
        assert_eq!(
            of(&claims),
            [
                ("x-sub".into(), "%20root".into()),
                ("x-email".into(), "a b%20%20".into()),
                ("x-groups".into(), "%20staff,,a%2C b,%09,%C3%A9%20,%20%20".to_owned()),
            ]
        );
    }

    #[test]
    fn an_address_that_is_not_verified_is_nobodys() {
        for (verified, expected) in [
            (json!(true), 1),
            (json!("true"), 1),
            (json!(1), 1),
            (json!("1"), 1),
            (json!(null), 1),
            (json!(false), 0),
            (json!("false"), 0),
            (json!("False"), 0),
            (json!(0), 0),
            (json!("0"), 0),
            (json!("no"), 0),
            (json!([]), 0),
        ] {
            let claims = claims(json!({"email": "a@b.example", "email_verified": verified}));
            assert_eq!(of(&claims).len(), expected, "{claims:?}");
        }
    }

    /// What an application finds in a header: servers take spaces and tabs off both ends.
    fn arrives(claim: &Value) -> Option<String> {
        let value = value(claim)?;
        assert!(value.bytes().all(|b| matches!(b, b' '..=b'~')), "{value:?}");
        Some(value.trim_matches([' ', '\t']).to_owned())
    }

    proptest! {
        #[test]
        fn no_two_values_give_the_same_header(
            texts in proptest::collection::vec("[ ,%a2C0\t\r\n\u{7f}\u{a0}\u{e9}\u{2028}]{0,5}", 0..4),
            others in proptest::collection::vec("[ ,%a2C0\t\r\n\u{7f}\u{a0}\u{e9}\u{2028}]{0,5}", 0..4),
        ) {
            for (one, other) in texts.iter().zip(&others).filter(|(one, other)| one != other) {
                prop_assert_ne!(arrives(&json!(one)), arrives(&json!(other)), "{:?} {:?}", one, other);
            }
            for text in &texts {
                for padded in [format!("{text} "), format!(" {text}"), format!("{text}\t"), format!("{text},")] {
                    prop_assert_ne!(arrives(&json!(text)), arrives(&json!(padded)), "{:?}", text);
                    prop_assert_ne!(arrives(&json!([text])), arrives(&json!([padded])), "{:?}", text);
                }
            }
            if texts != others {
                prop_assert_ne!(arrives(&json!(texts)), arrives(&json!(others)), "{:?} {:?}", texts, others);
            }
            // An application that splits at commas, takes spaces off, and decodes, has what was said.
            if let Some(value) = arrives(&json!(texts)) {
                let parts = value.split(',').map(|part| part.trim());
                let decoded: Vec<String> =
                    parts.map(|part| percent_encoding::percent_decode_str(part).decode_utf8().unwrap().into_owned()).collect();
                prop_assert_eq!(decoded, texts);
            }
        }
    }
}
