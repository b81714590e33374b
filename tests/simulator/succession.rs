//! Logins that take each other's place: the last one of a browser lives, and no message goes in circles.

use std::time::Duration;

use edge_oauth_sessions::actors::end_reason::EndReason;
use edge_oauth_sessions::actors::log::Cause;
use edge_oauth_sessions::actors::session::address;
use edge_oauth_sessions::actors::session::attempt::LoginReason;
use edge_oauth_sessions::actors::session::location::Successor;
use edge_oauth_sessions::actors::session::message::{Authority, Confirm, Denied, Supersede, Superseded};
use edge_oauth_sessions::region::Region;
use futures::future::join;
use time::OffsetDateTime;

use super::provider::ISSUER;
use super::world::{Cookie, World};

/// The numbers of two messages.
const MIGRATE: u8 = 11;
const SUPERSEDE: u8 = 16;

async fn log_in(world: &World, before: Option<&Cookie>, now: Option<&Cookie>) -> Cookie {
    world.log_in_over("ada", LoginReason::Asked, before, now).await.unwrap()
}

#[test]
fn a_login_that_came_with_the_cookie_of_another_one_is_the_later_one_whatever_their_clocks_say() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let first = log_in(&world, None, None).await;
        // The second tab's login is completed by a clock that is ahead.
        world.clocks.set(time::Duration::seconds(3));
        let second = log_in(&world, Some(&first), None).await;
        world.clocks.set(time::Duration::ZERO);
        let third = log_in(&world, Some(&first), Some(&second)).await;
        world.wait(Duration::from_secs(30)).await;
        assert!(world.get(&third).await.is_ok());
        for over in [&first, &second] {
            assert_eq!(world.get(over).await, Err(Denied::Ended(EndReason::Superseded)));
        }
        // One more that came with the oldest cookie finds the way to the last.
        let before = world.tally.steps();
        let fourth = log_in(&world, Some(&first), None).await;
        assert!(world.tally.steps() < before + 50, "{} messages", world.tally.steps() - before);
        assert!(world.get(&fourth).await.is_ok());
        assert_eq!(world.list("ada").await, [fourth.actor]);
    });
}

/// A silent login of the session's user.
async fn renew(world: &World, before: &Cookie) -> Result<Cookie, String> {
    world.log_in_over("ada", LoginReason::Move, Some(before), Some(before)).await
}

#[test]
fn two_logins_in_the_place_of_a_session_whose_successor_is_over_end_as_one() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let first = log_in(&world, None, None).await;
        let successor = renew(&world, &first).await.unwrap();
        world.log_out(&successor).await.map(drop).unwrap();
        // The answers of the logout are lost: two tabs go on with the first cookie.
        let second = log_in(&world, Some(&first), None).await;
        let third = log_in(&world, Some(&first), None).await;
        world.wait(Duration::from_secs(30)).await;
        assert_eq!(world.get(&second).await, Err(Denied::Ended(EndReason::Superseded)));
        assert!(world.get(&third).await.is_ok());
        assert_eq!(world.list("ada").await, [third.actor]);
    });
}

#[test]
fn a_silent_login_goes_on_though_the_reply_of_the_session_before_it_is_lost() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let first = log_in(&world, None, None).await;
        world.lose_reply_to.set(Some(MIGRATE));
        let successor = renew(&world, &first).await.unwrap();
        assert_eq!(world.lose_reply_to.get(), None, "nothing was lost");
        assert!(world.get(&successor).await.is_ok());
        assert_eq!(world.list("ada").await, [successor.actor]);
    });
}

/// Two logins come back while one session has no token left: an ordinary one, and a silent one that the provider refuses.
async fn log_in_beside_a_refused_renewal(world: &World, refused_first: bool) -> (Cookie, Cookie) {
    let first = log_in(world, None, None).await;
    if refused_first {
        assert_eq!(refuse(world, &first).await, "Ok(Ok(LoginNeeded { ended: true }))");
    }
    let second = log_in(world, Some(&first), None).await;
    if !refused_first {
        assert_eq!(refuse(world, &first).await, "Ok(Ok(LoginNeeded { ended: true }))");
    }
    (first, second)
}

/// The provider wants the user to log in.
async fn refuse(world: &World, before: &Cookie) -> String {
    format!("{:?}", world.come_back_refused(LoginReason::Renewal, before).await)
}

#[test]
fn a_silent_login_that_the_provider_refuses_ends_no_login_that_came_back_before_or_after_it() {
    for refused_first in [true, false] {
        let world = World::new(&[]);
        world.clone().executor.run(async move {
            let (first, second) = log_in_beside_a_refused_renewal(&world, refused_first).await;
            world.wait(Duration::from_secs(30)).await;
            assert_eq!(world.get(&first).await, Err(Denied::Ended(EndReason::Superseded)));
            assert!(world.get(&second).await.is_ok(), "{refused_first}");
            // The one after that still finds the way to it.
            let third = log_in(&world, Some(&first), None).await;
            world.wait(Duration::from_secs(30)).await;
            assert!(world.get(&second).await.is_err() && world.get(&third).await.is_ok(), "{refused_first}");
        });
    }
}

#[test]
fn a_login_that_moves_before_the_session_before_it_hears_of_it_does_not_give_way_to_its_former_home() {
    // Which of the two homes has the greater id is chance.
    for number in 0..6 {
        let world = World::new(&[]);
        world.clone().executor.run(async move {
            (0..number).for_each(|_| drop(world.issue()));
            let first = log_in(&world, None, None).await;
            world.delay_next.set(Some((SUPERSEDE, Duration::from_secs(4))));
            let second = async { log_in(&world, Some(&first), None).await };
            let moving = async {
                world.wait(Duration::from_millis(300)).await;
                let actor = world.list("ada").await.into_iter().find(|actor| *actor != first.actor).unwrap();
                let to = world.migrate_actor(&actor, Region::Apac).await.unwrap();
                // It asks its former home, and soon its alarm tells the session before it.
                assert_eq!(world.ask(&address::existing_session(&to), Confirm {}).await.unwrap(), Ok(()));
            };
            let (second, ()) = join(second, moving).await;
            let before = world.tally.steps();
            world.wait(Duration::from_secs(60)).await;
            assert!(world.tally.steps() < before + 100, "{} messages", world.tally.steps() - before);
            assert!(world.get(&second).await.is_ok(), "{number}: {:#?}", world.log.borrow());
        });
    }
}

fn as_successor(login: &Cookie, signed_in_at: OffsetDateTime) -> Successor {
    Successor {
        actor: login.actor.clone(),
        region: Region::Weur,
        issuer: ISSUER.to_owned(),
        subject: "ada".to_owned(),
        needs_refresh_token: false,
        signed_in_at,
    }
}

/// A message of a login that came with this clock, which was under way for long and is passed on.
async fn late_message(world: &World, to: &Cookie, of: &Cookie, signed_in_at: OffsetDateTime) -> String {
    let successor = as_successor(of, signed_in_at);
    let supersede = Supersede { authority: Authority::Trusted(Cause::Request), successor, is_proven: true };
    format!("{:?}", world.ask(&address::existing_session(&to.actor), supersede).await)
}

#[test]
fn the_last_login_does_not_give_way_to_one_that_has_given_way_to_it_whatever_their_clocks_say() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        world.clocks.set(time::Duration::seconds(3));
        let first = log_in(&world, None, None).await;
        let signed_in_at = world.executor.now() + time::Duration::seconds(3);
        world.clocks.set(time::Duration::ZERO);
        let second = log_in(&world, Some(&first), None).await;
        let said = late_message(&world, &second, &first, signed_in_at).await;
        assert!(said.contains("ByLater"), "{said}");
        assert!(world.get(&second).await.is_ok());
        // One that comes with the first cookie finds the way to it.
        let before = world.tally.steps();
        let third = log_in(&world, Some(&first), None).await;
        assert!(world.tally.steps() < before + 50, "{} messages", world.tally.steps() - before);
        assert!(world.get(&third).await.is_ok() && world.get(&second).await.is_err());
    });
}

#[test]
fn a_late_message_of_a_login_that_has_given_way_makes_no_circle_where_the_last_one_is_over() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let first = log_in(&world, None, None).await;
        let signed_in_at = world.executor.now();
        let second = log_in(&world, Some(&first), None).await;
        let third = log_in(&world, Some(&second), None).await;
        world.log_out(&third).await.map(drop).unwrap();
        let said = late_message(&world, &second, &first, signed_in_at).await;
        assert!(said.contains("Ended"), "{said}");
        let before = world.tally.steps();
        let fourth = log_in(&world, Some(&first), None).await;
        assert!(world.tally.steps() < before + 50, "{} messages", world.tally.steps() - before);
        assert!(world.get(&fourth).await.is_ok());
        // What comes after that finds the way, too.
        let fifth = log_in(&world, Some(&first), None).await;
        assert!(world.get(&fourth).await.is_err() && world.get(&fifth).await.is_ok());
    });
}

#[test]
fn a_login_that_is_passed_on_for_long_gives_way_to_one_that_came_meanwhile_by_another_way() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let first = log_in(&world, None, None).await;
        let second = log_in(&world, Some(&first), None).await;
        let late = log_in(&world, None, None).await;
        let signed_in_at = world.executor.now();
        let successor = as_successor(&late, signed_in_at);
        let authority = Authority::Successor(first.secret.hash());
        let supersede = Supersede { authority, successor, is_proven: true };
        let before = address::existing_session(&first.actor);
        let passing_on = world.ask(&before, supersede);
        let meanwhile = async {
            // The first session sends it to the second one, and it is under way for long.
            world.delay_next.set(Some((SUPERSEDE, Duration::from_secs(4))));
            world.wait(Duration::from_millis(100)).await;
            assert_eq!(world.delay_next.get(), None, "nothing is late");
            let third = log_in(&world, Some(&first), None).await;
            world.log_out(&third).await.map(drop).unwrap();
            log_in(&world, Some(&first), None).await
        };
        let (said, last) = join(passing_on, meanwhile).await;
        assert!(matches!(&said, Ok(Ok(Superseded::ByLater(later))) if later.actor == last.actor), "{said:?}");
        assert!(world.get(&second).await.is_err() && world.get(&last).await.is_ok());
    });
}

#[test]
fn a_silent_login_of_another_user_inherits_nothing() {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let first = log_in(&world, None, None).await;
        world.wait(Duration::from_secs(100)).await;
        let other = world.log_in_over("grace", LoginReason::Move, Some(&first), Some(&first)).await.unwrap();
        let age = world.executor.now() - world.inspect(&other).await.summary.created_at;
        assert!(age < Duration::from_secs(10), "{age}");
        assert_eq!(world.get(&first).await, Err(Denied::Ended(EndReason::Superseded)));
    });
}
