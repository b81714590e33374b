use super::*;

const GOOD: [(&str, &str); 4] = [
    ("OIDC_ISSUER", "https://login.example"),
    ("OIDC_CLIENT_ID", "gateway"),
    ("OIDC_CLIENT_SECRET", "s3cret"),
    ("UPSTREAM", "https://app.internal/"),
];

fn read(more: &[(&str, &str)]) -> Result<Config, Vec<ConfigProblem>> {
    let vars: std::collections::HashMap<&str, &str> = GOOD.iter().chain(more).copied().collect();
    Config::read(|name| vars.get(name).map(|text| (*text).to_owned()))
}

fn problems(more: &[(&str, &str)]) -> Vec<String> {
    read(more).err().unwrap_or_default().into_iter().map(|problem| problem.variable.into_owned()).collect()
}

#[test]
fn four_variables_are_enough() {
    let config = read(&[]).unwrap();
    assert_eq!(config.auth_prefix, "/auth");
    assert_eq!(config.routes[0].upstream, routes::Upstream::Origin("https://app.internal".into()));
    assert_eq!(config.lifetimes.idle, Duration::days(1));
    let ProviderSettings::Oidc(oidc) = config.providers.single().unwrap().settings.clone() else {
        panic!("the default is another kind")
    };
    assert_eq!(oidc.scopes, ["openid", "profile", "email", "offline_access"]);
}

#[test]
fn every_problem_is_reported_at_once_by_variable() {
    let found = Config::read(|name| (name == "PROVIDER").then(|| "nobody".to_owned())).unwrap_err();
    let names: Vec<_> = found.iter().map(|problem| problem.variable.as_ref()).collect();
    assert_eq!(names, ["UPSTREAM", "PROVIDER", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"]);
}

#[test]
fn plain_http_is_allowed_on_loopback_hosts_only() {
    assert_eq!(problems(&[("OIDC_ISSUER", "http://login.example")]), ["OIDC_ISSUER"]);
    assert_eq!(problems(&[("UPSTREAM", "http://app.internal")]), ["UPSTREAM"]);
    assert!(read(&[("OIDC_ISSUER", "http://127.0.0.1:4000"), ("UPSTREAM", "http://[::1]:1")]).is_ok());
    assert_eq!(problems(&[("PUBLIC_ORIGIN", "http://localhost:1, http://app.example")]), ["PUBLIC_ORIGIN"]);
}

#[test]
fn a_parameter_that_is_the_gateways_own_is_refused() {
    let params = r#"{"acr_values":"mfa","state":"fixed"}"#;
    assert_eq!(problems(&[("OIDC_AUTHORIZATION_PARAMS", params)]), ["OIDC_AUTHORIZATION_PARAMS"]);
    assert_eq!(problems(&[("OIDC_AUTHORIZATION_PARAMS", "[]")]), ["OIDC_AUTHORIZATION_PARAMS"]);
    let none = r#"{"prompt":"none"}"#;
    assert_eq!(problems(&[("OIDC_AUTHORIZATION_PARAMS", none)]), ["OIDC_AUTHORIZATION_PARAMS"]);
    let consent = read(&[("OIDC_AUTHORIZATION_PARAMS", r#"{"prompt":"consent"}"#)]).unwrap();
    let ProviderSettings::Oidc(consent) = consent.providers.single().unwrap().settings.clone() else {
        panic!("the default is another kind")
    };
    assert_eq!(consent.authorization_params, [("prompt".to_owned(), "consent".to_owned())]);
}

#[test]
fn values_out_of_their_range_are_refused() {
    assert_eq!(problems(&[("SESSION_IDLE_SECONDS", "0")]), ["SESSION_IDLE_SECONDS"]);
    assert_eq!(problems(&[("SESSION_IDLE_SECONDS", "1e3")]), ["SESSION_IDLE_SECONDS"]);
    assert_eq!(problems(&[("AUTH_PREFIX", "auth/")]), ["AUTH_PREFIX"]);
    assert_eq!(problems(&[("COOKIE_SAME_SITE", "none")]), ["COOKIE_SAME_SITE"]);
    for bad in ["x", "X-", "x_-", "a b-", "x;-", "é-", "-", "http-", &format!("{}-", "x".repeat(32))] {
        assert_eq!(problems(&[("COOKIE_PREFIX", bad)]), ["COOKIE_PREFIX"], "{bad}");
    }
    assert_eq!(&*read(&[("COOKIE_PREFIX", "shop-2-")]).unwrap().cookie_prefix, "shop-2-");
    assert_eq!(problems(&[("SESSION_STORE", "redis")]), ["SESSION_STORE"]);
    assert_eq!(problems(&[("JURISDICTION", "uk")]), ["JURISDICTION"]);
    assert_eq!(problems(&[("ADMIN_TOKEN", "short")]), ["ADMIN_TOKEN"]);
    assert_eq!(problems(&[("LOG_SUBJECT", "none")]), ["LOG_SUBJECT"]);
    for wrong in ["-1", "1.5", "many", "1000001"] {
        assert_eq!(problems(&[("SESSIONS_PER_USER", wrong)]), ["SESSIONS_PER_USER"], "{wrong}");
    }
}

#[test]
fn a_user_may_have_a_hundred_sessions_or_as_many_as_is_said_and_zero_says_without_limit() {
    for (vars, limit) in
        [(&[][..], Some(100)), (&[("SESSIONS_PER_USER", "3")], Some(3)), (&[("SESSIONS_PER_USER", "0")], None)]
    {
        assert_eq!(read(vars).unwrap().sessions_per_user, limit);
    }
}

#[test]
fn the_console_has_an_origin_of_its_own_or_none() {
    let admin = |origin: &str| read(&[("PUBLIC_ORIGIN", "https://app.example"), ("ADMIN_ORIGIN", origin)]);
    assert_eq!(read(&[]).unwrap().admin_origin, None);
    for (good, host) in [
        ("https://admin.app.example", "admin.app.example"),
        ("https://admin.example:8443/", "admin.example:8443"),
        ("http://admin.localhost:1", "admin.localhost:1"),
    ] {
        assert_eq!(admin(good).unwrap().admin_origin.unwrap().host, host);
    }
    for bad in [
        "https://app.example",
        "https://APP.example.",
        "https://app.example:443",
        "http://admin.example",
        "https://admin.example/auth",
        "https://admin.example?x",
        "https://admin.example, https://other.example",
        "https://ada@admin.example",
        "admin.example",
    ] {
        let named: Vec<_> = admin(bad).unwrap_err().into_iter().map(|problem| problem.variable).collect();
        assert_eq!(named, ["ADMIN_ORIGIN"], "{bad}");
    }
    // Plain http on loopback and https there are one host to the gateway.
    let both = [("PUBLIC_ORIGIN", "http://localhost:1"), ("ADMIN_ORIGIN", "https://localhost:1")];
    assert_eq!(problems(&both), ["ADMIN_ORIGIN"]);
}

#[test]
fn a_jurisdiction_pins_sessions() {
    assert_eq!(read(&[]).unwrap().regions.policy, RegionPolicy::Reauthenticate);
    for jurisdiction in ["eu", "us", "fedramp"] {
        let regions = read(&[("JURISDICTION", jurisdiction)]).unwrap().regions;
        assert_eq!(regions.policy, RegionPolicy::Pin);
        assert_eq!(regions.jurisdiction.unwrap().as_str(), jurisdiction);
    }
    let both = read(&[("JURISDICTION", "eu"), ("REGION_POLICY", "migrate")]).unwrap();
    assert_eq!(both.regions.policy, RegionPolicy::Pin);
    assert_eq!(problems(&[("REGION_POLICY", "follow")]), ["REGION_POLICY"]);
}

#[test]
fn an_admin_token_matches_itself_alone_and_does_not_show_itself() {
    let token = AdminToken::new("s3cret");
    assert!(token.is("s3cret") && !token.is("s3cre") && !token.is(""));
    assert_eq!(format!("{token:?}"), "AdminToken([redacted])");
}

#[test]
fn a_client_secret_does_not_show_itself_in_debug_output() {
    let config = read(&[("OIDC_CLIENT_SECRET", "hunter2hunter2")]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn cloudflare_access_is_a_team_and_an_application_and_counts_at_the_consoles_origin_alone() {
    let with = |access: &str| {
        let origins = [("PUBLIC_ORIGIN", "https://app.example"), ("ADMIN_ORIGIN", "https://admin.example")];
        read(&[origins[0], origins[1], ("ADMIN_ACCESS", access)])
    };
    for team in ["corp.cloudflareaccess.com", "https://corp.cloudflareaccess.com", "https://corp.cloudflareaccess.com/"]
    {
        let config = with(&format!(r#"{{"team":"{team}","aud":" tag "}}"#)).unwrap();
        let access = config.access_at(config.admin_origin.as_ref().unwrap()).unwrap();
        assert_eq!(access.issuer, "https://corp.cloudflareaccess.com");
        assert_eq!(access.certs.as_str(), "https://corp.cloudflareaccess.com/cdn-cgi/access/certs");
        assert_eq!(access.audience, "tag");
        assert!(config.admin_token.is_none());
        assert!(config.has_administrators_at(config.admin_origin.as_ref().unwrap()));
        assert!(!config.has_administrators_at(&config.public_origins[0]));
    }
    for (wrong, fields) in [
        ("corp", &["ADMIN_ACCESS"][..]),
        ("{}", &["ADMIN_ACCESS", "ADMIN_ACCESS"]),
        (r#"{"team":"a.example","aud":" "}"#, &["ADMIN_ACCESS"]),
        (r#"{"team":"a.example","aud":"x","audience":"x"}"#, &["ADMIN_ACCESS"]),
        (r#"{"team":"http://a.example","aud":"x"}"#, &["ADMIN_ACCESS"]),
    ] {
        let named: Vec<_> = with(wrong).unwrap_err().into_iter().map(|problem| problem.variable).collect();
        assert_eq!(named, fields, "{wrong}");
    }
    let access = ("ADMIN_ACCESS", r#"{"team":"a.example","aud":"x"}"#);
    assert_eq!(problems(&[access]), ["ADMIN_ACCESS"]);
}
