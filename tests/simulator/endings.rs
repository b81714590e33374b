//! What has ended stays ended, whatever a store brings back and whatever is asked.

use std::time::Duration;

use edge_oauth_sessions::actors::AskError;
use edge_oauth_sessions::actors::directory_message::name::of_user;
use edge_oauth_sessions::actors::directory_message::{self, RevokeAll};
use edge_oauth_sessions::actors::end_reason::EndReason;
use edge_oauth_sessions::actors::log::Cause;
use edge_oauth_sessions::actors::session::message::Denied;

use super::provider::ISSUER;
use super::world::{Cookie, World};

pub const KV: [(&str, &str); 2] =
    [("SESSION_STORE", "kv"), ("STATE_KEYS", "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];
const DAY: Duration = Duration::from_secs(86_400);

fn evict(world: &World, cookie: &Cookie) {
    world.session(&cookie.actor).unwrap().end(world);
}

/// Ends all sessions of a user: how many could not be reached.
pub async fn revoke_all(world: &World, subject: &str) -> Result<u32, AskError> {
    let revoke = RevokeAll { counterpart: None, reason: EndReason::Revoked, cause: Cause::Admin, logout_token: None };
    let swept = world.ask(&directory_message::address(&of_user(ISSUER, subject), None), revoke).await?;
    Ok(swept.unwrap().unreachable)
}

#[test]
fn an_old_record_in_kv_never_brings_an_ended_session_back() {
    let world = World::new(&KV);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(Duration::from_secs(300)).await;
        evict(&world, &cookie);
        world.get(&cookie).await.unwrap();
        let key = world.kv.keys().pop().unwrap();
        let old = world.kv.first(&key);

        world.log_out(&cookie).await.map(drop).unwrap();
        for is_stale in [true, false] {
            world.kv.is_stale.set(is_stale);
            evict(&world, &cookie);
            assert_eq!(world.get(&cookie).await, Err(Denied::Ended(EndReason::Logout)), "{is_stale}");
        }
        // Long after the actor's own copy is gone.
        for days in 1..=6 {
            world.kv.plant(&key, old.clone());
            evict(&world, &cookie);
            let got = world.get(&cookie).await;
            assert!(matches!(got, Err(Denied::Ended(EndReason::Logout) | Denied::Unknown)), "{days}: {got:?}");
            world.wait(DAY).await;
        }
    });
}

#[test]
fn a_stale_read_of_kv_costs_a_live_session_nothing() {
    let world = World::new(&KV);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(Duration::from_secs(300)).await;
        world.get(&cookie).await.unwrap();
        world.kv.is_stale.set(true);
        evict(&world, &cookie);
        world.get(&cookie).await.unwrap();
        assert_eq!(world.provider.refreshes.get(), 1);
    });
}

#[test]
fn a_session_that_was_revoked_is_never_served_again() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let (first, second) = (world.log_in("ada").await, world.log_in("ada").await);
        let other = world.log_in("grace").await;
        assert_eq!(revoke_all(&world, "ada").await.unwrap(), 0);
        for _ in 0..3 {
            for cookie in [&first, &second] {
                assert_eq!(world.get(cookie).await, Err(Denied::Ended(EndReason::Revoked)));
                evict(&world, cookie);
            }
            world.wait(Duration::from_secs(3_600)).await;
            world.get(&other).await.unwrap();
        }
        assert!(!world.provider.has_grant("ada"));
    });
}

#[test]
fn an_ended_session_is_forgotten_after_seven_days_with_everything_it_had() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.log_out(&cookie).await.map(drop).unwrap();
        world.wait(DAY * 6).await;
        assert_eq!(world.get(&cookie).await, Err(Denied::Ended(EndReason::Logout)));
        world.wait(DAY * 2).await;
        assert_eq!(world.get(&cookie).await, Err(Denied::Unknown));
        assert_eq!(world.session(&cookie.actor).unwrap().disk.alarm(), None);
    });
}

#[test]
fn no_logout_is_answered_while_the_end_cannot_be_written_and_the_next_one_makes_up_for_it() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        let actor = world.session(&cookie.actor).unwrap();
        actor.disk.fail_for(Duration::from_secs(5), true);
        // The second one finds that the session has ended, and that nobody could keep that.
        for _ in 0..2 {
            assert_eq!(world.log_out(&cookie).await.map(drop), Err(Denied::StoreUnavailable));
        }
        world.wait(Duration::from_secs(10)).await;
        let _ = world.log_out(&cookie).await;
        world.wait(Duration::from_secs(10)).await;
        evict(&world, &cookie);
        assert_eq!(world.get(&cookie).await, Err(Denied::Ended(EndReason::Logout)));
        assert!(!world.provider.has_grant("ada"), "a refresh token that nobody has is still good");
        let ledger = world.inspect(&cookie).await.ledger;
        assert!(ledger.iter().any(|entry| entry.outcome == "logout"), "{ledger:#?}");
    });
}

#[test]
fn a_list_does_not_take_a_session_for_over_whose_end_is_not_written() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.session(&cookie.actor).unwrap().disk.fail_for(Duration::from_secs(5), true);
        assert_eq!(revoke_all(&world, "ada").await.unwrap(), 1);
        let _ = world.list("ada").await;
        evict(&world, &cookie);
        world.wait(Duration::from_secs(60)).await;
        assert_eq!(world.get(&cookie).await, Err(Denied::Ended(EndReason::Revoked)));
    });
}

#[test]
fn a_record_that_kv_does_not_show_yet_costs_a_session_nothing() {
    let world = World::new(&KV);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        world.wait(Duration::from_secs(300)).await;
        // The use is written.
        world.get(&cookie).await.unwrap();
        world.wait(Duration::from_secs(2)).await;
        world.kv.is_stale.set(true);
        evict(&world, &cookie);
        world.get(&cookie).await.unwrap();
    });
}
