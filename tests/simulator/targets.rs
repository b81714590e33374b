//! Access tokens for targets of their own: one call an expiry and target, and never a refresh token twice.

use std::collections::BTreeSet;
use std::time::Duration;

use edge_oauth_sessions::actors::end_reason::EndReason;
use edge_oauth_sessions::actors::session::message::Denied;
use edge_oauth_sessions::region::Region;
use futures::future::{join, join_all};

use super::crashes::at_every_poll;
use super::provider::{Fault, TOKEN_LIFE};
use super::world::{Cookie, World};

/// Three APIs whose tokens the refresh token gets, and one whose token is exchanged.
const ROUTES: &[(&str, &str)] = &[(
    "ROUTES",
    r#"[{"match":"/a/*","upstream":"https://a.internal","audience":"a"},
        {"match":"/b/*","upstream":"https://b.internal","resource":"https://b.internal/api"},
        {"match":"/c/*","upstream":"https://c.internal","scopes":"read write"},
        {"match":"/x/*","upstream":"https://x.internal","exchange":{"audience":"x"}},
        {"match":"/*","upstream":"https://app.internal"}]"#,
)];

const TARGETS: [&str; 4] = ["a", "https://b.internal/api", "read write", "x"];

/// How many access tokens the provider gave for each target.
fn granted(world: &World) -> [u32; 4] {
    TARGETS.map(|target| world.provider.granted_for.borrow().get(target).copied().unwrap_or_default())
}

/// Refuses a target with this code, or no longer.
fn refuse(world: &World, target: &str, code: Option<&'static str>) {
    let mut refuses = world.provider.rules.refuses.borrow_mut();
    refuses.remove(target);
    refuses.extend(code.map(|code| (target.to_owned(), code)));
}

async fn session(world: &World) -> Cookie {
    world.log_in("ada").await
}

#[test]
fn a_storm_of_requests_to_four_targets_causes_one_call_for_each_and_expiry() {
    let world = World::new(ROUTES);
    world.clone().executor.run(async move {
        let cookie = session(&world).await;
        for expiry in 1..4 {
            let storm = (0..100).map(|number| {
                let (world, cookie) = (&world, &cookie);
                async move {
                    let own = world.get(cookie).await;
                    (TARGETS[number % 4], world.get_for(cookie, TARGETS[number % 4]).await, own)
                }
            });
            let got = join_all(storm).await;
            let tokens: BTreeSet<String> = got.iter().map(|(_, token, _)| token.clone().unwrap()).collect();
            assert_eq!(tokens.len(), 4, "a token for each target, which all share: {tokens:?}");
            assert!(got.iter().all(
                |(target, token, own)| token.as_ref().unwrap().ends_with(&target.replace(' ', "+")) && own.is_ok()
            ));
            assert_eq!(granted(&world), [expiry; 4]);
            assert_eq!(world.provider.refreshes.get(), expiry - 1, "and one for the session's own");
            world.wait(TOKEN_LIFE).await;
        }
        assert!(world.provider.reused.borrow().is_empty());
    });
}

#[test]
fn a_target_whose_token_is_good_costs_nothing_also_after_a_restart_and_a_move() {
    let world = World::new(ROUTES);
    world.clone().executor.run(async move {
        let cookie = session(&world).await;
        let first = join_all(TARGETS.map(|target| world.get_for(&cookie, target))).await;
        world.session(&cookie.actor).unwrap().end(&world);
        assert_eq!(join_all(TARGETS.map(|target| world.get_for(&cookie, target))).await, first);
        world.migrate(&cookie, Region::Oc).await.unwrap();
        assert_eq!(join_all(TARGETS.map(|target| world.get_for(&cookie, target))).await, first);
        assert_eq!(granted(&world), [1; 4]);
    });
}

#[test]
fn a_refused_target_ends_nothing_and_is_not_asked_for_again_at_once() {
    for code in ["invalid_target", "invalid_scope", "consent_required", "invalid_grant"] {
        let world = World::new(ROUTES);
        world.clone().executor.run(async move {
            let cookie = session(&world).await;
            for target in ["a", "x"] {
                refuse(&world, target, Some(code));
                assert_eq!(world.get_for(&cookie, target).await, Err(Denied::TargetRefused), "{code}");
                let presented = world.provider.presented.borrow().len();
                assert_eq!(world.get_for(&cookie, target).await, Err(Denied::TargetRefused), "{code}");
                assert_eq!(world.provider.presented.borrow().len(), presented, "{code}: it was asked again at once");
            }
            assert!(world.get(&cookie).await.is_ok() && world.get_for(&cookie, "read write").await.is_ok(), "{code}");
            refuse(&world, "a", None);
            refuse(&world, "x", None);
            world.wait(Duration::from_secs(31)).await;
            assert!(world.get_for(&cookie, "a").await.is_ok() && world.get_for(&cookie, "x").await.is_ok(), "{code}");
            assert!(world.provider.reused.borrow().is_empty());
        });
    }
}

#[test]
fn a_grant_that_is_gone_ends_the_session_also_where_a_target_finds_that_out() {
    let world = World::new(ROUTES);
    world.clone().executor.run(async move {
        let cookie = session(&world).await;
        world.provider.end_grant(world.provider.good_tokens()[0].2);
        assert_eq!(world.get_for(&cookie, "a").await, Err(Denied::Ended(EndReason::RefreshRejected)));
        assert_eq!(world.get(&cookie).await, Err(Denied::Ended(EndReason::RefreshRejected)));
    });
}

#[test]
fn a_refresh_and_a_target_wait_for_each_other() {
    for first_is_target in [true, false] {
        let world = World::new(ROUTES);
        world.clone().executor.run(async move {
            let cookie = session(&world).await;
            world.wait(TOKEN_LIFE).await;
            let slow = || world.provider.script.borrow_mut().push_back(Fault::Slow(Duration::from_secs(2)));
            slow();
            slow();
            let later = async {
                world.wait(Duration::from_secs(1)).await;
                if first_is_target { world.get(&cookie).await } else { world.get_for(&cookie, "a").await }
            };
            let first =
                async { if first_is_target { world.get_for(&cookie, "a").await } else { world.get(&cookie).await } };
            let (first, later) = join(first, later).await;
            assert!(first.is_ok() && later.is_ok(), "{first:?}, {later:?}");
            assert_eq!((world.provider.refreshes.get(), granted(&world)[0]), (1, 1));
            assert!(world.provider.reused.borrow().is_empty());
        });
    }
}

#[test]
fn an_answer_for_a_target_that_is_lost_leaves_a_token_that_is_not_presented_again() {
    let world = World::new(ROUTES);
    world.clone().executor.run(async move {
        let cookie = session(&world).await;
        world.provider.script.borrow_mut().push_back(Fault::LoseAnswer);
        assert_eq!(world.get_for(&cookie, "a").await, Err(Denied::Reauthenticate));
        assert!(world.get(&cookie).await.is_ok(), "the session's own token is still good");
        assert!(world.get_for(&cookie, "x").await.is_ok(), "and good for an exchange");
        world.wait(TOKEN_LIFE).await;
        assert_eq!(world.get(&cookie).await, Err(Denied::Reauthenticate));
        assert!(world.provider.reused.borrow().is_empty());
    });
}

#[test]
fn within_a_leeway_the_session_s_own_refresh_settles_what_became_of_a_target_s() {
    let world = World::new(&[ROUTES[0], ("OIDC_REUSE_LEEWAY_SECONDS", "20")]);
    world.provider.rules.leeway.set(Duration::from_secs(20));
    world.clone().executor.run(async move {
        let cookie = session(&world).await;
        world.provider.script.borrow_mut().push_back(Fault::LoseAnswer);
        assert!(world.get_for(&cookie, "a").await.is_ok());
        assert_eq!(world.provider.refreshes.get(), 1, "the token was settled first");
        assert!(world.provider.reused.borrow().is_empty());
    });
}

#[test]
fn wherever_the_process_ends_while_it_gets_a_token_for_a_target_no_spent_token_is_presented_again() {
    for target in ["a", "x"] {
        at_every_poll(|polls, keeps| {
            let world = World::new(ROUTES);
            world.clone().executor.run(async move {
                let cookie = session(&world).await;
                let (actor, process) = world.doom(&cookie, polls, keeps);
                let _ = world.get_for(&cookie, target).await;
                let crashed = actor.process(&world) != process;
                for got in [world.get_for(&cookie, target).await, world.get(&cookie).await] {
                    assert!(matches!(got, Ok(_) | Err(Denied::Reauthenticate)), "{got:?}");
                }
                assert!(world.provider.reused.borrow().is_empty());
                crashed
            })
        });
    }
}

#[test]
fn a_logout_while_a_target_s_token_comes_wins_and_what_comes_is_revoked() {
    let world = World::new(ROUTES);
    world.clone().executor.run(async move {
        let cookie = session(&world).await;
        world.provider.script.borrow_mut().push_back(Fault::Slow(Duration::from_secs(4)));
        let logout = async {
            world.wait(Duration::from_secs(1)).await;
            world.log_out(&cookie).await.map(drop)
        };
        let (got, logged_out) = join(world.get_for(&cookie, "a"), logout).await;
        assert_eq!((got, logged_out), (Err(Denied::Ended(EndReason::Logout)), Ok(())));
        world.wait(Duration::from_secs(10)).await;
        assert!(!world.provider.has_grant("ada"), "a refresh token that nobody has is still good");
    });
}

#[test]
fn a_provider_that_says_not_now_to_an_exchange_is_no_refusal() {
    let world = World::new(ROUTES);
    world.clone().executor.run(async move {
        let cookie = session(&world).await;
        world.provider.script.borrow_mut().push_back(Fault::Status(503));
        assert!(matches!(world.get_for(&cookie, "x").await, Err(Denied::ProviderUnavailable { .. })));
        assert!(world.get_for(&cookie, "x").await.is_ok(), "and the next request may ask");
    });
}

#[test]
fn a_refresh_that_somebody_asks_for_renews_the_tokens_for_targets_too() {
    let world = World::new(ROUTES);
    world.clone().executor.run(async move {
        let cookie = session(&world).await;
        world.wait(Duration::from_secs(31)).await;
        let before = join_all(TARGETS.map(|target| world.get_for(&cookie, target))).await;
        world.refresh(&cookie).await.unwrap();
        let after = join_all(TARGETS.map(|target| world.get_for(&cookie, target))).await;
        assert!(before.iter().zip(&after).all(|(before, after)| before.as_ref().unwrap() != after.as_ref().unwrap()));
    });
}
