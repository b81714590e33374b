#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use openidconnect::{AccessToken, RefreshToken};

use super::*;
use crate::actors::session::state::due::Due;
use crate::actors::session::state::{Identity, State};
use crate::actors::session::superseding::Superseding;
use crate::credential::Secret;
use crate::region::Region;

const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const LIVES: Lifetimes =
    Lifetimes { idle: Duration::hours(1), absolute: Duration::hours(10), login: Duration::minutes(10) };
const GRACE: Duration = Duration::seconds(10);

fn secret(byte: u8) -> SecretHash {
    Secret::from_random([byte; 32]).hash()
}

fn actor(digit: char) -> ActorId {
    digit.to_string().repeat(64).parse().unwrap()
}

fn active() -> State {
    let grant = Grant {
        access_token: AccessToken::new("access".into()),
        issued_at: T0,
        expires_at: Some(T0 + Duration::minutes(5)),
        refresh_at: None,
        refresh: Refreshing::Ready { token: RefreshToken::new("refresh".into()), not_before: None },
        failed_series: 0,
    };
    State::Active(Box::new(Active {
        secret_hash: secret(2),
        place: UserPlace { region: Region::Weur, country: None, user_agent: None, provider: None },
        identity: Identity {
            issuer: "iss".into(),
            subject: "sub".into(),
            sid: None,
            claims: "{}".into(),
            id_token: "id-token".into(),
            user_info: String::new(),
        },
        grant,
        target_tokens: Vec::new(),
        created_at: T0,
        expires_at: T0 + LIVES.absolute,
        last_used_at: T0,
        used: false,
        forced_at: None,
        epoch: 4,
        moving: None,
        superseding: Superseding::default(),
    }))
}

fn moving() -> Moving {
    Moving { to: actor('b'), region: Region::Oc, began_at: T0 }
}

fn successor() -> Successor {
    Successor {
        actor: actor('b'),
        region: Region::Oc,
        issuer: "iss".into(),
        subject: "sub".into(),
        needs_refresh_token: false,
        signed_in_at: T0,
    }
}

/// Whether a state could present the refresh token, or hand it on.
fn owns(state: &State) -> bool {
    let active = state.active();
    active.is_some_and(|active| matches!(active.grant.refresh, Refreshing::Ready { .. } | Refreshing::Presented { .. }))
}

#[test]
fn at_each_step_of_a_move_one_actor_owns_the_grant() {
    let old = active();
    let departing = old.departing(moving()).unwrap();
    let new = State::Arriving(Arriving {
        active: Box::new(departing.active().unwrap().relocated(&moving())),
        from: actor('a'),
        arrived_at: T0,
    });
    assert!(owns(&departing) && !owns(&new));
    let departed = departing.departed(T0).unwrap();
    assert!(!owns(&departed) && !owns(&new));
    assert!(departed.released_to(&actor('b')).is_some() && departed.released_to(&actor('c')).is_none());
    let arrived = new.released(T0).unwrap();
    assert!(owns(&arrived) && !owns(&departed));
    assert_eq!(arrived.epoch(), 5);
    assert_eq!(arrived.place().region, Region::Oc);
    assert!(arrived.active().unwrap().moving.is_none(), "it may refresh");
}

#[test]
fn a_use_that_comes_while_a_move_is_written_counts_in_both_homes() {
    let used_at = T0 + Duration::minutes(5);
    let departing = active().departing(moving()).unwrap();
    let new = State::Arriving(Arriving {
        active: Box::new(departing.active().unwrap().relocated(&moving())),
        from: actor('a'),
        arrived_at: T0,
    });
    let mut departed = departing.departed(T0).unwrap();
    departed.was_used(used_at);
    let released = departed.released_to(&actor('b'));
    assert_eq!((released, departed.summary().unwrap().last_used_at), (Some(used_at), Some(used_at)));
    let arrived = new.released(used_at).unwrap();
    let arrived = arrived.active().unwrap();
    assert_eq!((arrived.last_used_at, arrived.used), (used_at, true));
    // The session in its grace is idle no earlier, either.
    let mut succeeded = active().succeeded(T0, &successor(), LIVES.absolute).unwrap();
    succeeded.was_used(used_at);
    assert_eq!(succeeded.serving().unwrap().last_used_at, used_at);
    // An earlier use changes nothing.
    succeeded.was_used(T0);
    assert_eq!(succeeded.serving().unwrap().last_used_at, used_at);
}

#[test]
fn a_move_that_is_not_made_leaves_the_session_as_it_was() {
    let stayed = active().departing(moving()).unwrap().staying().unwrap();
    assert!(owns(&stayed));
    assert!(stayed.released_to(&actor('b')).is_none() && stayed.departed(T0).is_err());
}

#[test]
fn a_session_that_ended_during_a_move_does_not_move() {
    let ended = active().departing(moving()).unwrap().end(T0, EndReason::Revoked).unwrap();
    assert!(ended.released_to(&actor('b')).is_none() && ended.departed(T0).is_err());
    let ended = active().end(T0, EndReason::Logout).unwrap();
    assert!(ended.succeeded(T0, &successor(), GRACE).is_err());
}

#[test]
fn a_moved_session_forwards_those_with_its_secret_until_its_end() {
    let moved = active().departing(moving()).unwrap().departed(T0).unwrap();
    assert!(matches!(moved.standing(T0, &secret(2), LIVES), Standing::Moved(to) if to.actor == actor('b')));
    assert!(matches!(moved.standing(T0, &secret(3), LIVES), Standing::Unknown));
    let end = T0 + LIVES.absolute;
    assert!(matches!(moved.standing(end, &secret(2), LIVES), Standing::Ended(EndReason::Expired)));
    assert_eq!(moved.next_alarm(LIVES), end + RETENTION);
    assert_eq!(moved.due(end + RETENTION, LIVES), Due::Forget);
}

#[test]
fn the_grace_ends_with_the_idle_time_and_with_the_absolute_end_of_the_session() {
    let State::Active(session) = active() else { panic!("not active") };
    let grant = Grant { expires_at: None, ..session.grant.clone() };
    let moved =
        State::Active(Box::new(Active { grant, ..*session })).succeeded(T0, &successor(), LIVES.absolute * 2).unwrap();
    let second = Duration::seconds(1);
    assert!(matches!(moved.standing(T0 + LIVES.idle - second, &secret(2), LIVES), Standing::Active(_)));
    assert!(matches!(moved.standing(T0 + LIVES.idle, &secret(2), LIVES), Standing::Ended(EndReason::Idle)));
    let idle = LIVES.absolute * 3;
    let lives = Lifetimes { idle, ..LIVES };
    assert!(matches!(moved.standing(T0 + LIVES.absolute - second, &secret(2), lives), Standing::Active(_)));
    assert!(matches!(moved.standing(T0 + LIVES.absolute, &secret(2), lives), Standing::Ended(EndReason::Expired)));
}

#[test]
fn a_superseded_session_serves_its_access_token_for_the_grace_and_then_says_so() {
    let moved = active().succeeded(T0, &successor(), GRACE).unwrap();
    assert!(!owns(&moved));
    let in_grace = moved.standing(T0 + GRACE - Duration::seconds(1), &secret(2), LIVES);
    let Standing::Active(serving) = in_grace else { panic!("{in_grace:?}") };
    assert!(matches!(serving.grant.refresh, Refreshing::Lost));
    assert!(matches!(moved.standing(T0 + GRACE, &secret(2), LIVES), Standing::Ended(EndReason::Superseded)));
    assert_eq!(moved.next_alarm(LIVES), T0 + GRACE);
    assert_eq!(moved.due(T0 + GRACE, LIVES), Due::Settle);

    let settled = moved.settled().unwrap();
    assert!(!format!("{settled:?}").contains("id-token"));
    let bytes = crate::actors::stored::encode(&settled).unwrap();
    let holds = |needle: &str| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    assert!(!holds("access") && !holds("refresh") && !holds("id-token"));
    assert_eq!(settled.due(T0 + GRACE, LIVES), Due::Nothing);
}

#[test]
fn what_arrived_is_nobodys_until_it_is_released_and_asks_after_a_minute() {
    let active = active();
    let arriving = State::Arriving(Arriving {
        active: Box::new(active.active().unwrap().relocated(&moving())),
        from: actor('a'),
        arrived_at: T0,
    });
    assert!(matches!(arriving.standing(T0, &secret(2), LIVES), Standing::Unknown));
    assert_eq!(arriving.due(T0, LIVES), Due::Nothing);
    assert_eq!(arriving.due(arriving.next_alarm(LIVES), LIVES), Due::Arrive);
}

#[test]
fn the_grace_ends_with_the_access_token() {
    let moved = active().succeeded(T0, &successor(), Duration::minutes(30)).unwrap();
    // Ten seconds before the token's end, as everywhere.
    let end = T0 + Duration::seconds(290);
    assert!(matches!(moved.standing(end - Duration::seconds(1), &secret(2), LIVES), Standing::Active(_)));
    assert!(matches!(moved.standing(end, &secret(2), LIVES), Standing::Ended(EndReason::Superseded)));
}

#[test]
fn a_session_in_its_grace_is_not_about_to_move_elsewhere() {
    let moved = active().departing(moving()).unwrap().succeeded(T0, &successor(), GRACE).unwrap();
    assert!(moved.serving().unwrap().moving.is_none());
}

/// Where a session that has moved says that it lives, since when, and whether it still has a grace.
fn lives_in(moved: &Moved) -> (ActorId, Region, OffsetDateTime, bool) {
    let successor = moved.successor();
    assert_eq!((moved.to.actor.clone(), moved.to.region), (successor.actor.clone(), successor.region));
    assert_eq!(moved.to.expires_at, T0 + LIVES.absolute, "the old cookie's end stays");
    (successor.actor, successor.region, successor.signed_in_at, moved.is_in_grace())
}

fn moved(state: State) -> Moved {
    match state {
        State::Moved(moved) => *moved,
        state => panic!("{state:?}"),
    }
}

#[test]
fn a_session_that_has_passed_a_login_on_serves_nothing_and_remembers_the_last_one() {
    let in_grace = || moved(active().succeeded(T0, &successor(), GRACE).unwrap());
    let settled = || in_grace().settled().unwrap();
    let later = T0 + Duration::seconds(5);
    let last = Successor { actor: actor('c'), region: Region::Me, signed_in_at: later, ..successor() };

    assert_eq!(lives_in(&in_grace().passed_on(&last, true).unwrap()), (actor('c'), Region::Me, later, false));
    assert_eq!(lives_in(&in_grace().passed_on(&last, false).unwrap()), (actor('b'), Region::Oc, T0, false));
    assert_eq!(lives_in(&settled().passed_on(&last, true).unwrap()), (actor('c'), Region::Me, later, false));
    assert!(settled().passed_on(&last, false).is_none(), "nothing would change");
}

#[test]
fn a_session_that_forwards_is_where_it_moved_to_and_takes_no_login_in_its_place() {
    let forwarding = || moved(active().departing(moving()).unwrap().departed(T0).unwrap());
    assert!(forwarding().forwards() && !forwarding().is_in_grace() && forwarding().grace_until().is_none());
    let last = Successor { signed_in_at: T0 + Duration::seconds(5), ..successor() };
    assert!(forwarding().passed_on(&last, true).is_none() && forwarding().passed_on(&last, false).is_none());
    assert!(forwarding().settled().is_none());
}

#[test]
fn in_its_grace_a_session_still_knows_whom_it_had_to_tell_and_afterwards_nobody() {
    let predecessor = Predecessor { actor: actor('d'), secret_hash: secret(4), is_proven: true };
    let superseding = Superseding::of(T0, [predecessor]);
    let state = active().superseding(superseding).unwrap();
    let in_grace = moved(state.clone().succeeded(T0, &successor(), GRACE).unwrap());
    let untold: Vec<ActorId> = in_grace.untold().into_iter().map(|session| session.actor).collect();
    assert_eq!(untold, [actor('d')]);
    assert!(in_grace.settled().unwrap().untold().is_empty());
    assert!(moved(state.departing(moving()).unwrap().departed(T0).unwrap()).untold().is_empty());
}
