//! The hot path and the path that waits decide alike: what one does with a request, the other one does, too.

use std::time::Duration;

use edge_oauth_sessions::actors::session::line::Question;
use proptest::prelude::*;

use super::gateway::{Gateway, Seen};
use super::world::{Cookie, World};

/// Routes of every kind that the hot path serves.
const ROUTES: &str = r#"[
    {"match":"/open/*","upstream":"https://open.internal/base","session":"none"},
    {"match":"/some/*","upstream":"https://some.internal","session":"optional","cache":"private"},
    {"match":"/staff/*","upstream":"https://staff.internal","require":{"groups":"staff"}},
    {"match":"/who/*","upstream":"https://who.internal","identity_headers":true},
    {"match":"/bare/*","upstream":"binding:APP","token":"none"},
    {"match":"/form/*","upstream":"https://form.internal","csrf_header":"X-CSRF","cross_site":true},
    {"match":"/human/*","upstream":"https://human.internal","bot_score_min":30},
    {"match":"/own/*","upstream":"https://own.internal","session":"optional","authorization":"pass","identity_headers":true},
    {"match":"/read/*","upstream":"https://read.internal/base","methods":["GET"],"origin":"upstream"},
    {"match":"/*","upstream":"https://app.internal"}
]"#;

fn world() -> World {
    World::new(&[("ROUTES", ROUTES), ("UPSTREAM", ""), ("binding:APP", "")])
}

fn cookie_of(cookie: &Cookie) -> String {
    format!("__Host-Http-session=weur.{}.{}", cookie.actor, cookie.secret.expose())
}

/// Both ways of a request, where the hot path takes it.
fn both(answers: (u16, &str), packed: impl Fn(&str) -> String + 'static) -> Option<[(Option<Seen>, Seen); 2]> {
    let world = world();
    let gateway = Gateway::new(&world, answers.0, answers.1);
    let executor = world.executor.clone();
    executor.run(async move {
        let session = cookie_of(&world.log_in("ada").await);
        let packed = packed(&session);
        // A refusal's body has a reference of its own.
        let plain = |(sent, seen): (Option<Seen>, Seen)| (sent, Seen { body: String::new(), ..seen });
        let hot = gateway.exchange(&packed).await?;
        Some([plain(hot), plain(gateway.serve(&packed).await)])
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

#[test]
fn after_a_restart_the_first_line_is_answered_at_once_where_the_actor_has_its_record_itself() {
    for (variables, at_once) in [(&[][..], true), (&super::endings::KV[..], false)] {
        let world = World::new(variables);
        world.clone().executor.run(async move {
            let cookie = world.log_in("ada").await;
            world.wait(Duration::from_secs(240)).await;
            let line = Question { secret: cookie.secret.clone(), navigation_from: None, identity: None }.line();
            let actor = world.session(&cookie.actor).unwrap();
            actor.end(&world);
            let reply = actor.answer_at_once(&world, &line);
            assert_eq!(reply.is_some_and(|reply| reply.starts_with("Bearer ")), at_once, "{variables:?}");
            assert!(world.get(&cookie).await.is_ok());
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn both_paths_send_the_application_the_same_and_answer_the_same(
        method in prop::sample::select(vec!["GET", "HEAD", "OPTIONS", "TRACE", "POST", "DELETE"]),
        path in prop::sample::select(vec!["/open", "/some", "/staff", "/who", "/bare", "/form", "/human", "/own", "/read", "", "/auth", "/OPEN", "/%61"]),
        rest in "(/|x|%2f|\\.\\.|;|\\?a=1|é| ){0,4}",
        cookie in prop::sample::select(vec!["none", "good", "bad", "twice"]),
        chosen in proptest::collection::vec(prop::sample::select(vec![
            "accept,text/html", "sec-fetch-mode,navigate", "sec-fetch-dest,document", "sec-fetch-site,cross-site", "sec-fetch-site,same-origin",
            "origin,https://evil.example", "origin,https://app.example", "x-csrf,1", "x-forwarded-user,root", "x_geo_city,x", "connection,x-b",
            "authorization,Basic x", "referer,https://app.example/page", "x-http-method-override,DELETE", "access-control-request-method,PUT",
            "x-b,1", "cf-connecting-ip,192.0.2.7", "cf-ray,ray-1", "te,trailers",
        ]), 0..6),
        visitor in prop::sample::select(vec!["", "Zürich\n8001\nZurich\nZH\nCH\nEU\n47\n8.5\nEurope/Zurich\n13335\n97\nfalse", "\n\n\n\nNZ\nOC\n\n\n\n\n1\n"]),
        status in prop::sample::select(vec![200_u16, 204, 302, 401, 404, 500, 101]),
        answers in proptest::collection::vec(prop::sample::select(vec![
            "content-type,text/html", "content-type,text/event-stream", "cache-control,public", "set-cookie,a=1", "set-cookie,__Host-Http-session=x", "cdn-cache-control,max-age=9",
            "proxy-authenticate,Basic", "surrogate-control,x", "cf-challenge,captcha", "www-authenticate,Basic",
            "location,https://read.internal/base/x", "location,/base//evil.example", "refresh,5; url=https://own.internal/x",
            "content-location,https://evil.example/", "set-cookie,a=1; Domain=own.internal",
        ]), 0..4),
    ) {
        let mut headers: Vec<&str> = chosen.clone();
        headers.sort_unstable();
        headers.dedup_by_key(|line| line.split(',').next().unwrap().to_owned());
        let headers: String = headers.iter().map(|line| format!("{line}\n")).collect();
        let packed = move |session: &str| {
            let cookie = match cookie {
                "none" => String::new(),
                "good" => format!("cookie,a=1; {session}\n"),
                "bad" => format!("cookie,__Host-Http-session=weur.{}.x\n", "a".repeat(64)),
                _ => format!("cookie,{session}; {session}\n"),
            };
            format!("{method}\nhttps://app.example{path}/{rest}\nhost,app.example\n{cookie}{headers}\n{visitor}")
        };
        // A random reference is in neither's headers, and so both are the same to the letter.
        if let Some([hot, slow]) = both((status, &answers.join("\n")), packed) {
            prop_assert_eq!(hot, slow);
        }
    }
}
