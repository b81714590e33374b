use super::*;
use crate::store::memory::Memory;

fn durable() -> (Rc<Memory>, Durable) {
    let memory = Rc::new(Memory::default());
    (Rc::clone(&memory), Durable::new(memory))
}

fn row(generation: u64, attempted: u64) -> FenceRow {
    FenceRow { store: StoreKind::Kv, generation, attempted, state: None }
}

fn numbers(durable: &Durable) -> (u64, u64) {
    let row = durable.read().unwrap().unwrap();
    (row.generation, row.attempted)
}

#[test]
fn a_row_is_read_as_it_was_written_last() {
    let (memory, durable) = durable();
    assert!(durable.read().unwrap().is_none() && memory.is_empty());
    durable.write(&row(0, 1)).unwrap();
    assert_eq!(numbers(&durable), (0, 1));
    durable.write(&row(2, 3)).unwrap();
    assert_eq!(numbers(&durable), (2, 3));
    durable.write(&FenceRow { store: StoreKind::Durable, state: Some(vec![7]), ..row(4, 4) }).unwrap();
    let read = durable.read().unwrap().unwrap();
    assert_eq!((read.store, read.state), (StoreKind::Durable, Some(vec![7])));
    let created = memory.ran.borrow().iter().filter(|statement| statement.starts_with("CREATE")).count();
    assert_eq!(created, 1, "a write is one statement");
}

#[test]
fn a_row_that_nobody_wrote_is_corrupt() {
    for change in ["store = 'paper'", "generation = -1", "attempted = -1", "state = 'text'", "generation = 'many'"] {
        let (memory, durable) = durable();
        durable.write(&row(1, 1)).unwrap();
        memory.exec(&format!("UPDATE record SET {change}"), Vec::new()).unwrap();
        assert!(matches!(durable.read(), Err(StoreError::Unreadable(Unreadable::Corrupt))), "{change}");
    }
    let (memory, durable) = durable();
    durable.write(&row(1, 1)).unwrap();
    memory.exec("DELETE FROM record", Vec::new()).unwrap();
    assert!(durable.read().unwrap().is_none());
}

#[test]
fn the_last_write_that_was_not_answered_is_remembered_to_the_millisecond() {
    let (memory, durable) = durable();
    assert_eq!(durable.unanswered_at().unwrap(), None);
    assert!(memory.is_empty());
    for millis in [1_500_250, 1_800_000_000_999] {
        let at = OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::milliseconds(millis));
        durable.write_unanswered(at).unwrap();
        assert_eq!(durable.unanswered_at().unwrap(), Some(at));
    }
    memory.exec("DELETE FROM unanswered", Vec::new()).unwrap();
    assert_eq!(durable.unanswered_at().unwrap(), None);
}
