use proptest::prelude::*;

use super::*;

fn config(public_origin: &str) -> Config {
    Config::read(|name| match name {
        "OIDC_ISSUER" => Some("https://login.example".into()),
        "OIDC_CLIENT_ID" => Some("gateway".into()),
        "OIDC_CLIENT_SECRET" => Some("s3cret".into()),
        "UPSTREAM" => Some("https://app.internal".into()),
        "PUBLIC_ORIGIN" => Some(public_origin.into()),
        _ => None,
    })
    .unwrap()
}

fn address(raw: &str) -> Address<'_> {
    Address::read(raw, &[]).unwrap()
}

fn origin() -> Origin {
    Origin::of(&Url::parse("https://app.example").unwrap()).unwrap()
}

fn with_routes(routes: &str) -> Config {
    Config::read(|name| match name {
        "OIDC_ISSUER" => Some("https://login.example".into()),
        "OIDC_CLIENT_ID" => Some("gateway".into()),
        "OIDC_CLIENT_SECRET" => Some("s3cret".into()),
        "ROUTES" => Some(routes.into()),
        "PUBLIC_ORIGIN" => Some("https://app.example, https://api.example, https://api.example:8443".into()),
        _ => None,
    })
    .unwrap()
}

/// What a request gets: the number of its route, or a word.
fn routed_by(config: &Config, raw: &str) -> String {
    match route(config, &Address::read(raw, &[]).unwrap(), Asked::plainly("GET")) {
        Target::Own(endpoint) => format!("{endpoint:?}"),
        Target::NotFound => "not found".into(),
        Target::Refused(_) => "refused".into(),
        Target::Application(found) => config.routes.iter().position(|route| route == found).unwrap().to_string(),
    }
}

fn routed(path: &str) -> String {
    routed_by(&config(""), &format!("https://app.example{path}"))
}

#[test]
fn own_endpoints_lie_under_the_prefix_and_nothing_under_it_reaches_the_application() {
    assert_eq!(routed("/auth/login?x=/session"), "Login");
    assert_eq!(routed("/auth/nothing"), "not found");
    assert_eq!(routed("/auth"), "not found");
    assert_eq!(routed("/a/../auth/login"), "Login");
    assert_eq!(routed("/%61uth/login"), "Login");
    assert_eq!(routed("/authority"), "0");
    assert_eq!(routed("/?x=/auth/login"), "0");
}

#[test]
fn the_administrators_host_has_their_endpoint_and_nothing_of_the_application() {
    let of = |public: &str| {
        Config::read(|name| match name {
            "OIDC_ISSUER" => Some("https://login.example".into()),
            "OIDC_CLIENT_ID" => Some("gateway".into()),
            "OIDC_CLIENT_SECRET" => Some("secret".into()),
            "UPSTREAM" => Some("https://app.internal".into()),
            "ADMIN_ORIGIN" => Some("https://admin.example".into()),
            "PUBLIC_ORIGIN" => Some(public.into()),
            _ => None,
        })
        .unwrap()
    };
    for config in [of(""), of("https://app.example")] {
        for spelled in ["admin.example", "ADMIN.Example", "admin.example.", "admin.example:443", "admin%2Eexample"] {
            let url = format!("https://{spelled}/");
            let Host::Administration(origin) = host(&config, &address(&url)) else { panic!("{spelled} is another's") };
            assert_eq!(origin.text, "https://admin.example");
        }
        let plain = address("http://admin.example/auth/admin/");
        assert_eq!(host(&config, &plain), Host::Insecure("https://admin.example/auth/admin/".into()));
        for other in ["https://admin.example:8443/", "https://app.example/", "https://admin.example.org/"] {
            assert!(!matches!(host(&config, &address(other)), Host::Administration(_)), "{other}");
        }
        let at = |path: &str| administration(&config, &address(&format!("https://admin.example{path}")));
        for path in ["/auth/admin", "/auth/admin/", "/auth/admin/sessions/x", "/auth/%61dmin/"] {
            assert_eq!(at(path), Target::Own(Endpoint::Admin), "{path}");
        }
        for path in [
            "/",
            "/sw.js",
            "/auth",
            "/auth/login",
            "/auth/healthz",
            "/auth/session",
            "/auth/adminx",
            "/admin/",
            "//auth/admin/",
        ] {
            assert_eq!(at(path), Target::NotFound, "{path}");
        }
    }
}

#[test]
fn paths_that_hide_what_they_ask_for_are_refused() {
    for path in [
        "/a/%2e%2e/b",
        "/a/.%2E/b",
        "/a/%2e",
        "/a/..;x/b",
        "/a/.;/b",
        "/a%2fb",
        "/a%5cb",
        "/a%00",
        "/a/%2e%2e;v=1/b",
        "/a/..%3bx/b",
        "/a/%2e%3B/b",
    ] {
        assert_eq!(routed(path), "refused", "{path}");
    }
    for path in ["/a/../b", "/a/./b", "/%252e%252e/", "/a;b", "/a/...", "/.well-known/x", "/?x=%2e%2e/", "/a.b;c=.."] {
        assert_eq!(routed(path), "0", "{path}");
    }
}

#[test]
fn a_path_that_the_host_header_begins_is_looked_at_from_there() {
    // Some servers pass such a Host on; to a URL parser a backslash ends the host.
    for url in [r"https://app.example\a%2fb/x", r"https://app.example\a%5cb/x", r"https://app.example\..%2fb/x"] {
        assert_eq!(routed_by(&config(""), url), "refused", "{url}");
    }
    assert_eq!(routed_by(&config(""), "https://app.example?/a%2fb"), "0", "it is all query");
}

#[test]
fn an_encoded_slash_passes_where_the_route_says_so_and_hides_no_dot_segment() {
    let config = with_routes(
        r#"[{"match":"/files/*","upstream":"https://a.internal","encoded_slashes":true},
            {"match":"/*","upstream":"https://b.internal"}]"#,
    );
    let routed = |path: &str| routed_by(&config, &format!("https://app.example{path}"));
    assert_eq!(routed("/files/a%2Fb"), "0");
    assert_eq!(routed("/other/a%2Fb"), "refused");
    for path in ["/files/..%2fb", "/files/a%2f..", "/files/a%2f%2e%2e%2fb", "/files/a%2f.;x%2fb", "/files/.%2Fb"] {
        assert_eq!(routed(path), "refused", "{path}");
    }
}

#[test]
fn the_first_route_that_matches_the_normalized_path_wins_and_without_one_there_is_nothing() {
    let config = with_routes(
        r#"[{"match":"/admin/*","upstream":"https://a.internal"},
            {"match":"api.example/*","upstream":"https://b.internal"},
            {"match":"/app/*","upstream":"https://c.internal"}]"#,
    );
    for (url, expected) in [
        ("https://app.example/admin/x", "0"),
        ("https://api.example/admin/x", "0"),
        ("https://api.example:8443/anything", "1"),
        ("https://app.example/app/../admin/x", "0"),
        ("https://app.example/%61dmin/x", "0"),
        ("https://app.example/%41dmin/x", "not found"),
        ("https://app.example/app/?x=/admin/", "2"),
        ("https://app.example/app/%23/admin/", "2"),
        ("https://app.example//admin/x", "not found"),
        ("https://app.example/", "not found"),
    ] {
        assert_eq!(routed_by(&config, url), expected, "{url}");
    }
}

#[test]
fn another_host_than_the_public_ones_is_foreign_and_plain_http_is_insecure() {
    let config = config("https://app.example, http://localhost:8787");
    assert!(matches!(host(&config, &address("https://app.example/x")), Host::Ours(origin) if origin.https));
    assert!(matches!(host(&config, &address("http://localhost:8787/x")), Host::Ours(origin) if !origin.https));
    assert_eq!(host(&config, &address("http://app.example/x?y")), Host::Insecure("https://app.example/x?y".into()));
    assert_eq!(host(&config, &address("https://other.example/")), Host::Foreign);
    assert_eq!(host(&config, &address("https://app.example:8443/")), Host::Foreign);
}

#[test]
fn another_host_with_a_final_dot_is_foreign_and_a_route_does_not_tell_it_apart() {
    let listed = config("https://app.example");
    assert_eq!(host(&listed, &address("https://app.example./")), Host::Foreign);
    let dotted = Config::read(|name| {
        match name {
        "OIDC_ISSUER" => Some("https://login.example".into()),
        "OIDC_CLIENT_ID" => Some("gateway".into()),
        "OIDC_CLIENT_SECRET" => Some("secret".into()),
        "PUBLIC_ORIGIN" => Some("https://app.example.".into()),
        "ROUTES" => Some(
            r#"[{"match":"app.example/*","upstream":"https://a.internal"},{"match":"/*","upstream":"https://b.internal","session":"none"}]"#
                .into(),
        ),
        _ => None,
    }
    });
    assert_eq!(routed_by(&dotted.unwrap(), "https://app.example./x"), "0");
}

#[test]
fn without_public_origin_a_route_to_the_requests_own_origin_is_a_mistake_and_not_a_loop() {
    let config = Config::read(|name| match name {
        "OIDC_ISSUER" => Some("https://login.example".into()),
        "OIDC_CLIENT_ID" => Some("gateway".into()),
        "OIDC_CLIENT_SECRET" => Some("secret".into()),
        "UPSTREAM" => Some("https://app.example/x".into()),
        _ => None,
    })
    .unwrap();
    let at = |url: &str| calls_itself(&config, &Origin::of(&Url::parse(url).unwrap()).unwrap());
    for own in ["https://app.example", "https://APP.example:443", "https://app.example."] {
        let Some(Problem::ConfigInvalid(problems)) = at(own) else { panic!("{own}") };
        assert_eq!(problems[0].variable, "UPSTREAM");
    }
    assert_eq!(at("https://other.example"), None);
}

#[test]
fn a_return_to_stays_on_the_origin() {
    let local = |return_to: &str| local_url(&origin(), "/auth", return_to);
    assert_eq!(local("/a?b=c#d").as_deref(), Some("/a?b=c#d"));
    assert_eq!(local("https://app.example/a").as_deref(), Some("/a"));
    assert_eq!(local("/auth/login?return_to=/x").as_deref(), Some("/"));
    let nested = local_url(&origin(), "/app1/auth", "/app1/auth/logout");
    assert_eq!(nested.as_deref(), Some("/app1/"), "where the application begins");
    assert_eq!(local("/search?q=a\\b").as_deref(), Some("/search?q=a\\b"));
    assert_eq!(local("/auth/session").as_deref(), Some("/auth/session"));
    for bad in [
        "",
        "a",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "https:evil.example",
        "https://app.example.evil.example/",
        "https://app.example@evil.example/",
        "https://app.example:8443/",
        "http://app.example/",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/a\r\nb",
        " /a",
        "/a/..//evil.example",
        "/.//evil.example",
    ] {
        assert_eq!(local(bad), None, "{bad:?}");
    }
}

proptest! {
    #[test]
    fn what_reaches_an_application_holds_no_dot_segment_and_is_what_was_matched(
        path in "(/|%|2e|%2f|%2F|%2e|%2E|%5c|\\\\|\\.|;|a|%61|%252e){0,12}",
    ) {
        thread_local! {
            static CONFIG: Config = with_routes(
                r#"[{"match":"/a/*","upstream":"https://a.internal","encoded_slashes":true},
                    {"match":"/*","upstream":"https://b.internal"}]"#,
            );
        }
        let raw = format!("https://app.example/{path}");
        let address = Address::read(&raw, &[]).unwrap();
        if CONFIG.with(|config| matches!(route(config, &address, Asked::plainly("GET")), Target::Application(_))) {
            // As the most lenient server would read it.
            let read = address.path().to_ascii_lowercase().replace("%2f", "/").replace("%5c", "/").replace("%2e", ".");
            for segment in read.split('/') {
                let name = segment.split(';').next().unwrap();
                prop_assert!(name != "." && name != "..", "{} is forwarded as {}", raw, address.path());
            }
            let again = [address.origin.text.as_str(), address.path_and_query()].concat();
            let again = Address::read(&again, &[]).unwrap();
            prop_assert_eq!(again.path_and_query(), address.path_and_query());
        }
    }

    #[test]
    fn no_return_to_leaves_the_origin(return_to in "[/\\\\:@.%#?;a-f0-9\\t ]{0,40}") {
        if let Some(local) = local_url(&origin(), "/auth", &return_to) {
            let base = Url::parse("https://app.example/x").unwrap();
            prop_assert!(local.starts_with('/') && !local.starts_with("//"));
            prop_assert_eq!(base.join(&local).unwrap().origin(), base.origin());
        }
    }
}

#[test]
fn a_route_takes_the_methods_that_it_names_and_no_other() {
    let config = with_routes(
        r#"[{"match":"/api/*","upstream":"https://a.internal","methods":["GET","POST"],"session":"none"},
            {"match":"/api/*","upstream":"https://b.internal","methods":["DELETE"]},
            {"match":"/*","upstream":"https://c.internal"}]"#,
    );
    let taken = |method, path: &str, preflight_for| {
        let raw = format!("https://app.example{path}");
        match route(&config, &Address::read(&raw, &[]).unwrap(), Asked { method, preflight_for }) {
            Target::Application(found) => config.routes.iter().position(|route| route == found),
            Target::Own(_) | Target::NotFound | Target::Refused(_) => None,
        }
    };
    for (method, expected) in
        [("GET", 0), ("POST", 0), ("HEAD", 2), ("DELETE", 1), ("OPTIONS", 2), ("get", 2), ("PUT", 2), ("", 2)]
    {
        assert_eq!(taken(method, "/api/x", None), Some(expected), "{method}");
    }
    // A preflight for a route that needs a session is a request like any other.
    assert_eq!(taken("OPTIONS", "/api/x", Some("DELETE")), Some(2));
    // A path is read in other ways for the request's own method.
    assert_eq!(taken("HEAD", "/API/x", None), Some(2));
    assert_eq!(taken("DELETE", "/API/x", None), Some(2).filter(|_| config.rules.class(1) == config.rules.class(2)));
    assert_eq!(taken("GET", "/API/x", None), None);
    assert_eq!(taken("GET", "//api/x", None), None);
}

#[test]
fn a_preflight_takes_the_bearer_route_of_the_method_that_it_asks_about() {
    let config = Config::read(|name| match name {
        "OIDC_ISSUER" => Some("https://login.example".into()),
        "OIDC_CLIENT_ID" => Some("gateway".into()),
        "OIDC_CLIENT_SECRET" => Some("s3cret".into()),
        "JWKS_URI" => Some("https://login.example/keys".into()),
        "JWT_AUDIENCE" => Some("api".into()),
        "ROUTES" => Some(
            r#"[{"match":"/*","upstream":"https://a.internal","methods":["GET"],"bearer":true},
                {"match":"/*","upstream":"https://b.internal","methods":["OPTIONS"],"bearer":true},
                {"match":"/*","upstream":"https://c.internal","methods":["DELETE"]}]"#
                .into(),
        ),
        _ => None,
    })
    .unwrap();
    let taken = |preflight_for| {
        let address = Address::read("https://app.example/x", &[]).unwrap();
        match route(&config, &address, Asked { method: "OPTIONS", preflight_for }) {
            Target::Application(found) => config.routes.iter().position(|route| route == found),
            Target::Own(_) | Target::NotFound | Target::Refused(_) => None,
        }
    };
    assert_eq!(taken(Some("GET")), Some(0));
    assert_eq!(taken(None), Some(1));
    assert_eq!(taken(Some("DELETE")), None);
    assert_eq!(taken(Some("PUT")), None);
}
