//! Refreshes: one at a time, never a token twice, and a logout that wins.

use std::time::Duration;

use edge_oauth_sessions::actors::end_reason::EndReason;
use edge_oauth_sessions::actors::session::message::Denied;
use futures::future::{join, join_all};

use super::endings::KV;
use super::faults::Kind;
use super::provider::{Fault, TOKEN_LIFE};
use super::world::{Cookie, World};

#[test]
fn a_hundred_requests_at_the_token_s_end_cause_one_call_of_the_token_endpoint() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(TOKEN_LIFE).await;
        let tokens = join_all((0..100).map(|_| world.get(&cookie))).await;
        let first = tokens[0].clone().unwrap();
        assert!(tokens.iter().all(|token| token.as_ref() == Ok(&first)));
        assert_eq!(world.provider.refreshes.get(), 1);
    });
}

#[test]
fn a_request_with_a_fresh_token_runs_no_statement() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.get(&cookie).await.unwrap();
        // The first use since the tokens came is written, out of its way.
        world.wait(Duration::from_secs(1)).await;
        let disk = std::rc::Rc::clone(&world.session(&cookie.actor).unwrap().disk);
        let before = disk.statements.get();
        world.get(&cookie).await.unwrap();
        world.wait(Duration::from_secs(1)).await;
        assert_eq!(disk.statements.get(), before);
    });
}

/// A user logs out while the provider takes its time with the refresh that a request waits for: what both are answered.
async fn log_out_during_a_refresh(world: &World) -> (Cookie, Result<String, Denied>, Result<(), Denied>) {
    let cookie = world.log_in("ada").await;
    world.wait(TOKEN_LIFE).await;
    world.provider.script.borrow_mut().push_back(Fault::Slow(Duration::from_secs(4)));
    let logout = async {
        world.wait(Duration::from_secs(1)).await;
        world.log_out(&cookie).await.map(drop)
    };
    let (got, logged_out) = join(world.get(&cookie), logout).await;
    (cookie, got, logged_out)
}

#[test]
fn a_logout_during_a_refresh_wins_and_what_the_refresh_brings_is_revoked() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let (cookie, got, logged_out) = log_out_during_a_refresh(&world).await;
        assert_eq!((got, logged_out), (Err(Denied::Ended(EndReason::Logout)), Ok(())));
        world.wait(Duration::from_secs(10)).await;
        assert_eq!(world.get(&cookie).await, Err(Denied::Ended(EndReason::Logout)));
        assert!(!world.provider.has_grant("ada"), "a refresh token that nobody has is still good");
    });
}

#[test]
fn a_logout_during_a_refresh_that_brings_no_new_refresh_token_revokes_the_old_one() {
    let world = World::new(&[]);
    world.provider.rules.rotates.set(false);
    world.clone().executor.run(async move {
        let (_, _, logged_out) = log_out_during_a_refresh(&world).await;
        assert_eq!(logged_out, Ok(()));
        world.wait(Duration::from_secs(10)).await;
        assert!(!world.provider.has_grant("ada"), "a refresh token that nobody has is still good");
    });
}

#[test]
fn a_refresh_whose_answer_is_lost_is_not_repeated() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(TOKEN_LIFE).await;
        world.provider.script.borrow_mut().push_back(Fault::LoseAnswer);
        for _ in 0..3 {
            assert_eq!(world.get(&cookie).await, Err(Denied::Reauthenticate));
            world.wait(Duration::from_secs(60)).await;
        }
        assert_eq!(world.provider.presented.borrow().len(), 1);
        assert_eq!(world.refreshes(&cookie).await, ["unknown"]);
    });
}

#[test]
fn a_provider_that_says_not_now_is_asked_again_with_the_same_token_and_the_session_goes_on() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(TOKEN_LIFE).await;
        world.provider.script.borrow_mut().extend([Fault::Status(503), Fault::Status(429)]);
        world.get(&cookie).await.unwrap();
        assert_eq!((world.provider.presented.borrow().len(), world.provider.refreshes.get()), (3, 1));
        assert!(world.provider.reused.borrow().is_empty());
    });
}

#[test]
fn a_session_in_use_is_refreshed_ahead_by_its_alarm_and_an_idle_one_is_not() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let (used, idle) = (world.log_in("ada").await, world.log_in("grace").await);
        let first = world.get(&used).await.unwrap();
        world.wait(Duration::from_secs(290)).await;
        assert_eq!(world.provider.refreshes.get(), 1);
        assert_ne!(world.get(&used).await.unwrap(), first);
        assert!(world.refreshes(&idle).await.is_empty());
    });
}

#[test]
fn a_ledger_keeps_its_newest_hundred_entries() {
    let world = World::new(&[("SESSION_IDLE_SECONDS", "600")]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        for _ in 0..130 {
            world.wait(Duration::from_secs(290)).await;
            world.get(&cookie).await.unwrap();
        }
        let ledger = world.inspect(&cookie).await.ledger;
        assert_eq!(ledger.len(), 100);
        let last = ledger.last().map(|entry| entry.at);
        assert!(last.is_some_and(|at| world.executor.now() - at < Duration::from_secs(600)), "{last:?}");
    });
}

#[test]
fn a_series_of_tries_that_the_store_breaks_off_is_followed_by_a_pause() {
    let world = World::new(&KV);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(TOKEN_LIFE).await;
        world.provider.script.borrow_mut().extend([Fault::Status(503)].repeat(20));
        let broken_off = async {
            world.wait(Duration::from_millis(200)).await;
            world.faults.set(Kind::KvFails, 10_000);
        };
        let (got, ()) = join(world.get(&cookie), broken_off).await;
        assert_eq!(got, Err(Denied::StoreUnavailable));
        world.faults.set(Kind::KvFails, 0);
        let presented = world.provider.presented.borrow().len();
        for _ in 0..3 {
            let got = world.get(&cookie).await;
            assert!(matches!(got, Err(Denied::ProviderUnavailable { .. })), "{got:?}");
        }
        assert_eq!(world.provider.presented.borrow().len(), presented);
    });
}

#[test]
fn a_token_in_its_last_seconds_is_renewed_and_not_served() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        let life = world.provider.rules.life.get();
        world.wait(life - Duration::from_secs(8)).await;
        world.get(&cookie).await.unwrap();
        assert_eq!(world.provider.refreshes.get(), 1);
    });
}

#[test]
fn a_logout_does_not_wait_for_a_provider_that_hangs() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.faults.set(Kind::ProviderHangs, 10_000);
        let began = world.executor.now();
        world.log_out(&cookie).await.map(drop).unwrap();
        assert!(world.executor.now() - began < Duration::from_secs(5));
    });
}

#[test]
fn a_logout_during_a_refresh_that_the_provider_puts_off_revokes_the_token() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(TOKEN_LIFE).await;
        world.provider.script.borrow_mut().push_back(Fault::Status(503));
        let logout = async {
            world.wait(Duration::from_millis(10)).await;
            world.log_out(&cookie).await.map(drop)
        };
        let (_, logged_out) = join(world.get(&cookie), logout).await;
        assert_eq!(logged_out, Ok(()));
        world.wait(Duration::from_secs(10)).await;
        assert_eq!(world.provider.presented.borrow().len(), 1);
        assert!(!world.provider.has_grant("ada"), "a refresh token that nobody has is still good");
    });
}

#[test]
fn a_logout_during_a_refresh_revokes_the_tokens_that_come_though_nobody_can_check_them() {
    for rotates in [true, false] {
        let world = World::new(&[]);
        world.provider.rules.rotates.set(rotates);
        world.clone().executor.run(async move {
            let cookie = world.log_in("ada").await;
            world.wait(TOKEN_LIFE).await;
            // A fresh process knows no keys.
            world.session(&cookie.actor).unwrap().end(&world);
            world.provider.hides_keys.set(true);
            world.provider.script.borrow_mut().push_back(Fault::Slow(Duration::from_secs(4)));
            let logout = async {
                world.wait(Duration::from_secs(1)).await;
                world.log_out(&cookie).await.map(drop)
            };
            let (_, logged_out) = join(world.get(&cookie), logout).await;
            assert_eq!(logged_out, Ok(()));
            world.wait(Duration::from_secs(60)).await;
            assert_eq!(world.provider.refreshes.get(), 1);
            assert!(!world.provider.has_grant("ada"), "a refresh token that nobody has is still good");
        });
    }
}
