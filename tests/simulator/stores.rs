//! Stores outside of the actor that are away.

use std::time::Duration;

use edge_oauth_sessions::actors::session::message::Denied;
use futures::future::join;

use super::endings::{KV, revoke_all};
use super::faults::Kind;
use super::world::World;

#[test]
fn a_use_that_postgres_does_not_take_counts_after_a_crash() {
    let variables = [("SESSION_STORE", "neon"), KV[1], ("SESSION_IDLE_SECONDS", "3600")];
    let world = World::new(&variables);
    world.provider.rules.life.set(Duration::from_secs(86_400));
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.get(&cookie).await.unwrap();
        world.wait(Duration::from_secs(3_000)).await;
        world.postgres.allow(0);
        world.get(&cookie).await.unwrap();
        world.wait(Duration::from_secs(20)).await;
        world.session(&cookie.actor).unwrap().end(&world);
        world.wait(Duration::from_secs(1_000)).await;
        world.get(&cookie).await.unwrap();
    });
}

#[test]
fn all_sessions_of_a_user_end_with_the_few_connections_that_postgres_has() {
    let world = World::new(&[("SESSION_STORE", "neon"), KV[1]]);
    world.clone().executor.run(async move {
        let mut cookies = Vec::new();
        for _ in 0..30 {
            cookies.push(world.log_in("ada").await);
        }
        world.wait(Duration::from_secs(60)).await;
        cookies.iter().for_each(|cookie| world.session(&cookie.actor).unwrap().end(&world));
        world.postgres.allow(20);
        assert_eq!(revoke_all(&world, "ada").await.unwrap(), 0);
    });
}

#[test]
fn an_actor_whose_storage_fails_when_postgres_has_its_record_is_not_woken_again_and_again() {
    let world = World::new(&[("SESSION_STORE", "neon"), KV[1]]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(Duration::from_secs(60)).await;
        // The end is written, and Postgres has not answered yet.
        let failing = async {
            world.wait(Duration::from_millis(5)).await;
            world.session(&cookie.actor).unwrap().disk.fail_for(Duration::from_millis(500), true);
        };
        let (logged_out, ()) = join(world.log_out(&cookie), failing).await;
        logged_out.map(drop).unwrap();
        let before = world.tally.steps();
        world.wait(Duration::from_secs(600)).await;
        assert!(world.tally.steps() < before + 50, "{} steps", world.tally.steps() - before);
    });
}

/// The intent to refresh waits for Postgres, and a use does not wait for that.
#[test]
fn a_use_outlives_a_process_that_ends_while_postgres_is_silent() {
    let world = World::new(&[("SESSION_STORE", "neon"), KV[1], ("SESSION_IDLE_SECONDS", "3600")]);
    world.provider.rules.life.set(Duration::from_secs(86_400));
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(Duration::from_secs(3_000)).await;
        world.faults.silence_stores(Duration::from_secs(20));
        let used = async {
            world.wait(Duration::from_millis(100)).await;
            world.get(&cookie).await.unwrap();
            world.wait(Duration::from_secs(2)).await;
            world.session(&cookie.actor).unwrap().end(&world);
        };
        let (renewed, ()) = join(world.refresh(&cookie), used).await;
        assert!(renewed.is_err() && world.provider.presented.borrow().is_empty(), "{renewed:?}");
        world.wait(Duration::from_secs(1_000)).await;
        world.get(&cookie).await.unwrap();
    });
}

/// The only statement of a use fails, and Postgres has the record from before. The process ends later.
#[test]
fn a_use_that_postgres_never_got_is_still_with_the_actor() {
    let world = World::new(&[("SESSION_STORE", "neon"), KV[1]]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(Duration::from_secs(20)).await;
        world.postgres.lose_next();
        world.get(&cookie).await.unwrap();
        world.wait(Duration::from_secs(20)).await;
        world.session(&cookie.actor).unwrap().end(&world);
        world.get(&cookie).await.unwrap();
    });
}

#[test]
fn a_statement_that_reaches_postgres_after_a_newer_one_costs_the_session_nothing() {
    let world = World::new(&[("SESSION_STORE", "neon"), KV[1]]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(Duration::from_secs(20)).await;
        world.postgres.delay_next(Duration::from_secs(60));
        world.get(&cookie).await.unwrap();
        world.wait(Duration::from_secs(20)).await;
        world.refresh(&cookie).await.unwrap();
        world.wait(Duration::from_secs(100)).await;
        world.session(&cookie.actor).unwrap().end(&world);
        world.get(&cookie).await.unwrap();
    });
}

/// The one who wrote it cannot tell any more that it was not answered.
#[test]
fn a_write_to_kv_that_arrives_long_after_its_process_ended_costs_the_session_nothing() {
    let world = World::new(&KV);
    world.provider.rules.life.set(Duration::from_secs(86_400));
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(Duration::from_secs(20)).await;
        world.faults.set(Kind::KvLate, 10_000);
        let end = async {
            world.wait(Duration::from_secs(1)).await;
            world.session(&cookie.actor).unwrap().end(&world);
        };
        let (lost, ()) = join(world.refresh(&cookie), end).await;
        assert!(lost.is_err());
        world.faults.set(Kind::KvLate, 0);
        // The next one does not write down more than that it was used.
        for _ in 0..6 {
            world.get(&cookie).await.unwrap();
            world.wait(Duration::from_secs(400)).await;
        }
        world.session(&cookie.actor).unwrap().end(&world);
        world.get(&cookie).await.unwrap();
    });
}

#[test]
fn wherever_another_instance_takes_an_actor_s_place_postgres_has_no_record_that_it_does_not_know() {
    for at in 0..300 {
        let world = World::new(&[("SESSION_STORE", "neon"), KV[1]]);
        world.clone().executor.run(async move {
            let cookie = world.log_in("ada").await;
            world.wait(Duration::from_secs(60)).await;
            let splitting = async {
                world.wait(Duration::from_micros(at * 500)).await;
                let actor = world.session(&cookie.actor).unwrap();
                // What is not durable yet is lost. The old instance believes that its writes are done.
                actor.keeps.set(false);
                actor.split(&world, Duration::from_secs(5), true);
            };
            let _ = join(world.refresh(&cookie), splitting).await;
            world.wait(Duration::from_secs(10)).await;
            let got = world.get(&cookie).await;
            assert!(matches!(got, Ok(_) | Err(Denied::Reauthenticate)), "after {at} halves of a millisecond: {got:?}");
        });
    }
}
