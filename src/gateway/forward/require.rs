//! The claims that a route requires (`require`). Pure.

use serde_json::Value;

use crate::jose::Claims;

/// Whether the claims have, or hold, every value that a route requires.
pub fn meets(claims: &Claims, require: &[(String, Value)]) -> bool {
    require.iter().all(|required| holds(claims, required))
}

/// The claims that have, or hold, another value than a route requires.
pub fn lacking<'a>(claims: &Claims, require: &'a [(String, Value)]) -> Vec<&'a str> {
    require.iter().filter(|required| !holds(claims, required)).map(|(claim, _)| claim.as_str()).collect()
}

fn holds(claims: &Claims, (claim, wanted): &(String, Value)) -> bool {
    match claims.get(claim) {
        Some(Value::Array(held)) => held.contains(wanted),
        Some(value) => value == wanted,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        value.as_object().unwrap().clone()
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
