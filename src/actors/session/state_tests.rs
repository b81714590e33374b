#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use time::Duration;

use openidconnect::{AccessToken, RefreshToken};

use super::*;
use crate::actors::end_reason::RETENTION;
use crate::actors::session::state::due::Due;
use crate::actors::summary::SessionState;
use crate::config::target::TargetKey;
use crate::provider::tokens::Tokens;
use crate::region::Region;

const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const LIVES: Lifetimes =
    Lifetimes { idle: Duration::hours(1), absolute: Duration::hours(10), login: Duration::minutes(10) };
const TOKEN_LIFE: Duration = Duration::seconds(1000);

fn secret(byte: u8) -> Secret {
    Secret::from_random([byte; 32])
}

fn signing_in() -> State {
    State::SigningIn(SigningIn {
        place: UserPlace { region: Region::Weur, country: None, user_agent: None, provider: None },
        began_at: T0,
        forgotten_at: T0 + LIVES.login,
    })
}

fn identity() -> Identity {
    Identity {
        issuer: "iss".into(),
        subject: "sub".into(),
        sid: None,
        claims: "{}".into(),
        id_token: "id".into(),
        user_info: String::new(),
    }
}

fn tokens(valid_from: OffsetDateTime, lifetime: Option<Duration>, refresh: Option<&str>) -> Tokens {
    let refresh_token = refresh.map(|token| RefreshToken::new(token.into()));
    Tokens { access_token: AccessToken::new("access".into()), lifetime, refresh_token, valid_from }
}

fn grant(now: OffsetDateTime, refresh: Option<&str>) -> Grant {
    Grant::new(tokens(now, Some(TOKEN_LIFE), refresh), 0.0)
}

fn active() -> State {
    completed(Superseding::default())
}

fn login(grant: Grant, superseding: Superseding) -> CompletedLogin<'static> {
    static SECRET: std::sync::LazyLock<Secret> = std::sync::LazyLock::new(|| secret(2));
    CompletedLogin { secret: &SECRET, identity: identity(), grant, superseding }
}

fn completed(superseding: Superseding) -> State {
    signing_in().complete(T0, login(grant(T0, Some("first")), superseding), None, LIVES).unwrap()
}

fn refresh_token(state: &State) -> Option<&str> {
    match &state.active()?.grant.refresh {
        Refreshing::Ready { token, .. } | Refreshing::Presented { token, .. } => Some(token.secret()),
        Refreshing::Impossible | Refreshing::Lost => None,
    }
}

#[test]
fn a_login_under_way_is_no_session_and_has_no_cookie() {
    for hash in [secret(1).hash(), SecretHash::of_nothing()] {
        assert!(matches!(signing_in().standing(T0, &hash, LIVES), Standing::Unknown));
    }
    let ended = signing_in().end(T0, EndReason::Revoked).unwrap();
    assert!(matches!(ended.standing(T0, &secret(1).hash(), LIVES), Standing::Unknown));
    assert!(matches!(active().standing(T0, &secret(1).hash(), LIVES), Standing::Unknown));
    assert!(matches!(active().standing(T0, &secret(2).hash(), LIVES), Standing::Active(_)));
}

#[test]
fn a_login_that_was_ended_while_it_was_under_way_makes_no_session() {
    let ended = signing_in().end(T0, EndReason::Revoked).unwrap();
    let late = ended.complete(T0, login(grant(T0, None), Superseding::default()), None, LIVES);
    assert!(matches!(late, Err(DoesNotApply)));
}

#[test]
fn the_sessions_whose_place_it_took_are_told_by_the_alarm_even_after_its_end() {
    let predecessor =
        Predecessor { actor: "a".repeat(64).parse().unwrap(), secret_hash: secret(1).hash(), is_proven: true };
    let state = completed(Superseding::of(T0, [predecessor.clone()]));
    let due = T0 + Duration::seconds(1);
    assert_eq!(state.next_alarm(LIVES), due);
    assert_eq!(state.due(T0, LIVES), Due::Nothing);
    assert_eq!(state.due(due, LIVES), Due::Supersede);
    let ended = state.clone().end(T0, EndReason::Logout).unwrap();
    assert_eq!((ended.next_alarm(LIVES), ended.due(due, LIVES)), (due, Due::Supersede));
    let told = || Superseding::of(T0, [predecessor.clone()]).told(due, std::slice::from_ref(&predecessor.actor));
    let state = state.superseding(told()).unwrap();
    assert_eq!(state.due(due + Duration::hours(1) - Duration::seconds(2), LIVES), Due::Nothing);
    let ended = ended.superseding(told()).unwrap();
    assert_eq!((ended.next_alarm(LIVES), ended.due(due, LIVES)), (T0 + RETENTION, Due::Nothing));
}

#[test]
fn a_session_that_a_later_login_took_the_place_of_knows_which() {
    let login = |digit: &str, seconds| Successor {
        actor: digit.repeat(64).parse().unwrap(),
        region: Region::Weur,
        issuer: "iss".into(),
        subject: "sub".into(),
        needs_refresh_token: false,
        signed_in_at: T0 + Duration::seconds(seconds),
    };
    let (earlier, later) = (login("c", 1), login("b", 2));
    let knows = |state: &State, login: &Successor| match state {
        State::Ended(ended) => ended.successor.as_ref().map(|known| known.actor == login.actor),
        _ => None,
    };
    let state = active().superseded_by(T0, &earlier).unwrap();
    let state = state.superseded_by(T0, &later).unwrap();
    assert_eq!(knows(&state, &later), Some(true));
    // A message that comes late changes nothing.
    assert!(state.clone().superseded_by(T0, &earlier).is_err() && state.clone().passed_on(&earlier, None).is_err());
    // The one that it knows is not there.
    let passed_on = state.passed_on(&earlier, Some(&later.actor)).unwrap();
    assert_eq!(knows(&passed_on, &earlier), Some(true));
    let logged_out = active().end(T0, EndReason::Logout).unwrap();
    assert!(logged_out.superseded_by(T0, &later).is_err());
}

#[test]
fn a_session_ends_idle_or_at_its_absolute_end_whichever_comes_first() {
    let used_at = T0 + Duration::minutes(30);
    let state = active().used(used_at).unwrap();
    assert!(matches!(state.standing(T0 + Duration::minutes(89), &secret(2).hash(), LIVES), Standing::Active(_)));
    assert!(matches!(state.standing(used_at + LIVES.idle, &secret(2).hash(), LIVES), Standing::Over(EndReason::Idle)));
    let state = active().used(T0 + Duration::minutes(599)).unwrap();
    assert!(matches!(
        state.standing(T0 + LIVES.absolute, &secret(2).hash(), LIVES),
        Standing::Over(EndReason::Expired)
    ));
}

#[test]
fn an_ended_session_tells_its_owner_alone_why() {
    let state = active().end(T0, EndReason::Logout).unwrap();
    assert!(matches!(state.standing(T0, &secret(2).hash(), LIVES), Standing::Ended(EndReason::Logout)));
    assert!(matches!(state.standing(T0, &secret(3).hash(), LIVES), Standing::Unknown));
    assert!(state.end(T0, EndReason::Idle).is_err(), "the first reason stands");
}

#[test]
fn an_ended_session_knows_how_many_owners_its_grant_had() {
    let State::Active(active) = active() else { panic!("not active") };
    let ended = State::Active(Box::new(Active { epoch: 3, ..*active })).end(T0, EndReason::Logout).unwrap();
    assert_eq!(ended.epoch(), 3);
}

#[test]
fn a_refreshed_session_goes_by_the_sid_that_its_directories_know() {
    let renewed = Identity { sid: Some("new".into()), id_token: "second".into(), ..identity() };
    let refreshed = active().presenting(T0).unwrap().refreshed(grant(T0, None), Some(renewed)).unwrap();
    let read = |state: &State| {
        let identity = &state.active().unwrap().identity;
        (identity.id_token.clone(), identity.sid.clone())
    };
    assert_eq!(read(&refreshed), ("second".to_owned(), None));
    assert_eq!(read(&refreshed.known_by("new".into()).unwrap()), ("second".to_owned(), Some("new".to_owned())));
}

#[test]
fn an_ended_session_holds_no_token() {
    let ended = format!("{:?}", active().end(T0, EndReason::Logout).unwrap());
    for word in ["access", "first", "AccessToken", "RefreshToken"] {
        assert!(!ended.contains(word), "{ended}");
    }
}

#[test]
fn a_logout_during_a_refresh_wins() {
    let ended = active().presenting(T0).unwrap().end(T0, EndReason::Logout).unwrap();
    assert!(ended.refreshed(grant(T0, Some("second")), None).is_err());
}

#[test]
fn only_a_session_in_use_is_refreshed_ahead() {
    let idle = active();
    assert_eq!(idle.next_alarm(LIVES), T0 + LIVES.idle);
    assert_eq!(idle.due(T0 + TOKEN_LIFE, LIVES), Due::Nothing);
    let used = active().used(T0 + Duration::seconds(1)).unwrap();
    let ahead = T0 + Duration::seconds(750);
    assert_eq!(used.next_alarm(LIVES), ahead);
    assert_eq!(used.due(ahead - Duration::seconds(1), LIVES), Due::Nothing);
    assert_eq!(used.due(ahead, LIVES), Due::Refresh);
    let refreshed = used.presenting(ahead).unwrap().refreshed(grant(ahead, Some("second")), None).unwrap();
    assert_eq!(refreshed.due(ahead + TOKEN_LIFE, LIVES), Due::Nothing);
}

#[test]
fn the_intent_survives_and_a_lost_token_is_gone() {
    let presented = active().presenting(T0).unwrap();
    assert!(
        matches!(&presented.active().unwrap().grant.refresh, Refreshing::Presented { first_at, .. } if *first_at == T0)
    );
    let again = presented.clone().presenting(T0 + Duration::seconds(5)).unwrap();
    assert!(
        matches!(&again.active().unwrap().grant.refresh, Refreshing::Presented { first_at, .. } if *first_at == T0)
    );
    let lost = presented.lost().unwrap();
    assert_eq!(refresh_token(&lost), None);
    assert!(lost.active().unwrap().grant.is_valid(T0));
}

#[test]
fn a_deferred_refresh_waits_and_a_response_without_refresh_token_keeps_the_old_one() {
    let until = T0 + Duration::seconds(900);
    let deferred = active().used(T0).unwrap().presenting(T0).unwrap().deferred(until).unwrap();
    assert_eq!(deferred.next_alarm(LIVES), until);
    let refreshed = deferred.presenting(until).unwrap().refreshed(grant(until, None), None).unwrap();
    assert_eq!(refresh_token(&refreshed), Some("first"));
    let replaced = refreshed.presenting(until).unwrap().refreshed(grant(until, Some("second")), None).unwrap();
    assert_eq!(refresh_token(&replaced), Some("second"));
}

#[test]
fn a_token_with_a_tenth_of_its_life_or_ten_seconds_left_counts_as_expired() {
    let long = grant(T0, None);
    assert!(long.is_valid(T0 + Duration::seconds(989)));
    assert!(!long.is_valid(T0 + Duration::seconds(990)));
    let short = Grant::new(tokens(T0, Some(Duration::seconds(10)), None), 1.0);
    assert!(short.is_valid(T0 + Duration::milliseconds(8999)));
    assert!(!short.is_valid(T0 + Duration::seconds(9)));
    assert_eq!(short.refresh_at, Some(T0 + Duration::milliseconds(8500)));
    assert!(Grant::new(tokens(T0, None, None), 0.0).is_valid(T0 + Duration::days(999)));
}

#[test]
fn a_successor_inherits_the_age_and_a_refresh_token_only_where_it_has_none() {
    let inheritance = Inheritance {
        created_at: T0 - Duration::hours(5),
        expires_at: T0 + Duration::hours(5),
        epoch: 3,
        refresh_token: Some(RefreshToken::new("old".into())),
        ledger: vec![],
        superseding: vec![],
    };
    let complete = |refresh| {
        signing_in().complete(T0, login(grant(T0, refresh), Superseding::default()), Some(&inheritance), LIVES).unwrap()
    };
    let heir = complete(None);
    assert_eq!(heir.active().unwrap().expires_at, T0 + Duration::hours(5));
    assert_eq!(heir.active().unwrap().created_at, T0 - Duration::hours(5));
    assert_eq!(heir.epoch(), 3);
    assert_eq!(refresh_token(&heir), Some("old"));
    assert_eq!(refresh_token(&complete(Some("new"))), Some("new"));
}

#[test]
fn what_is_over_is_forgotten_after_its_retention() {
    assert_eq!(signing_in().next_alarm(LIVES), T0 + LIVES.login);
    assert_eq!(signing_in().due(T0 + LIVES.login - Duration::seconds(1), LIVES), Due::Nothing);
    assert_eq!(signing_in().due(T0 + LIVES.login, LIVES), Due::Forget);
    let ended = active().end(T0, EndReason::Logout).unwrap();
    assert_eq!(ended.next_alarm(LIVES), T0 + RETENTION);
    assert_eq!(ended.due(T0 + RETENTION - Duration::seconds(1), LIVES), Due::Nothing);
    assert_eq!(ended.due(T0 + RETENTION, LIVES), Due::Forget);
}

#[test]
fn uses_are_notable_at_first_and_then_twenty_times_in_an_idle_time() {
    let state = active();
    assert!(state.active().unwrap().use_is_notable(T0, T0, LIVES));
    let used = state.used(T0 + Duration::seconds(100)).unwrap();
    assert!(!used.active().unwrap().use_is_notable(T0 + Duration::seconds(179), T0, LIVES));
    assert!(used.active().unwrap().use_is_notable(T0 + Duration::seconds(180), T0, LIVES));
}

#[test]
fn a_record_survives_its_store() {
    let bytes = crate::actors::stored::encode(&active().presenting(T0).unwrap()).unwrap();
    let state: State = crate::actors::stored::decode(&bytes).unwrap();
    assert_eq!(refresh_token(&state), Some("first"));
}

#[test]
fn a_token_within_its_leeway_waits_and_is_presented_again_by_the_alarm() {
    let until = T0 + Duration::seconds(900);
    let waiting = active().used(T0).unwrap().presenting(T0).unwrap().waiting(until).unwrap();
    assert_eq!(waiting.next_alarm(LIVES), until);
    assert_eq!(waiting.due(until, LIVES), Due::Refresh);
    let again = waiting.presenting(until).unwrap();
    assert!(
        matches!(&again.active().unwrap().grant.refresh, Refreshing::Presented { first_at, not_before: None, .. } if *first_at == T0)
    );
}

#[test]
fn the_pauses_after_series_of_tries_that_failed_grow_from_5_to_30_s_until_new_tokens_come() {
    let pause = |state: &State| state.active().unwrap().grant.pause();
    let mut state = active();
    for seconds in [5, 10, 20, 30, 30, 30] {
        assert_eq!(pause(&state), Duration::seconds(seconds));
        state = state.presenting(T0).unwrap().deferred(T0).unwrap().series_failed().unwrap();
    }
    for _ in 0..300 {
        state = state.series_failed().unwrap();
    }
    assert_eq!(pause(&state), Duration::seconds(30));
    assert_eq!(
        pause(&state.presenting(T0).unwrap().refreshed(grant(T0, Some("second")), None).unwrap()),
        Duration::seconds(5)
    );
}

#[test]
fn what_user_info_says_counts_for_the_tokens_that_it_was_asked_with() {
    let token = AccessToken::new("another".into());
    let inform = |identity: Identity| Identity { claims: "said".into(), ..identity };
    let claims = |state: &State| state.active().unwrap().identity.claims.clone();
    let own = active().active().unwrap().grant.access_token.clone();
    assert_eq!(claims(&active().informed(Some(&own), inform).unwrap()), "said");
    assert!(active().informed(Some(&token), inform).is_err());
    assert_eq!(claims(&active().informed(None, inform).unwrap()), "said");
    assert!(active().end(T0, EndReason::Logout).unwrap().informed(Some(&own), inform).is_err());
}

#[test]
fn what_user_info_says_during_a_refresh_outlives_the_identity_that_the_refresh_brings() {
    let said = |name: &str| serde_json::json!({ "name": name }).as_object().unwrap().clone();
    let known = identity();
    let informed = active().informed(None, |identity| identity.informed(said("Late"))).unwrap();
    let renewed = Identity { claims: r#"{"sub":"sub"}"#.into(), user_info: "{}".into(), ..known };
    let refreshed = informed.refreshed(grant(T0, None), Some(renewed)).unwrap();
    let identity = &refreshed.active().unwrap().identity;
    assert_eq!((identity.claims.contains("Late"), identity.user_info.as_str()), (true, r#"{"name":"Late"}"#));

    // A provider without UserInfo has its claims elsewhere.
    let renewed = Identity { claims: r#"{"org_id":"org_1"}"#.into(), ..self::identity() };
    let refreshed = active().refreshed(grant(T0, None), Some(renewed)).unwrap();
    assert_eq!(refreshed.active().unwrap().identity.claims, r#"{"org_id":"org_1"}"#);
}

#[test]
fn a_session_in_use_is_refreshed_when_its_tokens_are_due_and_not_before_the_provider_allows_it() {
    let refreshed_at = |until| {
        let used = active().used(T0).unwrap();
        let deferred = used.clone().presenting(T0).unwrap().deferred(until).unwrap();
        let waiting = used.presenting(T0).unwrap().waiting(until).unwrap();
        (deferred.next_alarm(LIVES), waiting.next_alarm(LIVES))
    };
    let (due, later) = (T0 + Duration::seconds(750), T0 + Duration::seconds(900));
    assert_eq!(refreshed_at(T0 + Duration::seconds(20)), (due, due));
    assert_eq!(refreshed_at(later), (later, later));
    // What is under way has nobody to wake for.
    let used = active().used(T0).unwrap().presenting(T0).unwrap();
    assert_eq!(used.next_alarm(LIVES), T0 + LIVES.idle);
}

#[test]
fn a_token_may_be_presented_from_the_very_moment_that_the_provider_named() {
    let until = T0 + Duration::seconds(30);
    let waits = |state: &State, now| state.active().unwrap().grant.refresh.waits_until(now);
    let deferred = active().presenting(T0).unwrap().deferred(until).unwrap();
    let waiting = active().presenting(T0).unwrap().waiting(until).unwrap();
    for state in [&deferred, &waiting] {
        assert_eq!(waits(state, until - Duration::milliseconds(1)), Some(until));
        assert_eq!(waits(state, until), None);
    }
    assert_eq!(waits(&active(), T0), None);
    assert_eq!(waits(&waiting.lost().unwrap(), T0), None);
}

#[test]
fn a_token_that_is_postponed_waits_and_what_is_known_of_it_stays_known() {
    let (first_at, until) = (T0 + Duration::seconds(1), T0 + Duration::seconds(9));
    let ready = active().postponed(until).unwrap();
    assert!(
        matches!(ready.active().unwrap().grant.refresh, Refreshing::Ready { not_before: Some(at), .. } if at == until)
    );
    let presented = active().presenting(first_at).unwrap().postponed(until).unwrap();
    assert!(matches!(
        presented.active().unwrap().grant.refresh,
        Refreshing::Presented { first_at: first, not_before: Some(at), .. } if first == first_at && at == until
    ));
}

#[test]
fn a_refresh_that_somebody_asked_for_is_remembered_with_its_time() {
    let at = T0 + Duration::seconds(3);
    assert_eq!(active().active().unwrap().forced_at, None);
    assert_eq!(active().forced(at).unwrap().active().unwrap().forced_at, Some(at));
}

#[test]
fn a_use_that_is_known_already_is_no_use_since_the_tokens_came() {
    let refreshed = active().used(T0).unwrap().refreshed(grant(T0, Some("second")), None).unwrap();
    let used = |at| {
        let mut state = refreshed.clone();
        state.was_used(at);
        let active = state.active().unwrap().clone();
        (active.used, active.last_used_at)
    };
    assert_eq!(used(T0 - Duration::seconds(1)), (false, T0));
    assert_eq!(used(T0), (false, T0));
    assert_eq!(used(T0 + Duration::milliseconds(1)), (true, T0 + Duration::milliseconds(1)));
    // A clock that went back takes no use back.
    let state = active().used(T0 + Duration::seconds(5)).unwrap().used(T0).unwrap();
    assert_eq!(state.active().unwrap().last_used_at, T0 + Duration::seconds(5));
}

#[test]
fn what_can_be_read_of_a_session_in_each_of_its_states() {
    let user = || Some(("iss".to_owned(), "sub".to_owned()));
    let end = T0 + LIVES.absolute;
    for (name, state) in states() {
        let summary = state.summary();
        let shown = summary.as_ref().map(|summary| (summary.state, summary.last_used_at, summary.expires_at));
        let (listed, moved_to) = match name {
            "signing in" => (None, None),
            "ended" => (Some((SessionState::Ended, Some(T0), end)), None),
            "in its grace" | "settled" | "forwarding" => {
                (Some((SessionState::Moved, Some(T0), end)), Some(login_of('b', 1).actor))
            }
            _ => (Some((SessionState::Active, Some(T0), end)), None),
        };
        assert_eq!(shown, listed, "{name}");
        assert_eq!(state.moved_to().map(|to| to.actor.clone()), moved_to, "{name}");
        assert_eq!(state.user(), listed.and_then(|_| user()), "{name}");
        assert_eq!(state.place().region, Region::Weur, "{name}");
        let serves = ["ready", "presented", "lost", "moving", "in its grace"].contains(&name);
        assert_eq!(state.serving().is_some(), serves, "{name}");
    }
    let ended = signing_in().end(T0, EndReason::Revoked).unwrap();
    assert_eq!((ended.user(), ended.epoch(), ended.summary().unwrap().last_used_at), (None, 0, None));
    assert_eq!(signing_in().epoch(), 0);
}

#[test]
fn what_the_user_may_know_of_a_session_ends_with_its_idle_or_its_absolute_time_whichever_comes_first() {
    let view = |used_at| active().used(used_at).unwrap().active().unwrap().view(LIVES);
    let used_at = T0 + Duration::minutes(20);
    assert_eq!(view(used_at).idle_expires_at, used_at + LIVES.idle);
    let late = view(T0 + LIVES.absolute - Duration::minutes(20));
    assert_eq!((late.idle_expires_at, late.expires_at), (T0 + LIVES.absolute, T0 + LIVES.absolute));
    assert_eq!((late.subject.as_str(), late.issuer.as_str()), ("sub", "iss"));
    assert_eq!(late.access_token_expires_at, Some(T0 + TOKEN_LIFE));
}

#[test]
fn of_two_logins_the_later_one_counts_and_at_the_same_moment_the_actors_ids_say_which() {
    assert!(login_of('a', 2).is_later_than(&login_of('b', 1)));
    assert!(!login_of('b', 1).is_later_than(&login_of('a', 2)));
    assert!(login_of('b', 1).is_later_than(&login_of('a', 1)));
    assert!(!login_of('a', 1).is_later_than(&login_of('b', 1)));
    assert!(!login_of('a', 1).is_later_than(&login_of('a', 1)), "a message that comes twice is no later login");
}

#[test]
fn a_successor_is_of_the_user_whose_issuer_and_subject_it_has() {
    let is_of = |issuer: &str, subject: &str| login_of('a', 1).is_of(&(issuer.to_owned(), subject.to_owned()));
    assert!(is_of("iss", "sub"));
    assert!(!is_of("iss", "another"), "another user of the same provider");
    assert!(!is_of("another", "sub"), "the same subject at another provider");
}

fn target_token(target: &str, at: OffsetDateTime) -> TargetToken {
    TargetToken::new(TargetKey::of(target), &tokens(at, Some(TOKEN_LIFE), None))
}

/// Whether the session has a token for this target that serves.
fn serves(state: &State, target: &str, now: OffsetDateTime) -> bool {
    state.active().unwrap().target_token(&TargetKey::of(target), now).is_some()
}

#[test]
fn a_token_for_a_target_serves_that_target_until_its_end() {
    let state = active().exchanged(target_token("a", T0)).unwrap().exchanged(target_token("b", T0)).unwrap();
    let end = T0 + Duration::seconds(990);
    for (target, now, expected) in
        [("a", end - Duration::seconds(1), true), ("b", T0, true), ("c", T0, false), ("a", end, false)]
    {
        assert_eq!(serves(&state, target, now), expected, "{target}, {now}");
    }
    let endless = TargetToken::new(TargetKey::of("a"), &tokens(T0, None, None));
    assert!(serves(&active().exchanged(endless).unwrap(), "a", T0 + Duration::days(999)));
    assert!(!serves(&state.without_target_tokens().unwrap(), "a", T0));
}

#[test]
fn a_session_holds_one_token_for_each_target_and_none_that_is_over() {
    let held = |state: &State| {
        let tokens = &state.active().unwrap().target_tokens;
        tokens.iter().map(|token| (token.key.as_str().to_owned(), token.issued_at)).collect::<Vec<_>>()
    };
    let (soon, later) = (T0 + Duration::seconds(5), T0 + TOKEN_LIFE);
    let state = active().exchanged(target_token("a", T0)).unwrap().exchanged(target_token("b", T0)).unwrap();
    let state = state.exchanged(target_token("a", soon)).unwrap();
    assert_eq!(held(&state), [("b".to_owned(), T0), ("a".to_owned(), soon)]);
    let state = state.exchanged(target_token("c", later)).unwrap();
    assert_eq!(held(&state), [("c".to_owned(), later)]);
}

#[test]
fn a_wish_for_new_tokens_takes_the_targets_tokens_of_before_away_once() {
    let (wished, later) = (T0 + Duration::seconds(40), T0 + Duration::seconds(50));
    let refreshed = |state: State, at: OffsetDateTime| {
        state.presenting(at).unwrap().refreshed(grant(at, Some("second")), None).unwrap()
    };
    let state = active().exchanged(target_token("a", T0)).unwrap();
    assert!(serves(&refreshed(state.clone(), later), "a", later), "nobody wished for anything");
    let state = refreshed(state.forced(wished).unwrap(), wished);
    assert!(!serves(&state, "a", wished));
    let state = refreshed(state.exchanged(target_token("a", later)).unwrap(), later);
    assert!(serves(&state, "a", later), "the wish was fulfilled");
}

#[test]
fn a_refresh_for_a_target_may_bring_another_refresh_token_and_never_another_token_of_the_session() {
    let (presented, new) = (active().presenting(T0).unwrap(), RefreshToken::new("second".into()));
    for (refresh, expected) in [(None, "first"), (Some(new), "second")] {
        let state = presented.clone().refreshed_for(target_token("a", T0), refresh).unwrap();
        assert_eq!(refresh_token(&state), Some(expected));
        assert!(matches!(state.active().unwrap().grant.refresh, Refreshing::Ready { not_before: None, .. }));
        assert!(serves(&state, "a", T0));
        assert_eq!(state.active().unwrap().grant.issued_at, T0);
    }
}

/// One state of each kind, and of an active session one for each standing of its refresh token.
fn states() -> Vec<(&'static str, State)> {
    let arriving = || {
        let State::Active(active) = active() else { panic!("not active") };
        State::Arriving(Arriving { active, from: "a".repeat(64).parse().unwrap(), arrived_at: T0 })
    };
    let moved = active().succeeded(T0, &login_of('b', 1), Duration::seconds(10)).unwrap();
    vec![
        ("signing in", signing_in()),
        ("ready", active()),
        ("presented", active().presenting(T0).unwrap()),
        ("lost", active().presenting(T0).unwrap().lost().unwrap()),
        ("moving", active().departing(moving()).unwrap()),
        ("ended", active().end(T0, EndReason::Logout).unwrap()),
        ("in its grace", moved.clone()),
        ("settled", moved.settled().unwrap()),
        ("forwarding", active().departing(moving()).unwrap().departed(T0).unwrap()),
        ("arriving", arriving()),
    ]
}

fn moving() -> Moving {
    Moving { to: "b".repeat(64).parse().unwrap(), region: Region::Oc, began_at: T0 }
}

fn login_of(digit: char, seconds: i64) -> Successor {
    Successor {
        actor: digit.to_string().repeat(64).parse().unwrap(),
        region: Region::Weur,
        issuer: "iss".into(),
        subject: "sub".into(),
        needs_refresh_token: false,
        signed_in_at: T0 + Duration::seconds(seconds),
    }
}

#[test]
fn a_transition_that_does_not_apply_is_an_error_in_every_state() {
    const LIVE: &[&str] = &["ready", "presented", "lost", "moving"];
    let (earlier, later) = (login_of('d', 0), login_of('c', 2));
    let login = || login(grant(T0, None), Superseding::default());
    type Make<'a> = Box<dyn Fn(State) -> Transition + 'a>;
    let transitions: [(&str, Make<'_>, &[&str]); 24] = [
        ("complete", Box::new(|state| state.complete(T0, login(), None, LIVES)), &["signing in"]),
        (
            "end",
            Box::new(|state| state.end(T0, EndReason::Idle)),
            &["signing in", "ready", "presented", "lost", "moving"],
        ),
        (
            "superseded by",
            Box::new(|state| state.superseded_by(T0, &later)),
            &["signing in", "ready", "presented", "lost", "moving"],
        ),
        ("passed on", Box::new(|state| state.passed_on(&later, None)), &["in its grace", "settled"]),
        (
            "passed on to nobody",
            Box::new(|state| state.passed_on(&earlier, Some(&login_of('b', 1).actor))),
            &["in its grace", "settled"],
        ),
        (
            "superseding",
            Box::new(|state| state.superseding(Superseding::default())),
            &["ready", "presented", "lost", "moving", "ended"],
        ),
        ("used", Box::new(|state| state.used(T0)), LIVE),
        ("forced", Box::new(|state| state.forced(T0)), LIVE),
        ("presenting", Box::new(|state| state.presenting(T0)), &["ready", "presented", "moving"]),
        ("deferred", Box::new(|state| state.deferred(T0)), &["ready", "presented", "moving"]),
        ("waiting", Box::new(|state| state.waiting(T0)), &["presented"]),
        ("postponed", Box::new(|state| state.postponed(T0)), &["ready", "presented", "moving"]),
        ("series failed", Box::new(State::series_failed), LIVE),
        ("lost", Box::new(State::lost), &["presented"]),
        ("refreshed", Box::new(|state| state.refreshed(grant(T0, None), None)), LIVE),
        ("known by", Box::new(|state| state.known_by("sid".into())), LIVE),
        ("exchanged", Box::new(|state| state.exchanged(target_token("a", T0))), LIVE),
        (
            "refreshed for",
            Box::new(|state| state.refreshed_for(target_token("a", T0), None)),
            &["ready", "presented", "moving"],
        ),
        ("without target tokens", Box::new(State::without_target_tokens), LIVE),
        ("departing", Box::new(|state| state.departing(moving())), LIVE),
        ("staying", Box::new(State::staying), &["moving"]),
        ("departed", Box::new(|state| state.departed(T0)), &["moving"]),
        ("released", Box::new(|state| state.released(T0)), &["arriving"]),
        ("settled", Box::new(State::settled), &["in its grace"]),
    ];
    for (transition, make, applies_to) in transitions {
        for (name, state) in states() {
            assert_eq!(make(state).is_ok(), applies_to.contains(&name), "{transition}: {name}");
        }
    }
    for (name, state) in states() {
        assert_eq!(state.succeeded(T0, &later, Duration::ZERO).is_ok(), LIVE.contains(&name), "succeeded: {name}");
    }
}
