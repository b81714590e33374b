//! Who a request is of, to the application and to a route: claims as headers, and claims that a route demands. Pure.

use serde_json::{Map, Value};

use super::visitor::{encoded, text};
use crate::config::identity_headers::IdentityHeaders;

/// The claims of an ID token and UserInfo, or of a JWT.
pub type Claims = Map<String, Value>;

/// The headers that tell the application who it is, each claim that there is.
pub fn headers<'a>(
    identity_headers: &'a IdentityHeaders,
    claims: &'a Claims,
) -> impl Iterator<Item = (&'a str, String)> + 'a {
    identity_headers.iter().filter_map(|(header, claim)| {
        if claim == "email" && is_false(claims.get("email_verified")) {
            return None;
        }
        let value = value(claims.get(claim)?)?;
        Some((header.as_str(), value))
    })
}

/// An address that its owner has not confirmed is anybody's. Some providers write the flag as text.
fn is_false(verified: Option<&Value>) -> bool {
    verified.is_some_and(|verified| verified == false || verified == "false")
}

/// A claim as a header's value: the elements of an array are told apart by the commas that none of them holds.
fn value(claim: &Value) -> Option<String> {
    match claim {
        Value::Array(elements) => {
            let elements = elements.iter().filter_map(text);
            let elements: Vec<String> = elements.map(|element| encoded(&element).replace(',', "%2C")).collect();
            (!elements.is_empty()).then(|| elements.join(","))
        }
        single => Some(encoded(&text(single)?).into_owned()),
    }
}

/// Whether the claims have, or hold, every value that a route requires.
pub fn meets(claims: &Claims, require: &[(String, Value)]) -> bool {
    require.iter().all(|(claim, wanted)| match claims.get(claim) {
        Some(Value::Array(held)) => held.contains(wanted),
        Some(value) => value == wanted,
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn an_address_that_is_not_verified_is_nobodys() {
        for (verified, expected) in [(json!(true), 1), (json!(null), 1), (json!(false), 0), (json!("false"), 0)] {
            let claims = claims(json!({"email": "a@b.example", "email_verified": verified}));
            assert_eq!(of(&claims).len(), expected, "{claims:?}");
        }
    }

    #[test]
    fn every_required_claim_must_have_or_hold_its_value() {
        let claims = claims(json!({"groups": ["staff", "admin"], "tenant": "acme", "mfa": true}));
        let meets = |require: Value| super::meets(&claims, &self::claims(require).into_iter().collect::<Vec<_>>());
        assert!(meets(json!({})));
        assert!(meets(json!({"groups": "staff", "tenant": "acme", "mfa": true})));
        assert!(!meets(json!({"groups": "staff", "tenant": "other"})));
        assert!(!meets(json!({"groups": "sta"})));
        assert!(!meets(json!({"mfa": "true"})));
        assert!(!meets(json!({"absent": "x"})));
    }
}
