use super::*;
use crate::config::{Config, ConfigProblem};

fn read(routes: &str, more: &[(&str, &str)]) -> Result<Config, Vec<ConfigProblem>> {
    Config::read(|name| match name {
        "OIDC_ISSUER" => Some("https://login.example".into()),
        "OIDC_CLIENT_ID" => Some("gateway".into()),
        "OIDC_CLIENT_SECRET" => Some("s3cret".into()),
        "UPSTREAM" => Some("https://ignored.internal".into()),
        "binding:APP" => Some(String::new()),
        "ROUTES" => Some(routes.into()),
        _ => more.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()),
    })
}

fn problems(routes: &str) -> Vec<String> {
    read(routes, &[]).err().unwrap_or_default().into_iter().map(|problem| problem.variable.into_owned()).collect()
}

#[test]
fn a_route_has_the_documented_defaults_and_routes_take_the_place_of_upstream() {
    let config = read(
        r#"[{"match":"/*","upstream":"https://app.internal/base/"},{"match":"/x","upstream":"binding:APP"}]"#,
        &[],
    );
    let routes = config.unwrap().routes;
    assert_eq!(routes[0], Route::everything(Upstream::Origin("https://app.internal/base".into())));
    assert_eq!(routes[1].upstream, Upstream::Binding("APP".into()));
}

#[test]
fn every_wrong_field_of_every_table_is_named_at_once() {
    let found = problems(
        r#"[{"match":"/a/*","upstream":"http://app.example","session":"maybe","sesion":"none"},
            {"match":"https://a.example/*","upstream":"binding:OTHER","require":["staff"],"bot_score_min":100},
            {"upstream":7,"bearer":"yes","captcha":"bots","csrf_header":"X CSRF","cache":"public","token":"refresh"},
            "x", {"match":"/a*b/","upstream":"https://a.example/?q","cross_site":1,"encoded_slashes":0,"identity_headers":null}]"#,
    );
    for expected in [
        "ROUTES[0].upstream",
        "ROUTES[0].session",
        "ROUTES[0].sesion",
        "ROUTES[1].match",
        "ROUTES[1].upstream",
        "ROUTES[1].require",
        "ROUTES[1].bot_score_min",
        "ROUTES[2].match",
        "ROUTES[2].upstream",
        "ROUTES[2].bearer",
        "ROUTES[2].bot_score_min",
        "ROUTES[2].csrf_header",
        "ROUTES[2].cache",
        "ROUTES[2].token",
        "ROUTES[3]",
        "ROUTES[4].match",
        "ROUTES[4].upstream",
        "ROUTES[4].cross_site",
        "ROUTES[4].encoded_slashes",
        "ROUTES[4].identity_headers",
    ] {
        assert!(found.iter().any(|name| name == expected), "{expected} is not in {found:?}");
    }
    for bad in ["[]", "{}", "nonsense", "\"x\""] {
        assert_eq!(problems(bad), ["ROUTES"], "{bad}");
    }
}

#[test]
fn requiring_a_claim_makes_the_session_required() {
    let config = read(
        r#"[{"match":"/*","upstream":"https://a.internal","session":"none","require":{"groups":"staff","mfa":true}}]"#,
        &[],
    );
    let route = &config.unwrap().routes[0];
    assert_eq!(route.session, SessionRule::Required);
    assert_eq!(route.require, [("groups".to_owned(), "staff".into()), ("mfa".to_owned(), true.into())]);
}

#[test]
fn what_a_route_needs_is_missed_by_name() {
    let captcha = r#"[{"match":"/*","upstream":"https://a.internal","captcha":"always"}]"#;
    assert_eq!(problems(captcha), ["CAPTCHA_SITE_KEY", "CAPTCHA_SECRET"]);
    let config = read(captcha, &[("CAPTCHA_SITE_KEY", "site"), ("CAPTCHA_SECRET", "hunter2hunter2")]).unwrap();
    assert_eq!(config.captcha.as_ref().unwrap().action, "gateway");
    assert!(!format!("{config:?}").contains("hunter2"));

    let bearer = r#"[{"match":"/*","upstream":"https://a.internal","bearer":true}]"#;
    assert_eq!(problems(bearer), ["JWKS_URI", "JWT_AUDIENCE"]);
    let keys = ("JWKS_URI", "https://login.example/keys");
    let config = read(bearer, &[keys, ("JWT_AUDIENCE", "api")]).unwrap();
    assert_eq!(config.jwt.unwrap().issuer, "https://login.example");
    for (name, value) in [
        ("JWKS_URI", "http://login.example/keys"),
        ("JWKS", "[]"),
        ("JWKS", "{\"keys\":[]}"),
        ("JWKS", "{\"keys\":[{}]}"),
    ] {
        let found = read(bearer, &[(name, value), ("JWT_AUDIENCE", "api")]).unwrap_err();
        assert_eq!(found[0].variable, name);
    }
    assert!(read(bearer, &[keys, ("JWKS", "{\"keys\":[{\"kty\":\"RSA\"}]}"), ("JWT_AUDIENCE", "api")]).is_err());
}

#[test]
fn an_identity_header_is_no_header_that_means_something_else() {
    let routes = r#"[{"match":"/*","upstream":"https://a.internal"}]"#;
    let config = read(routes, &[("IDENTITY_HEADERS", r#"{"X-User":"sub"}"#)]).unwrap();
    assert_eq!(config.identity_headers, [("x-user".to_owned(), "sub".to_owned())]);
    assert_eq!(read(routes, &[]).unwrap().identity_headers.len(), 4);
    for bad in [
        r#"{"Authorization":"sub"}"#,
        r#"{"X-Forwarded-For":"sub"}"#,
        r#"{"X_Forwarded_Proto":"sub"}"#,
        r#"{"x_geo_city":"sub"}"#,
        r#"{"X-User":"sub","x_user":"email"}"#,
        r#"{"X User":"sub"}"#,
        "[]",
        r#"{"X-User":1}"#,
    ] {
        assert_eq!(read(routes, &[("IDENTITY_HEADERS", bad)]).unwrap_err()[0].variable, "IDENTITY_HEADERS", "{bad}");
    }
}
