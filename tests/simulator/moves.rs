//! Moves: the grant has one owner at each step, wherever a process ends.

use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::actors::end_reason::EndReason;
use edge_oauth_sessions::actors::session::address;
use edge_oauth_sessions::actors::session::attempt::LoginReason;
use edge_oauth_sessions::actors::session::message::{Confirm, Denied, Migrated};
use edge_oauth_sessions::region::Region;
use futures::future::join;

use super::actors::Actor;
use super::crashes::at_every_poll;
use super::endings::{KV, revoke_all};
use super::provider::TOKEN_LIFE;
use super::world::{Cookie, World};

/// What holds after a move was asked for, whatever became of it.
async fn goes_on_as_one(world: &World, cookie: &Cookie) {
    // Every process that ended is there again by now, and every alarm has come.
    world.wait(Duration::from_secs(120)).await;
    let token = world.get(cookie).await;
    assert!(token.is_ok(), "{token:?}: {:#?}", world.log.borrow());
    world.wait(TOKEN_LIFE).await;
    let token = world.get(cookie).await;
    assert!(token.is_ok(), "{token:?}: {:#?}", world.log.borrow());
    assert!(world.provider.reused.borrow().is_empty(), "{:#?}", world.log.borrow());
    assert_eq!(world.list("ada").await.len(), 1, "{:#?}", world.log.borrow());

    world.log_out(cookie).await.map(drop).unwrap();
    assert!(world.get(cookie).await.is_err());
    assert!(world.list("ada").await.is_empty());
    world.wait(Duration::from_secs(10)).await;
    assert!(!world.provider.has_grant("ada"), "a refresh token that nobody has is still good");
}

#[test]
fn a_session_moves_with_its_whole_grant() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        let first = world.get(&cookie).await.unwrap();
        let Ok(Migrated::Lives(to)) = world.migrate(&cookie, Region::Apac).await else { panic!("it stays") };
        assert_eq!((to.region, to.actor == cookie.actor), (Region::Apac, false));
        assert_eq!(world.get(&cookie).await.unwrap(), first);
        assert_eq!(world.list("ada").await, [to.actor]);
        goes_on_as_one(&world, &cookie).await;
    });
}

#[test]
fn wherever_the_old_home_s_process_ends_during_a_move_the_session_goes_on_in_one_place() {
    at_every_poll(|polls, keeps| {
        let world = World::new(&[]);
        world.clone().executor.run(async move {
            let cookie = world.log_in("ada").await;
            world.doom(&cookie, polls, keeps);
            let _ = world.migrate(&cookie, Region::Apac).await;
            let crashed = world.executor.ends() > 0;
            goes_on_as_one(&world, &cookie).await;
            crashed
        })
    });
}

#[test]
fn wherever_the_new_home_s_process_ends_during_a_move_the_session_goes_on_in_one_place() {
    at_every_poll(|polls, keeps| {
        let world = World::new(&[]);
        world.clone().executor.run(async move {
            let cookie = world.log_in("ada").await;
            world.doom_of_next.set(Some((polls, keeps)));
            let _ = world.migrate(&cookie, Region::Apac).await;
            let crashed = world.executor.ends() > 0;
            goes_on_as_one(&world, &cookie).await;
            crashed
        })
    });
}

/// Long enough that nothing is written of a second use.
const IDLE: Duration = Duration::from_secs(3_600);
const STORES: [&str; 3] = ["durable", "kv", "neon"];

/// A world with this store, where tokens live long.
fn of_store(store: &str) -> World {
    let variables = [("SESSION_STORE", store), KV[1], ("SESSION_IDLE_SECONDS", "3600"), ("REGION_GRACE_SECONDS", "60")];
    let world = World::new(&variables);
    world.provider.rules.life.set(Duration::from_secs(86_400));
    world
}

/// The session goes on for an idle time from now on.
async fn is_idle_no_earlier(world: &World, cookie: &Cookie, what: &str) {
    world.wait(IDLE - Duration::from_secs(1)).await;
    assert!(world.get(cookie).await.is_ok(), "{what}: {:#?}", world.log.borrow());
}

#[test]
fn a_use_at_any_moment_of_a_move_counts_in_the_new_home() {
    for (store, delay) in STORES.into_iter().flat_map(|store| (0..40).map(move |delay| (store, delay))) {
        let world = of_store(store);
        world.clone().executor.run(async move {
            let cookie = world.log_in("ada").await;
            // A use is written, the next ones are not.
            world.get(&cookie).await.unwrap();
            world.wait(Duration::from_secs(100)).await;
            let get = async {
                world.wait(Duration::from_millis(delay)).await;
                world.get(&cookie).await.unwrap();
            };
            let (moved, ()) = futures::future::join(world.migrate(&cookie, Region::Apac), get).await;
            assert!(moved.is_ok(), "{moved:?}");
            is_idle_no_earlier(&world, &cookie, &format!("{store}, {delay} ms")).await;
        });
    }
}

#[test]
fn a_use_in_the_grace_of_a_session_counts_for_its_successor() {
    for store in STORES {
        let world = of_store(store);
        world.clone().executor.run(async move {
            let cookie = world.log_in("ada").await;
            let successor = world.log_in_over("ada", LoginReason::Move, Some(&cookie), Some(&cookie)).await.unwrap();
            world.wait(Duration::from_secs(50)).await;
            world.get(&cookie).await.unwrap();
            is_idle_no_earlier(&world, &successor, store).await;
        });
    }
}

#[test]
fn a_session_moves_and_serves_in_its_grace_beside_actors_of_a_release_that_counts_no_uses() {
    let world = of_store("durable");
    // Without `LetGo` and `ConfirmUse`.
    world.knows_messages_below.set(17);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        assert!(world.migrate(&cookie, Region::Apac).await.is_ok());
        world.get(&cookie).await.unwrap();
        let successor = world.log_in_over("ada", LoginReason::Move, Some(&cookie), Some(&cookie)).await.unwrap();
        world.get(&cookie).await.unwrap();
        world.log_out(&successor).await.map(drop).unwrap();
        assert!(world.get(&cookie).await.is_err());
    });
}

#[test]
fn a_refresh_and_a_move_at_once_present_the_token_once() {
    for (get_after, move_after) in (0..60).flat_map(|delay| [(0, delay), (delay, 0)]) {
        let world = World::new(&[]);
        world.clone().executor.run(async move {
            let cookie = world.log_in("ada").await;
            world.wait(TOKEN_LIFE).await;
            let get = async {
                world.wait(Duration::from_millis(get_after)).await;
                world.get(&cookie).await
            };
            let moving = async {
                world.wait(Duration::from_millis(move_after)).await;
                world.migrate(&cookie, Region::Apac).await
            };
            let (got, _) = futures::future::join(get, moving).await;
            assert!(got.is_ok(), "{get_after} ms, {move_after} ms: {got:?}");
            assert_eq!(world.provider.presented.borrow().len(), 1, "{get_after} ms, {move_after} ms");
            goes_on_as_one(&world, &cookie).await;
        });
    }
}

#[test]
fn a_token_that_expires_while_a_successor_is_asked_is_not_served() {
    let world = World::new(&[("REGION_GRACE_SECONDS", "60")]);
    world.provider.rules.life.set(Duration::from_secs(20));
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(Duration::from_secs(10)).await;
        world.log_in_over("ada", LoginReason::Move, Some(&cookie), Some(&cookie)).await.unwrap();
        world.wait(Duration::from_secs(6)).await;
        assert!(world.get(&cookie).await.is_ok());
        // `ConfirmUse`.
        world.delay_next.set(Some((18, Duration::from_secs(4))));
        assert!(world.get(&cookie).await.is_err());
    });
}

/// The number of `Revoke`.
const REVOKE: u8 = 7;

#[test]
fn a_session_that_is_to_end_does_not_get_away_by_a_move_though_it_has_not_heard_of_it() {
    for is_renewed in [false, true] {
        let world = World::new(&[]);
        world.clone().executor.run(async move {
            let mut cookie = world.log_in("ada").await;
            world.wait(Duration::from_secs(60)).await;
            if is_renewed {
                let renewed = world.log_in_over("ada", LoginReason::Move, Some(&cookie), Some(&cookie)).await;
                cookie = renewed.unwrap();
                world.wait(Duration::from_secs(60)).await;
            }
            world.delay_next.set(Some((REVOKE, Duration::from_secs(8))));
            let moving = async {
                world.wait(Duration::from_secs(2)).await;
                let moved = world.migrate(&cookie, Region::Enam).await;
                assert!(moved.is_err(), "{moved:?}");
            };
            let (unreachable, ()) = join(revoke_all(&world, "ada"), moving).await;
            assert_eq!((unreachable.unwrap(), world.delay_next.get()), (0, None));
            assert_eq!(world.get(&cookie).await, Err(Denied::Ended(EndReason::Revoked)));
        });
    }
}

/// The number of `Register`.
const REGISTER: u8 = 0;

#[test]
fn a_session_is_not_forgotten_by_its_new_home_while_the_old_one_lets_it_go() {
    let world = World::new(&[("SESSION_STORE", "neon"), KV[1]]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        let silencing = async {
            let is_adopted = || world.log.borrow().iter().any(|line| line.contains("\"adopted\""));
            while !is_adopted() {
                world.wait(Duration::from_millis(1)).await;
            }
            world.faults.silence_stores(Duration::from_secs(5));
        };
        let (moved, ()) = join(world.migrate(&cookie, Region::Apac), silencing).await;
        assert!(moved.is_err(), "{moved:?}");
        let is_new = |actor: &Rc<Actor>| actor.name().starts_with("session") && actor.id != cookie.actor;
        let new_home = world.everybody().into_iter().find(is_new).unwrap();
        world.wait(Duration::from_secs(6)).await;
        // The old home begins again, and the new one asks at the same time.
        world.get(&cookie).await.unwrap();
        let losing = async {
            world.wait(Duration::from_millis(2)).await;
            world.lose_reply_to.set(Some(REGISTER));
        };
        let new_home = address::existing_session(&new_home.id);
        let _ = join(world.ask(&new_home, Confirm {}), losing).await;
        assert_eq!(world.lose_reply_to.get(), None, "nothing was lost");
        goes_on_as_one(&world, &cookie).await;
    });
}
