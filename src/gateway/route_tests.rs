use proptest::prelude::*;

use super::*;

fn config(public_origin: &str) -> Config {
    Config::read(|name| match name {
        "OIDC_ISSUER" => Some("https://login.example".into()),
        "OIDC_CLIENT_ID" => Some("gateway".into()),
        "UPSTREAM" => Some("https://app.internal".into()),
        "PUBLIC_ORIGIN" => Some(public_origin.into()),
        _ => None,
    })
    .unwrap()
}

fn origin() -> Origin {
    Origin::of(&Url::parse("https://app.example").unwrap()).unwrap()
}

fn routed(raw: &str) -> Route {
    route(&config(""), raw, &Url::parse(raw).unwrap())
}

#[test]
fn own_endpoints_lie_under_the_prefix_and_nothing_under_it_reaches_the_application() {
    assert_eq!(routed("https://app.example/auth/login?x=/session"), Route::Own(Endpoint::Login));
    assert_eq!(routed("https://app.example/auth/nothing"), Route::NotFound);
    assert_eq!(routed("https://app.example/auth"), Route::NotFound);
    assert_eq!(routed("https://app.example/a/../auth/login"), Route::Own(Endpoint::Login));
    assert_eq!(routed("https://app.example/authority"), Route::Application);
    assert_eq!(routed("https://app.example/?x=/auth/login"), Route::Application);
}

#[test]
fn paths_that_hide_what_they_ask_for_are_ambiguous() {
    for path in
        ["/a/%2e%2e/b", "/a/.%2E/b", "/a/%2e", "/a/..;x/b", "/a/.;/b", "/a%2fb", "/a%5cb", "/a%00", "/a/%2e%2e;v=1/b"]
    {
        assert_eq!(routed(&format!("https://app.example{path}")), Route::Ambiguous, "{path}");
    }
    for path in ["/a/../b", "/a/./b", "/%252e%252e/", "/a;b", "/a/...", "/.well-known/x", "/?x=%2e%2e/", "/a.b;c=.."] {
        assert_eq!(routed(&format!("https://app.example{path}")), Route::Application, "{path}");
    }
}

#[test]
fn another_host_than_the_public_ones_is_foreign_and_plain_http_is_insecure() {
    let config = config("https://app.example, http://localhost:8787");
    let host_of = |url: &str| host(&config, &Url::parse(url).unwrap());
    assert!(matches!(host_of("https://app.example/x"), Host::Ours(origin) if origin.https));
    assert!(matches!(host_of("http://localhost:8787/x"), Host::Ours(origin) if !origin.https));
    assert_eq!(host_of("http://app.example/x?y"), Host::Insecure("https://app.example/x?y".into()));
    assert_eq!(host_of("https://other.example/"), Host::Foreign);
    assert_eq!(host_of("https://app.example:8443/"), Host::Foreign);
}

#[test]
fn a_return_to_stays_on_the_origin() {
    let local = |return_to: &str| local_url(&origin(), "/auth", return_to);
    assert_eq!(local("/a?b=c#d").as_deref(), Some("/a?b=c#d"));
    assert_eq!(local("https://app.example/a").as_deref(), Some("/a"));
    assert_eq!(local("/auth/login?return_to=/x").as_deref(), Some("/"));
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
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_return_to_leaves_the_origin(return_to in "[/\\\\:@.%#?;a-f0-9\\t ]{0,40}") {
        if let Some(local) = local_url(&origin(), "/auth", &return_to) {
            let base = Url::parse("https://app.example/x").unwrap();
            prop_assert!(local.starts_with('/') && !local.starts_with("//"));
            prop_assert_eq!(base.join(&local).unwrap().origin(), base.origin());
        }
    }
}
