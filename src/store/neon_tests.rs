#![allow(clippy::arithmetic_side_effects, reason = "fixed times")]

use time::OffsetDateTime;

use super::*;
use crate::store::model::{Mishap, Model, done};

const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn store(model: &Rc<Model>) -> NeonStore {
    let context = model.context();
    NeonStore::new(&context.isolate, &context.postgres)
}

fn about() -> About {
    About {
        state: "active",
        issuer: "iss".into(),
        subject: "sub".into(),
        region: "weur",
        created_at: T0,
        last_used_at: None,
        expires_at: T0,
        kept_until: T0,
    }
}

fn read(store: &NeonStore) -> Result<Option<Vec<u8>>, StoreError> {
    done(store.read(&Model::actor()))
}

fn write(store: &NeonStore, generation: u64, record: &[u8]) -> Result<Overwritten, StoreError> {
    done(store.write(&Model::actor(), generation, record, &about()))
}

fn happens(model: &Model, mishaps: impl IntoIterator<Item = Option<Mishap>>) {
    model.mishaps.borrow_mut().extend(mishaps);
}

fn stands(model: &Model) -> Option<(i64, Vec<u8>)> {
    model.rows.borrow().values().next().cloned()
}

#[test]
fn a_connection_serves_what_follows_within_a_second_and_is_closed_then() {
    let model = Model::new();
    let store = store(&model);
    assert_eq!(read(&store).unwrap(), None);
    write(&store, 1, b"one").unwrap();
    assert_eq!(model.asked(), "open SELECT WITH");
    assert!(model.run_one());
    assert_eq!(model.connections.get(), 1, "it was used since");
    assert!(model.run_one());
    assert_eq!(model.connections.get(), 0);
    assert_eq!(read(&store).unwrap(), Some(b"one".to_vec()));
    done(store.delete(&Model::actor())).unwrap();
    assert_eq!(model.asked(), "open SELECT DELETE");
    assert_eq!((read(&store).unwrap(), stands(&model)), (None, None));
}

#[test]
fn a_connection_that_is_closed_is_replaced_and_the_statement_is_run_again() {
    let model = Model::new();
    let store = store(&model);
    write(&store, 1, b"one").unwrap();
    model.generation.set(1);
    assert_eq!(read(&store).unwrap(), Some(b"one".to_vec()));
    assert_eq!(model.asked(), "open WITH open SELECT", "one that is known to be closed is not tried");
    happens(&model, [Some(Mishap::Broken)]);
    assert_eq!(read(&store).unwrap(), Some(b"one".to_vec()));
    assert_eq!(model.asked(), "SELECT open SELECT");
    // It stays open, so it is not the connection.
    happens(&model, [Some(Mishap::Refused("42501"))]);
    assert!(read(&store).is_err());
    assert_eq!((model.asked().as_str(), model.connections.get()), ("SELECT", 0));
}

#[test]
fn a_connection_at_rest_is_closed_in_order() {
    let model = Model::new();
    let store = store(&model);
    done(store.rest());
    read(&store).unwrap();
    done(store.rest());
    assert_eq!((model.asked().as_str(), model.connections.get()), ("open SELECT close", 0));
}

#[test]
fn of_a_write_that_was_not_answered_the_row_says_what_became() {
    for (mishap, arrived) in [(Mishap::DoneAndBroken, true), (Mishap::Broken, false), (Mishap::Silent, false)] {
        let model = Model::new();
        let store = store(&model);
        happens(&model, [None, Some(mishap.clone())]);
        assert_eq!(write(&store, 1, b"one").is_ok(), arrived, "{mishap:?}");
        assert_eq!(stands(&model).is_some(), arrived);
        assert_eq!(model.connections.get(), 0, "the connection may lead to the wrong server");
    }
    // It was refused, and something else stands there.
    let model = Model::new();
    let store = store(&model);
    write(&store, 1, b"one").unwrap();
    happens(&model, [Some(Mishap::Refused("57014"))]);
    assert!(write(&store, 2, b"two").is_err());
    // The line was never there: there is nothing to look for.
    done(store.rest());
    model.asked();
    happens(&model, [Some(Mishap::Refused(""))]);
    assert!(write(&store, 2, b"two").is_err());
    assert_eq!(model.asked(), "open");
}

#[test]
fn who_does_not_answer_is_given_up_in_time() {
    let waits = |mishaps: &[Option<Mishap>]| {
        let model = Model::new();
        happens(&model, mishaps.iter().cloned());
        assert!(read(&store(&model)).is_err());
        model.now.get() - T0
    };
    assert_eq!(waits(&[Some(Mishap::Silent)]), time::Duration::seconds(4));
    assert_eq!(waits(&[None, Some(Mishap::Silent)]), time::Duration::milliseconds(2_500));
}

#[test]
fn a_write_goes_over_an_older_record_and_the_same_one_twice_is_one() {
    let model = Model::new();
    let store = store(&model);
    write(&store, 1, b"one").unwrap();
    assert_eq!(write(&store, 2, b"two").unwrap(), Overwritten::Own);
    model.asked();
    assert_eq!(write(&store, 2, b"two").unwrap(), Overwritten::Own);
    assert_eq!((model.asked().as_str(), stands(&model)), ("WITH SELECT", Some((2, b"two".to_vec()))));
}

#[test]
fn a_record_that_the_actor_never_wrote_is_written_over_and_named() {
    for generation in [2, 9] {
        let model = Model::new();
        let store = store(&model);
        model.rows.borrow_mut().insert(Model::actor().to_string(), (generation, b"foreign".to_vec()));
        let overwritten = write(&store, 2, b"two").unwrap();
        assert_eq!(overwritten, Overwritten::Foreign(u64::try_from(generation).unwrap()));
        assert_eq!(stands(&model), Some((2, b"two".to_vec())));
    }
}

#[test]
fn a_row_that_somebody_else_goes_on_writing_is_left_alone() {
    let model = Rc::clone(&Model::new());
    let store = store(&model);
    let key = Model::actor().to_string();
    model.rows.borrow_mut().insert(key.clone(), (9, b"foreign".to_vec()));
    // It is another one when the write comes back to it.
    let writer = Rc::clone(&model);
    model.meanwhile.replace(Some(Box::new(move || {
        let again = Rc::clone(&writer);
        writer.meanwhile.replace(Some(Box::new(move || {
            again.rows.borrow_mut().insert(key, (10, b"another".to_vec()));
        })));
    })));
    assert!(write(&store, 2, b"two").is_err());
    assert_eq!(stands(&model), Some((10, b"another".to_vec())));
}

#[test]
fn an_operator_reads_what_to_do_about_what_postgres_says() {
    let says = |error: PostgresError| StoreError::from(error).to_string();
    for (code, advice) in [
        ("28P01", "correct user and password"),
        ("28000", "correct user and password"),
        ("3D000", "correct the database's name"),
        ("42P01", "`make migrate`"),
        ("42703", "`make migrate`"),
        ("3F000", "`make migrate`"),
        ("42501", "grant the gateway's user"),
        ("25006", "the writable server"),
        ("53300", "no connection to spare"),
    ] {
        let said = says(PostgresError::Refused { code: code.into(), message: "words".into() });
        assert!(said.contains(&format!("words ({code}): ")) && said.contains(advice), "{said}");
    }
    let other = says(PostgresError::Refused { code: "XX000".into(), message: "words".into() });
    assert!(other.ends_with("words (XX000)"), "{other}");
    assert!(says(PostgresError::NotConfigured).contains("neither SESSION_DB nor DATABASE_URL"));
    assert!(says(PostgresError::NoLine("refused".into())).contains("refused: is it up"));
    let broken =
        |source: Option<&str>| says(PostgresError::Broken { what: "closed".into(), source: source.map(str::to_owned) });
    assert!(broken(None).ends_with("Postgres: closed"));
    assert!(broken(Some("reset")).contains("closed: reset (DATABASE_URL"));
}
