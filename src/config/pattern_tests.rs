use proptest::prelude::*;

use super::*;

fn matches(pattern: &str, url: &str) -> bool {
    let url = Url::parse(url).unwrap();
    Pattern::parse(pattern).unwrap().matches(&Origin::of(&url).unwrap(), url.path())
}

#[test]
fn a_trailing_star_matches_the_rest_and_a_path_without_one_only_itself() {
    assert!(matches("/api/*", "https://a.example/api/x/y?z"));
    assert!(matches("/api/*", "https://a.example/api/"));
    assert!(!matches("/api/*", "https://a.example/api"));
    assert!(!matches("/api/*", "https://a.example/apix"));
    assert!(matches("/api*", "https://a.example/apix"));
    assert!(matches("/health", "https://a.example/health?x"));
    assert!(!matches("/health", "https://a.example/health/"));
    assert!(matches("/*", "https://a.example/"));
    assert!(matches("/@caf\u{e9} x/*", "https://a.example/%40caf%c3%a9%20x/"));
    assert!(matches("/a%2fb", "https://a.example/a%2Fb"));
    assert!(!matches("/a/b", "https://a.example/a%2Fb"));
    assert!(!matches("/a%", "https://a.example/a%25%32%35"));
}

#[test]
fn a_host_without_a_port_matches_every_port() {
    assert!(matches("a.example/*", "https://a.example:8443/"));
    assert!(matches("A.Example/*", "https://a.example/"));
    assert!(!matches("a.example/*", "https://b.a.example/"));
    assert!(matches("a.example:8443/*", "https://a.example:8443/"));
    assert!(!matches("a.example:8443/*", "https://a.example/"));
    assert!(matches("a.example:443/*", "https://a.example/"));
    assert!(matches("a.example:80/*", "http://a.example/"));
    assert!(!matches("a.example:80/*", "https://a.example/"));
    assert!(matches("[::1]:80/*", "http://[::1]/"));
    for (pattern, host) in
        [("a.example./*", "a.example"), ("a.example/*", "a.example."), ("a.example.:1/*", "a.example:1")]
    {
        assert!(matches(pattern, &format!("https://{host}/")), "{pattern} {host}");
    }
    assert!(!matches("a.example/*", "https://a.example../"));
}

#[test]
fn what_is_no_pattern_is_refused_in_words() {
    for bad in ["", "api", "a.example", "https://a.example/*", "/a*b", "/a**", "/a?b", "/a#b", "*.example/*", "a b/*"] {
        assert!(Pattern::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn unreserved_characters_are_in_clear_and_others_stay_as_they_are() {
    assert_eq!(normalized_path("/%61%2Db/%7E%5f"), "/a-b/~_");
    assert_eq!(normalized_path("/a%20b%2Fc%252e%C3%BC"), "/a%20b%2Fc%252e%C3%BC");
}

#[test]
fn a_lone_percent_sign_stays_and_never_comes_to_mean_something() {
    for path in ["/a%", "/%+1%zz", "/%%361dmin", "/%6%31dmin", "/100%/x", "/%%%"] {
        assert_eq!(normalized_path(path), path);
    }
    assert_eq!(normalized_path("/%%7a%61"), "/%za");
    assert_eq!(normalized_path("/%%3661"), "/%%3661");
    assert!(matches("/a%", "https://a.example/a%25"), "both are one to a server");
    assert!(!matches("/admin", "https://a.example/%%361dmin"));
}

#[test]
fn a_forgotten_slash_is_no_host() {
    for text in ["api/*", "api/v1/*", "intranet/"] {
        assert!(Pattern::parse(text).unwrap_err().contains("must begin with a slash"), "{text}");
    }
    for text in ["localhost/*", "localhost:8787/*", "gateway:8787/*", "127.0.0.1/*", "[::1]/*", "app.example.com/*"] {
        assert!(Pattern::parse(text).is_ok(), "{text}");
    }
}

proptest! {
    #[test]
    fn normalizing_what_is_normalized_changes_nothing(path in "(/|%|2|5|3|e|6|1|[a-f]|é|\\.){0,20}") {
        let once = normalized_path(&path).into_owned();
        let twice = normalized_path(&once).into_owned();
        prop_assert_eq!(twice, once);
    }

    #[test]
    fn no_encoding_of_a_letter_gets_past_a_route(encode in proptest::collection::vec(any::<bool>(), 5), upper in any::<bool>()) {
        let path: String = "admin".chars().zip(encode).map(|(letter, encode)| match (encode, upper) {
            (true, true) => format!("%{:02X}", letter as u32),
            (true, false) => format!("%{:02x}", letter as u32),
            (false, _) => letter.to_string(),
        }).collect();
        let url = Url::parse(&format!("https://a.example{}", normalized_path(&format!("/{path}/x")))).unwrap();
        prop_assert!(matches("/admin/*", url.as_str()));
    }
}
