use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::config::{Config, ConfigProblem, Credentials, Logout, Par, ProviderSettings, TokenAuth};

const KEYS: &str = "a:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
const EC: &str = r#"{"kty":"EC","crv":"P-256","kid":"k","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X5fCE9-E9LI"}"#;

fn read_with(table: &Value, vars: &[(&str, &str)]) -> Result<Config, Vec<ConfigProblem>> {
    let text = table.to_string();
    Config::read(|name| match vars.iter().find(|(known, _)| *known == name) {
        Some((_, value)) => Some((*value).to_owned()),
        None => match name {
            "PROVIDERS" => Some(text.clone()),
            "STATE_KEYS" => Some(KEYS.into()),
            "UPSTREAM" => Some("https://app.internal".into()),
            "ONE_SECRET" => Some("s3cret-1".into()),
            "TWO_SECRET" => Some("s3cret-2".into()),
            "EC_KEY" => Some(EC.into()),
            "APPLE_PEM" => Some(crate::config::apple::tests::pem()),
            _ => None,
        },
    })
}

fn read(table: &Value) -> Providers {
    read_with(table, &[]).unwrap().providers
}

/// What is wrong: the places, and all messages in one text.
fn problems(table: &Value, vars: &[(&str, &str)]) -> (Vec<String>, String) {
    let problems = read_with(table, vars).err().unwrap_or_default();
    let places = problems.iter().map(|problem| problem.variable.to_string()).collect();
    (places, problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("\n"))
}

fn element(more: &Value) -> Value {
    let mut element = json!({
        "name": "one", "issuer": "https://one.example", "client_id": "gateway", "secret": "ONE_SECRET",
    });
    let fields = element.as_object_mut().unwrap();
    for (name, value) in more.as_object().unwrap() {
        fields.insert(name.clone(), value.clone());
        if value.is_null() {
            fields.remove(name);
        }
    }
    element
}

fn two(more: &Value) -> Value {
    json!([
        element(&json!({})),
        element(&{
            let mut second = json!({"name": "two", "issuer": "https://two.example", "secret": "TWO_SECRET"});
            second.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            second
        })
    ])
}

fn oidc(providers: &Providers, name: &str) -> crate::config::OidcSettings {
    match providers.named(Some(name)).unwrap().settings.clone() {
        ProviderSettings::Oidc(oidc) | ProviderSettings::Auth0(crate::config::Auth0Settings { oidc, .. }) => oidc,
        ProviderSettings::WorkOs(_) => panic!("{name} is WorkOS"),
    }
}

fn origin(text: &str) -> Origin {
    Origin::of(&Url::parse(text).unwrap()).unwrap()
}

#[test]
fn an_element_can_say_all_that_the_variables_of_a_single_provider_say() {
    let providers = read(&json!([element(&json!({
        "token_auth": "client_secret_post", "trusted_audiences": ["api", "other"], "nonce": "optional",
        "discovery_url": "https://one.example/other/discovery", "id_token_alg": ["ES256", "RS256"],
        "scopes": ["openid", "groups"], "response_mode": "form_post", "authorization_params": {"acr_values": "mfa"},
        "audience": "api-1", "resource": "https://api.example", "par": "always", "reuse_leeway_seconds": 7,
    }))]));
    let oidc = oidc(&providers, "one");
    assert_eq!(oidc.issuer.as_str(), "https://one.example");
    assert!(matches!(&oidc.credentials, Credentials::Secret(secret) if secret.secret() == "s3cret-1"));
    assert_eq!(oidc.token_auth, Some(TokenAuth::Post));
    assert_eq!((oidc.trusted_audiences, oidc.nonce_optional), (vec!["api".to_owned(), "other".into()], true));
    assert_eq!(oidc.discovery_url.as_str(), "https://one.example/other/discovery");
    assert_eq!(oidc.id_token_algorithms.unwrap(), ["ES256", "RS256"]);
    assert_eq!((oidc.scopes, oidc.form_post), (vec!["openid".to_owned(), "groups".into()], true));
    assert_eq!(oidc.authorization_params, [("acr_values".to_owned(), "mfa".to_owned())]);
    assert_eq!((oidc.audience.unwrap(), oidc.resource.unwrap()), ("api-1".into(), "https://api.example".into()));
    assert_eq!((oidc.par, oidc.reuse_leeway.whole_seconds()), (Par::Always, 7));
    assert_eq!(
        (&*oidc.issuer_variable, &*oidc.document_variable),
        ("PROVIDERS[0].issuer", "PROVIDERS[0].discovery_url")
    );
}

#[test]
fn a_label_is_the_name_where_none_is_said_and_an_empty_one_is_none() {
    let label = |more: Value| read(&json!([element(&more)])).named(Some("one")).unwrap().label.clone();
    assert_eq!(label(json!({})).as_deref(), Some("one"));
    assert_eq!(label(json!({"label": " The One "})).as_deref(), Some("The One"));
    assert_eq!(label(json!({"label": ""})), None);
}

#[test]
fn texts_stand_for_arrays_and_tables_as_in_the_variables() {
    let providers = read(&json!([element(&json!({
        "scopes": "openid groups", "trusted_audiences": "api, other", "authorization_params": "{\"acr_values\":\"mfa\"}",
        "reuse_leeway_seconds": "7",
    }))]));
    let oidc = oidc(&providers, "one");
    assert_eq!(oidc.scopes, ["openid", "groups"]);
    assert_eq!(oidc.trusted_audiences, ["api", "other"]);
    assert_eq!(oidc.authorization_params.len(), 1);
    assert_eq!(oidc.reuse_leeway.whole_seconds(), 7);
}

#[test]
fn an_element_can_be_of_every_kind() {
    let providers = read(&json!([
        {"name": "auth0", "kind": "auth0", "auth0_domain": "t.eu.auth0.com", "client_id": "c", "secret": "ONE_SECRET",
         "auth0_logout_federated": true},
        {"name": "workos", "kind": "workos", "client_id": "client_1", "secret": "TWO_SECRET"},
        {"name": "apple", "kind": "apple", "client_id": "c", "apple_team_id": "TEAM", "apple_key_id": "KEY", "key": "APPLE_PEM"},
        {"name": "pool", "kind": "cognito", "issuer": "https://idp.example/pool", "client_id": "c", "secret": "ONE_SECRET",
         "cognito_domain": "pool.auth.example"},
        {"name": "entra", "kind": "entra", "issuer": "https://login.example/{tenantid}/v2.0", "tenants": ["a", "b"],
         "client_id": "c", "key": "EC_KEY"},
        {"name": "google", "kind": "google", "client_id": "c", "secret": "ONE_SECRET"},
        {"name": "public", "issuer": "https://public.example", "client_id": "c", "token_auth": "none"},
    ]));
    let ProviderSettings::Auth0(auth0) = &providers.named(Some("auth0")).unwrap().settings else { panic!() };
    assert!(auth0.logout_federated);
    assert_eq!(
        (auth0.oidc.issuer.as_str(), &*auth0.oidc.issuer_variable),
        ("https://t.eu.auth0.com/", "PROVIDERS[0].auth0_domain")
    );
    let ProviderSettings::WorkOs(workos) = &providers.named(Some("workos")).unwrap().settings else { panic!() };
    assert_eq!((workos.client_id.as_str(), workos.api_key.secret().as_str()), ("client_1", "s3cret-2"));
    assert!(matches!(oidc(&providers, "apple").credentials, Credentials::Apple(_)));
    assert!(matches!(oidc(&providers, "pool").logout, Logout::Cognito(_)));
    assert!(oidc(&providers, "entra").may_be_issuer("https://login.example/b/v2.0"));
    assert!(matches!(oidc(&providers, "entra").credentials, Credentials::Key(_)));
    assert_eq!(oidc(&providers, "google").issuer.as_str(), "https://accounts.google.com");
    assert!(matches!(oidc(&providers, "public").credentials, Credentials::None));
}

#[test]
fn each_field_that_is_wrong_is_named_with_its_place() {
    for (field, value, word) in [
        ("kind", json!("nonsense"), "must be one of"),
        ("issuer", json!("http://two.example"), "https URL"),
        ("issuer", json!(7), "https URL"),
        ("issuer", json!({"a": 1}), "https URL"),
        ("issuer", json!(""), "is missing"),
        ("client_id", json!(""), "is missing"),
        ("token_auth", json!("hmac"), "must be one of"),
        ("tenants", json!(["a"]), "write {tenantid}"),
        ("discovery_url", json!("ftp://x"), "https URL"),
        ("id_token_alg", json!(["HS256"]), "RS256"),
        ("scopes", json!(["profile"]), "openid"),
        ("response_mode", json!("fragment"), "must be one of"),
        ("nonce", json!(true), "must be one of"),
        ("par", json!("sometimes"), "must be one of"),
        ("reuse_leeway_seconds", json!(-1), "whole seconds"),
        ("reuse_leeway_seconds", json!(1.5), "whole seconds"),
        ("authorization_params", json!({"client_id": "x"}), "sets client_id"),
        ("authorization_params", json!([1]), "JSON object"),
        ("resource", json!("no uri"), "absolute URI"),
        ("name", json!(""), "is missing"),
        ("name", json!(7), "is missing"),
        ("name", json!("a b"), "letters, digits and -"),
        ("name", json!("a/b"), "letters, digits and -"),
        ("name", json!("ü"), "letters, digits and -"),
        ("name", json!("a".repeat(33)), "letters, digits and -"),
        ("name", json!("one"), "twice"),
        ("name", json!("ONE"), "twice"),
        ("label", json!("a\nb"), "100 characters"),
        ("label", json!("a".repeat(101)), "100 characters"),
        ("label", json!(7), "100 characters"),
        ("domains", json!(7), "array"),
        ("domains", json!(["a@b.example"]), "behind the @"),
        ("domains", json!(["192.0.2.1"]), "behind the @"),
        ("domains", json!([7]), "array"),
        ("hosts", json!({}), "array"),
        ("hosts", json!(["other.example"]), "none of PUBLIC_ORIGIN"),
        ("hosts", json!(["https://app.example"]), "none of PUBLIC_ORIGIN"),
        ("secret", json!("UNSET_SECRET"), "is not set"),
        ("secret", json!(7), "is not set"),
        ("secret", json!("STATE_KEYS"), "no provider may get"),
        ("secret", json!(" PROVIDERS "), "no provider may get"),
        ("unknown", json!(1), "is no field of a provider"),
        ("client_secret", json!("hunter2"), "that name into secret"),
        ("client_key", json!("hunter2"), "that name into key"),
    ] {
        let (places, text) = problems(&two(&json!({field: value})), &[("PUBLIC_ORIGIN", "https://app.example")]);
        assert_eq!(places, [format!("PROVIDERS[1].{field}")], "{field} = {value}: {text}");
        assert!(text.contains(word), "{field} = {value}: {text}");
        for variable in ["OIDC_", "hunter2", "UNSET"] {
            assert!(!text.contains(variable), "{field} = {value}: {text}");
        }
    }
}

#[test]
fn what_is_missing_is_named_with_what_to_put_there() {
    let (places, text) = problems(&json!([{}]), &[]);
    assert_eq!(places, ["name", "issuer", "client_id", "secret"].map(|field| format!("PROVIDERS[0].{field}")));
    assert!(text.contains("token_auth = \"none\"") && text.contains("wrangler secret put"), "{text}");
    let (places, _) = problems(&json!([{"name": "w", "kind": "workos"}]), &[]);
    assert_eq!(places, ["client_id", "secret"].map(|field| format!("PROVIDERS[0].{field}")));
    let (places, text) = problems(&json!([{"name": "a", "kind": "apple", "client_id": "c"}]), &[]);
    assert_eq!(places, ["apple_team_id", "apple_key_id", "key"].map(|field| format!("PROVIDERS[0].{field}")));
    assert!(text.contains("AuthKey_"), "{text}");
    let key = json!([{"name": "k", "issuer": "https://k.example", "client_id": "c", "token_auth": "private_key_jwt"}]);
    assert_eq!(problems(&key, &[]).0, ["PROVIDERS[0].key"]);
}

#[test]
fn a_host_or_a_domain_belongs_to_one_provider() {
    let public = ("PUBLIC_ORIGIN", "https://app.example, https://b.example:8443");
    let table = |hosts: [Value; 2], domains: [Value; 2]| {
        let [first, second] = hosts;
        let [one, other] = domains;
        json!([
            element(&json!({"hosts": first, "domains": one})),
            element(&json!({"name": "two", "hosts": second, "domains": other})),
        ])
    };
    let none = || [json!([]), json!([])];
    let twice = table([json!(["app.example"]), json!(["APP.example."])], none());
    assert_eq!(problems(&twice, &[public]).0, ["PROVIDERS[1].hosts"]);
    let twice = table(none(), [json!(["corp.example", "Corp.example"]), json!([])]);
    assert_eq!(problems(&twice, &[public]).0, ["PROVIDERS[0].domains"]);
    let twice = table(none(), [json!(["bücher.example"]), json!(["xn--bcher-kva.example"])]);
    assert_eq!(problems(&twice, &[public]).0, ["PROVIDERS[1].domains"]);
    let good =
        table([json!(["app.example"]), json!("b.example:8443")], [json!("corp.example"), json!(["other.example"])]);
    assert_eq!(problems(&good, &[public]).0, [""; 0]);
}

#[test]
fn the_table_stands_alone_and_needs_keys() {
    let table = two(&json!({}));
    for single in [
        "PROVIDER",
        "OIDC_ISSUER",
        "OIDC_CLIENT_SECRET",
        "AUTH0_DOMAIN",
        "WORKOS_API_KEY",
        "APPLE_TEAM_ID",
        "COGNITO_DOMAIN",
    ] {
        let (places, text) = problems(&table, &[(single, "x")]);
        assert_eq!(places, [single], "{text}");
        assert!(text.contains("beside PROVIDERS"), "{text}");
    }
    // The table may name a secret of any name.
    let named = two(&json!({"secret": "OIDC_CLIENT_SECRET"}));
    assert_eq!(problems(&named, &[("OIDC_CLIENT_SECRET", "x")]).0, [""; 0]);
    let (places, text) = problems(&table, &[("STATE_KEYS", "")]);
    assert_eq!(places, ["STATE_KEYS"]);
    assert!(text.contains("PROVIDERS"), "{text}");
    for bad in [json!([]), json!({}), json!("x")] {
        assert_eq!(problems(&bad, &[]).0, ["PROVIDERS"], "{bad}");
    }
    assert_eq!(problems(&json!([7]), &[]).0, ["PROVIDERS[0]"]);
}

#[test]
fn further_variables_continue_the_table() {
    let more = |name: &str, field: &str| {
        json!([{"name": name, "issuer": "https://more.example", "client_id": "c", "secret": "TWO_SECRET", field: "x"}])
            .to_string()
    };
    let (second, third) = (more("second", "audience"), more("third", "audience"));
    let vars = [("PROVIDERS_2", second.as_str()), ("PROVIDERS_3", third.as_str())];
    let providers = read_with(&two(&json!({})), &vars).unwrap().providers;
    let names: Vec<&str> = providers.iter().filter_map(|one| one.name.as_deref()).collect();
    assert_eq!(names, ["one", "two", "second", "third"]);
    assert_eq!(oidc(&providers, "third").issuer_variable, "PROVIDERS_3[0].issuer");
    assert_eq!(problems(&two(&json!({})), &[("PROVIDERS_3", &third)]).0, ["PROVIDERS_2"], "a gap");
    assert_eq!(problems(&two(&json!({})), &[("PROVIDERS_2", "x")]).0, ["PROVIDERS_2"]);
    assert_eq!(
        problems(&two(&json!({})), &[("PROVIDERS_2", &more("one", "nonsense"))]).0,
        ["PROVIDERS_2[0].nonsense", "PROVIDERS_2[0].name"]
    );
    let alone = problems(&json!(""), &[("PROVIDERS", ""), ("PROVIDERS_2", &second)]);
    assert!(alone.0.contains(&"PROVIDERS".to_owned()), "{alone:?}");
}

#[test]
fn with_a_table_the_issuer_of_clients_tokens_has_to_be_said() {
    let routes = ("ROUTES", r#"[{"match":"/*","upstream":"https://a.internal","bearer":true}]"#);
    let vars = [routes, ("JWKS_URI", "https://keys.example/jwks"), ("JWT_AUDIENCE", "api"), ("UPSTREAM", "")];
    assert_eq!(problems(&two(&json!({})), &vars).0, ["JWT_ISSUER"]);
    let said = [vars.as_slice(), &[("JWT_ISSUER", "https://one.example")]].concat();
    assert_eq!(problems(&two(&json!({})), &said).0, [""; 0]);
}

#[test]
fn a_provider_is_found_by_name_host_and_domain() {
    let table = two(&json!({"hosts": ["b.example", "c.example:8443"], "domains": ["Corp.Example"]}));
    let public = ("PUBLIC_ORIGIN", "https://app.example,https://b.example:444,https://c.example:8443");
    let providers = read_with(&table, &[public]).unwrap().providers;
    let name = |found: Option<&NamedProvider>| found.and_then(|found| found.name.clone());
    assert_eq!(name(providers.named(Some("two"))).as_deref(), Some("two"));
    assert!(providers.named(None).is_none() && providers.single().is_none());
    assert!(providers.named(Some("TWO")).is_none() && providers.named(Some("")).is_none());
    for (host, own) in [
        ("https://b.example", Some("two")),
        ("https://B.example:444", Some("two")),
        ("https://c.example:8443", Some("two")),
        ("https://c.example", None),
        ("https://app.example", None),
        ("https://a.b.example", None),
    ] {
        assert_eq!(name(providers.of_host(&origin(host))).as_deref(), own, "{host}");
    }
    for (address, own) in [
        ("ada@corp.example", Some("two")),
        ("Ada@CORP.EXAMPLE", Some("two")),
        ("a@b@corp.example", Some("two")),
        ("ada@sub.corp.example", None),
        ("ada@corp.example.evil.example", None),
        ("corp.example", None),
        ("ada@", None),
    ] {
        assert_eq!(name(providers.of_address(address)).as_deref(), own, "{address}");
    }
}

#[test]
fn a_session_of_one_host_s_provider_does_not_serve_another_host_with_its_own() {
    let table = json!([
        element(&json!({"hosts": ["a.example"]})),
        element(&json!({"name": "two", "hosts": ["b.example"]})),
        element(&json!({"name": "staff"})),
    ]);
    let public = ("PUBLIC_ORIGIN", "https://a.example,https://b.example,https://c.example");
    let providers = read_with(&table, &[public]).unwrap().providers;
    for (host, serving) in [
        ("https://a.example", ["one", "staff"].as_slice()),
        ("https://b.example", &["two", "staff"]),
        ("https://c.example", &["one", "two", "staff"]),
    ] {
        let all: Vec<&str> =
            ["one", "two", "staff"].into_iter().filter(|name| providers.may_serve(Some(name), &origin(host))).collect();
        assert_eq!(all, serving, "{host}");
    }
    assert!(!providers.may_serve(Some("gone"), &origin("https://a.example")), "a provider that is not there any more");
    assert!(!providers.may_serve(None, &origin("https://a.example")), "a session from before the table");
}

#[test]
fn hosts_of_a_wildcard_are_public_hosts() {
    let public = ("PUBLIC_ORIGIN", "https://*.example.com");
    let at = |host: &str| two(&json!({"hosts": [host]}));
    assert_eq!(problems(&at("b.example.com"), &[public]).0, [""; 0]);
    for bad in ["example.com", "a.b.example.com", "*.example.com", "b.example.com:8443", "b.example.org"] {
        assert_eq!(problems(&at(bad), &[public]).0, ["PROVIDERS[1].hosts"], "{bad}");
    }
}

#[test]
fn a_route_names_providers_that_there_are_and_lets_their_sessions_in_alone() {
    let routes = |value: &str| {
        format!(r#"[{{"match":"/x/*","upstream":"https://a.internal","providers":{value},"session":"optional"}}]"#)
    };
    let read = |value: &str| {
        let routes = routes(value);
        read_with(&two(&json!({})), &[("ROUTES", &routes), ("UPSTREAM", "")])
    };
    let config = read(r#"["two","two"]"#).unwrap();
    assert_eq!(config.routes[0].providers, ["two"]);
    assert_eq!(config.routes[0].session, crate::config::routes::SessionRule::Required);
    let at = origin("https://app.example");
    assert_eq!(config.providers.let_in(&at, &config.routes[0].providers).as_deref(), Some("two"));
    assert_eq!(config.providers.let_in(&at, &[]), None);
    for bad in [r#"["three"]"#, "[]", r#""two""#, "[7]"] {
        let places: Vec<String> =
            read(bad).unwrap_err().into_iter().map(|problem| problem.variable.to_string()).collect();
        assert_eq!(places, ["ROUTES[0].providers"], "{bad}");
    }
}

#[test]
fn a_host_and_a_route_let_in_what_both_take() {
    let table = json!([
        element(&json!({"hosts": ["a.example"]})),
        element(&json!({"name": "two", "hosts": ["b.example"]})),
        element(&json!({"name": "staff"})),
    ]);
    let public = ("PUBLIC_ORIGIN", "https://a.example,https://b.example,https://c.example");
    let providers = read_with(&table, &[public]).unwrap().providers;
    let names = |host: &str, of_route: &[&str]| {
        let of_route: Vec<String> = of_route.iter().map(|name| (*name).to_owned()).collect();
        providers.let_in(&origin(host), &of_route)
    };
    assert_eq!(names("https://c.example", &[]), None);
    assert_eq!(names("https://a.example", &[]).as_deref(), Some("one,staff"));
    assert_eq!(names("https://a.example", &["staff", "two"]).as_deref(), Some("staff"));
    assert_eq!(names("https://a.example", &["two"]).as_deref(), Some(""), "nobody");
    assert_eq!(names("https://c.example", &["one", "two"]).as_deref(), Some("one,two"));
}

#[test]
fn two_clients_of_one_issuer_share_no_reading_of_its_document() {
    let providers = read(&two(&json!({"issuer": "https://one.example", "par": "always"})));
    let (one, two) = (oidc(&providers, "one"), oidc(&providers, "two"));
    assert_eq!(one.discovery_url, two.discovery_url);
    assert_ne!(one.document_key, two.document_key);
}

#[test]
fn an_issuer_is_found_in_the_table_and_need_be_named_only_where_there_are_several() {
    let one = read(&json!([element(&json!({}))]));
    assert_eq!((one.only_issuer(), one.issuer_named(None)), (Some("https://one.example"), Some("https://one.example")));
    let both = read(&two(&json!({})));
    assert_eq!((both.only_issuer(), both.issuer_named(None)), (None, None));
    assert_eq!(both.issuer_named(Some("https://two.example")), Some("https://two.example"));
    assert_eq!(both.issuer_named(Some("https://three.example")), None);
    // Two clients of one issuer.
    let same = read(&two(&json!({"issuer": "https://one.example"})));
    assert_eq!(same.issuer_named(None), Some("https://one.example"));
}

#[test]
fn nothing_of_the_table_shows_a_secret_in_debug_output() {
    let text = format!("{:?}", read(&two(&json!({"key": "EC_KEY", "token_auth": "private_key_jwt"}))));
    assert!(!text.contains("s3cret") && !text.contains("jpsQnnGQ"), "{text}");
}
