//! Golden bytes: what releases in the field send and have stored. A test makes one value of each form. The table beside it has
//! the bytes. A line of a table may change only if no release has the form yet.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Request, wire};

/// A value's name, and its bytes in hexadecimal.
pub type GoldenRow = (String, String);

/// The bytes of a value. They have to be read as that value again.
pub fn row<T: Serialize + DeserializeOwned>(name: impl Into<String>, value: &T) -> GoldenRow {
    let (name, bytes) = (name.into(), wire::encode(value).unwrap());
    let read: T = wire::decode(&bytes).unwrap();
    assert_eq!(wire::encode(&read).unwrap(), bytes, "{name}");
    (name, hex::encode(bytes))
}

/// A message, by the name of its type.
pub fn message<R: Request>(remark: &str, request: R) -> GoldenRow {
    row(named::<R>(remark), &request.into_message())
}

/// A reply, by the name of the message that it answers.
pub fn reply<R: Request>(remark: &str, reply: &R::Reply) -> GoldenRow {
    let (name, bytes) = (named::<R>(remark), super::reply::<R>(reply).unwrap());
    let read: Result<R::Reply, super::MessageRefusal> = wire::decode(&bytes).unwrap();
    assert_eq!(wire::encode(&read).unwrap(), bytes, "{name}");
    (name, hex::encode(bytes))
}

fn named<R>(remark: &str) -> String {
    let name = std::any::type_name::<R>().rsplit("::").next().unwrap();
    if remark.is_empty() { name.to_owned() } else { format!("{name} {remark}") }
}

/// Compares the rows with a table: lines of a name, a colon and the bytes.
pub fn assert_golden(rows: &[GoldenRow], table: &str) {
    let lines: Vec<String> = rows.iter().map(|(name, bytes)| format!("{name}: {bytes}")).collect();
    for (line, golden) in lines.iter().zip(table.lines()) {
        assert_eq!(line, golden);
    }
    assert_eq!(lines.len(), table.lines().count(), "rows without a golden line, or the other way round:\n{lines:#?}");
}

/// Each message has its number in the order of `names`, and has a row in each table. The tests in JavaScript read the same names.
pub fn assert_complete(class: &str, names: &[&str], messages: &[GoldenRow], replies: &[GoldenRow]) {
    let json: serde_json::Value = serde_json::from_str(include_str!("../../tests/parts/messages.json")).unwrap();
    assert_eq!(json[class], serde_json::json!(names), "tests/parts/messages.json");
    let of = |row: &GoldenRow| row.0.split(' ').next().unwrap().to_owned();
    for (number, name) in names.iter().enumerate() {
        let bytes = messages.iter().find(|row| of(row) == *name).map(|(_, bytes)| hex::decode(bytes).unwrap());
        assert_eq!(usize::from(bytes.unwrap_or_else(|| panic!("{name}: no message"))[1]), number, "{name}");
        assert!(replies.iter().any(|row| of(row) == *name), "{name}: no reply");
    }
}
