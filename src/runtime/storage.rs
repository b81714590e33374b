//! The storage of one actor: its SQLite and its alarm.

use futures::future::LocalBoxFuture;
use time::OffsetDateTime;

/// A value of SQLite, as far as values are used here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SqlValue {
    /// `NULL`.
    Null,
    /// `INTEGER`, of 53 bits at the most.
    Integer(i64),
    /// `TEXT`.
    Text(String),
    /// `BLOB`.
    Blob(Vec<u8>),
}

impl From<&str> for SqlValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<u8>> for SqlValue {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl From<i64> for SqlValue {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// The platform refused. It has written its words to the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StorageError(pub String);

/// The storage of one actor. Writes take hold at once; no call and no reply leaves the actor before they are durable. They stay written
/// whatever the event that made them comes to.
pub trait Storage {
    /// Runs one statement that brings no rows.
    fn exec(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<(), StorageError>;
    /// Runs one statement and reads all its rows.
    fn query(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<Vec<Vec<SqlValue>>, StorageError>;
    /// Waits until all that was written is durable. A socket of the actor's own does not wait for that by itself.
    fn sync(&self) -> LocalBoxFuture<'_, Result<(), StorageError>>;
    /// Sets the one alarm: to this time, or to the next possible one after it.
    fn set_alarm(&self, at: OffsetDateTime) -> LocalBoxFuture<'_, Result<(), StorageError>>;
    /// There is to be no alarm.
    fn delete_alarm(&self) -> LocalBoxFuture<'_, Result<(), StorageError>>;
    /// Deletes all tables.
    fn delete_all(&self) -> LocalBoxFuture<'_, Result<(), StorageError>>;
}
