#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use futures::FutureExt as _;

use super::*;
use crate::store::model::{Mishap, Model, done};

const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const MINUTE: time::Duration = time::Duration::minutes(1);
const SECOND: time::Duration = time::Duration::seconds(1);
const MOMENT: time::Duration = time::Duration::milliseconds(1);

fn settings(kind: StoreKind) -> StoreSettings {
    let key = BASE64_URL_SAFE_NO_PAD.encode([7; 32]);
    StoreSettings { kind, keys: StateKeys::parse(&format!("k1:{key}")).unwrap(), database: None }
}

/// The store of an actor's object, which has read nothing yet.
fn store(model: &Rc<Model>, kind: StoreKind) -> Rc<SessionStore> {
    Rc::new(SessionStore::new(&model.context(), &settings(kind)))
}

fn about() -> Option<About> {
    Some(About {
        state: "active",
        issuer: "iss".into(),
        subject: "sub".into(),
        region: "weur",
        created_at: T0,
        last_used_at: None,
        expires_at: T0 + time::Duration::days(7),
        kept_until: T0 + time::Duration::days(14),
    })
}

fn save(store: &Rc<SessionStore>, record: &str) -> Result<Saved, StoreError> {
    done(store.save(record.into(), about()))
}

/// What another object of the actor reads.
fn read(model: &Rc<Model>, kind: StoreKind) -> Result<Option<String>, StoreError> {
    let record = done(store(model, kind).load(model.now.get()))?;
    Ok(record.map(|record| String::from_utf8(record).unwrap()))
}

fn reads(model: &Rc<Model>, kind: StoreKind, expected: &str) {
    assert_eq!(read(model, kind).unwrap().as_deref(), Some(expected));
}

/// Whether the actor's own row has the record, too.
fn has_copy(model: &Rc<Model>) -> bool {
    Durable::new(Rc::clone(&model.memory) as _).read().unwrap().unwrap().state.is_some()
}

/// The only value that KV has.
fn in_kv(model: &Model) -> Vec<u8> {
    model.kv.borrow().values().next().unwrap().0.clone()
}

fn put_into_kv(model: &Model, value: Vec<u8>) {
    model.kv.borrow_mut().values_mut().next().unwrap().0 = value;
}

/// A record as another writer would have sealed it.
fn foreign(generation: u64) -> Vec<u8> {
    let actor = Model::actor();
    let place = RecordPlace { store: "kv", actor: &actor, generation };
    settings(StoreKind::Kv).keys.seal(place, [9; 24], b"foreign").unwrap()
}

#[test]
fn an_actor_that_never_began_has_no_record_and_writes_nothing() {
    for kind in [StoreKind::Durable, StoreKind::Kv, StoreKind::Neon] {
        let model = Model::new();
        let store = store(&model, kind);
        assert_eq!(done(store.load(T0)).unwrap(), None);
        assert_eq!((store.generation(), store.settles_at(), store.is_elsewhere()), (0, None, false));
        done(store.forget());
        assert_eq!((model.memory.is_empty(), model.asked()), (true, String::new()), "{kind:?}");
    }
}

#[test]
fn a_record_outlives_the_object_that_saved_it_and_its_writes_are_counted() {
    for kind in [StoreKind::Durable, StoreKind::Kv, StoreKind::Neon] {
        let model = Model::new();
        let store = store(&model, kind);
        assert_eq!(store.kind(), kind);
        for (number, record) in [(1, "one"), (2, "two"), (3, "three")] {
            assert_eq!(save(&store, record).unwrap(), Saved::Taken);
            assert_eq!(store.generation(), number);
            reads(&model, kind, record);
            model.wait(MINUTE);
        }
        assert!(!store.is_elsewhere() && store.take_foreign().is_none());
        assert!(model.errors.borrow().is_empty());
    }
}

#[test]
fn in_kv_a_record_has_the_key_of_its_session_and_a_time_to_go() {
    let model = Model::new();
    save(&store(&model, StoreKind::Kv), "one").unwrap();
    let stands = model.kv.borrow().iter().map(|(key, (_, until))| (key.clone(), *until)).collect::<Vec<_>>();
    assert_eq!(stands, [(format!("session/{}", Model::actor()), about().unwrap().kept_until)]);
    // KV refuses a time that is nearly over.
    let over = About { kept_until: T0, ..about().unwrap() };
    model.wait(MINUTE);
    done(store(&model, StoreKind::Kv).save(b"two".into(), Some(over))).unwrap();
    let until = model.kv.borrow().values().next().unwrap().1;
    assert_eq!(until, T0 + MINUTE + SECOND * 90);
}

#[test]
fn what_nobody_may_know_of_yet_stays_with_the_actor() {
    for kind in [StoreKind::Kv, StoreKind::Neon] {
        let model = Model::new();
        let store = store(&model, kind);
        assert_eq!(done(store.save(b"login".into(), None)).unwrap(), Saved::Taken);
        assert_eq!((store.settles_at(), done(store.push()).is_ok()), (None, true));
        done(store.forget());
        assert_eq!(model.asked(), "", "{kind:?}");
        reads(&model, kind, "login");
    }
}

#[test]
fn without_a_key_or_random_bytes_nothing_is_saved() {
    let model = Model::new();
    let keyless = StoreSettings { keys: StateKeys::default(), ..settings(StoreKind::Kv) };
    let store_without = Rc::new(SessionStore::new(&model.context(), &keyless));
    assert!(save(&store_without, "one").is_err());
    model.has_no_randomness.set(true);
    assert!(save(&store(&model, StoreKind::Kv), "one").is_err());
    assert!(model.memory.is_empty() && model.kv.borrow().is_empty());
}

#[test]
fn a_second_write_to_kv_within_a_second_waits_with_the_actor() {
    for (pause, waits) in [(MOMENT * 1_049, true), (MOMENT * 1_050, false)] {
        let model = Model::new();
        let store = store(&model, StoreKind::Kv);
        save(&store, "one").unwrap();
        let (first, at) = (in_kv(&model), model.now.get());
        model.wait(pause);
        assert_eq!(save(&store, "two").unwrap(), Saved::Taken);
        assert_eq!(in_kv(&model) == first, waits, "{pause}");
        reads(&model, StoreKind::Kv, "two");
        assert_eq!(model.run_one(), waits);
        assert!(in_kv(&model) != first);
        assert_eq!(model.now.get(), at + MOMENT * 1_050, "it waits no longer than it has to");
    }
}

#[test]
fn the_copy_of_a_record_goes_when_kv_reads_it_back_two_minutes_later() {
    let model = Model::new();
    let store = store(&model, StoreKind::Kv);
    save(&store, "one").unwrap();
    assert_eq!(store.settles_at(), Some(T0 + MINUTE * 2));
    model.asked();
    model.wait(MINUTE * 2 - MOMENT);
    done(store.settle(model.now.get(), about())).unwrap();
    assert_eq!((model.asked().as_str(), has_copy(&model)), ("", true));
    model.wait(MOMENT);
    done(store.settle(model.now.get(), about())).unwrap();
    assert_eq!((model.asked().as_str(), has_copy(&model)), ("get", false));
    assert_eq!((store.settles_at(), store.generation()), (None, 1));
    reads(&model, StoreKind::Kv, "one");
    // The next write begins with the record as it was.
    model.mishaps.borrow_mut().push_back(Some(Mishap::Silent));
    assert!(save(&store, "two").is_err());
    reads(&model, StoreKind::Kv, "one");
}

#[test]
fn kv_gets_a_record_again_if_it_has_lost_it_or_still_shows_an_older_one() {
    for shows in [None, Some(foreign(1))] {
        let model = Model::new();
        let store = store(&model, StoreKind::Kv);
        save(&store, "one").unwrap();
        model.wait(MINUTE);
        save(&store, "two").unwrap();
        let (own, at) = (in_kv(&model), model.now.get());
        match shows.clone() {
            Some(value) => put_into_kv(&model, value),
            None => model.kv.borrow_mut().clear(),
        }
        model.wait(MINUTE * 2);
        model.asked();
        done(store.settle(model.now.get(), about())).unwrap();
        assert_eq!(model.asked(), "get put");
        assert!(in_kv(&model) == own && has_copy(&model));
        assert_eq!(store.settles_at(), Some(at + MINUTE * 4));
        assert_eq!(store.take_foreign(), None, "an older record was the actor's own");
    }
}

#[test]
fn a_record_in_kv_that_the_actor_never_wrote_is_written_over_and_told_of_once() {
    for (generation, expected) in [(2, Some(2)), (7, Some(7))] {
        let model = Model::new();
        let store = store(&model, StoreKind::Kv);
        save(&store, "one").unwrap();
        model.wait(MINUTE);
        save(&store, "two").unwrap();
        let own = in_kv(&model);
        put_into_kv(&model, foreign(generation));
        model.wait(MINUTE * 2);
        done(store.settle(model.now.get(), about())).unwrap();
        assert!(in_kv(&model) == own);
        assert_eq!((store.take_foreign(), store.take_foreign()), (expected, None));
    }
}

#[test]
fn what_arrives_late_of_a_write_that_was_given_up_is_the_actor_s_own_and_is_written_over() {
    let model = Model::new();
    let store = store(&model, StoreKind::Kv);
    save(&store, "one").unwrap();
    model.wait(MINUTE);
    model.mishaps.borrow_mut().push_back(Some(Mishap::Silent));
    assert!(save(&store, "two").is_err());
    put_into_kv(&model, foreign(2));
    model.wait(MINUTE);
    done(store.settle(model.now.get(), about())).unwrap();
    assert_eq!(store.take_foreign(), None);
    assert!(in_kv(&model) != foreign(2));
    reads(&model, StoreKind::Kv, "one");
}

#[test]
fn a_kv_that_cannot_be_read_is_asked_again_a_minute_later() {
    let model = Model::new();
    let store = store(&model, StoreKind::Kv);
    save(&store, "one").unwrap();
    model.wait(MINUTE * 2);
    model.mishaps.borrow_mut().push_back(Some(Mishap::Refused("")));
    assert!(done(store.settle(model.now.get(), about())).is_err());
    assert!(has_copy(&model));
    assert_eq!(store.settles_at(), Some(model.now.get() + MINUTE));
}

#[test]
fn after_a_write_to_kv_that_was_not_answered_the_copy_stays_for_an_hour() {
    let model = Model::new();
    let store = store(&model, StoreKind::Kv);
    save(&store, "one").unwrap();
    model.wait(MINUTE);
    model.mishaps.borrow_mut().push_back(Some(Mishap::Silent));
    assert!(save(&store, "two").is_err());
    let unanswered_at = model.now.get();
    assert_eq!(unanswered_at, T0 + MINUTE + SECOND * 4);
    assert_eq!(model.errors.borrow().len(), 1);
    assert_eq!(store.generation(), 1);
    reads(&model, StoreKind::Kv, "one");

    // What counts gets a number above the one of which nobody knows what became.
    let again_at = store.settles_at().unwrap();
    assert_eq!(again_at, T0 + MINUTE * 2);
    model.wait(MINUTE);
    done(store.settle(model.now.get(), about())).unwrap();
    assert_eq!(store.generation(), 3);
    reads(&model, StoreKind::Kv, "one");
    model.wait(MINUTE * 2);
    done(store.settle(model.now.get(), about())).unwrap();
    let late_until = unanswered_at + MINUTE * 60;
    assert_eq!((store.settles_at(), has_copy(&model)), (Some(late_until), true));
    model.now.set(late_until - MOMENT);
    store.kept.borrow_mut().as_mut().unwrap().settles_at = Some(T0);
    done(store.settle(model.now.get(), about())).unwrap();
    assert!(has_copy(&model));
    model.now.set(late_until);
    done(store.settle(model.now.get(), about())).unwrap();
    assert!(!has_copy(&model));
    reads(&model, StoreKind::Kv, "one");
}

#[test]
fn a_fact_that_comes_while_a_record_is_written_counts() {
    for kind in [StoreKind::Kv, StoreKind::Neon] {
        let model = Model::new();
        let store = store(&model, kind);
        save(&store, "one").unwrap();
        model.wait(MINUTE);
        let fact = Rc::clone(&store);
        model.meanwhile.replace(Some(Box::new(move || fact.hold(b"fact".into(), about()).unwrap())));
        assert_eq!(save(&store, "two").unwrap(), Saved::Overtaken, "{kind:?}");
        assert_eq!(store.generation(), 3);
        reads(&model, kind, "fact");
        // It gets to the store, too.
        model.asked();
        done(store.push()).unwrap();
        assert_eq!(model.asked(), if kind == StoreKind::Kv { "put" } else { "WITH" });
        reads(&model, kind, "fact");
    }
}

#[test]
fn a_record_that_waits_behind_another_write_is_overtaken_by_a_fact_and_not_written() {
    let model = Model::new();
    let store = store(&model, StoreKind::Neon);
    save(&store, "one").unwrap();
    let waiting = Rc::new(RefCell::new(None));
    let (later, second) = (Rc::clone(&store), Rc::clone(&waiting));
    model.meanwhile.replace(Some(Box::new(move || {
        let fact = Rc::clone(&later);
        let mut save = async move { later.save(b"three".into(), about()).await }.boxed_local();
        assert!((&mut save).now_or_never().is_none(), "one write is under way");
        second.replace(Some(save));
        fact.hold(b"fact".into(), about()).unwrap();
    })));
    assert_eq!(save(&store, "two").unwrap(), Saved::Overtaken);
    model.asked();
    assert_eq!(done(waiting.take().unwrap()).unwrap(), Saved::Overtaken);
    assert_eq!(model.asked(), "");
    reads(&model, StoreKind::Neon, "fact");
}

#[test]
fn a_fact_is_with_the_actor_until_postgres_has_it() {
    let model = Model::new();
    let store = store(&model, StoreKind::Neon);
    store.hold(b"fact".into(), about()).unwrap();
    assert_eq!((store.settles_at(), has_copy(&model)), (Some(T0 + MINUTE), true));
    model.mishaps.borrow_mut().push_back(Some(Mishap::Refused("")));
    assert!(done(store.push()).is_err());
    assert_eq!((store.settles_at(), has_copy(&model)), (Some(model.now.get() + MINUTE), true));
    model.wait(MINUTE);
    done(store.settle(model.now.get(), about())).unwrap();
    assert_eq!((store.settles_at(), has_copy(&model)), (None, false));
    reads(&model, StoreKind::Neon, "fact");
    model.asked();
    model.memory.ran.take();
    done(store.push()).unwrap();
    done(store.settle(model.now.get() + MINUTE, about())).unwrap();
    assert_eq!((model.asked().as_str(), model.memory.ran.take().len()), ("", 0), "there is nothing to bring");
}

#[test]
fn a_copy_that_an_earlier_process_left_is_looked_after() {
    for (kind, asked) in [(StoreKind::Durable, ""), (StoreKind::Kv, "get"), (StoreKind::Neon, "open WITH")] {
        let model = Model::new();
        let first = store(&model, kind);
        first.hold(b"fact".into(), about()).unwrap();
        if kind == StoreKind::Kv {
            done(first.push()).unwrap();
        }
        let next = store(&model, kind);
        done(next.load(T0)).unwrap();
        assert_eq!(next.settles_at(), None, "the store cannot describe what it has not read");
        model.asked();
        done(next.settle(T0, about())).unwrap();
        assert_eq!((model.asked().as_str(), next.settles_at()), (asked, None), "{kind:?}");
        assert_eq!(has_copy(&model), kind == StoreKind::Durable);
        // What has no copy needs no look.
        let last = store(&model, kind);
        done(last.load(T0)).unwrap();
        model.asked();
        done(last.settle(T0, about())).unwrap();
        assert_eq!((model.asked().as_str(), last.settles_at()), ("", None), "{kind:?}");
    }
}

#[test]
fn a_process_that_finds_a_copy_leaves_kv_alone_for_a_second() {
    let model = Model::new();
    save(&store(&model, StoreKind::Kv), "one").unwrap();
    let next = store(&model, StoreKind::Kv);
    done(next.load(model.now.get())).unwrap();
    model.asked();
    save(&next, "two").unwrap();
    assert_eq!(model.asked(), "");
    assert!(model.run_one());
    assert_eq!((model.asked().as_str(), model.now.get()), ("put", T0 + MOMENT * 1_050));
}

#[test]
fn a_copy_that_could_not_be_dropped_goes_later_without_another_statement() {
    let model = Model::new();
    let store = store(&model, StoreKind::Neon);
    store.hold(b"fact".into(), about()).unwrap();
    model.memory.writes_left.set(Some(0));
    assert!(done(store.push()).is_err());
    assert!(has_copy(&model));
    model.memory.writes_left.set(None);
    model.asked();
    done(store.push()).unwrap();
    assert_eq!((model.asked().as_str(), has_copy(&model)), ("", false));
}

#[test]
fn a_push_to_kv_of_what_it_has_taken_already_writes_nothing() {
    let model = Model::new();
    let store = store(&model, StoreKind::Kv);
    store.hold(b"fact".into(), about()).unwrap();
    assert_eq!(store.settles_at(), Some(T0 + MINUTE * 2));
    done(store.push()).unwrap();
    assert_eq!((model.asked().as_str(), model.now.get()), ("put", T0), "the first write waits for nothing");
    done(store.push()).unwrap();
    assert_eq!((model.asked().as_str(), has_copy(&model)), ("", true));
    // A write that was not taken is made again.
    store.hold(b"another".into(), about()).unwrap();
    model.mishaps.borrow_mut().push_back(Some(Mishap::Refused("")));
    assert!(done(store.push()).is_err());
    assert_eq!(store.settles_at(), Some(model.now.get() + MINUTE));
    done(store.push()).unwrap();
    assert_eq!(model.asked(), "put put");
}

#[test]
fn a_stale_or_missing_record_opens_no_session() {
    let model = Model::new();
    let store = store(&model, StoreKind::Kv);
    save(&store, "one").unwrap();
    let old = in_kv(&model);
    model.wait(MINUTE);
    save(&store, "two").unwrap();
    model.wait(MINUTE * 2);
    done(store.settle(model.now.get(), about())).unwrap();
    put_into_kv(&model, old);
    let expected = Unreadable::OtherGeneration { found: 1, expected: 2 };
    assert!(matches!(read(&model, StoreKind::Kv), Err(StoreError::Unreadable(why)) if why == expected));
    model.kv.borrow_mut().clear();
    assert!(matches!(read(&model, StoreKind::Kv), Err(StoreError::Unreadable(Unreadable::Missing))));
}

#[test]
fn a_record_moves_to_the_store_that_is_configured_now_and_is_deleted_where_it_was() {
    let kinds = [StoreKind::Durable, StoreKind::Kv, StoreKind::Neon];
    for (from, to) in kinds.into_iter().flat_map(|from| kinds.map(|to| (from, to))).filter(|(from, to)| from != to) {
        let model = Model::new();
        save(&store(&model, from), "one").unwrap();
        let next = store(&model, to);
        let record = done(next.load(model.now.get())).unwrap().unwrap();
        assert!(next.is_elsewhere());
        done(next.carry_over(record, about())).unwrap();
        assert!(!next.is_elsewhere() && next.generation() == 2);
        let outside = (model.kv.borrow().len(), model.rows.borrow().len());
        assert_eq!(outside, (usize::from(to == StoreKind::Kv), usize::from(to == StoreKind::Neon)), "{from:?}");
        reads(&model, to, "one");
    }
}

#[test]
fn what_cannot_be_brought_to_the_new_store_stays_in_the_former_one_until_it_can() {
    let model = Model::new();
    save(&store(&model, StoreKind::Kv), "one").unwrap();
    let next = store(&model, StoreKind::Neon);
    let record = done(next.load(model.now.get())).unwrap().unwrap();
    model.mishaps.borrow_mut().push_back(Some(Mishap::Refused("")));
    done(next.carry_over(record, about())).unwrap();
    assert_eq!((model.kv.borrow().len(), model.rows.borrow().len()), (1, 0));
    reads(&model, StoreKind::Neon, "one");
}

#[test]
fn a_login_under_way_that_moves_to_another_store_deletes_nothing_where_it_never_was() {
    let model = Model::new();
    done(store(&model, StoreKind::Kv).save(b"login".into(), None)).unwrap();
    let next = store(&model, StoreKind::Neon);
    let record = done(next.load(T0)).unwrap().unwrap();
    done(next.carry_over(record, None)).unwrap();
    assert_eq!(model.asked(), "");
    reads(&model, StoreKind::Neon, "login");
}

#[test]
fn who_is_forgotten_is_deleted_where_the_record_may_be() {
    let deletes = |kind, prepare: fn(&Rc<Model>, &Rc<SessionStore>)| {
        let model = Model::new();
        let first = store(&model, kind);
        save(&first, "one").unwrap();
        model.wait(MINUTE * 2);
        prepare(&model, &first);
        model.asked();
        let next = store(&model, kind);
        let _ = done(next.load(model.now.get()));
        model.asked();
        done(next.forget());
        assert_eq!(next.generation(), 0);
        model.asked()
    };
    let settle = |model: &Rc<Model>, store: &Rc<SessionStore>| {
        done(store.settle(model.now.get(), about())).unwrap();
    };
    assert_eq!(deletes(StoreKind::Durable, |_, _| {}), "");
    // It could not be read.
    assert_eq!(
        deletes(StoreKind::Kv, |model, store| {
            done(store.settle(model.now.get(), about())).unwrap();
            model.kv.borrow_mut().clear();
        }),
        "delete"
    );
    // Nobody knows what became of a write.
    assert_eq!(
        deletes(StoreKind::Kv, |model, store| {
            model.mishaps.borrow_mut().push_back(Some(Mishap::Silent));
            assert!(save(store, "two").is_err());
        }),
        "delete"
    );
    let model = Model::new();
    let described = store(&model, StoreKind::Neon);
    save(&described, "one").unwrap();
    settle(&model, &described);
    done(described.forget());
    assert!(model.rows.borrow().is_empty());
}

#[test]
fn a_store_at_rest_holds_no_connection() {
    let model = Model::new();
    let store = store(&model, StoreKind::Neon);
    save(&store, "one").unwrap();
    assert_eq!(model.connections.get(), 1);
    done(store.rest());
    assert_eq!(model.connections.get(), 0);
}
