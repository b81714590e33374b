use std::cell::RefCell;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, pending};
use time::Duration;

use super::*;
use crate::region::Region;
use crate::store::memory::Memory;

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::seconds(seconds))
}

fn row() -> SessionRow {
    SessionRow {
        counterpart: Some("sid".into()),
        place: UserPlace { region: Region::Oc, country: None, user_agent: None, provider: None },
        created_at: at(1),
        expires_at: at(2),
        moved_at: None,
        revoking: Some((EndReason::Limit, Cause::Directory)),
        seen_at: at(3),
        seen_before: None,
        standing: RowStatus::Living,
        beginning: Some(Beginning { predecessor: None, look_at: Some(at(4)) }),
    }
}

fn facts() -> Facts {
    Facts {
        revocations: vec![(at(1), None)],
        logout_tokens: [("jti".to_owned(), at(2))].into(),
        taken_away: [("a".repeat(64).parse().unwrap(), at(3))].into(),
        cursor_key: Some([4; 32]),
    }
}

/// A new variant does not compile here until it has a row.
fn standings() -> [RowStatus; 3] {
    match RowStatus::Living {
        RowStatus::Living | RowStatus::Ended { .. } | RowStatus::Moved => {
            [RowStatus::Living, RowStatus::Ended { at: at(5), last_used_at: Some(at(6)) }, RowStatus::Moved]
        }
    }
}

const fn name(standing: &RowStatus) -> &'static str {
    match standing {
        RowStatus::Living => "living",
        RowStatus::Ended { .. } => "ended",
        RowStatus::Moved => "moved",
    }
}

/// What directories have. A change here is another form: it gets another variant.
#[test]
fn the_golden_bytes_of_a_stored_directory_do_not_change() {
    let bytes = |row: &SessionRow| hex::encode(encode(row).unwrap());
    let mut rows: Vec<_> = standings()
        .into_iter()
        .map(|standing| (format!("Row, {}", name(&standing)), bytes(&SessionRow { standing, ..row() })))
        .collect();
    rows.push(("Row, seen before and moved".into(), {
        let (seen_before, moved_at) = (Some(at(7)), Some(at(8)));
        bytes(&SessionRow { seen_before, moved_at, revoking: None, beginning: None, counterpart: None, ..row() })
    }));
    rows.push(("Row, revoked by Access".into(), {
        let revoking = Some((EndReason::Revoked, Cause::AdminByAccess("access:a".into())));
        bytes(&SessionRow { revoking, ..row() })
    }));
    rows.push(("Facts".into(), hex::encode(encode(&facts()).unwrap())));
    rows.push(("Facts, none".into(), hex::encode(encode(&Facts::default()).unwrap())));
    crate::actors::golden::assert_golden(&rows, include_str!("rows.golden"));
}

#[test]
fn a_row_of_a_former_form_is_passed_over() {
    let mut bytes = encode(&row()).unwrap();
    assert!(matches!(decode::<SessionRow>(&bytes), Ok(Some(_))));
    bytes[1] = 0;
    assert!(matches!(decode::<SessionRow>(&bytes), Ok(None)));
    assert!(matches!(decode::<Facts>(&[1, 0]), Ok(None)));
}

#[test]
fn a_row_that_nobody_wrote_is_an_error() {
    let mut bytes = encode(&row()).unwrap();
    bytes[1] = 2;
    assert!(matches!(decode::<SessionRow>(&bytes), Err(StoreError::Corrupt)));
    bytes[1] = 1;
    assert!(matches!(decode::<SessionRow>(&bytes[..4]), Err(StoreError::Corrupt)));
    assert!(matches!(decode::<Facts>(&[]), Err(StoreError::Corrupt)));
}

/// Keeps what is written to the log.
#[derive(Default)]
struct Listening {
    errors: RefCell<Vec<String>>,
}

impl Isolate for Listening {
    fn now(&self) -> OffsetDateTime {
        at(0)
    }

    fn random(&self, _: &mut [u8]) -> bool {
        false
    }

    fn sleep(&self, _: std::time::Duration) -> LocalBoxFuture<'static, ()> {
        pending().boxed_local()
    }

    fn spawn(&self, _: LocalBoxFuture<'static, ()>) {}

    fn log(&self, _: &str) {}

    fn error(&self, line: &str) {
        self.errors.borrow_mut().push(line.to_owned());
    }
}

fn actor(digit: char) -> ActorId {
    digit.to_string().repeat(64).parse().unwrap()
}

fn written() -> (Memory, Directory) {
    let memory = Memory::default();
    let mut directory = Directory::default();
    directory.rows = ['a', 'b'].map(|digit| (actor(digit), row())).into();
    directory.facts = facts();
    save_rows(&memory, &directory, directory.rows.keys()).unwrap();
    save_facts(&memory, &directory).unwrap();
    (memory, directory)
}

/// What a later object reads, and how many lines it writes to the log.
fn read(memory: &Memory) -> (Result<Directory, StoreError>, usize) {
    let isolate = Listening::default();
    let directory = load(memory, &isolate);
    (directory, isolate.errors.into_inner().len())
}

#[test]
fn a_directory_outlives_the_object_that_wrote_it() {
    let (memory, mut directory) = written();
    let (loaded, errors) = read(&memory);
    let loaded = loaded.unwrap();
    assert_eq!(format!("{:?}{:?}", loaded.rows, loaded.facts), format!("{:?}{:?}", directory.rows, directory.facts));
    assert_eq!(errors, 0);
    directory.rows.remove(&actor('a'));
    save_rows(&memory, &directory, [&actor('a')]).unwrap();
    let left: Vec<ActorId> = read(&memory).0.unwrap().rows.into_keys().collect();
    assert_eq!(left, [actor('b')]);
}

#[test]
fn a_directory_that_nobody_was_registered_with_is_empty_and_writes_nothing() {
    let memory = Memory::default();
    let (loaded, errors) = read(&memory);
    assert_eq!((loaded.unwrap().rows.len(), errors, memory.is_empty()), (0, 0, true));
}

#[test]
fn what_is_passed_over_is_counted_in_one_line_of_the_log() {
    let (memory, _) = written();
    memory.exec("UPDATE session SET row = x'0100' WHERE actor LIKE 'a%'", Vec::new()).unwrap();
    memory.exec("UPDATE session SET actor = 'nobody' WHERE actor LIKE 'b%'", Vec::new()).unwrap();
    memory.exec("UPDATE facts SET facts = x'0100'", Vec::new()).unwrap();
    let isolate = Listening::default();
    let loaded = load(&memory, &isolate).unwrap();
    assert!(loaded.rows.is_empty() && loaded.facts.revocations.is_empty());
    let errors = isolate.errors.into_inner();
    assert!(matches!(errors.as_slice(), [line] if line.ends_with(": 3")), "{errors:?}");
}

#[test]
fn a_row_or_facts_that_cannot_be_read_let_nobody_in() {
    for statement in ["UPDATE session SET row = x'ff'", "UPDATE facts SET facts = x'ff'"] {
        let (memory, _) = written();
        memory.exec(statement, Vec::new()).unwrap();
        assert!(matches!(read(&memory).0, Err(StoreError::Corrupt)), "{statement}");
    }
}

#[test]
fn what_cannot_be_written_is_an_error() {
    for writes in 0..4 {
        let (memory, directory) = (Memory::default(), written().1);
        memory.writes_left.set(Some(writes));
        assert!(save_rows(&memory, &directory, directory.rows.keys()).is_err(), "{writes}");
    }
    for writes in 0..3 {
        let (memory, directory) = (Memory::default(), written().1);
        memory.writes_left.set(Some(writes));
        assert!(save_facts(&memory, &directory).is_err(), "{writes}");
    }
}
