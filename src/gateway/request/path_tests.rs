use proptest::prelude::*;

use super::super::route::{Target, route};
use super::*;
use crate::gateway::request::reinterpretation::Reinterpretation;

fn config(routes: &str, more: &[(&str, &str)]) -> Config {
    Config::read(|name| match name {
        "OIDC_ISSUER" => Some("https://login.example".into()),
        "OIDC_CLIENT_ID" => Some("gateway".into()),
        "OIDC_CLIENT_SECRET" => Some("secret".into()),
        "ROUTES" => Some(routes.into()),
        "PUBLIC_ORIGIN" => Some("https://app.example".into()),
        _ => more.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
    })
    .unwrap()
}

/// A strict route, and a lax one for the rest.
fn strict_and_lax() -> Config {
    config(
        r#"[{"match":"/admin/*","upstream":"https://a.internal","require":{"groups":"staff"}},
            {"match":"/*","upstream":"https://a.internal","session":"none"}]"#,
        &[],
    )
}

/// What becomes of a path: the number of its route, what is refused, or a word.
fn outcome(config: &Config, path: &str) -> String {
    let raw = format!("https://app.example{path}");
    match route(config, &Address::read(&raw, &[]).unwrap(), Asked::plainly("GET")) {
        Target::Own(_) => "own".into(),
        Target::NotFound => "not found".into(),
        Target::Refused(refused) => format!("{refused:?}"),
        Target::Application(found) => config.routes.iter().position(|route| route == found).unwrap().to_string(),
    }
}

#[test]
fn a_path_that_another_server_reads_as_a_route_with_other_rules_is_refused() {
    let config = strict_and_lax();
    for (path, expected) in [
        ("/admin%23/x", "Reading(End)"),
        ("/admin%3f/x", "Reading(End)"),
        ("/admin%3Fa=b/x", "Reading(End)"),
        ("/admin;/x", "Reading(Parameter)"),
        ("/admin;a=b/x", "Reading(Parameter)"),
        ("/admin%3b/x", "Reading(Parameter)"),
        ("/;/admin/x", "Reading(Parameter)"),
        ("/admin./x", "Reading(DotOrSpace)"),
        ("/admin.../x", "Reading(DotOrSpace)"),
        ("/admin%20/x", "Reading(DotOrSpace)"),
        ("/admin%20./x", "Reading(DotOrSpace)"),
        ("/%20/admin/x", "Reading(DotOrSpace)"),
        ("/ADMIN/x", "Reading(Case)"),
        ("/%41dmin/x", "Reading(Case)"),
        ("/adm\u{131}n/x", "Reading(Case)"),
        ("//admin/x", "Reading(Slashes)"),
        ("///Admin/x", "Reading(Slashes)"),
        ("/\u{ff41}dmin/x", "Reading(Compatible)"),
        ("/admin\u{ff0f}x", "Reading(Compatible)"),
        ("/admin%ef%bc%8fx", "Reading(Compatible)"),
        ("/admin\u{ff0e}/x", "Reading(Compatible)"),
        ("/admin\u{ff1b}a/x", "Reading(Compatible)"),
        ("/admin\u{a0}/x", "Reading(Compatible)"),
        ("/\u{ff05}61dmin/x", "Reading(Compatible)"),
        ("/admin\u{2215}x", "Reading(Compatible)"),
        ("/admin%c0%afx", "Reading(Compatible)"),
        ("/admin%c0%2fx", "Slash"),
        ("/%c1%a1dmin/x", "Reading(Compatible)"),
        ("/%e0%81%a1dmin/x", "Reading(Compatible)"),
        ("/%f0%80%81%a1dmin/x", "Reading(Compatible)"),
        ("/%f0%8f%bd%81dmin/x", "Reading(Compatible)"),
        ("/ADMIN%2520/x", "1"),
        ("/Admin.;x%23/x", "Reading(End)"),
        ("/AUTH/login", "Reading(Case)"),
        ("//auth/login", "Reading(Slashes)"),
        ("/auth%23/login", "Reading(End)"),
        ("/auth;x", "Reading(Parameter)"),
        ("/auth.", "Reading(DotOrSpace)"),
        ("/admin/X//y;z%3f", "0"),
        ("/other/X//y;z%3f%20.", "1"),
        ("/administrator;x", "1"),
        ("/a%", "1"),
        ("/admin", "1"),
    ] {
        assert_eq!(outcome(&config, path), expected, "{path}");
    }
}

#[test]
fn what_is_odd_in_any_case_is_refused_and_named() {
    for config in [strict_and_lax(), config(r#"[{"match":"/*","upstream":"https://a.internal"}]"#, &[])] {
        for (path, expected) in [
            ("/a%5cb", "Backslash"),
            ("/a%5C", "Backslash"),
            ("/admin%09/x", "Control"),
            ("/%0aadmin/x", "Control"),
            ("/a%00", "Control"),
            ("/a%1F", "Control"),
            ("/a%7f", "Control"),
            ("/a%c0%80", "Control"),
            ("/a%2Fb", "Slash"),
            ("/a/%2e%2e/b", "DotSegment"),
            ("/a/..;x/b", "DotSegment"),
            ("/a/..%3bx/b", "DotSegment"),
            ("/a/..%20/b", "DotSegment"),
            ("/a/.%20", "DotSegment"),
            ("/a/..%23/b", "DotSegment"),
            ("/a/..%3f/b", "DotSegment"),
            ("/a/\u{ff0e}\u{ff0e}/b", "DotSegment"),
            ("/a/.%ef%bc%8e/b", "DotSegment"),
            ("/a/%c0%ae%c0%ae/b", "DotSegment"),
            ("/a/%c0%2e./b", "DotSegment"),
            ("/a/%e0%80%ae./b", "DotSegment"),
            ("/a/..%c0%afb", "DotSegment"),
            ("/a/..\u{ff0f}b", "DotSegment"),
            ("/a/\u{2025}/b", "DotSegment"),
            ("/a/\u{ff05}2e./b", "DotSegment"),
        ] {
            assert_eq!(outcome(&config, path), expected, "{path}");
        }
    }
    assert!(Refused::Backslash.to_string().contains("%5c"));
    assert!(Refused::Reading(Reinterpretation::End).to_string().contains("%23"));
}

#[test]
fn a_path_that_no_route_matches_is_not_found_before_it_is_read_otherwise() {
    let config = config(
        r#"[{"match":"/admin/*","upstream":"https://a.internal"},{"match":"/p/*","upstream":"https://a.internal","session":"none"}]"#,
        &[],
    );
    for path in ["/ADMIN/x", "//admin/x", "/admin;/x", "/admin%c0%afx"] {
        assert_eq!(outcome(&config, path), "not found", "{path}");
    }
    assert_eq!(outcome(&config, "/P/x"), "not found");
    assert_eq!(outcome(&config, "/p/X;y"), "1");
}

#[test]
fn routes_with_the_same_rules_refuse_nothing_but_the_gateways_own_paths() {
    let config = config(
        r#"[{"match":"/api/*","upstream":"https://a.internal","cache":"private"},{"match":"/*","upstream":"https://b.internal"}]"#,
        &[],
    );
    assert!(config.rules.is_uniform);
    for (path, expected) in [
        ("/API/x", "1"),
        ("//api/x", "1"),
        ("/api;/x%23", "1"),
        ("/A;b/auth/x", "1"),
        ("//Auth/x", "Reading(Slashes)"),
        ("/.../auth/x", "Reading(DotOrSpace)"),
        ("/;x/auth", "Reading(Parameter)"),
        ("/author", "1"),
        ("/auth-x", "1"),
    ] {
        assert_eq!(outcome(&config, path), expected, "{path}");
    }
}

#[test]
fn capital_letters_in_a_pattern_or_in_the_prefix_are_thought_of() {
    let config = config(
        r#"[{"match":"/Admin/*","upstream":"https://a.internal"},{"match":"/*","upstream":"https://a.internal","session":"none"}]"#,
        &[("AUTH_PREFIX", "/Auth")],
    );
    assert_eq!(outcome(&config, "/admin/x"), "Reading(Case)");
    assert_eq!(outcome(&config, "/Admin/x"), "0");
    assert_eq!(outcome(&config, "/auth/login"), "Reading(Case)");
}

#[test]
fn an_encoded_slash_that_a_route_lets_through_leads_to_no_other_rules() {
    let config = config(
        r#"[{"match":"/admin/*","upstream":"https://a.internal","encoded_slashes":true},
            {"match":"/*","upstream":"https://a.internal","session":"none","encoded_slashes":true}]"#,
        &[],
    );
    assert_eq!(outcome(&config, "/admin%2fx"), "Reading(Slash)");
    assert_eq!(outcome(&config, "/a%2fx"), "1");
    assert_eq!(outcome(&config, "/admin/a%2Fx"), "0");
}

#[test]
fn a_path_with_nothing_odd_is_not_read_again() {
    for path in ["/", "/api/items/42", "/a-b_c~d/e.f", "/.well-known/x", "/...x/y"] {
        assert!(!is_odd(path.as_bytes()), "{path}");
    }
    for path in ["/A", "/a//b", "/a;b", "/a%20", "/a.", "/a./b"] {
        assert!(is_odd(path.as_bytes()), "{path}");
    }
    for path in ["/api/auth", "/a", "/au%74h", "/auths", "/authority/%2f", "/x//;.%c0"] {
        assert_eq!(may_be_own(path.as_bytes(), "/auth"), path == "/au%74h", "{path}");
    }
}

/// Servers, each by what it does to a path that has been decoded once, written as plainly as possible.
const SERVERS: [fn(&str) -> String; 9] = [
    |path| path.to_ascii_lowercase(),
    |path| {
        path.chars()
            .fold(String::new(), |all, c| if c == '/' && all.ends_with('/') { all } else { all + &c.to_string() })
    },
    |path| path.split(['?', '#']).next().unwrap().to_owned(),
    |path| path.split(';').next().unwrap().to_owned(),
    |path| each_segment(path, |segment| segment.split(';').next().unwrap()),
    |path| each_segment(path, |segment| segment.split(['?', '#']).next().unwrap()),
    |path| each_segment(path, |segment| segment.trim_end_matches(['.', ' '])),
    |path| path.replace('\u{ff0f}', "/").replace('\u{ff0e}', ".").replace('\u{ff1b}', ";").replace('\u{ff41}', "a"),
    |path| path.replace("%2F", "/"),
];

fn each_segment(path: &str, read: fn(&str) -> &str) -> String {
    path.split('/').map(read).collect::<Vec<_>>().join("/")
}

/// A path in which every byte that is encoded is decoded, overlong forms included, but slashes and `%`.
fn decoded(path: &str) -> Option<String> {
    let overlong = [("%c0%af", "\u{ff0f}"), ("%c0%ae", "\u{ff0e}"), ("%c1%a1", "\u{ff41}")];
    let path = overlong.iter().fold(path.to_ascii_lowercase(), |path, (code, sign)| path.replace(code, sign));
    let path = path.replace("%25", "\u{0}25").replace("%2f", "\u{0}2F");
    let decoded = percent_encoding::percent_decode_str(&path).decode_utf8().ok()?;
    Some(decoded.replace('\u{0}', "%"))
}

proptest! {
    #[test]
    fn no_reading_of_a_path_meets_other_rules(
        path in "(/|/|admin|Admin|a|dmin|auth|x|;|%3b|%23|%3f|\\.|%2e|%20|%2f|%25|%|\u{ff0f}|\u{ff0e}|\u{ff1b}|\u{ff41}|%c0%af|%c0%ae|%c1%a1){0,9}",
        servers in proptest::collection::vec(0..SERVERS.len(), 0..5),
        which in 0..3_usize,
    ) {
        thread_local! {
            static CONFIGS: [Config; 3] = [
                strict_and_lax(),
                config(r#"[{"match":"/x/*","upstream":"https://a.internal","session":"none","encoded_slashes":true},
                    {"match":"/admin/*","upstream":"https://a.internal","encoded_slashes":true},
                    {"match":"/*","upstream":"https://a.internal","encoded_slashes":true,"session":"none"}]"#, &[]),
                config(r#"[{"match":"/*","upstream":"https://a.internal"}]"#, &[]),
            ];
        }
        CONFIGS.with(|configs| {
            let config = &configs[which];
            let raw = format!("https://app.example/{path}");
            let address = Address::read(&raw, &[]).unwrap();
            let Target::Application(found) = route(config, &address, Asked::plainly("GET")) else { return Ok(()) };
            let Some(mut read) = decoded(address.path()) else { return Ok(()) };
            let case_counts = !servers.contains(&0);
            // `decoded` writes small letters. Where case counts, that is no reading but a change.
            if case_counts && address.path().bytes().any(|b| b.is_ascii_uppercase()) {
                return Ok(());
            }
            // In the order in which such servers are built: characters, slashes, and then what they mean.
            let mut servers = servers.clone();
            servers.sort_by_key(|server| [6, 5, 2, 3, 3, 2, 4, 0, 1][*server]);
            for server in servers {
                read = SERVERS[server](&read);
            }
            for segment in read.split('/') {
                prop_assert!(!matches!(segment, "." | ".."), "{} is read as {}", raw, read);
            }
            prop_assert!(!read.starts_with("/auth/") && read != "/auth", "{} is read as {}", raw, read);
            let meets = config.routes.iter().find(|route| route.pattern.matches_path(read.as_bytes()));
            prop_assert!(meets.is_none_or(|meets| meets.has_rules_of(found)), "{} is read as {}", raw, read);
            Ok(())
        })?;
    }
}
