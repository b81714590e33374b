//! Tests of the provider's variables.

use super::super::{Config, ConfigProblem};
use super::*;
use crate::config::{Credentials, TokenAuth};

fn read(vars: &[(&str, &str)]) -> Result<ProviderSettings, Vec<ConfigProblem>> {
    let vars: std::collections::HashMap<&str, &str> =
        vars.iter().copied().chain([("UPSTREAM", "https://app.internal")]).collect();
    Config::read(|name| vars.get(name).map(|text| (*text).to_owned()))
        .map(|config| config.providers.single().unwrap().settings.clone())
}

fn problems(vars: &[(&str, &str)]) -> Vec<ConfigProblem> {
    read(vars).err().unwrap_or_default()
}

fn auth0(more: &[(&str, &str)]) -> Result<Auth0Settings, Vec<ConfigProblem>> {
    let vars = [
        ("PROVIDER", "auth0"),
        ("AUTH0_DOMAIN", "tenant.eu.auth0.com"),
        ("OIDC_CLIENT_ID", "abc"),
        ("OIDC_CLIENT_SECRET", "s3cret"),
    ];
    match read(&[&vars, more].concat())? {
        ProviderSettings::Auth0(auth0) => Ok(auth0),
        other => panic!("{other:?}"),
    }
}

fn workos(more: &[(&str, &str)]) -> Result<WorkOsSettings, Vec<ConfigProblem>> {
    let vars = [("PROVIDER", "workos"), ("WORKOS_CLIENT_ID", "client_1"), ("WORKOS_API_KEY", "sk_hunter2")];
    match read(&[&vars, more].concat())? {
        ProviderSettings::WorkOs(workos) => Ok(workos),
        other => panic!("{other:?}"),
    }
}

#[test]
fn auth0_needs_a_domain_and_a_client_id() {
    let auth0 = auth0(&[]).unwrap();
    assert_eq!(auth0.oidc.issuer.as_str(), "https://tenant.eu.auth0.com/");
    assert_eq!(auth0.oidc.token_auth, Some(TokenAuth::Post));
    assert!(!auth0.logout_federated);
    assert_eq!(auth0.oidc.scopes, ["openid", "profile", "email", "offline_access"]);
}

#[test]
fn what_the_variables_say_overrules_the_preset() {
    let auth0 = auth0(&[
        ("AUTH0_DOMAIN", "https://login.example.com/"),
        ("OIDC_TOKEN_AUTH", "client_secret_basic"),
        ("AUTH0_LOGOUT_FEDERATED", "true"),
        ("OIDC_REUSE_LEEWAY_SECONDS", "30"),
    ])
    .unwrap();
    assert_eq!(auth0.oidc.issuer.as_str(), "https://login.example.com/");
    assert_eq!(auth0.oidc.token_auth, Some(TokenAuth::Basic));
    assert!(auth0.logout_federated);
    assert_eq!(auth0.oidc.reuse_leeway, Duration::seconds(30));
}

#[test]
fn a_domain_is_a_host_name_or_an_origin() {
    for domain in ["127.0.0.1:4400", "http://127.0.0.1:4400", "https://localhost:4400"] {
        assert!(auth0(&[("AUTH0_DOMAIN", domain)]).is_ok(), "{domain}");
    }
    for domain in ["http://tenant.auth0.com", "tenant.auth0.com/authorize", "https://a@b.example", "a b", "b.example?x"]
    {
        let found = auth0(&[("AUTH0_DOMAIN", domain)]).unwrap_err();
        assert_eq!(found.first().map(|problem| problem.variable.as_ref()), Some("AUTH0_DOMAIN"), "{domain}");
    }
}

#[test]
fn workos_needs_a_client_id_and_an_api_key() {
    let workos = workos(&[]).unwrap();
    assert_eq!(workos.api.as_str(), "https://api.workos.com/");
    assert_eq!(workos.issuer(), "https://api.workos.com");
    assert!(!format!("{workos:?}").contains("hunter2"));
}

#[test]
fn workos_has_its_host_and_answers_by_query_alone() {
    assert_eq!(workos(&[("WORKOS_API_HOST", "auth.example.com")]).unwrap().issuer(), "https://auth.example.com");
    assert_eq!(workos(&[("WORKOS_API_HOST", "http://localhost:4100")]).unwrap().issuer(), "http://localhost:4100");
    let found = workos(&[("WORKOS_API_HOST", "http://api.workos.com"), ("OIDC_RESPONSE_MODE", "form_post")]);
    let found = found.unwrap_err();
    let names: Vec<_> = found.iter().map(|problem| problem.variable.as_ref()).collect();
    assert_eq!(names, ["WORKOS_API_HOST", "OIDC_RESPONSE_MODE"]);
}

#[test]
fn workos_s_access_tokens_come_from_the_host_or_the_client_at_it() {
    let real = workos(&[]).unwrap();
    let api = "https://api.workos.com";
    for iss in [api, "https://api.workos.com/", "https://api.workos.com/user_management/client_1"] {
        assert!(real.is_issuer(iss), "{iss}");
    }
    for iss in [
        "",
        "https://api.workos.com.evil.example",
        "https://api.workos.com/user_management/client_2",
        "https://api.workos.com/user_management/client_1/",
        "http://localhost:4100",
    ] {
        assert!(!real.is_issuer(iss), "{iss}");
    }
    let emulated = workos(&[("WORKOS_API_HOST", "http://127.0.0.1:4100")]).unwrap();
    assert!(emulated.is_issuer("http://localhost:4100"));
    assert!(!emulated.is_issuer(api));
}

#[test]
fn what_is_missing_is_named_in_the_provider_s_own_words() {
    let found = problems(&[("PROVIDER", "auth0"), ("OIDC_CLIENT_SECRET", "s3cret")]);
    let names: Vec<_> = found.iter().map(|problem| problem.variable.as_ref()).collect();
    assert_eq!(names, ["AUTH0_DOMAIN", "OIDC_CLIENT_ID"]);
    assert!(found.iter().all(|problem| problem.message.contains("Auth0 Dashboard")));

    let found = problems(&[("PROVIDER", "workos")]);
    let names: Vec<_> = found.iter().map(|problem| problem.variable.as_ref()).collect();
    assert_eq!(names, ["WORKOS_CLIENT_ID", "WORKOS_API_KEY"]);
    assert!(found.iter().all(|problem| problem.message.contains("WorkOS Dashboard")));
}

#[test]
fn what_the_configuration_says_of_a_login_is_not_the_visitors_to_say() {
    let params = [("OIDC_AUTHORIZATION_PARAMS", r#"{"prompt":"consent","organization":"org_1"}"#)];
    let client = [("OIDC_ISSUER", "https://op.example"), ("OIDC_CLIENT_ID", "c"), ("OIDC_CLIENT_SECRET", "s")];
    let oidc = read(&[&client, &params[..]].concat());
    let (oidc, auth0) = (oidc.unwrap(), ProviderSettings::Auth0(auth0(&params).unwrap()));
    for provider in [&oidc, &auth0] {
        assert!(provider.decides("prompt") && provider.decides("organization") && !provider.decides("connection"));
    }
    assert_eq!((oidc.organization(), auth0.organization()), (None, Some("org_1")));
}

#[test]
fn at_workos_a_configured_selector_excludes_those_that_would_take_its_place() {
    for (params, organization, connection) in [
        (r#"{"organization_id":"org_1"}"#, true, true),
        (r#"{"connection_id":"conn_1"}"#, true, true),
        (r#"{"provider":"GoogleOAuth"}"#, false, true),
        (r#"{"prompt":"consent"}"#, false, false),
    ] {
        let provider = ProviderSettings::WorkOs(workos(&[("OIDC_AUTHORIZATION_PARAMS", params)]).unwrap());
        assert_eq!((provider.decides("organization"), provider.decides("connection")), (organization, connection));
    }
}

#[test]
fn a_public_client_says_so_and_has_state_keys_and_a_forgotten_secret_is_a_mistake() {
    let registered = [("OIDC_ISSUER", "https://op.example"), ("OIDC_CLIENT_ID", "abc")];
    let keys = ("STATE_KEYS", "a:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc");
    let (none, secret) = (("OIDC_TOKEN_AUTH", "none"), ("OIDC_CLIENT_SECRET", "hunter2"));
    let names = |more: &[(&str, &str)]| -> Vec<String> {
        problems(&[&registered[..], more].concat()).into_iter().map(|problem| problem.variable.into_owned()).collect()
    };
    assert_eq!(names(&[keys]), ["OIDC_CLIENT_SECRET"]);
    assert_eq!(names(&[keys, ("OIDC_CLIENT_SECRET", " ")]), ["OIDC_CLIENT_SECRET"]);
    assert_eq!(names(&[keys, ("OIDC_TOKEN_AUTH", "client_secret_post")]), ["OIDC_CLIENT_SECRET"]);
    assert_eq!(names(&[keys, ("OIDC_TOKEN_AUTH", "None")]), ["OIDC_TOKEN_AUTH"]);
    assert_eq!(names(&[none]), ["STATE_KEYS"]);
    assert!(names(&[secret]).is_empty() && names(&[none, keys]).is_empty());
    let auth0 = [("PROVIDER", "auth0"), ("AUTH0_DOMAIN", "t.auth0.com"), ("OIDC_CLIENT_ID", "abc")];
    assert_eq!(problems(&auth0)[0].variable, "OIDC_CLIENT_SECRET");
    let ProviderSettings::Oidc(public) = read(&[&registered[..], &[none, keys, secret]].concat()).unwrap() else {
        panic!("another kind")
    };
    assert!(matches!(public.credentials, Credentials::None), "it has none, whatever is left of one");
}

#[test]
fn the_algorithms_of_id_tokens_are_public_key_ones() {
    let registered =
        [("OIDC_ISSUER", "https://op.example"), ("OIDC_CLIENT_ID", "abc"), ("OIDC_CLIENT_SECRET", "hunter2")];
    let algorithms = |named: &str| match read(&[&registered[..], &[("OIDC_ID_TOKEN_ALG", named)]].concat()) {
        Ok(ProviderSettings::Oidc(oidc)) => oidc.id_token_algorithms.map(|algorithms| algorithms.len()),
        Ok(other) => panic!("{other:?}"),
        Err(found) => {
            assert_eq!(found[0].variable, "OIDC_ID_TOKEN_ALG");
            Some(0)
        }
    };
    assert_eq!(algorithms(""), None);
    assert_eq!(algorithms("RS256"), Some(1));
    assert_eq!(algorithms("PS256, ES384,EdDSA"), Some(3));
    for refused in ["none", "HS256", "RS256,HS256", "RS256 ES256", "RS256,", "rs256", ","] {
        assert_eq!(algorithms(refused), Some(0), "{refused}");
    }
}

#[test]
fn a_client_with_a_key_needs_no_secret_and_what_is_wrong_with_the_key_is_named() {
    let registered =
        [("OIDC_ISSUER", "https://op.example"), ("OIDC_CLIENT_ID", "abc"), ("OIDC_TOKEN_AUTH", "private_key_jwt")];
    let with = |key: &str| read(&[&registered[..], &[("OIDC_CLIENT_KEY", key)]].concat());
    let jwk = crate::jose::signing::private_jwk("k1");
    let ProviderSettings::Oidc(oidc) = with(&jwk.to_string()).unwrap() else { panic!("another kind") };
    assert!(matches!(oidc.credentials, Credentials::Key(_)));
    assert!(!format!("{oidc:?}").contains(jwk["d"].as_str().unwrap()));
    let alone = read(&[&registered[..2], &[("OIDC_CLIENT_KEY", &jwk.to_string())]].concat()).unwrap();
    assert!(alone.public_key().is_some(), "a key and no secret needs no more words");
    let both = [("OIDC_CLIENT_KEY", jwk.to_string()), ("OIDC_CLIENT_SECRET", "s3cret".to_owned())];
    let both: Vec<_> =
        registered[..2].iter().copied().chain(both.iter().map(|(name, text)| (*name, text.as_str()))).collect();
    let either = read(&both).unwrap();
    assert!(either.public_key().is_some() && either.secret() == Some(b"s3cret"), "what the provider offers decides");
    let basic = [&both[..], &[("OIDC_TOKEN_AUTH", "client_secret_basic")]].concat();
    assert!(read(&basic).unwrap().public_key().is_none());
    let missing = problems(&registered);
    assert_eq!(missing[0].variable, "OIDC_CLIENT_KEY");
    assert!(missing.len() == 1 && missing[0].message.contains("wrangler secret put OIDC_CLIENT_KEY"));
    let mut public = jwk.clone();
    public.as_object_mut().unwrap().remove("d");
    let found = with(&public.to_string()).unwrap_err();
    assert!(found[0].variable == "OIDC_CLIENT_KEY" && found[0].message.contains("is a public key"), "{found:?}");
}

#[test]
fn without_state_keys_login_cookies_are_sealed_with_a_key_that_is_made_of_the_client_s() {
    let keys = |key: &str| {
        let vars = [
            ("OIDC_ISSUER", "https://op.example"),
            ("OIDC_CLIENT_ID", "abc"),
            ("OIDC_TOKEN_AUTH", "private_key_jwt"),
            ("OIDC_CLIENT_KEY", key),
            ("UPSTREAM", "https://app.internal"),
        ];
        let said = |name: &str| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Config::read(said).unwrap().login_keys
    };
    let jwk = crate::jose::signing::private_jwk("k1");
    let sealed = keys(&jwk.to_string()).seal([7; crate::sealing::NONCE], b"", b"plain").unwrap();
    assert_eq!(keys(&jwk.to_string()).open(b"", &sealed).as_deref(), Some(&b"plain"[..]));
    let mut other = jwk;
    other["d"] = "A".repeat(43).into();
    assert_eq!(keys(&other.to_string()).open(b"", &sealed), None);
}
