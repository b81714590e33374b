//! Proofs: who renews one has the session's key at that time, and a proof serves its own session alone.

use std::time::Duration;

use edge_oauth_sessions::actors::end_reason::EndReason;
use edge_oauth_sessions::actors::session::attempt::LoginReason;
use edge_oauth_sessions::actors::session::message::{Binding, Denied, Migrated, Renewal};
use edge_oauth_sessions::actors::summary::SessionState;
use edge_oauth_sessions::device::PROOF_LIFE;
use edge_oauth_sessions::region::Region;
use url::Url;

use super::device::{
    DeviceKey, GRACE, bind, challenge, is_bound_to, is_renewed_with, is_unbound, renew, renew_while, with_session,
};
use super::gateway::{Gateway, Seen};
use super::world::{Cookie, World};

const BOUND: &str = "__Host-session-bound";

#[test]
fn a_session_that_is_over_by_the_time_that_its_proof_is_checked_gets_none() {
    with_session(&[], async |world, cookie, key| {
        bind(&world, &cookie, &key).await.unwrap();
        let (renewed, _) = renew_while(&world, &cookie, &key, world.log_out(&cookie)).await;
        assert!(matches!(renewed, Err(Denied::Ended(EndReason::Logout))), "{renewed:?}");
    });
    with_session(&[], async |world, cookie, key| {
        bind(&world, &cookie, &key).await.unwrap();
        let login = world.log_in_over("ada", LoginReason::Renewal, Some(&cookie), Some(&cookie));
        let (renewed, successor) = renew_while(&world, &cookie, &key, login).await;
        assert!(matches!(renewed, Err(Denied::Ended(EndReason::Superseded))), "{renewed:?}");
        is_unbound(&world, &successor.unwrap()).await;
    });
}

#[test]
fn a_session_that_moves_while_its_proof_is_checked_asks_for_another_one_in_its_new_home() {
    with_session(&[], async |world, cookie, key| {
        bind(&world, &cookie, &key).await.unwrap();
        let (renewed, moved) = renew_while(&world, &cookie, &key, world.migrate(&cookie, Region::Apac)).await;
        let (Ok(Renewal::Challenge(challenge)), Ok(Migrated::Lives(home))) = (renewed, moved) else {
            panic!("{:#?}", world.log.borrow())
        };
        let challenge = challenge.as_str();
        assert!(challenge.starts_with(home.actor.as_str()), "{challenge}");
        let renewed = renew(&world, &cookie, Some(key.answers(challenge))).await;
        let Ok(Renewal::Renewed { lives, .. }) = renewed else { panic!("{renewed:?}") };
        assert_eq!(lives.actor, home.actor);
        is_bound_to(&world, &cookie, &key).await;
    });
}

#[test]
fn a_renewal_of_a_session_that_has_moved_brings_one_proof_the_new_one() {
    with_session(&[], async |world, cookie, key| {
        bind(&world, &cookie, &key).await.unwrap();
        let Ok(Migrated::Lives(to)) = world.migrate(&cookie, Region::Apac).await else { panic!("it stays") };
        let Ok(Renewal::Challenge(challenge)) = renew(&world, &cookie, None).await else { panic!("no challenge") };
        // Browsers renew a proof that is still good for two minutes.
        let until = world.executor.now() + Duration::from_secs(100);
        let before = world.config.device.keys.proof(&cookie.actor, &key.thumbprint(), until).unwrap();
        let answer = answering(&cookie, &key, challenge.as_str());
        let seen = send(&world, &cookie, Some(&before), "POST", "/auth/device/refresh", &answer).await;
        let prefix = format!("{BOUND}=");
        let proofs: Vec<&str> = seen.cookies.iter().filter_map(|line| line.strip_prefix(&prefix)).collect();
        let [proof] = proofs.as_slice() else { panic!("{:?}", seen.cookies) };
        let keys = &world.config.device.keys;
        let proven = keys.proven(&to.actor, proof.split(';').next().unwrap(), world.executor.now()).unwrap();
        assert!(proven.expires_at > until, "the old one");
        // And the cookie of the new place, as everywhere.
        assert!(seen.cookies.iter().any(|line| line.starts_with(&format!("__Host-Http-session=apac.{}", to.actor))));
    });
}

#[test]
fn an_actor_that_begins_anew_while_a_proof_is_checked_keeps_its_key() {
    for keeps in [true, false] {
        with_session(&[], async move |world, cookie, key| {
            bind(&world, &cookie, &key).await.unwrap();
            let end = async {
                let (actor, _) = world.doom(&cookie, 1_000, keeps);
                actor.end(&world);
            };
            let (renewed, ()) = renew_while(&world, &cookie, &key, end).await;
            assert!(matches!(renewed, Err(Denied::StoreUnavailable)), "{renewed:?}");
            is_bound_to(&world, &cookie, &key).await;
        });
    }
}

#[test]
fn the_key_and_the_challenges_of_a_session_are_of_no_use_to_the_one_that_takes_its_place() {
    with_session(&[], async |world, cookie, key| {
        bind(&world, &cookie, &key).await.unwrap();
        let before = challenge(&world, &cookie).await;
        let successor = world.log_in_over("ada", LoginReason::Renewal, Some(&cookie), Some(&cookie)).await.unwrap();
        let new = DeviceKey::new(&world.executor);
        assert!(matches!(bind(&world, &successor, &new).await, Ok(Binding::Bound { .. })));
        // The old key, and the new one's answer to a challenge of the old session.
        assert!(!is_renewed_with(&world, &successor, &key).await);
        let answered = renew(&world, &successor, Some(new.answers(&before))).await;
        assert!(matches!(answered, Ok(Renewal::Challenge(_))), "{answered:?}");
        is_bound_to(&world, &successor, &new).await;
    });
}

#[test]
fn a_challenge_of_another_session_is_not_accepted() {
    with_session(&[], async |world, cookie, key| {
        let other = world.log_in("ada").await;
        bind(&world, &cookie, &key).await.unwrap();
        bind(&world, &other, &DeviceKey::new(&world.executor)).await.unwrap();
        let answered = renew(&world, &cookie, Some(key.answers(&challenge(&world, &other).await))).await;
        assert!(matches!(answered, Ok(Renewal::Challenge(_))), "{answered:?}");
    });
}

/// A request through the gateway, with the cookies of a session and a proof.
async fn request(world: &World, cookie: &Cookie, proof: Option<&str>) -> Seen {
    send(world, cookie, proof, "GET", "/api", "").await
}

async fn send(world: &World, cookie: &Cookie, proof: Option<&str>, method: &str, path: &str, headers: &str) -> Seen {
    let bound = proof.map(|proof| format!("; {BOUND}={proof}")).unwrap_or_default();
    let session = format!("__Host-Http-session=weur.{}.{}", cookie.actor, cookie.secret.expose());
    let packed = format!("{method}\nhttps://app.example{path}\nhost,app.example\ncookie,{session}{bound}\n{headers}");
    Gateway::new(world, 200, "").request(&packed, None).await
}

/// The headers with which a browser answers a challenge.
fn answering(cookie: &Cookie, key: &DeviceKey, challenge: &str) -> String {
    let answer = key.answers(challenge);
    format!("sec-secure-session-id,\"{}\"\nsecure-session-response,\"{answer}\"\n", cookie.actor)
}

async fn status(world: &World, cookie: &Cookie, proof: &str) -> String {
    request(world, cookie, Some(proof)).await.what
}

#[test]
fn a_proof_serves_its_own_session_alone_and_moves_with_it() {
    with_session(&[], async |world, cookie, key| {
        let other = world.log_in("ada").await;
        let theirs = DeviceKey::new(&world.executor);
        bind(&world, &cookie, &key).await.unwrap();
        bind(&world, &other, &theirs).await.unwrap();
        world.wait(GRACE).await;
        let until = world.executor.now() + PROOF_LIFE;
        let keys = world.config.device.keys.clone();
        let own = keys.proof(&cookie.actor, &key.thumbprint(), until).unwrap();
        let foreign = keys.proof(&other.actor, &theirs.thumbprint(), until).unwrap();
        assert_eq!(status(&world, &cookie, &own).await, "200");
        assert_eq!(request(&world, &cookie, None).await.what, "401");
        assert_eq!(status(&world, &cookie, &foreign).await, "401");
        assert_eq!(status(&world, &other, &own).await, "401");

        // The browser comes with its old cookies, and gets both anew.
        let Ok(Migrated::Lives(to)) = world.migrate(&cookie, Region::Apac).await else { panic!("it stays") };
        assert_eq!(request(&world, &cookie, None).await.what, "401");
        assert_eq!(status(&world, &cookie, &foreign).await, "401");
        let seen = request(&world, &cookie, Some(&own)).await;
        let prefix = format!("{BOUND}=");
        let anew = seen.cookies.iter().find_map(|line| line.strip_prefix(&prefix)?.split(';').next());
        let moved = Cookie { actor: to.actor, secret: cookie.secret.clone() };
        assert_eq!((seen.what.as_str(), status(&world, &moved, anew.unwrap()).await.as_str()), ("200", "200"));
        // An answer from before the move may come last: then the browser has the new cookie and the old proof.
        assert_eq!(status(&world, &moved, &own).await, "200");
        assert_eq!(status(&world, &moved, &foreign).await, "401");
        world.wait(PROOF_LIFE.unsigned_abs()).await;
        assert_eq!(status(&world, &cookie, &own).await, "401");
        assert_eq!(status(&world, &moved, anew.unwrap()).await, "401");
        assert_eq!(status(&world, &moved, &own).await, "401");
    });
}

#[test]
fn a_browser_that_has_the_proof_of_the_session_before_a_silent_login_last_renews_its_own_and_goes_on() {
    with_session(&[], async |world, before, key| {
        bind(&world, &before, &key).await.unwrap();
        let cookie = world.log_in_over("ada", LoginReason::Renewal, Some(&before), Some(&before)).await.unwrap();
        let new = DeviceKey::new(&world.executor);
        bind(&world, &cookie, &new).await.unwrap();
        world.wait(GRACE).await;
        let until = world.executor.now() + PROOF_LIFE;
        let late = world.config.device.keys.proof(&before.actor, &key.thumbprint(), until).unwrap();
        let seen = request(&world, &cookie, Some(&late)).await;
        assert_eq!(seen.what, "401");
        // Without that cookie the browser renews the proof before its next request.
        let gone = format!("{BOUND}=; ");
        assert!(seen.cookies.iter().any(|line| line.starts_with(&gone) && line.contains("Max-Age=0")), "{seen:?}");
        let Ok(Renewal::Challenge(challenge)) = renew(&world, &cookie, None).await else { panic!("no challenge") };
        let answer = answering(&cookie, &new, challenge.as_str());
        let renewed = send(&world, &cookie, None, "POST", "/auth/device/refresh", &answer).await;
        let prefix = format!("{BOUND}=");
        let proof = renewed.cookies.iter().find_map(|line| line.strip_prefix(&prefix)?.split(';').next());
        assert_eq!(status(&world, &cookie, proof.unwrap()).await, "200");
    });
}

/// A user logs in where the browser has these cookies: the gateway's answer to the callback.
async fn log_in_with(world: &World, cookie: &Cookie, proof: &str, user: &str) -> Seen {
    let navigation = "sec-fetch-mode,navigate\nsec-fetch-dest,document\nsec-fetch-site,none\n";
    let begun = send(world, cookie, Some(proof), "GET", "/auth/login?prompt=login", navigation).await;
    let (back, _) = world.provider.authorize(&Url::parse(&begun.headers["location"]).unwrap(), None, user);
    let login = begun.cookies.iter().find(|line| line.starts_with("__Host-Http-login-")).unwrap();
    let proof = format!("{proof}; {}", login.split(';').next().unwrap());
    let path = back.strip_prefix("https://app.example").unwrap();
    send(world, cookie, Some(&proof), "GET", path, navigation).await
}

/// The same session in its old home and its new one, and a proof of each and one of another session.
async fn moved(world: &World, cookie: &Cookie, key: &DeviceKey) -> ([Cookie; 2], [String; 3]) {
    bind(world, cookie, key).await.unwrap();
    let Ok(Migrated::Lives(to)) = world.migrate(cookie, Region::Apac).await else { panic!("it stays") };
    world.wait(GRACE).await;
    let other = world.log_in("ada").await;
    let until = world.executor.now() + PROOF_LIFE;
    let proof = |actor| world.config.device.keys.proof(actor, &key.thumbprint(), until).unwrap();
    let proofs = [proof(&cookie.actor), proof(&to.actor), proof(&other.actor)];
    ([cookie.clone(), Cookie { actor: to.actor, secret: cookie.secret.clone() }], proofs)
}

#[test]
fn a_login_is_proven_by_the_proof_of_either_home_of_a_session_that_has_moved() {
    for (home, proof) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
        with_session(&[], async move |world, cookie, key| {
            let (homes, proofs) = moved(&world, &cookie, &key).await;
            let seen = log_in_with(&world, &homes[home], &proofs[proof], "mallory").await;
            assert_eq!(seen.what, "303", "{seen:?}");
            world.wait(Duration::from_secs(60)).await;
            let state = world.inspect(&homes[1]).await.summary.state;
            assert_eq!(state == SessionState::Ended, proof != 2, "the cookie of {home}, the proof of {proof}");
        });
    }
}

#[test]
fn a_logout_is_proven_by_the_proof_of_either_home_of_a_session_that_has_moved() {
    for (home, proof) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
        with_session(&[], async move |world, cookie, key| {
            let (homes, proofs) = moved(&world, &cookie, &key).await;
            let headers = "sec-fetch-site,same-origin\n";
            let seen = send(&world, &homes[home], Some(&proofs[proof]), "POST", "/auth/logout", headers).await;
            let has_hint = seen.headers["location"].contains("id_token_hint=");
            assert_eq!(has_hint, proof != 2, "the cookie of {home}, the proof of {proof}: {seen:?}");
        });
    }
}
