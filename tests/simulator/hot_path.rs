//! The hot path and the path that waits decide alike: what one does with a request, the other one does, too.

use std::cell::Cell;
use std::time::Duration;

use edge_oauth_sessions::actors::session::line::Question;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::gateway::{Gateway, Seen};
use super::provider::client_jwt;
use super::world::{Cookie, World};

/// Routes of every kind that the hot path serves.
const ROUTES: &str = r#"[
    {"match":"/open/*","upstream":"https://open.internal/base","session":"none"},
    {"match":"/some/*","upstream":"https://some.internal","session":"optional","cache":"private"},
    {"match":"/staff/*","upstream":"https://staff.internal","require":{"sub":"ada"}},
    {"match":"/who/*","upstream":"https://who.internal","identity_headers":true},
    {"match":"/bare/*","upstream":"binding:APP","token":"none"},
    {"match":"/form/*","upstream":"https://form.internal","csrf_header":"X-CSRF","cross_site":true},
    {"match":"/human/*","upstream":"https://human.internal","bot_score_min":30},
    {"match":"/own/*","upstream":"https://own.internal","session":"optional","authorization":"pass","identity_headers":true},
    {"match":"/read/*","upstream":"https://read.internal/base","methods":["GET"],"origin":"upstream"},
    {"match":"/asked/*","upstream":"https://asked.internal","captcha":"always"},
    {"match":"/doubted/*","upstream":"https://doubted.internal","captcha":"bots","bot_score_min":30},
    {"match":"/id/*","upstream":"https://id.internal","token":"id"},
    {"match":"/files/*","upstream":"https://files.internal","encoded_slashes":true},
    {"match":"/api/*","upstream":"https://api.internal","bearer":true,"require":{"groups":"staff"}},
    {"match":"/*","upstream":"https://app.internal"}
]"#;

fn world() -> World {
    World::new(&[
        ("ROUTES", ROUTES),
        ("UPSTREAM", ""),
        ("binding:APP", ""),
        ("CAPTCHA_SITE_KEY", "site"),
        ("CAPTCHA_SECRET", "secret"),
        ("JWT_AUDIENCE", "api"),
        ("JWKS_URI", "https://op.example/jwks"),
    ])
}

fn cookie_of(cookie: &Cookie) -> String {
    format!("__Host-Http-session=weur.{}.{}", cookie.actor, cookie.secret.expose())
}

/// Stands for a client's JWT.
const CLIENT_JWT: &str = "<jwt>";

/// Both ways of a request, where the hot path takes it. A client's JWT has to be known before it does.
fn both(answers: (u16, &str), packed: impl Fn(&str) -> String + 'static) -> Option<[(Option<Seen>, Seen); 2]> {
    let world = world();
    let gateway = Gateway::new(&world, answers.0, answers.1);
    let executor = world.executor.clone();
    executor.run(async move {
        let session = cookie_of(&world.log_in("ada").await);
        let packed = packed(&session).replace(CLIENT_JWT, &client_jwt(world.executor.now(), "api"));
        // A refusal's body has a reference of its own, and a page with a script a nonce.
        let plain = |(sent, mut seen): (Option<Seen>, Seen)| {
            seen.body.clear();
            if let Some(policy) = seen.headers.get_mut("content-security-policy")
                && let Some((before, (nonce, behind))) =
                    policy.split_once("'nonce-").and_then(|(before, rest)| Some((before, rest.split_once('\'')?)))
            {
                assert_eq!(nonce.len(), 43);
                *policy = [before, behind].concat();
            }
            (sent, seen)
        };
        let first = gateway.exchange(&packed).await;
        let slow = gateway.serve(&packed).await;
        let hot = if packed.contains("\nauthorization,") { gateway.exchange(&packed).await } else { first };
        Some([plain(hot?), plain(slow)])
    })
}

fn get(path: &str, headers: &str) -> String {
    format!("GET\nhttps://app.example{path}\nhost,app.example\n{headers}\n")
}

#[test]
fn a_request_with_a_session_carries_its_token_and_the_browser_gets_no_store() {
    let [(sent, got), slow] = both((200, "content-type,text/plain\ncache-control,public"), |session| {
        get("/a?b=c", &format!("cookie,theme=dark; {session}\nx-forwarded-for,6.6.6.6\nauthorization,Basic x\n"))
    })
    .unwrap();
    let sent_headers = &sent.as_ref().unwrap().headers;
    assert!(sent_headers["authorization"].starts_with("Bearer access-ada-"), "{sent_headers:?}");
    assert_eq!(sent_headers["cookie"], "theme=dark");
    assert!(!sent_headers.contains_key("x-forwarded-for"));
    assert_eq!((got.what.as_str(), got.headers["cache-control"].as_str()), ("200", "no-store"));
    assert_eq!((sent, got), slow);
}

#[test]
fn what_has_to_wait_is_left_to_the_path_that_can() {
    assert!(both((200, ""), |session| get("/a", &format!("cookie,{session}\nupgrade,websocket\n"))).is_none());
    let invalid = (401, "www-authenticate,Bearer error=\"invalid_token\"");
    assert!(both(invalid, |session| get("/a", &format!("cookie,{session}\n"))).is_none());
    assert!(both((200, ""), |_| get("/auth/session", "")).is_none());
}

#[test]
fn after_an_end_nothing_is_served_by_a_line() {
    let world = world();
    let gateway = Gateway::new(&world, 200, "");
    let executor = world.executor.clone();
    executor.run(async move {
        let cookie = world.log_in("ada").await;
        let packed = get("/a", &format!("cookie,{}\n", cookie_of(&cookie)));
        assert!(gateway.exchange(&packed).await.is_some());
        world.log_out(&cookie).await.unwrap();
        assert!(gateway.exchange(&packed).await.is_none());
        assert_eq!(gateway.serve(&packed).await.1.what, "401");
    });
}

/// The simulator's ID tokens live for 300 s.
#[test]
fn an_id_token_that_is_over_goes_upstream_by_neither_way_and_the_next_one_by_both() {
    let world = world();
    world.provider.rules.life.set(Duration::from_secs(3000));
    let gateway = Gateway::new(&world, 200, "");
    let executor = world.executor.clone();
    executor.run(async move {
        let cookie = world.log_in("ada").await;
        let [id, access] = ["/id/a", "/a"].map(|path| get(path, &format!("cookie,{}\n", cookie_of(&cookie))));
        let token = |sent: Option<Seen>| sent.unwrap().headers["authorization"].clone();
        let first = token(gateway.exchange(&id).await.unwrap().0);
        world.wait(Duration::from_secs(285)).await;
        assert_eq!(token(gateway.exchange(&id).await.unwrap().0), first);
        world.wait(Duration::from_secs(6)).await;
        assert!(gateway.exchange(&access).await.is_some(), "the access token is fresh");
        assert_eq!(world.provider.refreshes.get(), 0);
        assert!(gateway.exchange(&id).await.is_none());
        let second = token(gateway.serve(&id).await.0);
        assert_ne!(second, first);
        assert_eq!(token(gateway.exchange(&id).await.unwrap().0), second);
        assert_eq!(world.provider.refreshes.get(), 1);
    });
}

#[test]
fn after_a_restart_the_first_line_is_answered_at_once_where_the_actor_has_its_record_itself() {
    for (variables, at_once) in [(&[][..], true), (&super::endings::KV[..], false)] {
        let world = World::new(variables);
        world.clone().executor.run(async move {
            let cookie = world.log_in("ada").await;
            world.wait(Duration::from_secs(240)).await;
            let line = Question {
                secret: cookie.secret.clone(),
                navigation_from: None,
                identity: None,
                target: None,
                is_proven: false,
                takes_offer: false,
                let_in: None,
            }
            .line();
            let actor = world.session(&cookie.actor).unwrap();
            actor.end(&world);
            let reply = actor.answer_at_once(&world, &line);
            assert_eq!(reply.is_some_and(|reply| reply.starts_with("Bearer ")), at_once, "{variables:?}");
            assert!(world.get(&cookie).await.is_ok());
        });
    }
}

/// A request, and what the application answers to it.
#[derive(Clone, Debug)]
struct Case {
    method: &'static str,
    path: &'static str,
    rest: String,
    credential: &'static str,
    headers: Vec<&'static str>,
    visitor: &'static str,
    status: u16,
    answers: Vec<&'static str>,
}

impl Case {
    fn packed(&self, session: &str) -> String {
        let credential = match self.credential {
            "none" => String::new(),
            "session" => format!("cookie,a=1; {session}\n"),
            "malformed" => format!("cookie,__Host-Http-session=weur.{}.x\n", "a".repeat(64)),
            "two sessions" => format!("cookie,{session}; {session}\n"),
            "jwt" => format!("authorization,Bearer {CLIENT_JWT}\n"),
            "bad jwt" => format!("authorization,Bearer {CLIENT_JWT}x\n"),
            other => panic!("{other}"),
        };
        let headers: String = self.headers.iter().map(|line| format!("{line}\n")).collect();
        let Self { method, path, rest, visitor, .. } = self;
        format!("{method}\nhttps://app.example{path}/{rest}\nhost,app.example\n{credential}{headers}\n{visitor}")
    }
}

const PATHS: [&str; 18] = [
    "/open", "/some", "/staff", "/who", "/bare", "/form", "/human", "/asked", "/doubted", "/id", "/files", "/api",
    "/own", "/read", "", "/auth", "/OPEN", "/%61",
];

const HEADERS: [&str; 19] = [
    "accept,text/html",
    "sec-fetch-mode,navigate",
    "sec-fetch-dest,document",
    "sec-fetch-site,cross-site",
    "sec-fetch-site,same-origin",
    "origin,https://evil.example",
    "origin,https://app.example",
    "x-csrf,1",
    "x-forwarded-user,root",
    "x_geo_city,x",
    "connection,x-b",
    "authorization,Basic x",
    "referer,https://app.example/page",
    "x-http-method-override,DELETE",
    "access-control-request-method,PUT",
    "x-b,1",
    "cf-connecting-ip,192.0.2.7",
    "cf-ray,ray-1",
    "te,trailers",
];

const ANSWERS: [&str; 15] = [
    "content-type,text/html",
    "content-type,text/event-stream",
    "cache-control,public",
    "set-cookie,a=1",
    "set-cookie,__Host-Http-session=x",
    "cdn-cache-control,max-age=9",
    "proxy-authenticate,Basic",
    "surrogate-control,x",
    "cf-challenge,captcha",
    "www-authenticate,Basic",
    "location,https://read.internal/base/x",
    "location,/base//evil.example",
    "refresh,5; url=https://own.internal/x",
    "content-location,https://evil.example/",
    "set-cookie,a=1; Domain=own.internal",
];

const VISITORS: [&str; 3] =
    ["", "Zürich\n8001\nZurich\nZH\nCH\nEU\n47\n8.5\nEurope/Zurich\n13335\n97\nfalse", "\n\n\n\nNZ\nOC\n\n\n\n\n1\n"];

fn cases() -> impl Strategy<Value = Case> {
    use prop::sample::select;
    let request = (
        select(vec!["GET", "GET", "HEAD", "OPTIONS", "TRACE", "POST", "DELETE"]),
        select(PATHS.to_vec()),
        "(/|x|%2f|\\.\\.|;|\\?a=1|é| ){0,4}",
        select(vec!["none", "session", "session", "malformed", "two sessions", "jwt", "bad jwt"]),
        proptest::collection::vec(select(HEADERS.to_vec()), 0..6),
        select(VISITORS.to_vec()),
    );
    let answer =
        (select(vec![200, 204, 302, 401, 404, 500, 101]), proptest::collection::vec(select(ANSWERS.to_vec()), 0..4));
    (request, answer).prop_map(|((method, path, rest, credential, mut headers, visitor), (status, answers))| {
        // The platform would join both.
        headers.retain(|line| !(credential.contains("jwt") && line.starts_with("authorization,")));
        headers.sort_unstable();
        headers.dedup_by_key(|line| line.split(',').next().unwrap());
        Case { method, path, rest, credential, headers, visitor, status, answers }
    })
}

#[test]
fn an_application_of_every_kind_of_route_is_reached_by_the_hot_path() {
    for path in &PATHS[..15] {
        let credential = if *path == "/api" { "jwt" } else { "session" };
        let case = Case {
            method: "GET",
            path,
            rest: String::new(),
            credential,
            headers: vec![],
            visitor: VISITORS[1],
            status: 200,
            answers: vec![],
        };
        let [(sent, _), slow] = both((200, ""), move |session| case.packed(session)).unwrap();
        // There a captcha comes first.
        assert_eq!((sent.is_some(), sent), (*path != "/asked", slow.0), "{path}");
    }
}

#[test]
fn both_paths_send_the_application_the_same_and_answer_the_same() {
    const CASES: u32 = 400;
    let taken = Cell::new(0);
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&cases(), |case| {
        let packed = case.clone();
        if let Some([hot, slow]) = both((case.status, &case.answers.join("\n")), move |session| packed.packed(session))
        {
            taken.set(taken.get() + 1);
            prop_assert_eq!(hot, slow);
        }
        Ok(())
    });
    if let Err(failed) = result {
        panic!("{failed}");
    }
    // What the hot path takes is counted: otherwise this would hold of one that takes nothing.
    assert!(taken.get() > CASES / 2, "the hot path took {} of {CASES} requests", taken.get());
}
