//! Listening: pages and the gateway's watches hear of an end at once, wherever the session lives by then and whatever its process went through.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::actors::end_reason::EndReason;
use edge_oauth_sessions::actors::log::Cause;
use edge_oauth_sessions::actors::session::address::existing_session;
use edge_oauth_sessions::actors::session::listeners::{PAGES, Push};
use edge_oauth_sessions::actors::session::message::{Authority, Credential, Migrated, Revoke};
use edge_oauth_sessions::gateway::forward::watch::{Closing, Watch};
use edge_oauth_sessions::region::Region;
use edge_oauth_sessions::runtime::{Actors, CallError, Heard as _, Isolate};

use super::actors::Life;
use super::endings::revoke_all;
use super::executor::OUTSIDE;
use super::faults::Kind;
use super::listeners::Ear;
use super::world::{Cookie, World};

/// A push, and a little longer.
const AT_ONCE: Duration = Duration::from_millis(20);

/// A page of this session's listens.
async fn page(world: &World, cookie: &Cookie) -> Ear {
    let accepted = world.gateway().let_listen(&cookie.actor).await.unwrap();
    *accepted.raw.downcast::<Ear>().unwrap()
}

/// The gateway watches over a stream of this session's: why it closes it, once it does.
fn watch(world: &World, cookie: &Cookie) -> Rc<Cell<Option<Closing>>> {
    let isolate: Rc<dyn Isolate> =
        Rc::new(Life { world: world.clone(), process: OUTSIDE, clock: world.clocks.first() });
    let actors: Rc<dyn Actors> = Rc::new(world.gateway());
    let session = Credential { actor: cookie.actor.clone(), secret: cookie.secret.clone() };
    let watch = Watch::new(&isolate, &actors, &session, time::Duration::seconds(15));
    let closed = Rc::new(Cell::default());
    let closes = Rc::clone(&closed);
    world.executor.spawn(OUTSIDE, async move { closes.set(Some(watch.closing().await)) });
    closed
}

/// What a page hears until its connection closes.
async fn hears(mut ear: Ear) -> Vec<Push> {
    let mut all = Vec::new();
    while let Some(text) = ear.next().await {
        all.push(Push::read(&text).unwrap());
    }
    all
}

fn ended(reason: &str) -> Push {
    Push::Ended { reason: reason.to_owned() }
}

fn with_session(story: impl AsyncFn(World, Cookie) + 'static) {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        story(world, cookie).await;
    });
}

#[test]
fn who_listens_hears_at_once_of_an_end_and_the_connection_closes() {
    with_session(async |world, cookie| {
        let (ear, watched) = (page(&world, &cookie).await, watch(&world, &cookie));
        world.wait(AT_ONCE).await;
        world.log_out(&cookie).await.unwrap();
        world.wait(AT_ONCE).await;
        assert_eq!((hears(ear).await, watched.get()), (vec![ended("logout")], Some(Closing::Over)));
    });
    with_session(async |world, cookie| {
        let other = world.log_in("grace").await;
        let (ear, watched) = (page(&world, &cookie).await, watch(&world, &cookie));
        let (theirs, others) = (page(&world, &other).await, watch(&world, &other));
        world.wait(AT_ONCE).await;
        revoke_all(&world, "ada").await.unwrap();
        world.wait(AT_ONCE).await;
        assert_eq!((hears(ear).await, watched.get()), (vec![ended("revoked")], Some(Closing::Over)));
        assert_eq!(others.get(), None);
        world.log_out(&other).await.unwrap();
        assert_eq!(hears(theirs).await, [ended("logout")]);
    });
}

#[test]
fn who_listens_while_the_actor_is_evicted_hears_of_the_end() {
    with_session(async |world, cookie| {
        let (ear, watched) = (page(&world, &cookie).await, watch(&world, &cookie));
        world.wait(Duration::from_secs(30)).await;
        assert!(world.session(&cookie.actor).unwrap().evict(&world));
        revoke_all(&world, "ada").await.unwrap();
        world.wait(AT_ONCE).await;
        assert_eq!((hears(ear).await, watched.get()), (vec![ended("revoked")], Some(Closing::Over)));
    });
}

#[test]
fn a_page_is_told_where_its_session_lives_and_a_watch_goes_there() {
    with_session(async |world, cookie| {
        let (ear, watched) = (page(&world, &cookie).await, watch(&world, &cookie));
        world.wait(AT_ONCE).await;
        let Ok(Migrated::Lives(to)) = world.migrate(&cookie, Region::Apac).await else { panic!("it stays") };
        assert_eq!(hears(ear).await, [Push::Moved { region: Region::Apac }]);
        world.wait(AT_ONCE).await;
        let there = page(&world, &Cookie { actor: to.actor, secret: cookie.secret.clone() }).await;
        assert_eq!(watched.get(), None);
        world.log_out(&cookie).await.unwrap();
        world.wait(AT_ONCE).await;
        assert_eq!((hears(there).await, watched.get()), (vec![ended("logout")], Some(Closing::Over)));
        // Nobody listens to what is over, or has gone.
        let refused = world.gateway().let_listen(&cookie.actor).await;
        assert!(matches!(refused, Err(CallError::NoSuchActor)));
    });
}

#[test]
fn a_page_notices_that_the_process_ended_and_a_watch_listens_again() {
    with_session(async |world, cookie| {
        let (ear, watched) = (page(&world, &cookie).await, watch(&world, &cookie));
        world.wait(AT_ONCE).await;
        world.session(&cookie.actor).unwrap().end(&world);
        assert_eq!(hears(ear).await, []);
        world.wait(Duration::from_secs(2)).await;
        world.log_out(&cookie).await.unwrap();
        world.wait(AT_ONCE).await;
        assert_eq!(watched.get(), Some(Closing::Over));
    });
}

#[test]
fn a_watch_whose_connection_is_cut_notices_within_a_quarter_of_an_hour() {
    with_session(async |world, cookie| {
        let watched = watch(&world, &cookie);
        world.wait(Duration::from_secs(60)).await;
        world.faults.set(Kind::ListenerCut, 10_000);
        revoke_all(&world, "ada").await.unwrap();
        world.wait(AT_ONCE).await;
        assert_eq!(watched.get(), None);
        world.wait(Duration::from_secs(15 * 60)).await;
        assert_eq!(watched.get(), Some(Closing::Over));
    });
}

#[test]
fn the_oldest_page_goes_where_there_are_too_many() {
    with_session(async |world, cookie| {
        let oldest = page(&world, &cookie).await;
        let mut others = Vec::new();
        for _ in 0..PAGES {
            others.push(page(&world, &cookie).await);
        }
        assert_eq!(hears(oldest).await, []);
        world.log_out(&cookie).await.unwrap();
        for ear in others {
            assert_eq!(hears(ear).await, [ended("logout")]);
        }
    });
}

#[test]
fn who_listens_hears_of_the_end_of_a_session_whose_record_can_no_longer_be_read() {
    let key = |key| ("STATE_KEYS", key);
    let variables = |keys| [("SESSION_STORE", "neon"), keys];
    let world = World::new(&variables(key("a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")));
    // The same world, after its key was taken away.
    let other = World::new(&variables(key("b:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA"))).config;
    let mut later = world.clone();
    later.config = other;
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        let (ear, watched) = (page(&world, &cookie).await, watch(&world, &cookie));
        world.wait(Duration::from_secs(30)).await;
        assert!(world.session(&cookie.actor).unwrap().evict(&world));
        assert!(later.get(&cookie).await.is_err());
        let revoke = Revoke { authority: Authority::Trusted(Cause::Admin), reason: EndReason::Revoked, logout: None };
        later.ask(&existing_session(&cookie.actor), revoke).await.unwrap().unwrap();
        world.wait(AT_ONCE).await;
        assert_eq!((hears(ear).await, watched.get()), (vec![ended("revoked")], Some(Closing::Over)));
    });
}
