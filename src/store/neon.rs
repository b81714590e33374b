//! Postgres, Neon's or any other: one row for each session, in the table that `migrations/` creates.
//!
//! The binding `SESSION_DB` (Hyperdrive) comes first, `DATABASE_URL` else. A connection is opened for an operation, serves
//! those that follow at once, and is closed: live sessions at rest hold no slot. Statements are unnamed and each is a
//! transaction of its own, sent in one go, so that a transaction pooler may stand between and no cache answers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::error::StoreError;
use super::outside::{About, Overwritten, Store, within};
use crate::credential::ActorId;
use crate::runtime::{Connection, Isolate, PgParameter, PgValue, Postgres, PostgresError};

/// How long opening a connection may take: three round trips, a key derivation of many rounds (SCRAM) on a processor that a
/// burst of logins shares, and Neon may have to wake up. With the two below it stays under the 9.5 s that a request waits for
/// a refresh.
const OPEN_LIMIT: Duration = Duration::from_secs(4);
/// How long a transaction may take. The server gives up a little earlier, see `BEGIN`.
const QUERY_LIMIT: Duration = Duration::from_millis(2_500);
/// How long it may take to find out what became of a write that was not answered.
const DOUBT_LIMIT: Duration = Duration::from_secs(2);
/// How long a connection waits for the next operation.
const LINGER: Duration = Duration::from_secs(1);

const BEGIN: &str = "BEGIN; SET LOCAL statement_timeout = 2000";
const COMMIT: &str = "COMMIT";
const SELECT: &str = "SELECT record, generation FROM edge_oauth.session WHERE actor = $1";
const DELETE: &str = "DELETE FROM edge_oauth.session WHERE actor = $1";
/// Each write takes some rows of other sessions along whose time is up, so that no job has to. What it may overwrite is older,
/// or is exactly the record ($12, $13) that was found to be foreign: see [`NeonStore::put`].
const UPSERT: &str = "WITH expired AS (DELETE FROM edge_oauth.session WHERE actor IN (SELECT actor \
    FROM edge_oauth.session WHERE kept_until < now() AND actor <> $1 LIMIT 20 FOR UPDATE SKIP LOCKED)) \
    INSERT INTO edge_oauth.session AS old (actor, generation, record, state, issuer, subject, region, created_at, \
    last_used_at, expires_at, kept_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
    ON CONFLICT (actor) DO UPDATE SET generation = excluded.generation, record = excluded.record, \
    state = excluded.state, issuer = excluded.issuer, subject = excluded.subject, region = excluded.region, \
    created_at = excluded.created_at, last_used_at = excluded.last_used_at, expires_at = excluded.expires_at, \
    kept_until = excluded.kept_until, written_at = now() WHERE old.generation < excluded.generation \
    OR (old.generation = $12 AND old.record = $13) RETURNING generation";

type PgRow = Vec<PgValue>;

/// See the module.
pub struct NeonStore {
    isolate: Rc<dyn Isolate>,
    postgres: Rc<dyn Postgres>,
    idle: Rc<RefCell<Option<Box<dyn Connection>>>>,
    /// Counts the uses of connections, so that one in use is not closed.
    uses: Rc<Cell<u64>>,
}

impl NeonStore {
    /// The database of this environment, which need not have one.
    pub fn new(isolate: &Rc<dyn Isolate>, postgres: &Rc<dyn Postgres>) -> Self {
        let (isolate, postgres) = (Rc::clone(isolate), Rc::clone(postgres));
        Self { isolate, postgres, idle: Rc::default(), uses: Rc::default() }
    }

    /// Runs one statement. On a connection that turns out to be closed it is run again: reading twice is harmless, and a
    /// second write of a generation does nothing.
    async fn run(&self, statement: &str, parameters: &[PgParameter<'_>]) -> Result<Vec<PgRow>, QueryError> {
        if let Some(connection) = self.idle.take().filter(|connection| !connection.is_closed()) {
            match self.transact(&*connection, statement, parameters).await {
                Ok(rows) => {
                    self.keep(connection);
                    return Ok(rows);
                }
                Err(_) if connection.is_closed() => {}
                Err(error) => return Err(QueryError::Doubtful(error)),
            }
        }
        let opening = within(&*self.isolate, OPEN_LIMIT, async { Ok(self.postgres.open().await?) });
        let connection = opening.await.map_err(QueryError::Unsent)?;
        let rows = self.transact(&*connection, statement, parameters).await.map_err(QueryError::Doubtful)?;
        self.keep(connection);
        Ok(rows)
    }

    /// One statement as a transaction, in one go.
    async fn transact(
        &self,
        connection: &dyn Connection,
        statement: &str,
        parameters: &[PgParameter<'_>],
    ) -> Result<Vec<PgRow>, StoreError> {
        let run = async { Ok(connection.run(BEGIN, statement, parameters, COMMIT).await?) };
        within(&*self.isolate, QUERY_LIMIT, run).await
    }

    /// Closes the connection that waits for what may follow.
    pub async fn rest(&self) {
        let connection = self.idle.take();
        if let Some(connection) = connection {
            connection.close().await;
        }
    }

    /// Keeps a connection for what may follow, and closes it if nothing does.
    fn keep(&self, connection: Box<dyn Connection>) {
        let use_number = self.uses.get().wrapping_add(1);
        self.uses.set(use_number);
        self.idle.replace(Some(connection));
        let (idle, uses) = (Rc::clone(&self.idle), Rc::clone(&self.uses));
        let lingering = self.isolate.sleep(LINGER);
        self.isolate.go_on(async move {
            lingering.await;
            if uses.get() == use_number {
                idle.take();
            }
        });
    }
}

/// Why there is no answer.
enum QueryError {
    /// There was nobody to ask.
    Unsent(StoreError),
    /// What became of it is not known.
    Doubtful(StoreError),
}

impl From<QueryError> for StoreError {
    fn from(failure: QueryError) -> Self {
        match failure {
            QueryError::Unsent(error) | QueryError::Doubtful(error) => error,
        }
    }
}

/// What stands in the row of an actor.
struct StoredRecord {
    record: Vec<u8>,
    generation: i64,
}

impl NeonStore {
    async fn look(&self, actor: &ActorId) -> Result<Option<StoredRecord>, StoreError> {
        let mut rows = self.run(SELECT, &[PgParameter::Text(actor.as_str())]).await?.into_iter();
        let Some(row) = rows.next() else { return Ok(None) };
        let mut columns = row.into_iter();
        match (columns.next(), columns.next()) {
            (Some(PgValue::Bytes(record)), Some(PgValue::Number(generation))) => {
                Ok(Some(StoredRecord { record, generation }))
            }
            _ => Err(StoreError::Corrupt),
        }
    }

    /// Writes the row over an older one or over `foreign`, and says whether it did: not where something else stands there. Of a
    /// write that is not answered it finds out what became of it.
    async fn put(
        &self,
        actor: &ActorId,
        generation: u64,
        sealed: &[u8],
        about: &About,
        foreign: Option<&StoredRecord>,
    ) -> Result<bool, StoreError> {
        let number = i64::try_from(generation).map_err(|_| StoreError::Corrupt)?;
        let parameters = &[
            PgParameter::Text(actor.as_str()),
            PgParameter::Number(Some(number)),
            PgParameter::Bytes(Some(sealed)),
            PgParameter::Text(about.state),
            PgParameter::Text(&about.issuer),
            PgParameter::Text(&about.subject),
            PgParameter::Text(about.region),
            PgParameter::Time(Some(about.created_at)),
            PgParameter::Time(about.last_used_at),
            PgParameter::Time(Some(about.expires_at)),
            PgParameter::Time(Some(about.kept_until)),
            PgParameter::Number(foreign.map(|found| found.generation)),
            PgParameter::Bytes(foreign.map(|found| found.record.as_slice())),
        ];
        let error = match self.run(UPSERT, parameters).await {
            Ok(rows) => return Ok(!rows.is_empty()),
            Err(QueryError::Unsent(error)) => return Err(error),
            Err(QueryError::Doubtful(error)) => error,
        };
        let stands = within(&*self.isolate, DOUBT_LIMIT, self.read(actor)).await;
        // After a failover this connection may lead to the wrong server.
        self.idle.take();
        match stands {
            Ok(Some(found)) if found == sealed => Ok(true),
            Ok(_) | Err(_) => Err(error),
        }
    }
}

impl Store for NeonStore {
    async fn read(&self, actor: &ActorId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.look(actor).await?.map(|found| found.record))
    }

    async fn write(
        &self,
        actor: &ActorId,
        generation: u64,
        sealed: &[u8],
        about: &About,
    ) -> Result<Overwritten, StoreError> {
        if self.put(actor, generation, sealed, about, None).await? {
            return Ok(Overwritten::Own);
        }
        let changing = || StoreError::Unavailable("somebody else writes to this session's row".to_owned());
        let found = self.look(actor).await?.ok_or_else(changing)?;
        if found.record == sealed {
            // This is the same write, which had arrived before it was repeated.
            return Ok(Overwritten::Own);
        }
        // This actor never asked for a generation this high, so it did not write that record.
        if self.put(actor, generation, sealed, about, Some(&found)).await? {
            return Ok(Overwritten::Foreign(u64::try_from(found.generation).unwrap_or_default()));
        }
        Err(changing())
    }

    async fn delete(&self, actor: &ActorId) -> Result<(), StoreError> {
        Ok(self.run(DELETE, &[PgParameter::Text(actor.as_str())]).await.map(drop)?)
    }
}

/// What the server or the line said, and what an operator can do about it. The message names no value.
impl From<PostgresError> for StoreError {
    fn from(error: PostgresError) -> Self {
        Self::Unavailable(match error {
            PostgresError::NotConfigured => "neither SESSION_DB nor DATABASE_URL says where Postgres is".to_owned(),
            PostgresError::NoLine(why) => {
                format!("Postgres: {why}: is it up, and do host and port in DATABASE_URL, or Hyperdrive, lead there?")
            }
            PostgresError::Refused { code, message } => {
                let advice = match code.as_str() {
                    "28P01" | "28000" => ": correct user and password in DATABASE_URL, or of Hyperdrive",
                    "3D000" => ": correct the database's name in DATABASE_URL, or of Hyperdrive",
                    "42P01" | "42703" | "3F000" => ": bring its schema up to date with `make migrate`",
                    "42501" => ": grant the gateway's user what docs/stores.md says",
                    "25006" => ": put the writable server into DATABASE_URL, or Hyperdrive",
                    "53300" => ": it has no connection to spare",
                    _ => "",
                };
                format!("Postgres: {message} ({code}){advice}")
            }
            PostgresError::Broken { what, source: Some(source) } => {
                format!("Postgres: {what}: {source} (DATABASE_URL, or Hyperdrive, says where it is)")
            }
            PostgresError::Broken { what, source: None } => format!("Postgres: {what}"),
        })
    }
}

#[cfg(test)]
#[path = "neon_tests.rs"]
mod tests;
