use super::*;

const ORIGIN: &str = "https://app.example";

/// A gateway with these routes, and with issuers of clients' JWTs by their audiences.
fn config(routes: &str, audiences: &[&str]) -> Config {
    let issuers = audiences.iter().enumerate().map(|(number, audience)| {
        serde_json::json!({ "issuer": format!("https://{number}.example"), "audience": audience, "jwks_uri": "https://keys.example/" })
    });
    let issuers = serde_json::to_string(&issuers.collect::<Vec<_>>()).unwrap();
    Config::read(|name| match name {
        "OIDC_ISSUER" => Some("https://login.example".into()),
        "OIDC_CLIENT_ID" => Some("gateway".into()),
        "OIDC_CLIENT_SECRET" => Some("s3cret".into()),
        "ROUTES" => Some(routes.into()),
        "JWT_ISSUERS" => Some(issuers.clone()),
        "PUBLIC_ORIGIN" => Some(ORIGIN.into()),
        _ => None,
    })
    .unwrap()
}

fn origin() -> Origin {
    Origin::of(&url::Url::parse(ORIGIN).unwrap()).unwrap()
}

const ROUTES: &str = r#"[{"match":"/mcp*","upstream":"https://a.internal","bearer":true},{"match":"/*","upstream":"https://b.internal"}]"#;

/// The resource and the authorization servers of the metadata at a path behind the well-known one.
fn at(config: &Config, path: &str) -> Option<(String, Vec<String>)> {
    let metadata: serde_json::Value =
        serde_json::from_str(&metadata(config, &origin(), &[PATH, path].concat())?).unwrap();
    let servers = metadata["authorization_servers"].as_array().unwrap().iter();
    Some((metadata["resource"].as_str()?.to_owned(), servers.map(|one| one.as_str().unwrap().to_owned()).collect()))
}

fn named(config: &Config, path: &str) -> String {
    challenge(config, &origin(), path).1
}

#[test]
fn metadata_is_about_the_resource_whose_path_its_own_holds() {
    let config =
        config(ROUTES, &["https://app.example/mcp", "https://app.example/mcp/two", "elsewhere", "https://app.example"]);
    for (path, resource, server) in [
        ("/mcp", "https://app.example/mcp", "https://0.example"),
        ("/mcp/", "https://app.example/mcp", "https://0.example"),
        ("/mcp/two", "https://app.example/mcp/two", "https://1.example"),
        ("", "https://app.example", "https://3.example"),
        ("/", "https://app.example", "https://3.example"),
    ] {
        assert_eq!(at(&config, path), Some((resource.to_owned(), vec![server.to_owned()])), "{path}");
    }
    for path in ["/mcp/one", "/mcpx", "/other", "/mcp/two/x", "x"] {
        assert_eq!(at(&config, path), None, "{path}: no other resource's");
    }
}

#[test]
fn a_challenge_names_the_metadata_of_the_resource_that_the_path_lies_under() {
    let config = config(ROUTES, &["https://app.example/mcp", "https://app.example/mcp/two/"]);
    for (path, metadata) in [
        ("/mcp", "/mcp"),
        ("/mcp/one", "/mcp"),
        ("/mcp/two", "/mcp/two"),
        ("/mcp/two/x", "/mcp/two"),
        ("/mcpx", ""),
        ("/", ""),
    ] {
        assert_eq!(named(&config, path), format!("\"{ORIGIN}{PATH}{metadata}\""), "{path}");
        assert!(at(&config, metadata).is_some(), "{metadata}: what is named is there");
    }
}

#[test]
fn without_an_audience_here_the_resource_is_the_origin_and_every_issuer_serves_it() {
    for audience in ["api", "https://app.example.org/mcp", "https://other.example/mcp", "https://app.example:8443/mcp"]
    {
        let config = config(ROUTES, &[audience, "another"]);
        let servers = vec!["https://0.example".to_owned(), "https://1.example".to_owned()];
        assert_eq!(at(&config, ""), Some((ORIGIN.to_owned(), servers)), "{audience}");
        assert_eq!(at(&config, "/mcp"), None, "{audience}");
        assert_eq!(named(&config, "/mcp"), format!("\"{ORIGIN}{PATH}\""), "{audience}");
    }
}

#[test]
fn the_resource_is_spelled_as_the_audience_that_tokens_are_checked_for() {
    let config = config(ROUTES, &["https://app.example/"]);
    assert_eq!(at(&config, "").unwrap().0, "https://app.example/");
    assert_eq!(named(&config, "/mcp"), format!("\"{ORIGIN}{PATH}\""));
}

#[test]
fn metadata_of_paths_that_take_no_tokens_is_the_applications() {
    let with = |routes: &str, audience: &str, path: &str| {
        let config = config(routes, &[audience]);
        is_ours(&config, &origin(), &[PATH, path].concat())
    };
    for path in ["", "/mcp", "/mcp/x"] {
        assert!(with(ROUTES, "api", path), "{path}");
    }
    for path in ["/other", "x", "/mc"] {
        assert!(!with(ROUTES, "api", path), "{path}");
    }
    assert!(with(ROUTES, "https://app.example/other", "/other"), "an audience's");
    let none = r#"[{"match":"/*","upstream":"https://b.internal"}]"#;
    for path in ["", "/mcp"] {
        assert!(!with(none, "https://app.example/mcp", path), "no route takes tokens: {path}");
    }
}
