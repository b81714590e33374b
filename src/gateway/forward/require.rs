//! The claims that a route requires (`require`, `require_any`). Pure.

use serde_json::Value;

use crate::config::routes::{Required, Route};
use crate::jose::Claims;

/// The claims that hold words (RFC 8693 section 4.2; Microsoft Entra's name for it).
const WORDS: [&str; 2] = ["scope", "scp"];

/// Whether the claims have, or hold, what a route requires.
pub fn meets(claims: &Claims, route: &Route) -> bool {
    meets_all(claims, &route.require) && meets_any(claims, route)
}

fn meets_all(claims: &Claims, require: &[Required]) -> bool {
    require.iter().all(|required| is_met(claims, required))
}

/// The claims that have, or hold, something else than a route requires, each once.
pub fn lacking<'a>(claims: &Claims, route: &'a Route) -> Vec<&'a str> {
    let any = route.require_any.iter().flatten().filter(|_| !meets_any(claims, route));
    let mut lacking: Vec<&str> = Vec::new();
    for required in route.require.iter().chain(any).filter(|required| !is_met(claims, required)) {
        if !lacking.contains(&required.claim.as_str()) {
            lacking.push(&required.claim);
        }
    }
    lacking
}

fn meets_any(claims: &Claims, route: &Route) -> bool {
    route.require_any.is_empty() || route.require_any.iter().any(|set| meets_all(claims, set))
}

fn is_met(claims: &Claims, required: &Required) -> bool {
    let words = WORDS.contains(&required.claim.as_str());
    find(claims, &required.claim).is_some_and(|claim| required.any_of.iter().any(|wanted| holds(claim, wanted, words)))
}

/// The claim of this name. Where there is none, its name is a path into claims that are objects, `realm_access.roles` for one; a
/// name within may have dots, too.
fn find<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        name.match_indices('.').find_map(|(at, _)| {
            let (outer, inner) = (name.get(..at)?, name.get(at.checked_add(1)?..)?);
            find(claims.get(outer)?.as_object()?, inner)
        })
    })
}

/// Whether a claim has the value, or holds it. Of `scope` a whole word counts, and no part of one.
fn holds(claim: &Value, wanted: &Value, words: bool) -> bool {
    match (claim, wanted) {
        (Value::Array(held), wanted) => held.contains(wanted),
        (Value::String(held), Value::String(wanted)) if words => {
            held == wanted || held.split(' ').any(|word| !word.is_empty() && word == wanted)
        }
        (claim, wanted) => claim == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    fn required(value: Value) -> Vec<Required> {
        let values = |wanted: Value| wanted.as_array().cloned().unwrap_or_else(|| vec![wanted]);
        claims(value).into_iter().map(|(claim, wanted)| Required { claim, any_of: values(wanted) }).collect()
    }

    #[test]
    fn every_required_claim_must_have_or_hold_its_value() {
        let claims = claims(json!({"groups": ["staff", "admin"], "tenant": "acme", "mfa": true}));
        let meets = |require: Value| super::meets_all(&claims, &required(require));
        assert!(meets(json!({})));
        assert!(meets(json!({"groups": "staff", "tenant": "acme", "mfa": true})));
        assert!(!meets(json!({"groups": "staff", "tenant": "other"})));
        assert!(!meets(json!({"groups": "sta"})));
        assert!(!meets(json!({"mfa": "true"})));
        assert!(!meets(json!({"absent": "x"})));
    }

    #[test]
    fn any_of_several_values_is_enough() {
        let meets = |claims: Value, require: Value| super::meets_all(&self::claims(claims), &required(require));
        assert!(meets(json!({"groups": ["a", "b"]}), json!({"groups": ["x", "b"]})));
        assert!(meets(json!({"tenant": "b"}), json!({"tenant": ["x", "b"]})));
        assert!(!meets(json!({"groups": ["a", "b"]}), json!({"groups": ["x", "y"]})));
        assert!(!meets(json!({"groups": []}), json!({"groups": ["x"]})));
        assert!(!meets(json!({"groups": [["x"]]}), json!({"groups": ["x"]})), "an array within is another value");
    }

    #[test]
    fn a_name_is_the_claims_own_or_else_a_path() {
        let claims = claims(json!({
            "realm_access": {"roles": ["staff"], "deep": {"er": 1}},
            "https://app.example/roles": ["admin"],
            "resource_access": {"my.client": {"roles": ["editor"]}},
            "a.b": "whole", "a": {"b": "path"},
        }));
        let meets = |require: Value| super::meets_all(&claims, &required(require));
        assert!(meets(json!({"realm_access.roles": "staff", "realm_access.deep.er": 1})));
        assert!(meets(json!({"https://app.example/roles": "admin"})));
        assert!(meets(json!({"resource_access.my.client.roles": "editor"})));
        assert!(meets(json!({"a.b": "whole"})) && !meets(json!({"a.b": "path"})), "the whole name comes first");
        for other in
            ["realm_access", "realm_access.role", "realm_access.", ".realm_access", "roles", "realm_access.roles.0"]
        {
            assert!(!meets(json!({other: "staff"})), "{other}");
        }
    }

    #[test]
    fn of_several_sets_one_is_enough_beside_what_all_must_have() {
        use crate::config::upstream::Upstream;
        let route = |require: Value, any: Value| Route {
            require: required(require),
            require_any: any.as_array().unwrap().iter().cloned().map(required).collect(),
            ..Route::everything(Upstream::Binding("APP".into()))
        };
        let claims = |value: Value| self::claims(value);
        let any = json!([{"groups": "staff", "mfa": true}, {"email": "root@example.com"}]);
        let rule = route(json!({"tenant": "acme"}), any.clone());
        for (held, passes) in [
            (json!({"tenant": "acme", "groups": ["staff"], "mfa": true}), true),
            (json!({"tenant": "acme", "email": "root@example.com"}), true),
            (json!({"tenant": "acme", "groups": ["staff"]}), false),
            (json!({"tenant": "acme"}), false),
            (json!({"email": "root@example.com"}), false),
        ] {
            assert_eq!(meets(&claims(held.clone()), &rule), passes, "{held}");
        }
        assert_eq!(lacking(&claims(json!({"tenant": "acme", "groups": ["staff"]})), &rule), ["mfa", "email"]);
        assert_eq!(lacking(&claims(json!({"email": "root@example.com"})), &rule), ["tenant"]);
        assert!(meets(&claims(json!({})), &route(json!({}), json!([]))));
    }

    #[test]
    fn the_words_of_a_scope_count_each_as_a_whole() {
        for name in ["scope", "scp"] {
            let meets = |claim: Value, wanted: Value| {
                super::meets_all(&claims(json!({name: claim})), &required(json!({name: wanted})))
            };
            assert!(meets(json!("read write"), json!("write")) && meets(json!(["read", "write"]), json!("write")));
            assert!(meets(json!("read write"), json!(["x", "read"])));
            for (claim, wanted) in [
                (json!("read:all write"), json!("read")),
                (json!("read  write"), json!("")),
                (json!("READ"), json!("read")),
                (json!("1 2"), json!(1)),
                (json!({"read": true}), json!("read")),
                (json!("read\twrite"), json!("read")),
            ] {
                assert!(!meets(claim.clone(), wanted), "{claim}");
            }
        }
        // No other text is a list of words.
        assert!(!super::meets_all(&claims(json!({"name": "root user"})), &required(json!({"name": "root"}))));
    }
}
