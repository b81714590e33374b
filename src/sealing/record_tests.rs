//! Tests of [`super`].

use proptest::prelude::*;

use super::*;

fn key(byte: u8) -> String {
    BASE64_URL_SAFE_NO_PAD.encode([byte; KEY])
}

fn keys(text: &str) -> StateKeys {
    StateKeys::parse(text).unwrap()
}

fn actor(digit: &str) -> ActorId {
    digit.repeat(64).parse().unwrap()
}

fn sealed() -> (StateKeys, ActorId, Vec<u8>) {
    let (keys, actor) = (keys(&format!("a:{}", key(1))), actor("0"));
    let place = RecordPlace { store: "kv", actor: &actor, generation: 7 };
    let sealed = keys.seal(place, [9; NONCE], b"the record").unwrap();
    (keys, actor, sealed)
}

#[test]
fn a_record_opens_in_its_place_and_shows_nothing() {
    let (keys, actor, sealed) = sealed();
    let place = RecordPlace { store: "kv", actor: &actor, generation: 7 };
    assert_eq!(keys.open(place, &sealed).unwrap(), b"the record");
    assert_eq!(generation_of(&sealed), Some(7));
    assert!(!sealed.windows(6).any(|window| window == b"record"));
}

#[test]
fn it_opens_nowhere_else() {
    let (keys, own, sealed) = sealed();
    let other = actor("1");
    let place = RecordPlace { store: "kv", actor: &own, generation: 7 };
    let foreign = Err(Unreadable::Foreign("a".to_owned()));
    assert_eq!(keys.open(RecordPlace { actor: &other, ..place }, &sealed), foreign);
    assert_eq!(keys.open(RecordPlace { store: "neon", ..place }, &sealed), foreign);
    let older = Err(Unreadable::OtherGeneration { found: 7, expected: 8 });
    assert_eq!(keys.open(RecordPlace { generation: 8, ..place }, &sealed), older);
    // Nor does an old record that says it is the new one.
    let mut forged = sealed.clone();
    forged[8] = 8;
    assert_eq!(keys.open(RecordPlace { generation: 8, ..place }, &forged), foreign);
}

#[test]
fn the_first_key_seals_and_all_open() {
    let (_, actor, sealed) = sealed();
    let place = RecordPlace { store: "kv", actor: &actor, generation: 7 };
    let rotated = keys(&format!("b:{}, a:{}", key(2), key(1)));
    assert_eq!(rotated.open(place, &sealed).unwrap(), b"the record");
    let anew = rotated.seal(place, [9; NONCE], b"the record").unwrap();
    assert_eq!(keys(&format!("b:{}", key(2))).open(place, &anew).unwrap(), b"the record");
}

#[test]
fn a_missing_or_wrong_key_is_named_by_its_id() {
    let (_, actor, sealed) = sealed();
    let place = RecordPlace { store: "kv", actor: &actor, generation: 7 };
    let unknown = keys(&format!("b:{}", key(1))).open(place, &sealed);
    assert_eq!(unknown, Err(Unreadable::UnknownKey("a".to_owned())));
    let wrong = keys(&format!("a:{}", key(2))).open(place, &sealed);
    assert_eq!(wrong, Err(Unreadable::Foreign("a".to_owned())));
}

#[test]
fn every_changed_cut_or_newer_record_is_refused() {
    let (keys, actor, sealed) = sealed();
    let place = RecordPlace { store: "kv", actor: &actor, generation: 7 };
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(keys.open(place, &changed).is_err(), "byte {at}");
        assert!(keys.open(place, &sealed[..at]).is_err(), "cut at {at}");
    }
    let newer = [&[2], &sealed[1..]].concat();
    assert_eq!(keys.open(place, &newer), Err(Unreadable::NewerVersion(2)));
}

#[test]
fn state_keys_are_read_or_refused_without_being_quoted() {
    let two = format!("2026-11:{}=,old_1:{}", key(1), key(2));
    assert_eq!(format!("{:?}", keys(&two)), r#"["2026-11", "old_1"]"#);
    let short = BASE64_URL_SAFE_NO_PAD.encode([7; 31]);
    let twice = format!("a:{0},a:{0}", key(1));
    for bad in ["", "a", &key(1), &format!("a:{short}"), &format!(":{}", key(1)), "a:???", "a b:x", &twice, "a:x,"] {
        assert!(StateKeys::parse(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (keys, actor, _) = sealed();
        let place = RecordPlace { store: "kv", actor: &actor, generation: 7 };
        prop_assert!(keys.open(place, &bytes).is_err());
    }
}
