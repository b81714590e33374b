use super::*;
use crate::actors::session::device::token::DeviceKey;
use crate::device::Challenge;
use crate::device::Thumbprint;
use crate::store::memory::Memory;

fn seconds(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::seconds(seconds))
}

fn record(memory: &Rc<Memory>) -> DeviceRecord {
    let storage: Rc<dyn Storage> = Rc::clone(memory) as _;
    DeviceRecord::new(&storage)
}

fn device(record: &DeviceRecord) -> Device {
    record.read(Device::clone).unwrap()
}

fn bound(at: OffsetDateTime) -> Result<Device, DoesNotApply> {
    Device::default().bind(at, DeviceKey { bare: "{}".to_owned(), thumbprint: Thumbprint::of("key") })
}

#[test]
fn a_device_outlives_the_object_that_wrote_it() {
    let memory = Rc::new(Memory::default());
    assert_eq!(device(&record(&memory)), FIRST_OFFER);
    assert!(memory.is_empty(), "a question writes nothing");
    let first = record(&memory);
    first.change(|device| device.offered(seconds(1))).unwrap().unwrap();
    assert_eq!(device(&record(&memory)), Device::Unbound(Offers { made: 2, last_at: Some(seconds(1)) }));
    first.change(|_| bound(seconds(2))).unwrap().unwrap();
    assert_eq!(device(&first).bound_at(), Some(seconds(2)));
    let next = record(&memory);
    assert_eq!(device(&next).bound_at(), Some(seconds(2)));
    assert_eq!(next.change(|device| device.offered(seconds(3))).unwrap(), Err(DoesNotApply));
    assert_eq!(device(&next), bound(seconds(2)).unwrap());
}

#[test]
fn the_table_is_made_once_and_again_after_everything_was_deleted() {
    let memory = Rc::new(Memory::default());
    let tables = || memory.ran.borrow().iter().filter(|statement| statement.starts_with("CREATE")).count();
    let first = record(&memory);
    first.change(|device| device.offered(seconds(1))).unwrap().unwrap();
    first.change(|device| device.offered(seconds(9))).unwrap().unwrap();
    record(&memory).change(|device| device.offered(seconds(20))).unwrap().unwrap();
    assert_eq!(tables(), 1);
    memory.exec("DROP TABLE device", Vec::new()).unwrap();
    first.forget();
    assert_eq!(device(&first), FIRST_OFFER, "nothing is left of it in memory either");
    first.change(|device| device.offered(seconds(30))).unwrap().unwrap();
    assert_eq!(tables(), 2);
}

#[test]
fn a_row_that_cannot_be_read_is_no_unbound_session() {
    for row in ["x'ff'", "'text'"] {
        let memory = Rc::new(Memory::default());
        record(&memory).change(|_| bound(seconds(1))).unwrap().unwrap();
        memory.exec(&format!("UPDATE device SET device = {row}"), Vec::new()).unwrap();
        assert!(matches!(record(&memory).read(Device::clone), Err(StoreError::Corrupt)), "{row}");
    }
    let memory = Rc::new(Memory::default());
    record(&memory).change(|device| device.offered(seconds(1))).unwrap().unwrap();
    memory.exec("DELETE FROM device", Vec::new()).unwrap();
    assert_eq!(device(&record(&memory)), FIRST_OFFER);
}

#[test]
fn a_device_that_cannot_be_written_is_not_bound() {
    let memory = Rc::new(Memory::default());
    memory.writes_left.set(Some(1));
    let record = record(&memory);
    assert!(record.change(|_| bound(seconds(1))).is_err());
    assert_eq!(device(&record), FIRST_OFFER);
}

#[test]
fn the_offer_of_a_login_counts_in_memory_and_is_not_written() {
    let memory = Rc::new(Memory::default());
    let record = record(&memory);
    record.begins_with_offer(seconds(5));
    assert_eq!(device(&record), Device::Unbound(Offers { made: 1, last_at: Some(seconds(5)) }));
    assert!(memory.is_empty());
}

#[test]
fn a_challenge_is_given_again_for_a_minute() {
    let record = record(&Rc::new(Memory::default()));
    let challenge = |at, new: Option<&str>| {
        let given = record.challenge(seconds(at), || new.map(Challenge::from));
        given.map(|challenge| challenge.as_str().to_owned())
    };
    assert_eq!(challenge(0, None), None);
    assert_eq!(challenge(0, Some("first")).as_deref(), Some("first"));
    assert_eq!(challenge(59, Some("second")).as_deref(), Some("first"));
    assert_eq!(challenge(60, Some("second")).as_deref(), Some("second"));
    assert_eq!(challenge(119, Some("third")).as_deref(), Some("second"));
}

#[test]
fn a_refusal_is_worth_a_line_once_a_minute_and_another_one_after_ten_seconds() {
    let record = record(&Rc::new(Memory::default()));
    let is_new = |at, whose| record.is_new_refusal(seconds(at), whose);
    assert!(is_new(0, "one"));
    assert!(!is_new(59, "one"));
    assert!(is_new(60, "one"));
    assert!(!is_new(69, "another"), "who changes what they show cannot fill the ledger");
    assert!(is_new(70, "another"));
    assert!(!is_new(80, "another") && is_new(80, "one"));
}
