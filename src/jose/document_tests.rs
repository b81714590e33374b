#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use super::*;

const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const SECOND: Duration = Duration::SECOND;

type Doc = Document<u32, &'static str>;

/// The value that an answer says to use, and whether it says to call.
fn used(answer: &DocumentAnswer<u32, &'static str>) -> (Option<u32>, bool) {
    let value = match &answer.step {
        DocumentStep::Use(kept) => Some(kept.value),
        DocumentStep::Wait | DocumentStep::Fail(_) => None,
    };
    (value, answer.call.is_some())
}

/// A document with this value, fetched at this time.
fn with(value: u32, at: OffsetDateTime) -> Doc {
    let mut document = Doc::default();
    let call = document.ask(at).call.unwrap();
    document.fetched(call, Ok((value, at)), at);
    document
}

fn version(document: &mut Doc, now: OffsetDateTime) -> Version {
    match document.ask(now).step {
        DocumentStep::Use(kept) => kept.version(),
        step => panic!("{step:?}"),
    }
}

#[test]
fn the_first_one_calls_and_the_others_wait_for_it() {
    let mut document = Doc::default();
    let first = document.ask(T0);
    assert_eq!((&first.step, first.call.is_some()), (&DocumentStep::Wait, true));
    for _ in 0..1000 {
        assert_eq!(document.ask(T0 + SECOND), DocumentAnswer { step: DocumentStep::Wait, call: None });
    }
    document.fetched(first.call.unwrap(), Ok((1, T0)), T0 + SECOND);
    assert_eq!(used(&document.ask(T0 + SECOND)), (Some(1), false));
}

#[test]
fn a_call_that_fails_with_nothing_to_serve_is_told_to_everybody_and_there_is_none_for_5_s() {
    let mut document = Doc::default();
    let call = document.ask(T0).call.unwrap();
    document.alive(call, T0 + SECOND * 19);
    document.fetched(call, Err("down"), T0 + SECOND * 20);
    let failed_at = T0 + SECOND * 20;
    for at in [failed_at, failed_at + PAUSE - SECOND] {
        assert_eq!(document.ask(at), DocumentAnswer { step: DocumentStep::Fail("down"), call: None });
    }
    assert!(document.ask(failed_at + PAUSE).call.is_some());
}

#[test]
fn a_stale_document_serves_while_one_call_is_under_way_and_after_it_failed_until_it_is_an_hour_old() {
    let mut document = with(1, T0);
    assert_eq!(used(&document.ask(T0 + FRESH - SECOND)), (Some(1), false));
    let stale = document.ask(T0 + FRESH);
    assert_eq!(used(&stale), (Some(1), true));
    assert_eq!(used(&document.ask(T0 + FRESH)), (Some(1), false), "one call");
    document.fetched(stale.call.unwrap(), Err("down"), T0 + FRESH);
    assert_eq!(used(&document.ask(T0 + FRESH + PAUSE - SECOND)), (Some(1), false), "a pause");
    let again = document.ask(T0 + FRESH + PAUSE);
    assert_eq!(used(&again), (Some(1), true));
    document.fetched(again.call.unwrap(), Err("down"), T0 + LAST_GOOD - SECOND);
    assert_eq!(used(&document.ask(T0 + LAST_GOOD - SECOND)), (Some(1), false));
    assert_eq!(document.ask(T0 + LAST_GOOD).step, DocumentStep::Fail("down"));
    let late = document.ask(T0 + LAST_GOOD + PAUSE);
    assert_eq!((late.step, late.call.is_some()), (DocumentStep::Wait, true));
}

#[test]
fn what_another_place_had_kept_is_as_old_as_it_is_there() {
    let mut document = Doc::default();
    let call = document.ask(T0).call.unwrap();
    document.fetched(call, Ok((1, T0 - FRESH + SECOND)), T0);
    assert_eq!(used(&document.ask(T0)), (Some(1), false));
    assert_eq!(used(&document.ask(T0 + SECOND)), (Some(1), true));
}

#[test]
fn what_a_document_lacks_causes_a_call_at_once_and_then_one_in_30_s() {
    let mut document = with(1, T0 - SECOND);
    let first = version(&mut document, T0);
    let miss = document.ask_newer(first, Presenter::Anybody, T0, T0);
    assert_eq!(
        (&miss.step, miss.call.is_some()),
        (&DocumentStep::Wait, true),
        "at once, however young the document is"
    );
    assert_eq!(
        document.ask_newer(first, Presenter::Anybody, T0, T0),
        DocumentAnswer { step: DocumentStep::Wait, call: None }
    );
    document.fetched(miss.call.unwrap(), Ok((2, T0 + SECOND)), T0 + SECOND);
    // Those who waited, or looked into the older one, look into this one.
    assert_eq!(used(&document.ask_newer(first, Presenter::Anybody, T0, T0 + SECOND)), (Some(2), false));
    let second = version(&mut document, T0 + SECOND);
    for at in (1..30).map(|seconds| T0 + SECOND * seconds) {
        assert_eq!(used(&document.ask_newer(second, Presenter::Anybody, at, at)), (Some(2), false), "no newer one");
    }
    assert!(document.ask_newer(second, Presenter::Anybody, T0 + COOLDOWN, T0 + COOLDOWN).call.is_some());
}

#[test]
fn the_provider_s_own_token_does_not_wait_for_the_cooldown_of_anybody_s_and_has_one_of_its_own() {
    let mut document = with(1, T0 - SECOND);
    let first = version(&mut document, T0);
    let forged = document.ask_newer(first, Presenter::Anybody, T0, T0).call.unwrap();
    document.fetched(forged, Ok((1, T0)), T0);
    let (second, at) = (version(&mut document, T0), T0 + SECOND);
    assert_eq!(document.ask_newer(second, Presenter::Anybody, at, at).call, None);
    let rotated = document.ask_newer(second, Presenter::Provider, at, at).call.unwrap();
    document.fetched(rotated, Ok((2, at)), at);
    let (third, at) = (version(&mut document, at), at + SECOND);
    for presenter in [Presenter::Provider, Presenter::Anybody] {
        assert_eq!(used(&document.ask_newer(third, presenter, at, at)), (Some(2), false), "{presenter:?}");
    }
    let later = T0 + SECOND + COOLDOWN;
    assert!(document.ask_newer(third, Presenter::Provider, later, later).call.is_some());
}

#[test]
fn a_document_that_came_after_the_question_lacks_nothing_that_a_newer_one_would_have() {
    let mut document = with(1, T0);
    let first = version(&mut document, T0);
    assert_eq!(used(&document.ask_newer(first, Presenter::Anybody, T0, T0 + SECOND)), (Some(1), false));
    assert!(document.ask_newer(first, Presenter::Anybody, T0 + SECOND, T0 + SECOND).call.is_some());
}

#[test]
fn one_who_lacks_something_joins_a_call_that_is_under_way_for_another_reason() {
    let (mut document, at) = (with(1, T0), T0 + FRESH);
    let first = version(&mut document, T0);
    let stale = document.ask(at);
    assert_eq!(
        document.ask_newer(first, Presenter::Anybody, at, at),
        DocumentAnswer { step: DocumentStep::Wait, call: None }
    );
    document.fetched(stale.call.unwrap(), Ok((2, at)), at);
    assert_eq!(used(&document.ask_newer(first, Presenter::Anybody, at, at)), (Some(2), false));
    let (second, later) = (version(&mut document, at), at + SECOND);
    assert!(
        document.ask_newer(second, Presenter::Anybody, later, later).call.is_some(),
        "it was none because of something missing"
    );
}

#[test]
fn a_call_for_what_was_missing_that_fails_is_told_apart_from_one_that_brought_nothing_new() {
    let mut document = with(1, T0 - SECOND);
    let first = version(&mut document, T0);
    let miss = document.ask_newer(first, Presenter::Anybody, T0, T0).call.unwrap();
    document.fetched(miss, Err("down"), T0);
    for at in (0..30).map(|seconds| T0 + SECOND * seconds) {
        assert_eq!(document.ask_newer(first, Presenter::Anybody, at, at).step, DocumentStep::Fail("down"));
        assert_eq!(used(&document.ask(at)), (Some(1), false), "the document itself serves on");
    }
    assert!(document.ask_newer(first, Presenter::Anybody, T0 + COOLDOWN, T0 + COOLDOWN).call.is_some());
}

#[test]
fn a_call_that_gives_no_sign_of_life_is_dead_and_the_next_one_makes_it() {
    let mut document = Doc::default();
    let dead = document.ask(T0).call.unwrap();
    document.alive(dead, T0 + SECOND * 3);
    assert_eq!(document.ask(T0 + SECOND * 7).call, None);
    let next = document.ask(T0 + SECOND * 3 + SILENCE).call.unwrap();
    // It was not dead after all: what it brings counts, its failure does not.
    document.fetched(dead, Err("down"), T0 + SECOND * 9);
    assert_eq!(document.ask(T0 + SECOND * 9), DocumentAnswer { step: DocumentStep::Wait, call: None });
    document.fetched(next, Ok((2, T0 + SECOND * 10)), T0 + SECOND * 10);
    document.fetched(dead, Ok((1, T0)), T0 + SECOND * 11);
    assert_eq!(used(&document.ask(T0 + SECOND * 11)), (Some(2), false), "the newer one stays");
}

#[test]
fn a_dead_call_for_what_was_missing_does_not_use_up_the_cooldown() {
    let mut document = with(1, T0 - SECOND);
    let first = version(&mut document, T0);
    assert!(document.ask_newer(first, Presenter::Anybody, T0, T0).call.is_some());
    assert!(document.ask_newer(first, Presenter::Anybody, T0, T0 + SILENCE).call.is_some());
}

#[test]
fn a_probe_calls_unless_the_document_came_just_now_or_could_not_be_had_just_now() {
    let mut document = with(1, T0);
    assert_eq!(used(&document.probe(SECOND * 2, T0 + SECOND)), (Some(1), false));
    let call = document.probe(SECOND * 2, T0 + SECOND * 2).call.unwrap();
    assert_eq!(document.probe(SECOND * 2, T0 + SECOND * 2), DocumentAnswer { step: DocumentStep::Wait, call: None });
    document.fetched(call, Err("down"), T0 + SECOND * 3);
    assert_eq!(document.probe(SECOND * 2, T0 + SECOND * 4).step, DocumentStep::Fail("down"));
    assert_eq!(used(&document.ask(T0 + SECOND * 4)), (Some(1), false));
    assert!(document.probe(SECOND * 2, T0 + SECOND * 3 + PAUSE).call.is_some());
}

#[test]
fn a_failure_is_one_while_nothing_serves() {
    let mut document = Doc::default();
    assert_eq!(document.failure(T0), None, "nobody has asked");
    let call = document.ask(T0).call.unwrap();
    assert_eq!(document.failure(T0), None, "the call is under way");
    document.fetched(call, Err("down"), T0);
    assert_eq!(document.failure(T0 + Duration::HOUR), Some(&"down"));
    let call = document.ask(T0 + PAUSE).call.unwrap();
    document.fetched(call, Ok((1, T0 + PAUSE)), T0 + PAUSE);
    assert_eq!(document.failure(T0 + PAUSE), None);
    let stale = T0 + PAUSE + FRESH;
    let call = document.ask(stale).call.unwrap();
    document.fetched(call, Err("down"), stale);
    assert_eq!(document.failure(stale), None, "the last good one serves");
    assert_eq!(document.failure(T0 + PAUSE + LAST_GOOD), Some(&"down"));
}

#[test]
fn a_clock_that_goes_back_ends_every_pause() {
    let mut document = Doc::default();
    let call = document.ask(T0).call.unwrap();
    document.fetched(call, Err("down"), T0);
    assert!(document.ask(T0 - Duration::HOUR).call.is_some());
    let mut document = with(1, T0);
    assert_eq!(used(&document.ask(T0 - FRESH)), (Some(1), true), "its age is not known");
}
