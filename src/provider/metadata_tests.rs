use super::*;

fn document(more: &Value) -> Vec<u8> {
    let mut document = json!({
        "issuer": "https://op.example", "authorization_endpoint": "https://op.example/authorize",
        "token_endpoint": "https://op.example/token", "jwks_uri": "https://op.example/jwks",
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document.to_string().into_bytes()
}

/// Where nothing is configured beside this.
const fn with(par: Par) -> Uses {
    Uses { par, algorithms: true, end_session: true }
}

fn of(more: &Value) -> Result<Metadata, String> {
    read(&document(more), with(Par::Auto))
}

#[test]
fn what_nobody_uses_may_be_anything() {
    for name in [
        "service_documentation",
        "op_policy_uri",
        "op_tos_uri",
        "registration_endpoint",
        "introspection_endpoint",
        "check_session_iframe",
        "device_authorization_endpoint",
        "mtls_endpoint_aliases",
        "response_types_supported",
        "response_modes_supported",
        "subject_types_supported",
        "grant_types_supported",
        "acr_values_supported",
        "claims_supported",
        "display_values_supported",
        "claim_types_supported",
        "id_token_encryption_alg_values_supported",
        "claims_locales_supported",
        "ui_locales_supported",
        "userinfo_signing_alg_values_supported",
        "request_uri_parameter_supported",
        "require_request_uri_registration",
        "claims_parameter_supported",
        "code_challenge_methods_supported",
    ] {
        for odd in [json!("TBD"), json!(""), json!(null), json!(7), json!(true), json!([7, null]), json!({"x": 1})] {
            assert!(of(&json!({name: odd})).is_ok(), "{name}: {odd}");
        }
    }
}

#[test]
fn an_optional_endpoint_that_is_empty_or_null_is_none_and_one_that_is_no_url_is_refused_by_its_name() {
    for name in OPTIONAL_URLS {
        for empty in [json!(""), json!(null)] {
            let metadata = of(&json!({name: empty})).unwrap();
            let more = metadata.additional_metadata();
            assert!(metadata.userinfo_endpoint().is_none() && more.end_session_endpoint.is_none());
            assert!(more.revocation_endpoint.is_none());
        }
        for odd in [json!("TBD"), json!("/path"), json!(" "), json!(7), json!([]), json!({})] {
            let refused = of(&json!({name: odd})).unwrap_err();
            assert_eq!(refused, format!("the document's {name} is no URL"), "{odd}");
        }
    }
}

#[test]
fn the_endpoint_for_pushed_requests_is_looked_at_where_requests_are_pushed() {
    let read = |url: Value, required: bool, par: Par| {
        let metadata = read(&document(&json!({PAR_URL: url, PAR_REQUIRED: required})), with(par))?;
        Ok::<_, String>(metadata.additional_metadata().pushed_authorization_request_endpoint.is_some())
    };
    for (par, required, pushes) in
        [(Par::Auto, false, false), (Par::Auto, true, true), (Par::Always, false, true), (Par::Never, true, false)]
    {
        assert_eq!(read(json!("https://op.example/par"), required, par), Ok(pushes));
        assert_eq!(read(json!("TBD"), required, par).is_err(), pushes);
        assert_eq!(read(json!(""), required, par), Ok(false));
    }
}

#[test]
fn what_a_document_lacks_is_named() {
    for name in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
        for none in [json!(""), json!(null)] {
            assert_eq!(of(&json!({name: none})).unwrap_err(), format!("the document has no {name}"));
        }
    }
    assert_eq!(of(&json!({"jwks_uri": "TBD"})).unwrap_err(), "the document's jwks_uri is no URL");
    for body in ["", "x", "[]", "null", "7", "\"x\""] {
        assert_eq!(
            read(body.as_bytes(), with(Par::Auto)).unwrap_err(),
            "what the provider sent is no discovery document",
            "{body}"
        );
    }
    assert!(read(b"{}", with(Par::Auto)).unwrap_err().contains("issuer"));
    assert!(of(&json!({"issuer": 7})).is_err());
}

#[test]
fn a_flag_on_which_a_check_depends_is_yes_or_no() {
    for name in FLAGS {
        for odd in [json!("true"), json!(1), json!([]), json!({})] {
            assert!(of(&json!({name: odd})).unwrap_err().contains(name), "{odd}");
        }
        assert!(of(&json!({name: null})).is_ok());
    }
    let promised = of(&json!({"authorization_response_iss_parameter_supported": true})).unwrap();
    assert!(promised.additional_metadata().authorization_response_iss_parameter_supported);
}

#[test]
fn of_a_list_what_is_text_counts_and_what_is_no_list_is_none() {
    let scopes = |scopes: Value| {
        let metadata = of(&json!({"scopes_supported": scopes})).unwrap();
        metadata.scopes_supported().map(|scopes| scopes.iter().map(|scope| scope.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(scopes(json!(["openid", 7, null])), Some(vec!["openid".to_owned()]));
    assert_eq!(scopes(json!([])), Some(Vec::new()));
    for none in [json!("openid email"), json!(null), json!({}), json!("")] {
        assert_eq!(scopes(none), None);
    }
    assert!(of(&json!({"token_endpoint_auth_methods_supported": "client_secret_post"})).is_ok());
    assert!(of(&json!({ID_TOKEN_ALGORITHMS: "RS256"})).is_err(), "which algorithms are good depends on it");
}

#[test]
fn what_the_configuration_leaves_unused_may_be_anything_too() {
    let odd = [json!("TBD"), json!(7), json!({"x": 1})];
    for odd in &odd {
        let document = document(&json!({ID_TOKEN_ALGORITHMS: odd}));
        assert!(read(&document, with(Par::Auto)).is_err(), "{odd}");
        assert!(read(&document, Uses { algorithms: false, ..with(Par::Auto) }).is_ok(), "OIDC_ID_TOKEN_ALG: {odd}");
    }
    for odd in &odd {
        let document = document(&json!({PAR_REQUIRED: odd, PAR_URL: "https://op.example/par"}));
        assert!(read(&document, with(Par::Auto)).is_err(), "{odd}");
        for (par, pushes) in [(Par::Always, true), (Par::Never, false)] {
            let metadata = read(&document, with(par)).unwrap();
            let endpoint = &metadata.additional_metadata().pushed_authorization_request_endpoint;
            assert_eq!(endpoint.is_some(), pushes, "OIDC_PAR: {odd}");
        }
    }
    for odd in odd.iter().chain([&json!("http://op.example/end")]) {
        let metadata = read(&document(&json!({END_SESSION: odd})), Uses { end_session: false, ..with(Par::Auto) });
        assert!(metadata.unwrap().additional_metadata().end_session_endpoint.is_none(), "a logout elsewhere: {odd}");
    }
}
