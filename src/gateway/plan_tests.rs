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

const DOCUMENT: &str = "sec-fetch-mode,navigate\nsec-fetch-dest,document\nsec-fetch-site,same-origin\n";

fn actor(digit: char) -> crate::credential::ActorId {
    digit.to_string().repeat(64).parse().unwrap()
}

/// A request's head with the session of actor `a`, and this proof.
fn head(path: &str, proof: Option<&str>, headers: &str) -> String {
    let secret = crate::credential::Secret::from_random([7; 32]).expose();
    let bound = proof.map(|proof| format!("; __Host-session-bound={proof}")).unwrap_or_default();
    format!(
        "GET\nhttps://app.example{path}\n{headers}cookie,__Host-Http-session=weur.{}.{secret}{bound}\n\n",
        actor('a')
    )
}

fn proof(config: &Config, of: char, until: i64) -> String {
    let until = OffsetDateTime::from_unix_timestamp(until).unwrap();
    config.device.keys.proof(&actor(of), &crate::device::Thumbprint::of("key"), until).unwrap()
}

#[test]
fn the_session_is_told_of_a_good_proof_alone_and_whether_the_answer_can_carry_an_offer() {
    let configured = configured(
        r#"[{"match":"/vault/*","upstream":"https://app.internal","device":"required"},
            {"match":"/*","upstream":"https://app.internal"}]"#,
    );
    let config = configured.as_ref().unwrap();
    let (verified, rendered_refusal) = (&VerifiedJwts::default(), &RenderedRefusal::default());
    let planner = Planner { configured: &configured, isolate: &Still, verified, rendered_refusal };
    let question =
        |head: String| planner.plan(&head).map(|plan| plan.text.lines().nth(1).unwrap().get(..3).unwrap().to_owned());
    let (good, foreign, expired) = (proof(config, 'a', 600), proof(config, 'b', 600), proof(config, 'a', 0));
    let bare = question(head("/x", None, "")).unwrap();
    assert!(bare.starts_with('t') && !bare.contains(['+', '!']), "{bare}");
    assert!(question(head("/x", Some(&good), "")).unwrap().starts_with("t+"));
    for none in [&foreign, &expired, "", "x", &format!("{good}; __Host-session-bound={good}")] {
        assert!(!question(head("/x", Some(none), "")).unwrap().contains('+'), "{none}");
    }
    assert!(question(head("/x", None, DOCUMENT)).unwrap().starts_with("t!"));
    let elsewhere = DOCUMENT.replace("same-origin", "cross-site");
    assert!(!question(head("/x", None, &elsewhere)).unwrap().contains('!'));
    // A route for bound sessions is left to the path that can say why not.
    assert_eq!(question(head("/vault/x", None, "")), None);
    assert!(question(head("/vault/x", Some(&good), "")).unwrap().starts_with("t+"));
}

#[test]
fn what_a_request_shows_of_its_device_depends_on_whom_it_shows_it_to_and_where() {
    use crate::actors::session::message::Consequence;
    use crate::gateway::device;
    let configured = configured(r#"[{"match":"/*","upstream":"https://app.internal"}]"#);
    let config = configured.as_ref().unwrap();
    let arrive = |head: &str, look: &dyn Fn(&crate::gateway::request::Incoming<'_>)| {
        let arrived = Arrived { head: Head::read(head), body: None, isolate: &Still };
        match arrival::arrive(&configured, arrived) {
            Arrival::Application(request, _) | Arrival::Own(request, _) => look(&request),
            Arrival::Answered(_) | Arrival::Administration(..) => panic!("{head}"),
        }
    };
    let good = proof(config, 'a', 600);
    arrive(&head("/x", Some(&good), ""), &|request| {
        let shown = |asked, also| device::evidence(config, request, None, &actor(asked), &actor(also)).shown.is_proven;
        assert!(shown('a', 'a'));
        assert!(shown('b', 'a'), "the session has moved, and the browser has the proof for its old home");
        assert!(!shown('b', 'b'));
    });
    let navigation = DOCUMENT.replace("same-origin", "cross-site");
    for (path, headers, consequence) in [
        ("/x", "", Consequence::Final),
        ("/x", DOCUMENT, Consequence::Final),
        ("/x", &*navigation, Consequence::Nothing),
        ("/x", "secure-session-skipped,quota_exceeded\n", Consequence::Refused),
        ("/auth/session", "", Consequence::Final),
        ("/auth/login", "", Consequence::Nothing),
        ("/auth/callback", "", Consequence::Nothing),
        ("/auth/device/refresh", "", Consequence::Nothing),
    ] {
        arrive(&head(path, None, headers), &|request| {
            let evidence = device::evidence(config, request, None, &actor('a'), &actor('a'));
            assert_eq!(evidence.consequence, consequence, "{path} {headers}");
        });
    }
}
