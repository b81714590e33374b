//! A process may end at any await. Each test ends it at the first poll of its tasks, at the second, and so on until it lives to the end.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::actors::end_reason::EndReason;
use edge_oauth_sessions::actors::session::message::Denied;

use super::endings::revoke_all;
use super::provider::{Fault, TOKEN_LIFE};
use super::world::World;

/// Runs `one` with the process ending after no poll, after one, and so on, each time with what was not durable kept and lost.
pub fn at_every_poll(one: impl Fn(u64, bool) -> bool) {
    for keeps in [true, false] {
        let mut polls = 0;
        while one(polls, keeps) {
            polls += 1;
            assert!(polls < 1_000, "it does not end");
        }
        assert!(polls > 3, "nothing was tried");
    }
}

/// A session whose token has expired and whose process is about to end: whether it did, and what came of the refresh.
fn refresh_with_crash(variables: &'static [(&str, &str)], polls: u64, keeps: bool, check: fn(&World, Outcome)) -> bool {
    let world = World::new(variables);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(TOKEN_LIFE).await;
        let (actor, process) = world.doom(&cookie, polls, keeps);
        let _ = world.get(&cookie).await;
        let crashed = actor.process(&world) != process;
        let then = world.get(&cookie).await;
        world.wait(Duration::from_secs(3_600)).await;
        let later = world.get(&cookie).await;
        let ledger = world.refreshes(&cookie).await;
        check(&world, Outcome { then, later, ledger });
        crashed
    })
}

struct Outcome {
    then: Result<String, Denied>,
    later: Result<String, Denied>,
    ledger: Vec<String>,
}

#[test]
fn wherever_the_process_ends_during_a_refresh_no_spent_token_is_presented_again() {
    at_every_poll(|polls, keeps| {
        refresh_with_crash(&[], polls, keeps, |world, Outcome { then, later, ledger }| {
            assert!(world.provider.reused.borrow().is_empty(), "{ledger:?}");
            // The outcome is known, or the user goes through the provider: never silence, never an end.
            for got in [&then, &later] {
                assert!(matches!(got, Ok(_) | Err(Denied::Reauthenticate)), "{got:?}, {ledger:?}");
            }
            assert_eq!(then.is_err(), ledger.contains(&"unknown".to_owned()));
        })
    });
}

#[test]
fn a_process_that_ends_between_the_provider_s_answer_and_the_write_leaves_a_token_that_is_not_presented_again() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(TOKEN_LIFE).await;
        world.provider.script.borrow_mut().push_back(Fault::Slow(Duration::from_secs(1)));
        let actor = world.session(&cookie.actor).unwrap();
        let (ending, ended) = (world.clone(), Rc::new(Cell::new(0)));
        let at = Rc::clone(&ended);
        world.executor.spawn(super::executor::OUTSIDE, async move {
            // The provider has answered, and the answer is on its way.
            ending.wait(Duration::from_millis(1_035)).await;
            at.set(ending.provider.refreshes.get());
            actor.end(&ending);
        });
        assert_eq!(world.get(&cookie).await, Err(Denied::StoreUnavailable), "the call failed");
        assert_eq!(ended.get(), 1, "the provider had taken the token");
        assert_eq!(world.get(&cookie).await, Err(Denied::Reauthenticate));
        assert_eq!(world.provider.presented.borrow().len(), 1);
        assert_eq!(world.refreshes(&cookie).await, ["unknown"]);
    });
}

#[test]
fn a_process_that_ends_before_the_token_was_presented_costs_the_session_nothing() {
    let world = World::new(&[]);
    // What was discovered at the login is too old by then.
    world.provider.rules.life.set(Duration::from_secs(7_200));
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(Duration::from_secs(7_200)).await;
        let actor = world.session(&cookie.actor).unwrap();
        let ending = world.clone();
        world.executor.spawn(super::executor::OUTSIDE, async move {
            // The discovery document is on its way.
            ending.wait(Duration::from_millis(25)).await;
            actor.end(&ending);
        });
        assert_eq!(world.get(&cookie).await, Err(Denied::StoreUnavailable), "the call failed");
        assert!(world.provider.presented.borrow().is_empty());
        world.get(&cookie).await.unwrap();
    });
}

#[test]
fn within_the_provider_s_leeway_the_token_is_presented_once_more_and_not_after_it() {
    for (pause, presented) in [(Duration::from_secs(5), 2), (Duration::from_secs(30), 1)] {
        let world = World::new(&[("OIDC_REUSE_LEEWAY_SECONDS", "20")]);
        world.clone().executor.run(async move {
            let cookie = world.log_in("ada").await;
            world.wait(TOKEN_LIFE).await;
            world.provider.script.borrow_mut().push_back(Fault::Slow(Duration::from_secs(1)));
            let actor = world.session(&cookie.actor).unwrap();
            let ending = world.clone();
            world.executor.spawn(super::executor::OUTSIDE, async move {
                ending.wait(Duration::from_millis(500)).await;
                actor.end(&ending);
            });
            let _ = world.get(&cookie).await;
            world.wait(pause).await;
            let _ = world.get(&cookie).await;
            assert_eq!(world.provider.presented.borrow().len(), presented, "{pause:?}");
        });
    }
}

#[test]
fn wherever_a_session_s_process_ends_while_it_is_revoked_it_is_not_served_once_that_was_answered() {
    at_every_poll(|polls, keeps| {
        let world = World::new(&[]);
        world.clone().executor.run(async move {
            let cookie = world.log_in("ada").await;
            let (actor, process) = world.doom(&cookie, polls, keeps);
            let unreachable = revoke_all(&world, "ada").await.unwrap();
            let crashed = actor.process(&world) != process;
            let got = world.get(&cookie).await;
            assert!(unreachable > 0 || got.is_err(), "{got:?}");
            // The directory tries again by itself.
            world.wait(Duration::from_secs(600)).await;
            assert_eq!(world.get(&cookie).await, Err(Denied::Ended(EndReason::Revoked)));
            crashed
        })
    });
}
