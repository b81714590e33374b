//! Tests of what answers mean.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;

use crate::provider::workos::authenticate::*;

const NOW: i64 = 1_800_000_000;

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW).unwrap()
}

fn jwt(claims: &Value) -> String {
    format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
}

#[test]
fn the_access_token_s_exp_is_its_end() {
    let body = json!({"access_token": jwt(&json!({"exp": 1_800_000_300})), "refresh_token": "r"});
    let tokens = tokens(&body, now()).unwrap();
    assert_eq!(tokens.lifetime, Some(Duration::seconds(300)));
    assert_eq!(tokens.refresh_token.unwrap().secret(), "r");
}

#[test]
fn an_answer_without_usable_tokens_is_the_provider_s_fault() {
    for access_token in [json!(null), json!(""), json!("a b"), json!(jwt(&json!({}))), json!(jwt(&json!({"exp": NOW})))]
    {
        let body = json!({"access_token": access_token});
        assert!(matches!(tokens(&body, now()), Err(ProviderError::Rejected(_))), "{body}");
    }
    let body = json!({"access_token": jwt(&json!({"exp": 9e99}))});
    assert!(tokens(&body, now()).is_err() || tokens(&body, now()).unwrap().lifetime <= Some(Duration::days(3650)));
}

#[test]
fn whose_fault_a_refused_exchange_is() {
    let of = |status: u16, body: Value| exchange_error(status, &body);
    assert!(matches!(of(429, json!({})), ProviderError::Unavailable(_)));
    assert!(matches!(of(502, json!({})), ProviderError::Unavailable(_)));
    let refused = of(400, json!({"error": "invalid_grant", "error_description": "The code '01SECRET' is wrong."}));
    assert!(matches!(&refused, ProviderError::Callback(why) if !why.contains("SECRET")));
    assert!(matches!(of(400, json!({"code": "invalid_code", "message": ""})), ProviderError::Callback(_)));
    let client = of(400, json!({"error": "invalid_client", "error_description": "sk_1"}));
    assert!(matches!(&client, ProviderError::Rejected(why) if why.contains("WORKOS_API_KEY") && !why.contains("sk_1")));
    assert!(matches!(of(400, json!("odd")), ProviderError::Rejected(_)));
}

#[test]
fn an_organization_or_a_connection_can_be_chosen() {
    let body = json!({
        "code": "organization_selection_required", "message": "…", "pending_authentication_token": "secret",
        "organizations": [{"id": "org_1", "name": "Acme"}, {"id": "org_2"}, {"name": "none"}, 7],
    });
    let ProviderError::UserError(it) = exchange_error(403, &body) else { panic!("not turned down") };
    let labels: Vec<_> =
        it.choices.iter().map(|c| (c.label.as_str(), c.parameter.as_str(), c.value.as_str())).collect();
    assert_eq!(labels, [("Acme", "organization", "org_1"), ("org_2", "organization", "org_2")]);
    assert!(!format!("{it:?}").contains("secret"));

    let body = json!({"error": "sso_required", "error_description": "…", "connection_ids": ["conn_1", "conn_2"]});
    let ProviderError::UserError(it) = exchange_error(400, &body) else { panic!("not turned down") };
    assert_eq!(it.choices.len(), 1);
    assert_eq!(it.choices[0].value, "conn_1");

    let code = "organization_authentication_methods_required";
    let body = json!({"error": code, "sso_connection_ids": ["conn_1"], "auth_methods": {"google_oauth": true}});
    let ProviderError::UserError(it) = exchange_error(422, &body) else { panic!("not turned down") };
    assert_eq!(it.choices[0].value, "conn_1");
}

#[test]
fn an_unknown_error_with_a_pending_authentication_is_the_user_s() {
    let body = json!({"code": "radar_email_challenge", "message": "…", "pending_authentication_token": "secret"});
    let ProviderError::UserError(it) = exchange_error(403, &body) else { panic!("not turned down") };
    assert_eq!(it.code, "radar_email_challenge");
    assert!(!format!("{it:?}").contains("secret"));
    let body = json!({"code": "odd", "message": "…"});
    assert!(matches!(exchange_error(403, &body), ProviderError::Rejected(_)));
}

#[test]
fn what_a_refused_refresh_means_for_the_session() {
    let of = |status: u16, body: Value| refresh_failure(status, None, &body, false);
    for code in ["invalid_grant", "sso_required", "mfa_enrollment"] {
        assert!(matches!(of(400, json!({ "error": code })), RefreshFailure::Refused(_)), "{code}");
    }
    assert!(matches!(of(403, json!({"code": "mfa_enrollment"})), RefreshFailure::Refused(_)));
    for status in [429, 500, 503] {
        assert!(matches!(of(status, json!(null)), RefreshFailure::Deferred { .. }), "{status}");
    }
    for (status, code) in [(400, "invalid_client"), (401, "unauthorized_client"), (401, "unauthorized")] {
        assert!(matches!(of(status, json!({ "error": code })), RefreshFailure::Deferred { .. }), "{code}");
    }
    for (status, body) in [(502, json!(null)), (400, json!({"error": "invalid_request"})), (401, json!(null))] {
        assert!(matches!(of(status, body), RefreshFailure::Unknown(_)), "{status}");
    }
}

#[test]
fn a_switch_that_is_refused_leaves_the_session_unless_its_grant_is_gone() {
    let of = |status: u16, code: &str| refresh_failure(status, None, &json!({ "error": code }), true);
    for (status, code) in [(400, "sso_required"), (400, "mfa_enrollment"), (404, "not_found"), (403, "access_denied")] {
        assert!(matches!(of(status, code), RefreshFailure::OtherOrganization(_)), "{code}");
    }
    assert!(matches!(of(400, "invalid_grant"), RefreshFailure::Refused(_)));
    assert!(matches!(of(503, ""), RefreshFailure::Deferred { .. }));
}
