use serde_json::{Map, Value, json};

use super::*;
use crate::config::{Config, ProviderSettings};
use crate::jose::Algorithm;
use crate::provider::metadata::ID_TOKEN_ALGORITHMS;

fn document(issuer: &str, token_endpoint: &str) -> Vec<u8> {
    serde_json::json!({
        "issuer": issuer, "authorization_endpoint": "https://op.example/authorize", "token_endpoint": token_endpoint,
        "jwks_uri": "https://op.example/jwks", "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
    })
    .to_string()
    .into_bytes()
}

fn settings(issuer: &str, more: &[(&str, &str)]) -> OidcSettings {
    let vars =
        [("OIDC_ISSUER", issuer), ("OIDC_CLIENT_ID", "c"), ("OIDC_CLIENT_SECRET", "s"), ("UPSTREAM", "http://[::1]")];
    let said =
        |name: &str| vars.iter().chain(more).find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    match Config::read(said).unwrap().providers.single().unwrap().settings.clone() {
        ProviderSettings::Oidc(oidc) => oidc,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_document_of_another_issuer_or_with_a_plain_http_endpoint_is_refused() {
    let settings = settings("https://op.example", &[]);
    assert!(checked(&settings, &document("https://op.example", "https://op.example/token")).is_ok());
    let other = checked(&settings, &document("https://op.example/", "https://op.example/token")).unwrap_err();
    let both = "another issuer (https://op.example/) than OIDC_ISSUER (https://op.example)";
    assert!(other.to_string().contains(both), "{other}");
    let markup = checked(&settings, &document("https://op.example/<b>x", "https://op.example/token")).unwrap_err();
    assert!(markup.to_string().contains("(https://op.example/) than"), "{markup}");
    assert!(checked(&settings, &document("https://op.example", "http://op.example/token")).is_err());
    assert!(checked(&settings, b"{}").is_err());
}

#[test]
fn where_there_are_several_tenants_the_document_names_the_issuer_as_it_is_written() {
    let document = |tenant: &str| document(&format!("https://op.example/{tenant}/v2.0"), "https://op.example/token");
    let several = settings("https://op.example/{tenantid}/v2.0", &[]);
    assert!(checked(&several, &document("{tenantid}")).is_ok());
    for other in ["organizations", "t-1", "", "{tenant}", "{tenantid}/{tenantid}"] {
        assert!(checked(&several, &document(other)).is_err(), "{other}");
    }
    let two = settings("https://op.example/{tenantid}/v2.0", &[("OIDC_TENANTS", "t-1, t-2")]);
    assert!(checked(&two, &document("{tenantid}")).is_ok());
    assert!(checked(&two, &document("t-1")).is_err());
    // The document of the only tenant may be its own.
    let one = settings("https://op.example/{tenantid}/v2.0", &[("OIDC_TENANTS", "t-1")]);
    assert!(checked(&one, &document("{tenantid}")).is_ok() && checked(&one, &document("t-1")).is_ok());
    assert!(checked(&one, &document("t-2")).is_err() && checked(&one, &document("organizations")).is_err());
}

#[test]
fn lists_that_nothing_depends_on_may_be_missing() {
    let document = json!({
        "issuer": "https://op.example/", "authorization_endpoint": "https://op.example/authorize",
        "token_endpoint": "https://op.example/oauth/token", "jwks_uri": "https://op.example/jwks",
    });
    assert!(checked(&settings("https://op.example/", &[]), document.to_string().as_bytes()).is_ok());
}

#[test]
fn the_algorithms_of_id_tokens_are_those_that_are_named_and_accepted() {
    let named = |algorithms: Value| {
        let mut document: Map<String, Value> =
            serde_json::from_slice(&document("https://op.example", "https://op.example/token")).unwrap();
        match algorithms {
            Value::Null => document.remove(ID_TOKEN_ALGORITHMS),
            algorithms => document.insert(ID_TOKEN_ALGORITHMS.to_owned(), algorithms),
        };
        let metadata =
            read(Value::Object(document).to_string().as_bytes(), Uses::of(&settings("https://op.example", &[])))
                .unwrap();
        metadata.additional_metadata().id_token_algorithms.iter().map(|algorithm| algorithm.name).collect::<Vec<_>>()
    };
    let odd = json!(["none", "HS256", "ES512", "Ed25519", "ES256K", 7, null, "RS256"]);
    assert_eq!(named(odd), ["ES512", "EdDSA", "RS256"]);
    assert_eq!(named(json!(["HS256"])), Vec::<&str>::new());
    assert_eq!(named(json!(null)).len(), Algorithm::all().count());
}

#[test]
fn the_discovery_url_has_one_slash_whether_the_issuer_ends_in_one_or_not() {
    for issuer in ["https://op.example/tenant", "https://op.example/tenant/"] {
        let url = settings(issuer, &[]).discovery_url;
        assert_eq!(url.as_str(), "https://op.example/tenant/.well-known/openid-configuration");
    }
}

#[test]
fn discovery_is_at_the_only_tenant_or_where_all_have_in_common_or_where_a_variable_says() {
    let at = |more: &[(&str, &str)]| settings("https://op.example/{tenantid}/v2.0", more).discovery_url.to_string();
    assert_eq!(at(&[]), "https://op.example/organizations/v2.0/.well-known/openid-configuration");
    let two = at(&[("OIDC_TENANTS", "t-1,t-2")]);
    assert_eq!(two, "https://op.example/organizations/v2.0/.well-known/openid-configuration");
    let one = at(&[("OIDC_TENANTS", "t-1")]);
    assert_eq!(one, "https://op.example/t-1/v2.0/.well-known/openid-configuration");
    let elsewhere = at(&[("OIDC_DISCOVERY_URL", "https://login.example/d?p=policy")]);
    assert_eq!(elsewhere, "https://login.example/d?p=policy");
}

#[test]
fn documents_of_one_address_with_different_queries_are_kept_apart() {
    let key = |query: &str| cache_key(&format!("https://login.example/d{query}").parse().unwrap());
    assert_eq!(key("?p=a"), "https://login.example/d?p=a&for=edge-oauth-sessions");
    assert_ne!(key("?p=a"), key("?p=b"));
    assert_eq!(key(""), "https://login.example/d?for=edge-oauth-sessions");
}
