//! Stores outside of the actor: a key-value store and a database.

use futures::future::LocalBoxFuture;
use time::OffsetDateTime;

/// Why the key-value store did nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    /// There is none.
    #[error("SESSION_KV is not bound to a KV namespace")]
    NotBound,
    /// It failed, in its own words.
    #[error("KV: {0}")]
    Failed(String),
}

/// A key-value store that is eventually consistent: a read may bring what was there a minute ago.
pub trait Kv {
    /// The value.
    fn get<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<Option<Vec<u8>>, KvError>>;
    /// Writes a value, which is gone after `expires_at`.
    fn put<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        expires_at: OffsetDateTime,
    ) -> LocalBoxFuture<'a, Result<(), KvError>>;
    /// Deletes a value.
    fn delete<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Result<(), KvError>>;
}

/// Why the database did nothing, or may have done something. No text holds a value or a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostgresError {
    /// Nothing says where it is.
    NotConfigured,
    /// No line to it could be opened.
    NoLine(String),
    /// The server said no.
    Refused {
        /// SQLSTATE.
        code: String,
        /// In its own words.
        message: String,
    },
    /// The line or the protocol failed.
    Broken {
        /// What.
        what: String,
        /// Why, where that is known.
        source: Option<String>,
    },
}

/// A parameter of a statement; each has a type of its own, so that the server need not be asked.
#[derive(Clone, Copy, Debug)]
pub enum PgParameter<'a> {
    /// `TEXT`.
    Text(&'a str),
    /// `INT8`.
    Number(Option<i64>),
    /// `BYTEA`.
    Bytes(Option<&'a [u8]>),
    /// `TIMESTAMPTZ`.
    Time(Option<OffsetDateTime>),
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PgValue {
    /// `INT8`.
    Number(i64),
    /// `BYTEA`.
    Bytes(Vec<u8>),
}

/// A database.
pub trait Postgres {
    /// Opens a connection, and logs in.
    fn open(&self) -> LocalBoxFuture<'_, Result<Box<dyn Connection>, PostgresError>>;
}

/// A connection. Dropping it closes it, whatever it was waiting for.
pub trait Connection {
    /// Runs `before`, one statement with its parameters, and `after`, sent in one go.
    fn run<'a>(
        &'a self,
        before: &'a str,
        statement: &'a str,
        parameters: &'a [PgParameter<'a>],
        after: &'a str,
    ) -> LocalBoxFuture<'a, Result<Vec<Vec<PgValue>>, PostgresError>>;
    /// Whether it is of no use any more.
    fn is_closed(&self) -> bool;
    /// Closes it. It is done when the server has freed its slot, or cannot be reached.
    fn close(self: Box<Self>) -> LocalBoxFuture<'static, ()>;
}
