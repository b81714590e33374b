//! Devices: nothing binds a session that is over, a bound one stays bound, and the first key stays, whatever comes while a registration is checked.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use edge_oauth_sessions::actors::end_reason::EndReason;
use edge_oauth_sessions::actors::session::address;
use edge_oauth_sessions::actors::session::attempt::LoginReason;
use edge_oauth_sessions::actors::session::message::{Binding, Denied, Describe, DeviceRefusal, Inspect, Migrated};
use edge_oauth_sessions::actors::summary::SessionState;
use edge_oauth_sessions::credential::ActorId;
use edge_oauth_sessions::region::Region;
use futures::future::join;

use super::crashes::at_every_poll;
use super::device::{DeviceKey, bind, bind_while, get_unproven, is_bound_to, is_unbound, renew, with_session};
use super::endings::revoke_all;
use super::executor::OUTSIDE;
use super::world::World;

/// Messages, by their numbers.
const ADOPT: u8 = 12;
const BIND_DEVICE: u8 = 20;

async fn ledger_says_bound(world: &World, actor: &ActorId) -> bool {
    let seen = world.look_at(actor).await.unwrap();
    seen.summary.bound_at.is_some() || seen.ledger.iter().any(|entry| entry.outcome == "bound")
}

#[test]
fn a_session_that_is_ended_while_a_registration_is_checked_is_not_bound() {
    with_session(&[], async |world, cookie, key| {
        let (bound, _) = bind_while(&world, &cookie, &key, world.log_out(&cookie)).await;
        assert!(matches!(bound, Err(Denied::Ended(EndReason::Logout))), "{bound:?}");
        assert!(!ledger_says_bound(&world, &cookie.actor).await);
    });
    with_session(&[], async |world, cookie, key| {
        let (bound, _) = bind_while(&world, &cookie, &key, revoke_all(&world, "ada")).await;
        assert!(matches!(bound, Err(Denied::Ended(EndReason::Revoked))), "{bound:?}");
        assert!(!ledger_says_bound(&world, &cookie.actor).await);
    });
}

#[test]
fn a_session_whose_place_another_one_takes_while_a_registration_is_checked_is_not_bound() {
    for reason in [LoginReason::Renewal, LoginReason::Asked] {
        with_session(&[], async move |world, cookie, key| {
            let login = world.log_in_over("ada", reason, Some(&cookie), Some(&cookie));
            let (bound, successor) = bind_while(&world, &cookie, &key, login).await;
            assert!(matches!(bound, Err(Denied::Ended(EndReason::Superseded))), "{bound:?}");
            assert!(!ledger_says_bound(&world, &cookie.actor).await);
            is_unbound(&world, &successor.unwrap()).await;
        });
    }
}

#[test]
fn a_session_whose_time_is_up_while_a_registration_is_checked_is_not_bound() {
    with_session(&[("SESSION_IDLE_SECONDS", "60")], async |world, cookie, key| {
        world.wait(Duration::from_secs(55)).await;
        let (bound, ()) = bind_while(&world, &cookie, &key, world.wait(Duration::from_secs(6))).await;
        assert!(matches!(bound, Err(Denied::Ended(EndReason::Idle))), "{bound:?}");
        assert!(!ledger_says_bound(&world, &cookie.actor).await);
    });
}

#[test]
fn a_session_that_moves_while_a_registration_is_checked_is_bound_in_its_new_home() {
    with_session(&[], async |world, cookie, key| {
        let (bound, moved) = bind_while(&world, &cookie, &key, world.migrate(&cookie, Region::Apac)).await;
        let (Ok(Binding::Bound { lives, thumbprint }), Ok(Migrated::Lives(home))) = (bound, moved) else {
            panic!("{:#?}", world.log.borrow())
        };
        assert_eq!((lives.actor, thumbprint), (home.actor, key.thumbprint()));
        is_bound_to(&world, &cookie, &key).await;
    });
}

#[test]
fn a_registration_that_is_checked_while_a_move_is_under_way_is_put_off() {
    with_session(&[], async |world, cookie, key| {
        world.delay_next.set(Some((ADOPT, Duration::from_secs(1))));
        let moved = Rc::new(Cell::new(false));
        let moving = async {
            let (world, cookie, moved) = (world.clone(), cookie.clone(), Rc::clone(&moved));
            let executor = world.executor.clone();
            let after = executor.sleep(Duration::from_millis(100));
            executor.spawn(OUTSIDE, async move {
                moved.set(matches!(world.migrate(&cookie, Region::Apac).await, Ok(Migrated::Lives(_))));
            });
            after.await;
        };
        let (bound, ()) = bind_while(&world, &cookie, &key, moving).await;
        assert!(matches!(bound, Err(Denied::StoreUnavailable)), "{bound:?}");
        world.wait(Duration::from_secs(2)).await;
        assert!(moved.get());
        is_unbound(&world, &cookie).await;
    });
}

#[test]
fn a_session_that_is_bound_just_before_it_moves_stays_bound_with_each_store() {
    for store in ["durable", "kv", "neon"] {
        let variables = [("SESSION_STORE", store), ("STATE_KEYS", "a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")];
        // At every moment of the move a registration arrives, or is put off.
        for after in 0..12 {
            with_session(&variables, async move |world, cookie, key| {
                let binding = async {
                    world.wait(Duration::from_millis(after)).await;
                    bind(&world, &cookie, &key).await
                };
                let (bound, moved) = join(binding, world.migrate(&cookie, Region::Apac)).await;
                assert!(matches!(moved, Ok(Migrated::Lives(_))), "{moved:?}");
                match bound {
                    Ok(Binding::Bound { .. }) => is_bound_to(&world, &cookie, &key).await,
                    Err(Denied::StoreUnavailable) => is_unbound(&world, &cookie).await,
                    other => panic!("{store}, {after}: {other:?}"),
                }
            });
        }
    }
}

#[test]
fn of_two_registrations_that_are_checked_at_once_the_first_to_be_found_good_wins() {
    for is_last_first in [false, true] {
        with_session(&[], async move |world, cookie, key| {
            let other = DeviceKey::new(&world.executor);
            world.signatures.hold();
            let order = async {
                world.wait(Duration::from_millis(10)).await;
                assert_eq!(world.signatures.waiting(), 2);
                if is_last_first {
                    world.signatures.let_last_go()
                } else {
                    world.signatures.let_first_go()
                }
                world.wait(Duration::from_millis(10)).await;
                world.signatures.let_all_go();
            };
            let both = join(bind(&world, &cookie, &key), bind(&world, &cookie, &other));
            let ((first, second), ()) = join(both, order).await;
            let (winner, won, lost) = if is_last_first { (&other, second, first) } else { (&key, first, second) };
            let Ok(Binding::Bound { thumbprint, .. }) = won else { panic!("{won:?}") };
            assert_eq!(thumbprint, winner.thumbprint());
            assert!(matches!(lost, Ok(Binding::Refused(DeviceRefusal::AlreadyBound))), "{lost:?}");
            is_bound_to(&world, &cookie, winner).await;
            let again = bind(&world, &cookie, winner).await;
            assert!(matches!(again, Ok(Binding::Refused(DeviceRefusal::AlreadyBound))), "{again:?}");
        });
    }
}

#[test]
fn an_actor_that_begins_anew_while_a_registration_is_checked_binds_nothing_and_takes_the_next_one() {
    for keeps in [true, false] {
        with_session(&[], async move |world, cookie, key| {
            let end = async {
                let (actor, _) = world.doom(&cookie, 1_000, keeps);
                actor.end(&world);
            };
            let (bound, ()) = bind_while(&world, &cookie, &key, end).await;
            assert!(matches!(bound, Err(Denied::StoreUnavailable)), "{bound:?}");
            is_unbound(&world, &cookie).await;
        });
    }
}

#[test]
fn wherever_the_process_ends_while_a_session_is_bound_or_later_what_was_answered_stays() {
    at_every_poll(|polls, keeps| {
        let world = World::new(&[]);
        world.clone().executor.run(async move {
            let cookie = world.log_in("ada").await;
            let key = DeviceKey::new(&world.executor);
            world.doom(&cookie, polls, keeps);
            let bound = bind(&world, &cookie, &key).await;
            for _ in 0..4 {
                let _ = renew(&world, &cookie, None).await;
            }
            let crashed = world.executor.ends() > 0;
            world.executor.spare_all();
            let is_bound = world.look_at(&cookie.actor).await.unwrap().summary.bound_at.is_some();
            match bound {
                Ok(Binding::Bound { .. }) => is_bound_to(&world, &cookie, &key).await,
                // Nobody knows whether it was bound. It is one or the other.
                Err(Denied::StoreUnavailable) if is_bound => is_bound_to(&world, &cookie, &key).await,
                Err(Denied::StoreUnavailable) => is_unbound(&world, &cookie).await,
                other => panic!("{other:?}"),
            }
            crashed
        })
    });
}

#[test]
fn a_bound_session_whose_process_ends_at_once_is_still_bound() {
    for keeps in [true, false] {
        with_session(&[], async move |world, cookie, key| {
            assert!(matches!(bind(&world, &cookie, &key).await, Ok(Binding::Bound { .. })));
            let (actor, _) = world.doom(&cookie, 1_000, keeps);
            actor.end(&world);
            is_bound_to(&world, &cookie, &key).await;
        });
    }
}

#[test]
fn a_registration_whose_answer_is_lost_leaves_the_session_bound_to_its_key() {
    with_session(&[], async |world, cookie, key| {
        world.lose_reply_to.set(Some(BIND_DEVICE));
        let lost = bind(&world, &cookie, &key).await;
        assert!(matches!(lost, Err(Denied::StoreUnavailable)), "{lost:?}");
        let again = bind(&world, &cookie, &DeviceKey::new(&world.executor)).await;
        assert!(matches!(again, Ok(Binding::Refused(DeviceRefusal::AlreadyBound))), "{again:?}");
        is_bound_to(&world, &cookie, &key).await;
    });
}

#[test]
fn a_login_without_the_proof_takes_the_place_of_a_bound_session_of_the_same_user_alone() {
    for (user, is_replaced) in [("ada", true), ("mallory", false)] {
        with_session(&[], async move |world, cookie, key| {
            bind(&world, &cookie, &key).await.unwrap();
            world.proves.set(false);
            world.log_in_over(user, LoginReason::Asked, None, Some(&cookie)).await.unwrap();
            world.wait(Duration::from_secs(60)).await;
            let state = world.inspect(&cookie).await.summary.state;
            assert_eq!(state == SessionState::Ended, is_replaced, "{user}");
        });
    }
}

#[test]
fn a_login_without_a_proof_takes_the_place_of_any_session_that_is_not_bound() {
    with_session(&[], async |world, cookie, _| {
        world.proves.set(false);
        world.log_in_over("mallory", LoginReason::Asked, None, Some(&cookie)).await.unwrap();
        world.wait(Duration::from_secs(60)).await;
        assert_eq!(world.get(&cookie).await, Err(Denied::Ended(EndReason::Superseded)));
    });
}

#[test]
fn an_earlier_cookie_of_a_bound_session_does_not_let_another_user_s_login_end_it() {
    with_session(&[], async |world, earlier, key| {
        let cookie = world.log_in_over("ada", LoginReason::Asked, Some(&earlier), Some(&earlier)).await.unwrap();
        bind(&world, &cookie, &key).await.unwrap();
        world.proves.set(false);
        world.wait(Duration::from_secs(60)).await;
        world.log_in_over("mallory", LoginReason::Asked, None, Some(&earlier)).await.unwrap();
        world.wait(Duration::from_secs(60)).await;
        assert_eq!(world.inspect(&cookie).await.summary.state, SessionState::Active);
        // Its own user's login with that cookie still finds it.
        world.log_in_over("ada", LoginReason::Asked, None, Some(&earlier)).await.unwrap();
        world.wait(Duration::from_secs(60)).await;
        assert_eq!(world.inspect(&cookie).await.summary.state, SessionState::Ended);
    });
}

#[test]
fn a_silent_login_that_began_before_the_binding_and_comes_back_as_another_user_ends_no_bound_session() {
    with_session(&[], async |world, cookie, key| {
        bind(&world, &cookie, &key).await.unwrap();
        world.proves.set(false);
        let login = world.log_in_over("mallory", LoginReason::Move, Some(&cookie), None).await;
        world.wait(Duration::from_secs(60)).await;
        assert_eq!(world.inspect(&cookie).await.summary.state, SessionState::Active, "{}", login.is_ok());
    });
}

#[test]
fn a_session_whose_device_cannot_be_read_passes_nothing_is_not_shown_as_unbound_and_can_be_ended() {
    with_session(&[], async |world, cookie, key| {
        bind(&world, &cookie, &key).await.unwrap();
        let actor = world.session(&cookie.actor).unwrap();
        actor.disk.garble("device", "device");
        actor.end(&world);
        let address = address::existing_session(&cookie.actor);
        assert_eq!(get_unproven(&world, &cookie).await, Err(Denied::StoreUnavailable.into()));
        assert!(world.ask(&address, Inspect {}).await.is_err());
        assert!(world.ask(&address, Describe {}).await.is_err());
        assert_eq!(world.list("ada").await, std::slice::from_ref(&cookie.actor));
        assert_eq!(revoke_all(&world, "ada").await.unwrap(), 0);
        assert_eq!(world.get(&cookie).await, Err(Denied::Ended(EndReason::Revoked)));
    });
}
