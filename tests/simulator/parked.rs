//! A form that waits in its session's actor: handed out once, to its own user, for ten minutes.

use std::time::Duration;

use edge_oauth_sessions::actors::session::address::existing_session;
use edge_oauth_sessions::actors::session::message::{Denied, Park, Parked, SealedRequest, TakeParked};
use edge_oauth_sessions::credential::Secret;
use edge_oauth_sessions::region::Region;
use futures::future::join_all;

use super::endings::revoke_all;
use super::provider::ISSUER;
use super::world::{Cookie, World};

fn ticket(byte: u8) -> Secret {
    Secret::from_random([byte; 32])
}

async fn park(world: &World, cookie: &Cookie, byte: u8) -> Result<(), Denied> {
    let park = Park { secret: cookie.secret.clone(), ticket: ticket(byte).hash(), request: SealedRequest(vec![byte]) };
    world.ask(&existing_session(&cookie.actor), park).await?
}

async fn take(world: &World, cookie: &Cookie, byte: u8, subject: &str) -> Result<Parked, Denied> {
    let take = TakeParked { ticket: ticket(byte), user: (ISSUER.to_owned(), subject.to_owned()) };
    world.ask(&existing_session(&cookie.actor), take).await?
}

fn taken(byte: u8) -> Result<Parked, Denied> {
    Ok(Parked::Taken(SealedRequest(vec![byte])))
}

fn with_session(story: impl AsyncFn(World, Cookie) + 'static) {
    let world = World::new(&[]);
    world.clone().executor.run(async move {
        let cookie = world.log_in("ada").await;
        story(world, cookie).await;
    });
}

#[test]
fn of_many_who_take_a_form_at_once_one_gets_it() {
    with_session(async |world, cookie| {
        park(&world, &cookie, 1).await.unwrap();
        let all = join_all((0..20).map(|_| take(&world, &cookie, 1, "ada"))).await;
        assert_eq!(all.iter().filter(|one| **one == taken(1)).count(), 1, "{all:?}");
        assert!(all.iter().all(|one| *one == taken(1) || *one == Ok(Parked::Gone)));
    });
}

#[test]
fn a_form_is_for_its_own_user_and_another_one_s_coming_drops_it() {
    with_session(async |world, cookie| {
        park(&world, &cookie, 1).await.unwrap();
        assert_eq!(take(&world, &cookie, 1, "mallory").await, Ok(Parked::OtherUser));
        assert_eq!(take(&world, &cookie, 1, "ada").await, Ok(Parked::Gone));
    });
}

#[test]
fn a_wrong_ticket_changes_nothing_and_a_second_form_takes_the_first_one_s_place() {
    with_session(async |world, cookie| {
        park(&world, &cookie, 1).await.unwrap();
        assert_eq!(take(&world, &cookie, 2, "ada").await, Ok(Parked::Gone));
        park(&world, &cookie, 3).await.unwrap();
        assert_eq!(take(&world, &cookie, 1, "ada").await, Ok(Parked::Gone));
        assert_eq!(take(&world, &cookie, 3, "ada").await, taken(3));
    });
}

#[test]
fn a_form_waits_in_a_session_that_has_ended_over_a_restart_and_where_the_session_has_moved_from() {
    with_session(async |world, cookie| {
        revoke_all(&world, "ada").await.unwrap();
        park(&world, &cookie, 1).await.unwrap();
        world.session(&cookie.actor).unwrap().end(&world);
        assert_eq!(take(&world, &cookie, 1, "ada").await, taken(1));
    });
    with_session(async |world, cookie| {
        park(&world, &cookie, 1).await.unwrap();
        world.migrate(&cookie, Region::Oc).await.unwrap();
        assert_eq!(take(&world, &cookie, 1, "ada").await, taken(1));
    });
}

#[test]
fn after_ten_minutes_the_form_is_gone_also_from_the_actor_s_storage() {
    with_session(async |world, cookie| {
        park(&world, &cookie, 1).await.unwrap();
        let rows = || world.session(&cookie.actor).unwrap().disk.count("parked");
        assert_eq!(rows(), 1);
        world.wait(Duration::from_secs(599)).await;
        assert_eq!(rows(), 1);
        world.wait(Duration::from_secs(2)).await;
        assert_eq!(rows(), 0, "the alarm dropped it");
        assert_eq!(take(&world, &cookie, 1, "ada").await, Ok(Parked::Gone));
    });
}

#[test]
fn a_stranger_parks_nothing() {
    with_session(async |world, cookie| {
        let stranger = Cookie { secret: ticket(9), ..cookie.clone() };
        assert_eq!(park(&world, &stranger, 1).await, Err(Denied::Unknown));
        let nobody = Cookie { actor: world.issue(), ..cookie };
        assert_eq!(park(&world, &nobody, 1).await, Err(Denied::Unknown));
    });
}

#[test]
fn wherever_the_process_ends_a_form_is_not_handed_out_twice() {
    for (polls, keeps) in (0..4).flat_map(|polls| [(polls, true), (polls, false)]) {
        with_session(async move |world, cookie| {
            park(&world, &cookie, 1).await.unwrap();
            world.doom(&cookie, polls, keeps);
            let (first, again) = (take(&world, &cookie, 1, "ada").await, take(&world, &cookie, 1, "ada").await);
            assert!(!(first == taken(1) && again == taken(1)), "{polls}, {keeps}: {first:?}, {again:?}");
        });
    }
}
