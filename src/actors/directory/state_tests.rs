#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use super::*;
use crate::actors::directory::message::LogoutTokenId;
use crate::region::Region;

const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const LOGIN: Duration = Duration::minutes(10);
const STAY: Duration = Duration::hours(1);

fn actor(digit: char) -> ActorId {
    digit.to_string().repeat(64).parse().unwrap()
}

fn regions(policy: RegionPolicy) -> Regions {
    Regions { default: Region::Weur, policy, grace: Duration::seconds(10), min_stay: STAY, jurisdiction: None }
}

fn session(digit: char, region: Region, sid: Option<&str>, predecessor: Option<char>) -> Register {
    Register {
        actor: actor(digit),
        began_at: T0,
        sid: sid.map(str::to_owned),
        place: UserPlace { region, country: None, user_agent: None },
        created_at: T0,
        expires_at: T0 + Duration::days(7),
        predecessor: predecessor.map(actor),
    }
}

fn directory() -> Directory {
    let mut directory = Directory::default();
    directory.register(T0, session('a', Region::Weur, Some("sid-a"), None)).unwrap();
    directory
}

fn observe(directory: &mut Directory, digit: char, region: Region, at: OffsetDateTime) -> Verdict {
    let observe = Observe { actor: actor(digit), region };
    directory.observe(at, &observe, &regions(RegionPolicy::Reauthenticate))
}

fn revoke(sid: Option<&str>, jti: Option<&str>) -> RevokeAll {
    let token = |jti: &str| LogoutTokenId { jti: jti.to_owned(), expires_at: T0 + Duration::minutes(2) };
    RevokeAll {
        sid: sid.map(str::to_owned),
        reason: EndReason::Backchannel,
        cause: Cause::Backchannel,
        logout_token: jti.map(token),
    }
}

#[test]
fn the_first_move_is_made_at_once_and_the_next_not_before_the_minimum_stay() {
    let mut directory = directory();
    assert_eq!(observe(&mut directory, 'a', Region::Oc, T0), Verdict::Reauthenticate);
    directory.register(T0, session('b', Region::Oc, None, Some('a'))).unwrap();
    let until = T0 + STAY;
    assert_eq!(observe(&mut directory, 'b', Region::Weur, T0 + Duration::seconds(1)), Verdict::Stay { until });
    assert_eq!(observe(&mut directory, 'b', Region::Weur, until), Verdict::Reauthenticate);
}

#[test]
fn a_move_that_came_to_nothing_counts_as_one() {
    let mut directory = directory();
    assert_eq!(observe(&mut directory, 'a', Region::Oc, T0), Verdict::Reauthenticate);
    assert_eq!(observe(&mut directory, 'a', Region::Oc, T0), Verdict::Stay { until: T0 + STAY });
    assert_eq!(observe(&mut directory, 'a', Region::Me, T0), Verdict::Stay { until: T0 + STAY });
}

#[test]
fn sixteen_navigations_that_alternate_between_two_regions_cause_one_move_in_a_minimum_stay() {
    let mut directory = directory();
    let moves = (0..16).filter(|n| {
        let region = if n % 2 == 0 { Region::Oc } else { Region::Weur };
        observe(&mut directory, 'a', region, T0 + Duration::minutes(*n)) == Verdict::Reauthenticate
    });
    assert_eq!(moves.count(), 1);
}

#[test]
fn the_policy_says_how_a_session_moves_and_an_unknown_one_stays() {
    for (policy, verdict) in [
        (RegionPolicy::Reauthenticate, Verdict::Reauthenticate),
        (RegionPolicy::Migrate, Verdict::Migrate),
        (RegionPolicy::Pin, Verdict::Stay { until: T0 + STAY }),
    ] {
        let found = directory().observe(T0, &Observe { actor: actor('a'), region: Region::Oc }, &regions(policy));
        assert_eq!(found, verdict, "{policy:?}");
    }
    assert_eq!(observe(&mut directory(), 'f', Region::Oc, T0), Verdict::Stay { until: T0 + STAY });
    assert_eq!(observe(&mut directory(), 'a', Region::Weur, T0), Verdict::Stay { until: T0 + STAY });
}

#[test]
fn an_administrators_move_counts_too() {
    let mut directory = directory();
    directory.register(T0 + STAY, session('b', Region::Oc, None, Some('a'))).unwrap();
    assert_eq!(observe(&mut directory, 'b', Region::Weur, T0 + STAY), Verdict::Stay { until: T0 + STAY * 2 });
}

#[test]
fn a_login_under_way_does_not_outlive_a_revocation_of_all() {
    let mut directory = directory();
    let revoked_at = T0 + Duration::minutes(5);
    assert_eq!(directory.revoke_all(revoked_at, &revoke(None, None)), Ok(vec![actor('a')]));
    let begins = |began_at| Register { began_at, ..session('b', Region::Weur, Some("sid-b"), None) };
    assert_eq!(directory.register(revoked_at, begins(T0)), Err(DirectoryError::Overtaken));
    assert_eq!(directory.register(revoked_at, begins(revoked_at)), Err(DirectoryError::Overtaken));
    assert_eq!(directory.register(revoked_at, begins(revoked_at + Duration::seconds(1))), Ok(()));
}

#[test]
fn a_logout_of_one_provider_session_ends_it_and_those_of_which_none_is_known() {
    let mut directory = directory();
    directory.register(T0, session('b', Region::Weur, Some("sid-b"), None)).unwrap();
    directory.register(T0, session('c', Region::Weur, None, None)).unwrap();
    assert_eq!(directory.revoke_all(T0, &revoke(Some("sid-b"), None)), Ok(vec![actor('b'), actor('c')]));
    assert_eq!(directory.register(T0, session('d', Region::Weur, Some("sid-d"), None)), Ok(()));
    assert_eq!(directory.register(T0, session('e', Region::Weur, Some("sid-b"), None)), Err(DirectoryError::Overtaken));
}

#[test]
fn a_session_that_takes_another_sid_keeps_its_place_and_what_is_known_of_it() {
    let mut directory = directory();
    assert_eq!(observe(&mut directory, 'a', Region::Oc, T0), Verdict::Reauthenticate);
    directory.register(T0, session('a', Region::Weur, Some("sid-2"), Some('a'))).unwrap();
    assert_eq!(observe(&mut directory, 'a', Region::Oc, T0), Verdict::Stay { until: T0 + STAY });
    assert_eq!(directory.revoke_all(T0, &revoke(Some("sid-a"), None)), Ok(vec![]));
    assert_eq!(directory.revoke_all(T0, &revoke(Some("sid-2"), None)), Ok(vec![actor('a')]));
    // One that is to end stays so, even when nobody remembers why.
    directory.facts.revocations.clear();
    directory.register(T0, session('a', Region::Weur, Some("sid-3"), Some('a'))).unwrap();
    assert_eq!(directory.revoking(), [actor('a')]);
}

#[test]
fn a_logout_token_counts_once_unless_a_session_could_not_be_reached() {
    let mut directory = directory();
    assert_eq!(directory.revoke_all(T0, &revoke(None, Some("jti"))), Ok(vec![actor('a')]));
    assert_eq!(directory.revoke_all(T0, &revoke(None, Some("jti"))), Ok(vec![actor('a')]));
    directory.revoked(&actor('a'));
    assert_eq!(directory.revoke_all(T0, &revoke(None, Some("jti"))), Err(DirectoryError::Replayed));
    let later = T0 + Duration::seconds(1);
    let began_at = later + Duration::seconds(1);
    directory.register(later, Register { began_at, ..session('b', Region::Weur, None, None) }).unwrap();
    assert_eq!(directory.revoke_all(began_at, &revoke(None, Some("jti"))), Err(DirectoryError::Replayed));
    assert!(directory.revoking().is_empty());
}

#[test]
fn a_directory_drops_what_has_ended_and_then_rests() {
    let mut directory = directory();
    directory.revoke_all(T0, &revoke(None, Some("jti"))).unwrap();
    assert_eq!(directory.next_alarm(T0, LOGIN), Some(T0 + TRY_AGAIN));
    directory.revoked(&actor('a'));
    assert_eq!(directory.next_alarm(T0, LOGIN), Some(T0 + Duration::minutes(62)));
    assert!(directory.tidy(T0 + Duration::hours(2), LOGIN).is_empty());
    assert!(directory.facts.revocations.is_empty() && directory.facts.logout_tokens.is_empty());
    let end = directory.next_alarm(T0, LOGIN).unwrap();
    assert_eq!(end, T0 + Duration::days(14) + MARGIN);
    assert_eq!(directory.tidy(end, LOGIN), [actor('a')]);
    assert_eq!(directory.next_alarm(end, LOGIN), None);
}
