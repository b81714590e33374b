use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, pending};
use time::OffsetDateTime;

use super::*;
use crate::config::Config;

/// An isolate in which no time passes.
struct Still;

impl Isolate for Still {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH
    }

    fn random(&self, _: &mut [u8]) -> bool {
        false
    }

    fn id(&self) -> [u8; 16] {
        [0; 16]
    }

    fn sleep(&self, _: Duration) -> LocalBoxFuture<'static, ()> {
        pending().boxed_local()
    }

    fn spawn(&self, _: LocalBoxFuture<'static, ()>) {}

    fn log(&self, _: &str) {}

    fn error(&self, _: &str) {}
}

fn configured(routes: &str) -> Configured {
    let read = |name: &str| match name {
        "OIDC_ISSUER" => Some("https://login.example".to_owned()),
        "OIDC_CLIENT_ID" => Some("gateway".to_owned()),
        "OIDC_CLIENT_SECRET" => Some("s3cret".to_owned()),
        "PUBLIC_ORIGIN" => Some("https://app.example".to_owned()),
        "CAPTCHA_SITE_KEY" | "CAPTCHA_SECRET" => Some("key".to_owned()),
        "JWT_AUDIENCE" => Some("api".to_owned()),
        "JWT_ISSUER" | "JWKS_URI" => Some("https://login.example/keys".to_owned()),
        "ROUTES" => Some(routes.to_owned()),
        _ => None,
    };
    Config::read(read).map(std::rc::Rc::new)
}

#[test]
fn a_visitor_without_a_cookie_matters_where_a_route_serves_strangers_or_looks_at_bots() {
    for (rule, matters) in [
        ("", false),
        (r#","require":{"groups":"staff"},"identity_headers":true,"token":"none""#, false),
        (r#","session":"none""#, true),
        (r#","session":"optional""#, true),
        (r#","bearer":true"#, true),
        (r#","bot_score_min":30"#, true),
        (r#","captcha":"always""#, true),
    ] {
        let routes = format!(r#"[{{"match":"/*","upstream":"https://app.internal"{rule}}}]"#);
        let configured = configured(&routes);
        assert!(configured.is_ok(), "{configured:?}");
        assert_eq!(looks_at_strangers(&configured), matters, "{rule}");
    }
}

#[test]
fn where_it_does_not_matter_a_visitor_without_a_cookie_changes_no_plan() {
    let configured = configured(r#"[{"match":"/*","upstream":"https://app.internal"}]"#);
    let (verified, rendered_refusal) = (&VerifiedJwts::default(), &RenderedRefusal::default());
    let planner = Planner { configured: &configured, isolate: &Still, verified, rendered_refusal };
    let visitor = "Z\n8001\nZurich\nZH\nCH\nEU\n47.37\n8.54\nEurope/Zurich\n13335\n1\nfalse";
    for method in ["GET", "POST", "TRACE", "OPTIONS"] {
        for path in ["/", "/a?b", "/a%2fb", "/auth/session", "/auth/nothing", "/auth/login"] {
            for header in ["accept,text/html", "accept,*/*", "sec-fetch-site,cross-site", "upgrade,websocket"] {
                let head = format!("{method}\nhttps://app.example{path}\n{header}\ncf-ray,r\n\n");
                let text = |packed: &str| planner.plan(packed).map(|plan| plan.text);
                assert_eq!(text(&head), text(&format!("{head}{visitor}")), "{method} {path} {header}");
            }
        }
    }
}

#[test]
fn the_refusal_that_is_rendered_once_is_the_one_that_would_be_rendered_again() {
    let configured = configured(r#"[{"match":"/*","upstream":"https://app.internal"}]"#);
    let config = configured.as_ref().unwrap();
    let (verified, rendered_refusal) = (&VerifiedJwts::default(), &RenderedRefusal::default());
    let planner = Planner { configured: &configured, isolate: &Still, verified, rendered_refusal };
    for ray in ["first-1", "second-2", "odd\"ray"] {
        for header in ["accept,*/*", "sec-fetch-mode,cors", "accept,text/html"] {
            let head = format!("GET\nhttps://app.example/a\n{header}\ncf-ray,{ray}\n\n");
            let Arrival::Application(request, route) = planner.arrive(&head) else { panic!("{head}") };
            let again = answer(refusal::of_application(config, &request, route, &Problem::LoginRequired));
            assert_eq!(planner.plan(&head).map(|plan| plan.text), Some(again.text), "{head}");
        }
    }
    let head = "GET\nhttps://app.example/a\naccept,*/*\ncf-ray,third-3\n\n";
    let Arrival::Application(request, _) = planner.arrive(head) else { panic!() };
    let kept = rendered_refusal.of(&request, &Problem::LoginRequired, |_| panic!("it is rendered a second time"));
    assert!(kept.is_some_and(|text| text.contains("third-3")));
}

#[test]
fn what_a_client_s_own_credentials_bring_is_never_cached() {
    for token in ["none", "access"] {
        let configured = configured(&format!(
            r#"[{{"match":"/*","upstream":"https://app.internal","session":"none","authorization":"pass","token":"{token}"}}]"#
        ));
        let (verified, rendered_refusal) = (&VerifiedJwts::default(), &RenderedRefusal::default());
        let planner = Planner { configured: &configured, isolate: &Still, verified, rendered_refusal };
        let cache = |header: &str| {
            let plan = planner.plan(&format!("GET\nhttps://app.example/a\n{header}cf-ray,r\n\n")).unwrap();
            plan.text.split('\n').nth(4).unwrap().to_owned()
        };
        assert_eq!((cache("authorization,Basic YTpi\n").as_str(), cache("").as_str()), ("no-store", ""), "{token}");
    }
}
