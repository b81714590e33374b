#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use super::*;
use crate::actors::directory::state::revocation::Gone;
use crate::actors::directory_message::{LogoutTokenId, RevokeAll};
use crate::actors::end_reason::EndReason;
use crate::actors::session::ledger::Cause;
use crate::actors::stored;
use crate::actors::summary::{SessionState, UserPlace};
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
        counterpart: sid.map(str::to_owned),
        place: UserPlace { region, country: None, user_agent: None, provider: None },
        created_at: T0,
        expires_at: T0 + Duration::days(7),
        predecessor: predecessor.map(actor),
        limited: true,
    }
}

fn directory() -> Directory {
    let mut directory = Directory::default();
    directory.register(T0, session('a', Region::Weur, Some("sid-a"), None), false).unwrap();
    directory
}

fn observe(directory: &mut Directory, digit: char, region: Region, at: OffsetDateTime) -> RegionVerdict {
    let observe = Observe { actor: actor(digit), region };
    directory.observe(at, &observe, &regions(RegionPolicy::Reauthenticate))
}

fn revoke(sid: Option<&str>, jti: Option<&str>) -> RevokeAll {
    let token = |jti: &str| LogoutTokenId { jti: jti.to_owned(), expires_at: T0 + Duration::minutes(2) };
    RevokeAll {
        counterpart: sid.map(str::to_owned),
        reason: EndReason::Backchannel,
        cause: Cause::Backchannel,
        logout_token: jti.map(token),
    }
}

#[test]
fn the_first_move_is_made_at_once_and_the_next_not_before_the_minimum_stay() {
    let mut directory = directory();
    assert_eq!(observe(&mut directory, 'a', Region::Oc, T0), RegionVerdict::Reauthenticate);
    directory.register(T0, session('b', Region::Oc, None, Some('a')), false).unwrap();
    let until = T0 + STAY;
    assert_eq!(observe(&mut directory, 'b', Region::Weur, T0 + Duration::seconds(1)), RegionVerdict::Stay { until });
    assert_eq!(observe(&mut directory, 'b', Region::Weur, until), RegionVerdict::Reauthenticate);
}

#[test]
fn a_move_that_came_to_nothing_counts_as_one() {
    let mut directory = directory();
    assert_eq!(observe(&mut directory, 'a', Region::Oc, T0), RegionVerdict::Reauthenticate);
    assert_eq!(observe(&mut directory, 'a', Region::Oc, T0), RegionVerdict::Stay { until: T0 + STAY });
    assert_eq!(observe(&mut directory, 'a', Region::Me, T0), RegionVerdict::Stay { until: T0 + STAY });
}

#[test]
fn sixteen_navigations_that_alternate_between_two_regions_cause_one_move_in_a_minimum_stay() {
    let mut directory = directory();
    let moves = (0..16).filter(|n| {
        let region = if n % 2 == 0 { Region::Oc } else { Region::Weur };
        observe(&mut directory, 'a', region, T0 + Duration::minutes(*n)) == RegionVerdict::Reauthenticate
    });
    assert_eq!(moves.count(), 1);
}

#[test]
fn the_policy_says_how_a_session_moves_and_an_unknown_one_stays() {
    for (policy, verdict) in [
        (RegionPolicy::Reauthenticate, RegionVerdict::Reauthenticate),
        (RegionPolicy::Migrate, RegionVerdict::Migrate),
        (RegionPolicy::Pin, RegionVerdict::Stay { until: T0 + STAY }),
    ] {
        let found = directory().observe(T0, &Observe { actor: actor('a'), region: Region::Oc }, &regions(policy));
        assert_eq!(found, verdict, "{policy:?}");
    }
    assert_eq!(observe(&mut directory(), 'f', Region::Oc, T0), RegionVerdict::Stay { until: T0 + STAY });
    assert_eq!(observe(&mut directory(), 'a', Region::Weur, T0), RegionVerdict::Stay { until: T0 + STAY });
}

#[test]
fn an_administrators_move_counts_too() {
    let mut directory = directory();
    directory.register(T0 + STAY, session('b', Region::Oc, None, Some('a')), false).unwrap();
    assert_eq!(observe(&mut directory, 'b', Region::Weur, T0 + STAY), RegionVerdict::Stay { until: T0 + STAY * 2 });
}

#[test]
fn a_login_under_way_does_not_outlive_a_revocation_of_all() {
    let mut directory = directory();
    let revoked_at = T0 + Duration::minutes(5);
    assert_eq!(directory.revoke_all(revoked_at, &revoke(None, None)), Ok(vec![actor('a')]));
    let begins = |began_at| Register { began_at, ..session('b', Region::Weur, Some("sid-b"), None) };
    assert_eq!(directory.register(revoked_at, begins(T0), false), Err(DirectoryError::Overtaken));
    assert_eq!(directory.register(revoked_at, begins(revoked_at), false), Err(DirectoryError::Overtaken));
    // By a clock that is ahead of the directory's.
    assert_eq!(directory.register(revoked_at, begins(revoked_at + SKEW), false), Err(DirectoryError::Overtaken));
    assert_eq!(directory.register(revoked_at, begins(revoked_at + Duration::seconds(1)), false), Ok(()));
}

#[test]
fn a_session_that_is_to_end_and_was_not_reached_does_not_get_away_by_a_move_and_a_new_login_begins() {
    let mut directory = directory();
    directory.revoke_all(T0, &revoke(None, None)).unwrap();
    let later = T0 + Duration::seconds(3);
    let moved = Register { began_at: later, ..session('b', Region::Oc, None, Some('a')) };
    assert_eq!(directory.register(later, moved.clone(), false), Err(DirectoryError::Overtaken));
    assert_eq!(directory.register(later, Register { created_at: later, ..moved }, false), Ok(()));
}

#[test]
fn a_logout_of_one_provider_session_ends_it_and_those_of_which_none_is_known() {
    let mut directory = directory();
    directory.register(T0, session('b', Region::Weur, Some("sid-b"), None), false).unwrap();
    directory.register(T0, session('c', Region::Weur, None, None), false).unwrap();
    assert_eq!(directory.revoke_all(T0, &revoke(Some("sid-b"), None)), Ok(vec![actor('b'), actor('c')]));
    assert_eq!(directory.register(T0, session('d', Region::Weur, Some("sid-d"), None), false), Ok(()));
    assert_eq!(
        directory.register(T0, session('e', Region::Weur, Some("sid-b"), None), false),
        Err(DirectoryError::Overtaken)
    );
}

#[test]
fn a_session_that_takes_another_sid_keeps_its_place_and_what_is_known_of_it() {
    let mut directory = directory();
    assert_eq!(observe(&mut directory, 'a', Region::Oc, T0), RegionVerdict::Reauthenticate);
    directory.register(T0, session('a', Region::Weur, Some("sid-2"), Some('a')), false).unwrap();
    assert_eq!(observe(&mut directory, 'a', Region::Oc, T0), RegionVerdict::Stay { until: T0 + STAY });
    assert_eq!(directory.revoke_all(T0, &revoke(Some("sid-a"), None)), Ok(vec![]));
    assert_eq!(directory.revoke_all(T0, &revoke(Some("sid-2"), None)), Ok(vec![actor('a')]));
    // One that is to end stays so, even when nobody remembers why.
    directory.facts.revocations.clear();
    directory.register(T0, session('a', Region::Weur, Some("sid-3"), Some('a')), false).unwrap();
    assert_eq!(directory.revoking(), [actor('a')]);
}

#[test]
fn a_session_that_was_not_reached_ends_later_in_the_name_of_the_administrator_who_asked() {
    let mut directory = directory();
    let cause = Cause::AdminByAccess("access:ada@example.com".into());
    let by_ada = RevokeAll { counterpart: None, reason: EndReason::Revoked, cause: cause.clone(), logout_token: None };
    assert_eq!(directory.revoke_all(T0, &by_ada), Ok(vec![actor('a')]));
    let bytes = stored::encode(&directory.rows[&actor('a')]).unwrap();
    let row: SessionRow = stored::decode(&bytes).unwrap();
    assert_eq!(row.revoking, Some((EndReason::Revoked, cause)));
}

#[test]
fn a_logout_token_counts_once_unless_a_session_could_not_be_reached() {
    let mut directory = directory();
    assert_eq!(directory.revoke_all(T0, &revoke(None, Some("jti"))), Ok(vec![actor('a')]));
    assert_eq!(directory.revoke_all(T0, &revoke(None, Some("jti"))), Ok(vec![actor('a')]));
    directory.revoked(T0, &actor('a'), Gone::Ended);
    assert_eq!(directory.revoke_all(T0, &revoke(None, Some("jti"))), Err(DirectoryError::Replayed));
    let later = T0 + Duration::seconds(1);
    let began_at = later + Duration::seconds(1);
    directory.register(later, Register { began_at, ..session('b', Region::Weur, None, None) }, false).unwrap();
    assert_eq!(directory.revoke_all(began_at, &revoke(None, Some("jti"))), Err(DirectoryError::Replayed));
    assert!(directory.revoking().is_empty());
}

#[test]
fn a_directory_drops_what_has_ended_and_then_rests() {
    let mut directory = directory();
    directory.revoke_all(T0, &revoke(None, Some("jti"))).unwrap();
    assert_eq!(directory.next_alarm(T0, LOGIN), Some(T0 + TRY_AGAIN));
    directory.revoked(T0, &actor('a'), Gone::Ended);
    assert_eq!(directory.next_alarm(T0, LOGIN), Some(T0 + Duration::minutes(62)));
    assert!(directory.tidy(T0 + Duration::hours(2), LOGIN).is_empty());
    assert!(directory.facts.revocations.is_empty() && directory.facts.logout_tokens.is_empty());
    let end = directory.next_alarm(T0, LOGIN).unwrap();
    assert_eq!(end, T0 + Duration::days(14) + MARGIN);
    assert_eq!(directory.tidy(end, LOGIN), [actor('a')]);
    assert_eq!(directory.next_alarm(end, LOGIN), None);
}

#[test]
fn a_login_beyond_the_limit_ends_the_session_that_was_registered_or_refreshed_least_recently() {
    let mut directory = directory();
    let login = |directory: &mut Directory, digit, predecessor, limit: Option<u32>| {
        let register = session(digit, Region::Weur, None, predecessor);
        directory.register(T0, register, limit.is_some()).unwrap();
        directory.begun(T0, &actor(digit), limit)
    };
    assert_eq!(login(&mut directory, 'b', None, Some(3)), []);
    assert_eq!(login(&mut directory, 'c', None, Some(3)), []);
    assert_eq!(login(&mut directory, 'd', None, Some(3)), [actor('a')]);
    assert_eq!(directory.rows[&actor('a')].revoking, Some((EndReason::Limit, Cause::Directory)));
    directory.report(T0, &actor('b'), News::Refreshed);
    assert_eq!(login(&mut directory, 'e', None, Some(3)), [actor('c')]);
    // One in whose place it comes, one that makes itself known anew, and one that has ended make no difference.
    assert_eq!(login(&mut directory, 'f', Some('d'), Some(3)), []);
    assert_eq!(login(&mut directory, 'f', Some('f'), Some(3)), []);
    directory.report(T0, &actor('d'), News::Moved);
    directory.report(T0, &actor('e'), News::Ended { last_used_at: None });
    assert_eq!(login(&mut directory, '0', None, Some(3)), []);
    // A lower limit takes effect with the next login; without one, and in a directory that has none, nothing ends.
    assert_eq!(login(&mut directory, '1', None, None), []);
    let small = Register { limited: false, ..session('2', Region::Weur, None, None) };
    directory.register(T0, small, true).unwrap();
    assert_eq!(directory.begun(T0, &actor('2'), Some(1)), []);
    assert_eq!(login(&mut directory, '3', None, Some(1)), ['b', 'f', '0', '1', '2'].map(actor));
}

#[test]
fn a_login_makes_room_once_it_has_begun_and_one_that_failed_makes_none() {
    let mut directory = directory();
    let register = |directory: &mut Directory, digit| {
        directory.register(T0, session(digit, Region::Weur, None, None), true).unwrap();
    };
    register(&mut directory, 'b');
    assert!(directory.revoking().is_empty());
    assert_eq!(directory.next_alarm(T0, LOGIN), Some(T0 + LOOK_AFTER));
    directory.forget(T0, &actor('b'));
    assert_eq!(directory.begun(T0, &actor('b'), Some(1)), []);
    // Nor does a login under way count as a session.
    register(&mut directory, 'c');
    register(&mut directory, 'd');
    assert_eq!(directory.begun(T0, &actor('d'), Some(2)), []);
    assert_eq!(directory.begun(T0, &actor('d'), Some(1)), []);
    assert_eq!(directory.begun(T0, &actor('c'), Some(2)), [actor('a')]);
    // What was ended meanwhile needs no room.
    register(&mut directory, 'e');
    directory.report(T0, &actor('e'), News::Ended { last_used_at: None });
    assert_eq!(directory.begun(T0, &actor('e'), Some(1)), []);
}

#[test]
fn a_session_that_did_not_say_that_it_has_begun_is_asked_in_a_while() {
    let mut directory = Directory::default();
    for digit in ['b', 'a'] {
        directory.register(T0, session(digit, Region::Weur, None, None), true).unwrap();
    }
    let due = T0 + LOOK_AFTER;
    assert_eq!(directory.to_look_at(due - Duration::seconds(1), 9), []);
    assert_eq!(directory.to_look_at(due, 9), [actor('b'), actor('a')]);
    assert_eq!(directory.to_look_at(due, 1), [actor('b')]);
    directory.not_begun(&actor('a'), Some(due + LOOK_AFTER));
    directory.not_begun(&actor('b'), None);
    assert_eq!(directory.to_look_at(due, 9), []);
    assert_eq!(directory.next_alarm(due, LOGIN), Some(due + LOOK_AFTER));
    assert_eq!(directory.begun(due, &actor('b'), Some(1)), []);
    assert_eq!(directory.begun(due, &actor('a'), Some(1)), [actor('b')]);
}

#[test]
fn sessions_that_are_over_are_not_asked_to_end() {
    let mut directory = directory();
    for digit in ['b', 'c', 'd'] {
        directory.register(T0, session(digit, Region::Weur, None, None), false).unwrap();
    }
    directory.report(T0, &actor('b'), News::Ended { last_used_at: Some(T0) });
    directory.report(T0, &actor('c'), News::Moved);
    assert_eq!(directory.revoke_all(T0, &revoke(None, None)), Ok(vec![actor('a'), actor('d')]));
    directory.revoked(T0, &actor('a'), Gone::Ended);
    directory.revoked(T0, &actor('d'), Gone::Unknown);
    assert!(directory.revoking().is_empty() && !directory.rows.contains_key(&actor('d')));
    assert_eq!(directory.rows[&actor('b')].summary().last_used_at, Some(T0));
    assert_eq!(directory.rows[&actor('a')].summary().state, SessionState::Ended);
}

#[test]
fn those_that_are_to_end_are_ended_in_steps_and_each_is_asked_once() {
    let mut directory = Directory::default();
    for digit in ['1', '2', '3', '4', '5'] {
        directory.register(T0, session(digit, Region::Weur, None, None), false).unwrap();
    }
    directory.revoke_all(T0, &revoke(None, None)).unwrap();
    assert_eq!(directory.revoking_behind(None, 2), (['1', '2'].map(actor).to_vec(), 3));
    // The first is out of reach, and keeps nobody waiting.
    directory.revoked(T0, &actor('2'), Gone::Ended);
    assert_eq!(directory.revoking_behind(Some(&actor('2')), 2), (['3', '4'].map(actor).to_vec(), 1));
    assert_eq!(directory.revoking_behind(Some(&actor('4')), 2), (vec![actor('5')], 0));
    assert_eq!(directory.revoking_behind(Some(&actor('5')), 2), (vec![], 0));
}

#[test]
fn a_registration_that_arrives_after_its_session_was_taken_away_registers_nothing() {
    let mut directory = Directory::default();
    directory.forget(T0, &actor('a'));
    let late = |at, directory: &mut Directory| directory.register(at, session('a', Region::Weur, None, None), false);
    assert_eq!(late(T0, &mut directory), Err(DirectoryError::TakenAway));
    assert!(directory.rows.is_empty());
    let end = directory.next_alarm(T0, LOGIN).unwrap();
    assert_eq!(end, T0 + TAKEN_AWAY_FOR);
    let before = end - Duration::milliseconds(1);
    directory.tidy(before, LOGIN);
    assert_eq!(late(before, &mut directory), Err(DirectoryError::TakenAway));
    directory.tidy(end, LOGIN);
    assert_eq!(directory.next_alarm(end, LOGIN), None);
}

#[test]
fn a_clock_that_goes_back_a_little_lets_no_login_outlive_a_revocation_and_one_that_was_wrong_locks_nobody_out() {
    let mut directory = Directory::default();
    let at = T0 + Duration::days(1);
    directory.register(at, session('a', Region::Weur, None, None), false).unwrap();
    // The login begins when the directory's clock says `at`; a second later it has gone back by ten.
    directory.revoke_all(at - Duration::seconds(9), &revoke(None, None)).unwrap();
    let login = |began_at| Register { began_at, ..session('b', Region::Weur, None, None) };
    assert_eq!(directory.register(at, login(at), false), Err(DirectoryError::Overtaken));
    // It was an hour ahead, and was put right.
    let mut directory = Directory::default();
    directory.register(at + Duration::hours(1), session('a', Region::Weur, None, None), false).unwrap();
    directory.revoke_all(at, &revoke(None, None)).unwrap();
    assert_eq!(directory.register(at, login(at + Duration::seconds(1)), false), Ok(()));
}

#[test]
fn what_is_written_between_two_tries_to_end_a_session_puts_off_neither() {
    let mut directory = directory();
    directory.register(T0, session('b', Region::Weur, None, None), false).unwrap();
    directory.revoke_all(T0, &revoke(Some("sid-a"), None)).unwrap();
    directory.register(T0 + SKEW, session('c', Region::Weur, Some("sid-c"), None), false).unwrap();
    let mut due = directory.next_alarm(T0, LOGIN).unwrap();
    assert_eq!(due, T0 + TRY_AGAIN);
    let mut tries = 0;
    // An hour in which a session refreshes every nine seconds, and the one that is to end cannot be reached.
    for seconds in 1..=3600 {
        let now = T0 + Duration::seconds(seconds);
        if now >= due {
            tries += 1;
            directory.retried(now + TRY_AGAIN);
            due = directory.next_alarm(now, LOGIN).unwrap();
        }
        if seconds % 9 == 0 {
            directory.report(now, &actor('c'), News::Refreshed);
            due = directory.next_alarm(now, LOGIN).unwrap();
        }
    }
    assert_eq!(tries, 360);
}

#[test]
fn the_alarm_that_goes_on_at_once_is_not_put_off_by_what_is_written_meanwhile() {
    let mut directory = directory();
    directory.revoke_all(T0, &revoke(None, None)).unwrap();
    directory.next_alarm(T0, LOGIN);
    let soon = T0 + Duration::milliseconds(100);
    directory.retry_by(soon);
    directory.report(T0, &actor('a'), News::Refreshed);
    assert_eq!(directory.next_alarm(T0 + Duration::milliseconds(50), LOGIN), Some(soon));
    directory.retry_by(T0 + TRY_AGAIN);
    assert_eq!(directory.next_alarm(soon, LOGIN), Some(soon));
    // Nothing is left to end, and the next revocation begins anew.
    directory.revoked(soon, &actor('a'), Gone::Ended);
    directory.next_alarm(soon, LOGIN);
    directory
        .register(T0 + LOGIN, Register { began_at: T0 + LOGIN, ..session('b', Region::Weur, None, None) }, false)
        .unwrap();
    directory.revoke_all(T0 + LOGIN, &revoke(None, None)).unwrap();
    assert_eq!(directory.next_alarm(T0 + LOGIN, LOGIN), Some(T0 + LOGIN + TRY_AGAIN));
}

#[test]
fn the_times_of_a_directory_have_an_order_unless_its_clock_went_back_by_more_than_a_minute() {
    let later = T0 + Duration::hours(1);
    let next = later + Duration::MICROSECOND;
    let stamp = |now| {
        let mut directory = Directory::default();
        assert_eq!(directory.stamp(later), later);
        directory.stamp(now)
    };
    assert_eq!(stamp(later), next);
    assert_eq!(stamp(next - Duration::minutes(1)), next);
    let before = next - Duration::minutes(1) - Duration::MICROSECOND;
    assert_eq!(stamp(before), before);
    assert_eq!(stamp(later + Duration::seconds(1)), later + Duration::seconds(1));
}

#[test]
fn a_directory_that_was_read_goes_on_behind_the_last_time_that_its_rows_know() {
    let read = |mut directory: Directory| {
        let rows = std::mem::take(&mut directory.rows);
        Directory { rows, ..Directory::default() }
    };
    let seen = T0 + Duration::seconds(20);
    let mut directory = Directory::default();
    directory.register(seen, session('a', Region::Weur, None, None), false).unwrap();
    assert_eq!(read(directory.clone()).stamp(T0), seen + Duration::MICROSECOND);
    let ended = T0 + Duration::seconds(30);
    directory.report(ended, &actor('a'), News::Ended { last_used_at: None });
    assert_eq!(read(directory).stamp(T0), ended + Duration::MICROSECOND);
}

#[test]
fn a_report_of_a_session_that_the_directory_does_not_know_changes_nothing() {
    let mut directory = directory();
    assert!(!directory.report(T0, &actor('b'), News::Began));
    assert!(directory.report(T0, &actor('a'), News::Began));
    assert_eq!(directory.rows.len(), 1);
}

#[test]
fn a_session_that_is_over_or_is_to_end_does_not_move() {
    let stays = RegionVerdict::Stay { until: T0 + STAY };
    let mut moved = directory();
    moved.report(T0, &actor('a'), News::Moved);
    assert_eq!(observe(&mut moved, 'a', Region::Oc, T0), stays);
    let mut ended = directory();
    ended.report(T0, &actor('a'), News::Ended { last_used_at: None });
    assert_eq!(observe(&mut ended, 'a', Region::Oc, T0), stays);
    let mut revoked = directory();
    revoked.revoke_all(T0, &revoke(None, None)).unwrap();
    assert_eq!(observe(&mut revoked, 'a', Region::Oc, T0), stays);
}

#[test]
fn what_a_directory_remembers_is_dropped_at_its_time_and_not_before() {
    let mut directory = Directory::default();
    directory.revoke_all(T0, &revoke(None, Some("jti"))).unwrap();
    let remembered = |directory: &Directory| (directory.facts.logout_tokens.len(), directory.facts.revocations.len());
    let token = T0 + Duration::minutes(2) + MARGIN;
    let revocation = T0 + SKEW + LOGIN + MARGIN;
    let moment = Duration::milliseconds(1);
    for (now, expected) in [(token - moment, (1, 1)), (token, (0, 1)), (revocation - moment, (0, 1))] {
        directory.tidy(now, LOGIN);
        assert_eq!(remembered(&directory), expected);
    }
    assert_eq!(directory.next_alarm(token, LOGIN), Some(revocation));
    directory.tidy(revocation, LOGIN);
    assert_eq!(directory.next_alarm(revocation, LOGIN), None);
}

#[test]
fn without_a_limit_no_session_is_asked_whether_it_has_begun() {
    let end = T0 + Duration::days(14) + MARGIN;
    assert_eq!(directory().next_alarm(T0, LOGIN), Some(end));
    let mut small = Directory::default();
    small.register(T0, Register { limited: false, ..session('a', Region::Weur, None, None) }, true).unwrap();
    assert_eq!(small.next_alarm(T0, LOGIN), Some(end));
}

#[test]
fn a_session_that_was_found_over_is_over_since_it_was_found_and_its_last_use_stays_known() {
    let mut directory = directory();
    let (found, later, used) = (T0 + Duration::seconds(5), T0 + Duration::seconds(9), T0 + Duration::seconds(1));
    directory.found_over(found, &actor('a'), Some(used));
    let ended = RowStatus::Ended { at: found, last_used_at: Some(used) };
    assert_eq!(directory.rows[&actor('a')].standing, ended);
    directory.report(later, &actor('a'), News::Ended { last_used_at: None });
    assert_eq!(directory.rows[&actor('a')].standing, ended);
}

/// Of the sessions `a`, in this state, and `b`, which ends when a third one begins and two may live.
fn makes_room_for(make: impl FnOnce(&mut Directory)) -> Vec<ActorId> {
    let mut directory = Directory::default();
    for digit in ['a', 'b'] {
        directory.register(T0, session(digit, Region::Weur, None, None), true).unwrap();
        directory.report(T0, &actor(digit), News::Began);
        directory.begun(T0, &actor(digit), None);
    }
    make(&mut directory);
    directory.register(T0, session('c', Region::Weur, None, None), true).unwrap();
    directory.begun(T0, &actor('c'), Some(2))
}

#[test]
fn room_is_made_by_sessions_that_live_and_have_begun() {
    assert_eq!(makes_room_for(|_| {}), [actor('a')]);
    assert_eq!(makes_room_for(|all| assert!(all.report(T0, &actor('a'), News::Moved))), []);
    assert_eq!(makes_room_for(|all| all.found_over(T0, &actor('a'), None)), []);
    // It ends already, or has not begun.
    let revoking = Some((EndReason::Revoked, Cause::Directory));
    assert_eq!(makes_room_for(|all| all.rows.get_mut(&actor('a')).unwrap().revoking = revoking), []);
    let beginning = Some(Beginning { predecessor: None, look_at: None });
    assert_eq!(makes_room_for(|all| all.rows.get_mut(&actor('a')).unwrap().beginning = beginning), []);
    // Its time is up.
    let expires = |at| makes_room_for(|all| all.rows.get_mut(&actor('a')).unwrap().expires_at = at);
    assert_eq!(expires(T0), []);
    assert_eq!(expires(T0 + Duration::milliseconds(1)), [actor('a')]);
}

#[test]
fn a_session_that_is_to_end_before_it_has_begun_makes_no_room() {
    let mut directory = directory();
    directory.register(T0, session('b', Region::Weur, Some("sid-b"), None), true).unwrap();
    directory.revoke_all(T0, &revoke(Some("sid-b"), None)).unwrap();
    assert_eq!(directory.begun(T0, &actor('b'), Some(1)), []);
    assert_eq!(directory.revoking(), [actor('b')]);
}
