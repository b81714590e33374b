//! Logins that take each other's place: the last one of a browser lives, and no message goes in circles.

use std::time::Duration;

use edge_oauth_sessions::actors::end_reason::EndReason;
use edge_oauth_sessions::actors::session::attempt::LoginReason;
use edge_oauth_sessions::actors::session::message::Denied;

use super::world::{Cookie, World};

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
