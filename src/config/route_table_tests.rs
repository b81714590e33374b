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
    let required = |claim: &str, value| Required { claim: claim.to_owned(), any_of: vec![value] };
    assert_eq!(route.require, [required("groups", "staff".into()), required("mfa", true.into())]);
}

#[test]
fn several_issuers_stand_in_a_table_and_each_wrong_field_is_named_with_its_place() {
    let bearer = r#"[{"match":"/*","upstream":"https://app.internal","bearer":true}]"#;
    let good = r#"[{"issuer":"https://a.example","audience":"api","jwks_uri":"https://a.example/keys"},
        {"issuer":"https://b.example","audience":"other","jwks":{"keys":[{"kty":"RSA"}]}}]"#;
    let config = read(bearer, &[("JWT_ISSUERS", good)]).unwrap();
    let issuers: Vec<_> = config.jwt.iter().map(|settings| (&*settings.issuer, &*settings.audience)).collect();
    assert_eq!(issuers, [("https://a.example", "api"), ("https://b.example", "other")]);
    for (table, named) in [
        ("{}", "JWT_ISSUERS"),
        ("[]", "JWT_ISSUERS"),
        ("[1]", "JWT_ISSUERS[0]"),
        (r#"[{"audience":"api","jwks_uri":"https://a.example/keys"}]"#, "JWT_ISSUERS[0].issuer"),
        (r#"[{"issuer":"https://a.example","jwks_uri":"https://a.example/keys"}]"#, "JWT_ISSUERS[0].audience"),
        (r#"[{"issuer":"https://a.example","audience":"api"}]"#, "JWT_ISSUERS[0].jwks_uri"),
        (
            r#"[{"issuer":"https://a.example","audience":"api","jwks_uri":"http://a.example/keys"}]"#,
            "JWT_ISSUERS[0].jwks_uri",
        ),
        (r#"[{"issuer":"https://a.example","audience":"api","jwks":{"keys":[]}}]"#, "JWT_ISSUERS[0].jwks"),
        (
            r#"[{"issuer":"https://a.example","audience":"api","jwks":"{}","jwks_uri":"https://a.example/keys"}]"#,
            "JWT_ISSUERS[0].jwks",
        ),
        (
            r#"[{"issuer":"https://a.example","audience":"api","jwks_uri":"https://a.example/keys","aud":"x"}]"#,
            "JWT_ISSUERS[0].aud",
        ),
        (
            r#"[{"issuer":"https://a.example","audience":"api","jwks_uri":"https://a.example/keys"},
                {"issuer":"https://a.example","audience":"b","jwks_uri":"https://a.example/keys"}]"#,
            "JWT_ISSUERS[1].issuer",
        ),
    ] {
        let found: Vec<_> =
            read(bearer, &[("JWT_ISSUERS", table)]).unwrap_err().into_iter().map(|problem| problem.variable).collect();
        assert_eq!(found, [named], "{table}");
    }
    let both = read(bearer, &[("JWT_ISSUERS", good), ("JWT_AUDIENCE", "api")]).unwrap_err();
    assert_eq!(both.len(), 1);
    assert_eq!(both[0].variable, "JWT_AUDIENCE");
}

#[test]
fn one_of_several_sets_of_claims_may_be_required() {
    let route = |any: &str| {
        read(
            &format!(
                r#"[{{"match":"/*","upstream":"https://app.internal","session":"optional","require_any":{any}}}]"#
            ),
            &[],
        )
    };
    let config = route(r#"[{"groups":"staff"},{"email":["a@example.com","b@example.com"]}]"#).unwrap();
    assert_eq!((config.routes[0].require_any.len(), config.routes[0].session), (2, SessionRule::Required));
    assert_eq!(route("[]").unwrap_err()[0].message, "must hold at least one table");
    for wrong in ["[]", "{}", "[{}]", "[1]", r#"[{"groups":[]}]"#, r#""staff""#] {
        assert_eq!(route(wrong).unwrap_err()[0].variable, "ROUTES[0].require_any", "{wrong}");
    }
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
    assert_eq!(config.jwt[0].issuer, "https://login.example");
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

fn one(fields: &str) -> Result<Route, Vec<String>> {
    let keys = [("JWKS_URI", "https://login.example/keys"), ("JWT_AUDIENCE", "api")];
    let config = read(&format!(r#"[{{"match":"/*","upstream":"https://a.internal",{fields}}}]"#), &keys);
    let named =
        |problems: Vec<ConfigProblem>| problems.into_iter().map(|problem| problem.variable.into_owned()).collect();
    config.map(|config| config.routes[0].clone()).map_err(named)
}

#[test]
fn methods_are_names_in_capitals_in_whatever_order() {
    assert_eq!(one(r#""methods":["POST","GET","POST"]"#).unwrap().methods, ["GET", "POST"]);
    assert!(one(r#""methods":[]"#).unwrap().methods.is_empty());
    assert_eq!(one(r#""methods":["VERSION-CONTROL"]"#).unwrap().methods, ["VERSION-CONTROL"]);
    for bad in [r#""GET""#, r#"["get"]"#, r#"["GET,POST"]"#, r#"[""]"#, "[1]", r#"["G\nT"]"#, "{}", "null"] {
        assert_eq!(one(&format!(r#""methods":{bad}"#)).unwrap_err(), ["ROUTES[0].methods"], "{bad}");
    }
}

#[test]
fn a_required_claim_has_one_value_or_several_and_never_none() {
    let required = |table: &str| one(&format!(r#""require":{table}"#)).map(|route| route.require);
    let several = required(r#"{"groups":["a","b"],"level":3}"#).unwrap();
    assert_eq!(several[0], Required { claim: "groups".into(), any_of: vec!["a".into(), "b".into()] });
    assert_eq!(required(r#"{"groups":["a"]}"#), required(r#"{"groups":"a"}"#));
    for bad in [
        r#"{"groups":[]}"#,
        r#"{"groups":[["a"]]}"#,
        r#"{"groups":[{}]}"#,
        r#"{"groups":{}}"#,
        r#"{"groups":null}"#,
        r#"{"groups":[null]}"#,
        "[]",
    ] {
        assert_eq!(required(bad).unwrap_err(), ["ROUTES[0].require"], "{bad}");
    }
}

#[test]
fn a_clients_own_authorization_passes_only_where_the_gateway_does_not_need_the_header() {
    for session in ["none", "optional"] {
        assert!(one(&format!(r#""authorization":"pass","session":"{session}""#)).unwrap().passes_authorization);
    }
    for bad in [
        r#""authorization":"pass""#,
        r#""authorization":"pass","session":"required""#,
        r#""authorization":"pass","session":"optional","require":{"a":1}"#,
        r#""authorization":"pass","session":"optional","bearer":true"#,
        r#""authorization":"keep""#,
        r#""authorization":true"#,
    ] {
        assert_eq!(one(bad).unwrap_err(), ["ROUTES[0].authorization"], "{bad}");
    }
    assert!(!one(r#""authorization":"strip","bearer":true"#).unwrap().passes_authorization);
}

#[test]
fn origin_and_rewrite_redirects_have_their_defaults_and_words() {
    let plain = one(r#""origin":"public""#).unwrap();
    assert!(!plain.translates_origin && plain.rewrites());
    assert!(one(r#""origin":"upstream""#).unwrap().translates_origin);
    assert!(!one(r#""rewrite_redirects":false"#).unwrap().rewrites());
    assert!(!one(r#""upstream":"binding:APP""#).unwrap().rewrites(), "a binding has the gateway's own address");
    assert_eq!(
        one(r#""origin":"none","rewrite_redirects":"yes""#).unwrap_err(),
        ["ROUTES[0].origin", "ROUTES[0].rewrite_redirects"]
    );
}

#[test]
fn rules_are_every_field_but_those_that_protect_nothing() {
    let plain = one(r#""session":"optional""#).unwrap();
    for same in [
        r#""origin":"upstream""#,
        r#""rewrite_redirects":false"#,
        r#""cache":"private""#,
        r#""upstream":"https://b.internal""#,
        r#""match":"/a""#,
    ] {
        assert!(one(&format!(r#"{same},"session":"optional""#)).unwrap().has_rules_of(&plain), "{same}");
    }
    for other in [
        r#""session":"none""#,
        r#""methods":["GET"]"#,
        r#""authorization":"pass","session":"optional""#,
        r#""require":{"a":"b"}"#,
        r#""token":"none","session":"optional""#,
        r#""bearer":true,"session":"optional""#,
        r#""identity_headers":true,"session":"optional""#,
        r#""bot_score_min":1,"session":"optional""#,
        r#""csrf_header":"X","session":"optional""#,
        r#""cross_site":true,"session":"optional""#,
        r#""encoded_slashes":true,"session":"optional""#,
    ] {
        assert!(!one(other).unwrap().has_rules_of(&plain), "{other}");
    }
    assert!(one(r#""methods":["GET","POST"]"#).unwrap().has_rules_of(&one(r#""methods":["POST","GET"]"#).unwrap()));
}
