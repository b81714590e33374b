use super::*;
use crate::config::Config;

fn read(public: &str) -> Result<Vec<Origin>, String> {
    let config = Config::read(|name| match name {
        "PUBLIC_ORIGIN" => Some(public.into()),
        "OIDC_ISSUER" => Some("https://login.example".into()),
        "OIDC_CLIENT_ID" | "OIDC_CLIENT_SECRET" => Some("x".into()),
        "UPSTREAM" => Some("https://app.internal".into()),
        _ => None,
    });
    config.map(|config| config.public_origins).map_err(|problems| problems[0].variable.to_string())
}

fn requested(url: &str) -> Origin {
    Origin::of(&Url::parse(url).unwrap()).unwrap()
}

#[test]
fn a_wildcard_stands_for_the_hosts_of_a_domain_one_label_deep() {
    let origins = read("https://*.example.com, http://*.localhost:8787").unwrap();
    for (url, text) in [
        ("https://a.example.com", Some("https://a.example.com")),
        ("https://A-1.EXAMPLE.com", Some("https://a-1.example.com")),
        ("http://a.example.com", Some("https://a.example.com")),
        ("http://x.localhost:8787", Some("http://x.localhost:8787")),
        ("https://example.com", None),
        ("https://a.b.example.com", None),
        ("https://a.example.com:8443", None),
        ("https://aexample.com", None),
        ("https://a.example.com.evil.example", None),
        ("https://*.example.com", None),
        ("http://x.localhost", None),
        ("http://localhost:8787", None),
    ] {
        let requested = requested(url);
        let found = origins.iter().find_map(|origin| origin.at(&requested));
        assert_eq!(found.as_ref().map(|origin| origin.text.as_str()), text, "{url}");
    }
}

#[test]
fn a_wildcard_needs_a_domain_of_somebodys_own() {
    for bad in [
        "https://*",
        "https://*.com",
        "https://*.com.",
        "https://*.*.example.com",
        "https://a.*.example.com",
        "https://a*.example.com",
        "https://**.example.com",
        "http://*.example.com",
        "https://*.example.com/x",
    ] {
        assert_eq!(read(bad), Err("PUBLIC_ORIGIN".to_owned()), "{bad}");
    }
    for good in ["https://*.example.com", "https://*.example.com:8443", "http://*.localhost"] {
        assert!(read(good).is_ok(), "{good}");
    }
}
