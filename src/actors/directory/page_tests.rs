#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use time::Duration;

use super::*;
use crate::actors::directory::Directory;
use crate::actors::directory_message::{News, Register};
use crate::actors::summary::UserPlace;
use crate::region::Region;

const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn actor(number: u32) -> ActorId {
    format!("{number:064x}").parse().unwrap()
}

fn register(directory: &mut Directory, now: OffsetDateTime, number: u32, predecessor: Option<u32>) {
    let register = Register {
        actor: actor(number),
        began_at: now,
        counterpart: None,
        place: UserPlace { region: Region::Weur, country: None, user_agent: None, provider: None },
        created_at: now,
        expires_at: T0 + Duration::days(7),
        predecessor: predecessor.map(actor),
        limited: true,
    };
    directory.register(now, register, false).unwrap();
}

fn directory(sessions: u32) -> Directory {
    let mut directory = Directory::default();
    for number in 0..sessions {
        register(&mut directory, T0, number, None);
    }
    directory
}

fn start(directory: &mut Directory) -> Cursor {
    Cursor { at: directory.stamp(T0), behind: None }
}

/// The next page, and the cursor behind it.
fn turn(directory: &Directory, cursor: &mut Cursor, at_most: usize) -> Vec<ActorId> {
    let places = behind(&directory.rows, cursor, at_most);
    cursor.behind = places.last().cloned().or_else(|| cursor.behind.clone());
    places.into_iter().map(|place| place.actor).collect()
}

fn report(directory: &mut Directory, number: u32, news: News) {
    directory.report(T0, &actor(number), news);
}

const ENDED: News = News::Ended { last_used_at: None };

#[test]
fn those_that_live_come_first_and_of_these_those_that_were_registered_or_refreshed_last() {
    let mut directory = directory(5);
    report(&mut directory, 1, News::Refreshed);
    report(&mut directory, 4, ENDED);
    report(&mut directory, 0, ENDED);
    report(&mut directory, 2, News::Moved);
    let mut cursor = start(&mut directory);
    assert_eq!(turn(&directory, &mut cursor, 9), [1, 3, 4, 0].map(actor));
}

#[test]
fn a_session_that_ends_or_moves_between_two_pages_is_not_shown_again_and_the_one_in_its_place_keeps_its_place() {
    let mut directory = directory(6);
    let mut cursor = start(&mut directory);
    assert_eq!(turn(&directory, &mut cursor, 2), [5, 4].map(actor));
    report(&mut directory, 5, ENDED);
    // One that was shown already moves, and one that was not.
    register(&mut directory, T0, 14, Some(4));
    register(&mut directory, T0, 12, Some(2));
    report(&mut directory, 4, News::Moved);
    report(&mut directory, 2, News::Moved);
    register(&mut directory, T0, 20, None);
    assert_eq!(turn(&directory, &mut cursor, 9), [3, 12, 1, 0].map(actor));
}

#[test]
fn a_session_that_the_list_itself_found_over_comes_with_those_that_ended_later_in_this_list() {
    let mut directory = directory(3);
    let mut cursor = start(&mut directory);
    assert_eq!(turn(&directory, &mut cursor, 1), [actor(2)]);
    directory.found_over(cursor.at, &actor(1), None);
    assert_eq!(turn(&directory, &mut cursor, 9), [0, 1].map(actor));
}

#[test]
fn a_list_shows_what_was_registered_or_refreshed_at_its_very_moment() {
    let mut directory = directory(1);
    let seen_at = directory.rows[&actor(0)].seen_at;
    let shown = |directory: &Directory, at| behind(&directory.rows, &Cursor { at, behind: None }, 9).len();
    assert_eq!(shown(&directory, seen_at), 1);
    assert_eq!(shown(&directory, seen_at - Duration::MICROSECOND), 0);
    report(&mut directory, 0, News::Refreshed);
    assert_eq!(shown(&directory, seen_at), 1);
    assert_eq!(shown(&directory, seen_at - Duration::MICROSECOND), 0);
}

#[test]
fn a_cursor_that_was_changed_or_is_of_another_directory_is_none() {
    let cursor =
        Cursor { at: T0, behind: Some(behind(&directory(1).rows, &Cursor { at: T0, behind: None }, 1)[0].clone()) };
    let text = cursor.write(&[7; 32]).unwrap();
    assert_eq!(Cursor::read(&[7; 32], &text), Some(cursor));
    assert_eq!(Cursor::read(&[8; 32], &text), None);
    for at in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(Cursor::read(&[7; 32], std::str::from_utf8(&changed).unwrap()), None, "{at}");
    }
    for foreign in ["", "x", "next", text.get(1..).unwrap(), &format!("{text}A"), &"A".repeat(100_000)] {
        assert_eq!(Cursor::read(&[7; 32], foreign), None);
    }
}

proptest! {
    #[test]
    fn whatever_happens_between_its_pages_a_list_shows_none_twice_and_leaves_none_out_that_stayed(
        sessions in 1_u32..40,
        page in 1_usize..7,
        events in prop::collection::vec((0_u32..60, 0_u8..4, 0_u8..6), 0..120),
        clock in prop::collection::vec(-5_000_i64..5_000, 0..120),
    ) {
        let mut directory = directory(sessions);
        let mut cursor = start(&mut directory);
        let (mut shown, mut refreshed_twice) = (Vec::new(), BTreeSet::new());
        let mut refreshed = BTreeSet::new();
        let mut events = events.into_iter().zip(clock.into_iter().chain(std::iter::repeat(0)));
        loop {
            let more = turn(&directory, &mut cursor, page);
            if more.is_empty() {
                break;
            }
            shown.extend(more);
            for ((number, what, _), millis) in events.by_ref().take(usize::from(u8::try_from(page).unwrap())) {
                let now = T0 + Duration::milliseconds(millis);
                match what {
                    0 if number >= sessions => register(&mut directory, now, number, None),
                    1 => { directory.report(now, &actor(number), ENDED); }
                    _ => {
                        directory.report(now, &actor(number), News::Refreshed);
                        if !refreshed.insert(number) { refreshed_twice.insert(number); }
                    }
                }
            }
        }
        let distinct: BTreeSet<_> = shown.iter().cloned().collect();
        prop_assert_eq!(distinct.len(), shown.len());
        for number in (0..sessions).filter(|number| !refreshed_twice.contains(number)) {
            prop_assert!(distinct.contains(&actor(number)), "{} is missing", number);
        }
        prop_assert!(shown.iter().all(|shown| *shown < actor(sessions)), "what came later is shown");
    }
}
