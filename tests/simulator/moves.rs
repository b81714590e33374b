//! Moves: the grant has one owner at each step, wherever a process ends.

use std::time::Duration;

use edge_oauth_sessions::actors::session::message::Migrated;
use edge_oauth_sessions::region::Region;

use super::crashes::at_every_poll;
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
