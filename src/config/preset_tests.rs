//! Tests of the presets: what a provider's name alone says, and what counts before it.

use super::super::{Config, ConfigProblem};
use super::*;
use crate::config::{Credentials, Logout, TokenAuth};

fn read(vars: &[(&str, &str)]) -> Result<OidcSettings, Vec<ConfigProblem>> {
    let vars: std::collections::HashMap<&str, &str> =
        vars.iter().copied().chain([("UPSTREAM", "https://app.internal")]).collect();
    match Config::read(|name| vars.get(name).map(|text| (*text).to_owned()))?
        .providers
        .single()
        .unwrap()
        .settings
        .clone()
    {
        ProviderSettings::Oidc(oidc) => Ok(oidc),
        other => panic!("{other:?}"),
    }
}

/// With what every provider needs, and these variables.
fn preset(name: &str, more: &[(&str, &str)]) -> OidcSettings {
    let usual = [
        ("PROVIDER", name),
        ("OIDC_ISSUER", "https://op.example"),
        ("OIDC_CLIENT_ID", "abc"),
        ("OIDC_CLIENT_SECRET", "s3cret"),
        ("COGNITO_DOMAIN", "pool.auth.eu-central-1.amazoncognito.com"),
    ];
    read(&[&usual, more].concat()).unwrap_or_else(|problems| panic!("{name}: {problems:?}"))
}

fn params(oidc: &OidcSettings) -> Vec<(&str, &str)> {
    oidc.authorization_params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn an_unknown_provider_names_the_known_ones() {
    let problems = read(&[("PROVIDER", "entrance")]).unwrap_err();
    let problem = problems.iter().find(|problem| problem.variable == "PROVIDER").unwrap();
    for name in ["oidc", "auth0", "workos", "entra", "google", "okta", "keycloak", "cognito", "zitadel", "linkedin"] {
        assert!(problem.message.contains(name), "{}", problem.message);
    }
    for name in ["apple", "gitlab", "adfs", "pingone", "authentik", "authelia", "dex", "ory", "salesforce", "twitch"] {
        assert!(problem.message.contains(name), "{}", problem.message);
    }
}

#[test]
fn each_preset_is_complete_with_an_issuer_and_a_registration() {
    for row in &PRESETS {
        let oidc = preset(row.name, &[]);
        assert_eq!(oidc.issuer.as_str(), "https://op.example", "{}", row.name);
        assert!(oidc.scopes.iter().any(|scope| scope == "openid"), "{}", row.name);
        assert_eq!(oidc.issuer_variable, "OIDC_ISSUER");
    }
}

#[test]
fn where_all_customers_have_one_issuer_it_need_not_be_said() {
    let registered = [("OIDC_CLIENT_ID", "abc"), ("OIDC_CLIENT_SECRET", "s3cret")];
    for (name, issuer) in [
        ("google", "https://accounts.google.com"),
        ("linkedin", "https://www.linkedin.com/oauth"),
        ("gitlab", "https://gitlab.com"),
        ("twitch", "https://id.twitch.tv/oauth2"),
    ] {
        let oidc = read(&[&registered[..], &[("PROVIDER", name)]].concat()).unwrap();
        assert_eq!(oidc.issuer.as_str(), issuer);
    }
}

#[test]
fn what_is_missing_is_named_in_the_words_of_the_preset_s_provider() {
    for (name, words) in [
        ("entra", ["login.microsoftonline.com", "Application (client) ID", "Certificates & secrets"]),
        ("okta", ["Issuer URI in the Okta Admin Console", "Okta Admin Console", "Okta Admin Console"]),
        ("keycloak", ["/realms/<realm>", "admin console under Clients", "Credentials"]),
        ("cognito", ["User pool ID", "App clients", "Client secret"]),
        ("salesforce", ["My Domain", "Consumer Key", "Consumer Secret"]),
        ("adfs", ["<host of AD FS>/adfs", "Client Identifier", "shared secret"]),
        ("authelia", ["Authelia's portal", "identity_providers.oidc.clients", "in plain text"]),
    ] {
        let problems = read(&[("PROVIDER", name)]).unwrap_err();
        let found: Vec<_> = problems
            .iter()
            .filter(|problem| problem.variable.starts_with("OIDC_"))
            .map(|problem| (problem.variable.as_ref(), problem.message.as_str()))
            .collect();
        let names: Vec<_> = found.iter().map(|(variable, _)| *variable).collect();
        assert_eq!(names, ["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"], "{name}");
        for ((variable, message), words) in found.iter().zip(words) {
            assert!(message.starts_with("is missing: ") && message.contains(words), "{name} {variable}: {message}");
        }
    }
}

#[test]
fn google_gives_refresh_tokens_for_a_parameter_and_a_consent_and_has_no_scope_for_them() {
    let google = preset("google", &[]);
    assert_eq!(google.scopes, ["openid", "profile", "email"]);
    assert_eq!(params(&google), [("access_type", "offline"), ("prompt", "consent")]);
}

#[test]
fn explicit_variables_count_before_a_preset() {
    let google = preset(
        "google",
        &[
            ("OIDC_SCOPES", "openid calendar"),
            ("OIDC_AUTHORIZATION_PARAMS", r#"{"prompt":"select_account consent","hd":"example.com"}"#),
        ],
    );
    assert_eq!(google.scopes, ["openid", "calendar"]);
    let said = [("access_type", "offline"), ("hd", "example.com"), ("prompt", "select_account consent")];
    assert_eq!(params(&google), said, "a parameter that the variable does not name stays");
    let google = preset("google", &[("OIDC_AUTHORIZATION_PARAMS", r#"{"prompt":"","access_type":"online","x":""}"#)]);
    assert_eq!(params(&google), [("access_type", "online"), ("x", "")], "an empty value takes the preset's away");
    let linkedin = preset("linkedin", &[("OIDC_NONCE", "required"), ("OIDC_TOKEN_AUTH", "client_secret_basic")]);
    assert_eq!((linkedin.nonce_optional, linkedin.token_auth), (false, Some(TokenAuth::Basic)));
    let apple = preset("apple", &[("OIDC_RESPONSE_MODE", "query")]);
    assert!(!apple.form_post);
}

#[test]
fn linkedin_alone_may_leave_the_nonce_out() {
    for row in &PRESETS {
        assert_eq!(preset(row.name, &[]).nonce_optional, row.name == "linkedin", "{}", row.name);
    }
    assert!(!preset("oidc", &[]).nonce_optional);
    assert!(preset("oidc", &[("OIDC_NONCE", "optional")]).nonce_optional);
    let wrong = [("OIDC_ISSUER", "https://op.example"), ("OIDC_CLIENT_ID", "abc"), ("OIDC_CLIENT_SECRET", "s")];
    let problems = read(&[&wrong[..], &[("OIDC_NONCE", "no")]].concat()).unwrap_err();
    assert_eq!(problems[0].variable, "OIDC_NONCE");
}

#[test]
fn offline_access_is_asked_for_where_it_brings_the_refresh_token_and_nowhere_else() {
    for (name, asks) in
        [("entra", true), ("zitadel", true), ("authentik", true), ("authelia", true), ("ory", true), ("okta", true)]
            .into_iter()
            .chain(["keycloak", "cognito", "gitlab", "adfs", "pingone", "google", "linkedin"].map(|name| (name, false)))
    {
        assert_eq!(preset(name, &[]).scopes.iter().any(|scope| scope == "offline_access"), asks, "{name}");
    }
}

#[test]
fn a_preset_without_offline_access_has_words_of_its_own_for_a_login_without_refresh_token() {
    for row in &PRESETS {
        let settings = preset(row.name, &[]);
        let asks = settings.scopes.iter().any(|scope| scope == "offline_access");
        let words = settings.no_refresh_token.unwrap_or("no refresh token came: OIDC_SCOPES lacks offline_access");
        assert!(asks || !words.contains("offline_access"), "{}: {words}", row.name);
    }
}

const REGISTERED: [(&str, &str); 2] = [("OIDC_CLIENT_ID", "abc"), ("OIDC_CLIENT_SECRET", "s3cret")];

fn problems(more: &[(&str, &str)]) -> Vec<String> {
    let found = read(&[&REGISTERED[..], more].concat()).err().unwrap_or_default();
    found.into_iter().map(|problem| problem.variable.into_owned()).collect()
}

#[test]
fn a_tenant_has_its_place_between_slashes_of_the_issuer_s_path_once() {
    let issuer = |issuer: &str| problems(&[("OIDC_ISSUER", issuer)]);
    for good in
        ["https://op.example/{tenantid}/v2.0", "https://op.example/{tenantid}", "https://op.example/a/{tenantid}/"]
    {
        assert!(issuer(good).is_empty(), "{good}");
    }
    for bad in [
        "https://{tenantid}.op.example/v2.0",
        "https://{tenantid}/v2.0",
        "https://op.example/x{tenantid}/v2.0",
        "https://op.example/{tenantid}x/v2.0",
        "https://op.example/{tenantid}/{tenantid}",
        "https://op.example/{tenant}/v2.0",
        "https://op.example/v2.0?tenant={tenantid}",
        "http://op.example/{tenantid}/v2.0",
    ] {
        assert_eq!(issuer(bad), ["OIDC_ISSUER"], "{bad}");
    }
}

#[test]
fn tenants_are_listed_by_their_ids_and_only_where_the_issuer_has_a_place_for_them() {
    let tenants = |issuer: &str, listed: &str| problems(&[("OIDC_ISSUER", issuer), ("OIDC_TENANTS", listed)]);
    let several = "https://op.example/{tenantid}/v2.0";
    assert!(tenants(several, "0f8fad5b-d9cb-469f-a165-70867728950e, t-2").is_empty());
    for bad in ["contoso.example", "a/b", "a b", "{tenantid}", ",", "ä"] {
        assert_eq!(tenants(several, bad), ["OIDC_TENANTS"], "{bad}");
    }
    assert_eq!(tenants("https://op.example/t-1/v2.0", "t-1"), ["OIDC_TENANTS"]);
}

#[test]
fn the_only_tenant_s_issuer_is_the_single_one() {
    let settings = |listed: &str| {
        let vars = [("OIDC_ISSUER", "https://op.example/{tenantid}/v2.0"), ("OIDC_TENANTS", listed)];
        ProviderSettings::Oidc(read(&[&REGISTERED[..], &vars].concat()).unwrap())
    };
    let a = "https://op.example/0f8fad5b-d9cb-469f-a165-70867728950e/v2.0";
    for listed in ["0f8fad5b-d9cb-469f-a165-70867728950e", "0F8FAD5B-D9CB-469F-A165-70867728950E"] {
        let one = settings(listed);
        assert_eq!((one.issuer_named(None), one.issuer()), (Some(a), a));
        assert_eq!(one.issuer_named(Some(a)), Some(a));
        assert_eq!(one.issuer_named(Some("https://op.example/t-2/v2.0")), None);
    }
    for listed in ["", "t-1,t-2"] {
        assert_eq!(settings(listed).issuer_named(None), None, "{listed}");
    }
}

#[test]
fn where_there_are_several_tenants_the_issuer_of_clients_jwts_has_to_be_said() {
    let routes = r#"[{"match":"/*","upstream":"https://app.internal","bearer":true}]"#;
    let bearer = [
        ("OIDC_ISSUER", "https://op.example/{tenantid}/v2.0"),
        ("UPSTREAM", ""),
        ("ROUTES", routes),
        ("JWKS_URI", "https://op.example/keys"),
        ("JWT_AUDIENCE", "api"),
    ];
    let read = |more: &[(&str, &str)]| {
        let vars: std::collections::HashMap<&str, &str> =
            REGISTERED.iter().chain(&bearer).chain(more).copied().collect();
        Config::read(|name| vars.get(name).map(|text| (*text).to_owned()))
    };
    assert_eq!(read(&[]).unwrap_err()[0].variable, "JWT_ISSUER");
    assert!(read(&[("JWT_ISSUER", "https://op.example/t-1/v2.0")]).is_ok());
}

#[test]
fn the_discovery_document_lies_at_a_url_that_may_be_called() {
    let url = |url: &str| problems(&[("OIDC_ISSUER", "https://op.example"), ("OIDC_DISCOVERY_URL", url)]);
    for good in ["https://login.example/x/.well-known/openid-configuration?p=policy", "http://127.0.0.1:1/d"] {
        assert!(url(good).is_empty(), "{good}");
    }
    for bad in ["http://login.example/d", "login.example/d", "https://login.example/d#x", "file:///d"] {
        assert_eq!(url(bad), ["OIDC_DISCOVERY_URL"], "{bad}");
    }
}

#[test]
fn apple_s_secret_is_made_of_a_team_a_key_s_id_and_a_key() {
    let pem = crate::config::apple::tests::pem();
    let apple = [("PROVIDER", "apple"), ("OIDC_CLIENT_ID", "com.example.web")];
    let key = [("APPLE_TEAM_ID", "TEAM123456"), ("APPLE_KEY_ID", "KEY1234567"), ("APPLE_PRIVATE_KEY", &pem)];
    let oidc = read(&[&apple[..], &key].concat()).unwrap();
    let Credentials::Apple(made) = &oidc.credentials else { panic!("{:?}", oidc.credentials) };
    assert_eq!((made.team_id.as_str(), made.key_id.as_str()), ("TEAM123456", "KEY1234567"));
    assert_eq!((oidc.issuer.as_str(), oidc.form_post), ("https://appleid.apple.com", true));
    let problems = |vars: &[(&str, &str)]| -> Vec<String> {
        let found = read(&[&apple[..], vars].concat()).err().unwrap_or_default();
        found.into_iter().map(|problem| problem.variable.into_owned()).collect()
    };
    assert_eq!(problems(&[]), ["APPLE_TEAM_ID", "APPLE_KEY_ID", "APPLE_PRIVATE_KEY"]);
    assert_eq!(problems(&[key[0], key[1], ("APPLE_PRIVATE_KEY", "hunter2")]), ["APPLE_PRIVATE_KEY"]);
    assert_eq!(problems(&[key[0], ("APPLE_KEY_ID", "a/b"), key[2]]), ["APPLE_KEY_ID"]);
    assert!(problems(&[("OIDC_CLIENT_SECRET", "made.by.hand")]).is_empty());
}

#[test]
fn cognito_has_a_domain_where_users_log_out() {
    let pool = [("PROVIDER", "cognito"), ("OIDC_ISSUER", "https://cognito-idp.eu-central-1.amazonaws.com/p")];
    let with = |domain: &str| read(&[&pool[..], &REGISTERED, &[("COGNITO_DOMAIN", domain)]].concat());
    for domain in ["pool.auth.eu-central-1.amazoncognito.com", "https://login.example.com", "http://127.0.0.1:1"] {
        assert!(matches!(with(domain).unwrap().logout, Logout::Cognito(_)), "{domain}");
    }
    for domain in ["", "http://login.example.com", "login.example.com/logout", "a b"] {
        assert_eq!(with(domain).unwrap_err()[0].variable, "COGNITO_DOMAIN", "{domain}");
    }
    assert_eq!(preset("keycloak", &[]).logout, Logout::Standard);
}

#[test]
fn every_preset_has_a_page_whose_piece_of_wrangler_toml_needs_its_secrets_alone() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/providers");
    let table = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for row in &PRESETS {
        let name = row.name;
        assert!(table.contains(&format!("[`{name}`]({name}.md)")), "{name}");
        let page = std::fs::read_to_string(folder.join(format!("{name}.md"))).unwrap();
        let (_, toml) = page.split_once("```toml\n[vars]\n").unwrap();
        let (toml, rest) = toml.split_once("```").unwrap();
        let mut vars: std::collections::HashMap<String, String> = toml
            .lines()
            .filter_map(|line| line.split_once(" = \""))
            .filter_map(|(name, value)| Some((name.to_owned(), value.split_once('"')?.0.to_owned())))
            .collect();
        assert_eq!(vars.get("PROVIDER").map(String::as_str), Some(name));
        let secrets = rest.lines().filter_map(|line| line.trim().strip_prefix("npx wrangler secret put "));
        for secret in secrets.map(|secret| secret.split(' ').next().unwrap()) {
            let value =
                if secret == "APPLE_PRIVATE_KEY" { crate::config::apple::tests::pem() } else { "s3cret".into() };
            vars.insert(secret.to_owned(), value);
        }
        for id in ["APPLE_TEAM_ID", "APPLE_KEY_ID"] {
            vars.entry(id.to_owned()).and_modify(|value| "ABC123".clone_into(value));
        }
        let config = Config::read(|name| vars.get(name).cloned());
        assert!(config.is_ok(), "{name}: {:?}", config.err());
    }
}
