//! An actor's own SQLite and its alarm. Errors go to the log in the platform's own words: callers fold them into
//! `store_unavailable`, and the operator needs them.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use time::OffsetDateTime;
use worker::{ScheduledTime, SqlCursor, SqlStorage, SqlStorageValue};

use super::clock;
use crate::ambient;
use crate::runtime::{SqlValue, Storage, StorageError};

/// See the module.
pub struct Own {
    storage: worker::Storage,
    sql: SqlStorage,
}

impl Own {
    /// Of the actor of this state.
    pub fn new(state: &worker::State) -> Self {
        let storage = state.storage();
        Self { sql: storage.sql(), storage }
    }

    fn run(&self, statement: &str, parameters: Vec<SqlValue>) -> worker::Result<SqlCursor> {
        let values = parameters.into_iter().map(value).collect::<worker::Result<Vec<_>>>()?;
        self.sql.exec(statement, values)
    }
}

impl Storage for Own {
    fn exec(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<(), StorageError> {
        self.run(statement, parameters).map(drop).map_err(failed)
    }

    fn query(&self, statement: &str, parameters: Vec<SqlValue>) -> Result<Vec<Vec<SqlValue>>, StorageError> {
        let rows = self.run(statement, parameters).map_err(failed)?;
        rows.raw().map(|row| row.and_then(|row| row.into_iter().map(read).collect()).map_err(failed)).collect()
    }

    fn sync(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        async move { self.storage.sync().await.map_err(failed) }.boxed_local()
    }

    fn set_alarm(&self, at: OffsetDateTime) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        async move {
            // Rounded up and never in the past: the platform drops an alarm that its own handler sets to the same moment.
            let at = ambient::to_millis(at).ceil().max(ambient::to_millis(clock::now()) + 1.0);
            self.storage.set_alarm(ScheduledTime::new(js_sys::Date::new(&at.into()))).await.map_err(failed)
        }
        .boxed_local()
    }

    fn delete_alarm(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        async move { self.storage.delete_alarm().await.map_err(failed) }.boxed_local()
    }

    fn delete_all(&self) -> LocalBoxFuture<'_, Result<(), StorageError>> {
        async move { self.storage.delete_all().await.map_err(failed) }.boxed_local()
    }
}

fn value(value: SqlValue) -> worker::Result<SqlStorageValue> {
    Ok(match value {
        SqlValue::Null => SqlStorageValue::Null,
        SqlValue::Integer(number) => SqlStorageValue::try_from_i64(number)?,
        SqlValue::Text(text) => SqlStorageValue::String(text),
        SqlValue::Blob(bytes) => SqlStorageValue::Blob(bytes),
    })
}

fn read(value: SqlStorageValue) -> worker::Result<SqlValue> {
    match value {
        SqlStorageValue::Null => Ok(SqlValue::Null),
        SqlStorageValue::Integer(number) => Ok(SqlValue::Integer(number)),
        SqlStorageValue::String(text) => Ok(SqlValue::Text(text)),
        SqlStorageValue::Blob(bytes) => Ok(SqlValue::Blob(bytes)),
        SqlStorageValue::Boolean(_) | SqlStorageValue::Float(_) => {
            Err(worker::Error::RustError("a value of a type that is not used here".to_owned()))
        }
    }
}

fn failed(error: worker::Error) -> StorageError {
    worker::console_error!("the session store failed: {error}");
    StorageError(error.to_string())
}
