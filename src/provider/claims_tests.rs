#![allow(clippy::needless_pass_by_value, reason = "literals")]

use serde_json::json;

use super::*;

fn claims(value: Value) -> Claims {
    value.as_object().unwrap().clone()
}

fn both(id_token: Value, user_info: Value) -> Value {
    Value::Object(together(&of_id_token(claims(id_token)), &of_user_info(claims(user_info))))
}

#[test]
fn where_both_say_a_claim_the_id_token_s_counts_and_either_may_say_the_others() {
    let together =
        both(json!({"sub": "a", "name": "Ada", "groups": ["staff"]}), json!({"sub": "a", "name": "A", "plan": 1}));
    assert_eq!(together, json!({"sub": "a", "name": "Ada", "groups": ["staff"], "plan": 1}));
}

#[test]
fn user_info_says_nothing_of_the_token_the_issuer_or_the_login() {
    let user_info = json!({
        "iss": "x", "sub": "x", "aud": "x", "exp": 1, "iat": 1, "nbf": 1, "azp": "x", "jti": "x", "sid": "x", "auth_time": 1,
        "acr": "x", "amr": ["x"], "nonce": "x", "at_hash": "x", "c_hash": "x", "s_hash": "x", "name": "Ada",
    });
    assert_eq!(both(json!({}), user_info), json!({"name": "Ada"}));
}

#[test]
fn a_refreshed_id_token_replaces_the_old_ones_claims_but_those_of_the_login_that_it_lacks() {
    let before = claims(json!({
        "sub": "a", "groups": ["admin"], "auth_time": 1, "acr": "mfa", "amr": ["otp"], "sid": "s", "iat": 1,
    }));
    let said = claims(json!({"sub": "a", "acr": "pwd", "iat": 2}));
    let expected = json!({"sub": "a", "auth_time": 1, "acr": "pwd", "amr": ["otp"], "sid": "s", "iat": 2});
    assert_eq!(Value::Object(refreshed(said, &before)), expected);
    assert_eq!(refreshed(claims(json!({})), &Claims::new()), Claims::new());
}

#[test]
fn whether_an_address_is_verified_is_said_by_the_answer_that_gave_it() {
    let flag = |id_token: Value, user_info: Value| {
        let both = both(id_token, user_info);
        (both["email"].clone(), both.get("email_verified").cloned())
    };
    let (a, b) = (json!("a@x.example"), json!("b@x.example"));
    // The new address is UserInfo's, and the flag was another's.
    assert_eq!(flag(json!({"email_verified": true}), json!({"email": b})), (b.clone(), None));
    assert_eq!(flag(json!({"email": null, "email_verified": true}), json!({"email": b})), (b.clone(), None));
    assert_eq!(flag(json!({"email": "", "email_verified": true}), json!({"email": b})), (b.clone(), None));
    assert_eq!(flag(json!({"email": a}), json!({"email": b, "email_verified": true})), (a.clone(), None));
    assert_eq!(flag(json!({"email": a}), json!({"email_verified": true})), (a.clone(), None));
    assert_eq!(
        flag(json!({"email_verified": false}), json!({"email": b, "email_verified": true})),
        (b, Some(json!(true)))
    );
}

#[test]
fn where_both_name_the_same_address_false_from_either_counts() {
    let flag = |one: Value, other: Value, address: &str| {
        let mut id_token = json!({"email": "a@x.example", "email_verified": one});
        let mut user_info = json!({"email": address, "email_verified": other});
        for side in [&mut id_token, &mut user_info] {
            if side["email_verified"] == "absent" {
                side.as_object_mut().unwrap().remove("email_verified");
            }
        }
        both(id_token, user_info).get("email_verified").cloned()
    };
    let (yes, no, absent) = (json!(true), json!(false), json!("absent"));
    for address in ["a@x.example", "A@X.example"] {
        assert_eq!(flag(yes.clone(), no.clone(), address), Some(no.clone()), "{address}");
        assert_eq!(flag(no.clone(), yes.clone(), address), Some(no.clone()), "{address}");
        assert_eq!(flag(yes.clone(), json!("false"), address), Some(no.clone()), "{address}");
        assert_eq!(flag(yes.clone(), json!(0), address), Some(no.clone()), "{address}");
        assert_eq!(flag(absent.clone(), no.clone(), address), Some(no.clone()), "{address}");
        assert_eq!(flag(yes.clone(), yes.clone(), address), Some(yes.clone()), "{address}");
        assert_eq!(flag(json!("true"), yes.clone(), address), Some(json!("true")), "{address}");
        assert_eq!(flag(yes.clone(), json!(1), address), Some(yes.clone()), "{address}");
    }
    assert_eq!(flag(absent.clone(), yes.clone(), "a@x.example"), Some(yes.clone()), "both gave this very address");
    assert_eq!(flag(absent.clone(), yes, "A@x.example"), None, "and this one is another, for all that is known");
    assert_eq!(flag(absent.clone(), absent, "a@x.example"), None);
}

#[test]
fn a_telephone_number_is_no_other_kind_of_address() {
    let together = both(json!({"phone_number_verified": true}), json!({"phone_number": "+1"}));
    assert_eq!(together, json!({"phone_number": "+1"}));
}
