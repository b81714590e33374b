//! Postgres over a Worker's socket: the binding `SESSION_DB` (Hyperdrive) comes first, `DATABASE_URL` else. A connection that is
//! dropped closes its socket, whatever it was waiting for.

use std::cell::RefCell;
use std::future::{Ready, ready};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{LocalBoxFuture, Shared, select};
use futures::{FutureExt as _, join};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::TlsConnect;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Row};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use worker::worker_sys::{self, Hyperdrive, Socket as RawSocket};
use worker::{Delay, Env, Socket};

use crate::config::{self, APPLICATION_NAME};
use crate::runtime::{Connection, PgParameter, PgValue, Postgres, PostgresError};

/// The Hyperdrive binding.
const BINDING: &str = "SESSION_DB";
/// How long the server has to take the farewell.
const FAREWELL: Duration = Duration::from_millis(100);

/// The database of this environment, which need not have one.
pub struct Database {
    env: Env,
    settings: Option<config::DatabaseSettings>,
}

impl Database {
    /// See the type.
    pub fn new(env: &Env, settings: Option<config::DatabaseSettings>) -> Self {
        Self { env: env.clone(), settings }
    }
}

impl Postgres for Database {
    fn open(&self) -> LocalBoxFuture<'_, Result<Box<dyn Connection>, PostgresError>> {
        async move { Ok(Box::new(Open::new(&self.env, self.settings.as_ref()).await?) as Box<dyn Connection>) }
            .boxed_local()
    }
}

/// A connection.
struct Open {
    client: Client,
    /// Closed when this goes.
    line: Line,
}

/// A socket that is closed when nobody holds it any more.
struct Line {
    socket: Rc<RefCell<RawSocket>>,
    /// Done once the farewell is sent; none before there is somebody to say it.
    driver: Option<Shared<LocalBoxFuture<'static, ()>>>,
    is_closing: bool,
}

impl Line {
    /// Closes the socket, as soon as the server has been told.
    fn farewell(&self) -> impl Future<Output = ()> + 'static {
        let (socket, driver) = (Rc::clone(&self.socket), self.driver.clone());
        async move {
            let told = async move {
                match driver {
                    Some(driver) => driver.await,
                    None => Delay::from(FAREWELL).await,
                }
            };
            select(pin!(told), pin!(Delay::from(FAREWELL))).await;
            let closed = socket.borrow().close();
            if let Ok(closed) = closed {
                let _ = JsFuture::from(closed).await;
            }
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.is_closing {
            spawn_local(self.farewell());
        }
    }
}

impl Open {
    async fn new(env: &Env, database: Option<&config::DatabaseSettings>) -> Result<Self, PostgresError> {
        let (socket, config) = dial(env, database)?;
        // Its end is told by the streams; a promise that nobody looks at would be reported as an error of its own.
        for promise in [socket.closed(), socket.opened()].into_iter().flatten() {
            spawn_local(async move { drop(JsFuture::from(promise).await) });
        }
        let mut line = Line { socket: Rc::new(RefCell::new(socket.clone())), driver: None, is_closing: false };
        let tls = StartTls(Rc::clone(&line.socket));
        let (client, driver) = config.connect_raw(Socket::from(socket), tls).await.map_err(|error| failed(&error))?;
        let driver = driver.map(drop).boxed_local().shared();
        spawn_local(driver.clone());
        line.driver = Some(driver);
        Ok(Self { client, line })
    }
}

impl Connection for Open {
    fn run<'a>(
        &'a self,
        before: &'a str,
        statement: &'a str,
        parameters: &'a [PgParameter<'a>],
        after: &'a str,
    ) -> LocalBoxFuture<'a, Result<Vec<Vec<PgValue>>, PostgresError>> {
        async move {
            let client = &self.client;
            let typed: Vec<(&(dyn ToSql + Sync), Type)> = parameters.iter().map(typed).collect();
            let (begun, rows, committed) =
                join!(client.batch_execute(before), client.query_typed(statement, &typed), client.batch_execute(after));
            begun.map_err(|error| failed(&error))?;
            let rows = rows.map_err(|error| failed(&error))?;
            committed.map_err(|error| failed(&error))?;
            rows.iter().map(read).collect()
        }
        .boxed_local()
    }

    fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    fn close(self: Box<Self>) -> LocalBoxFuture<'static, ()> {
        async move {
            let Self { client, mut line } = *self;
            drop(client);
            line.is_closing = true;
            line.farewell().await;
        }
        .boxed_local()
    }
}

/// A parameter as the protocol has it.
fn typed<'a>(parameter: &'a PgParameter<'a>) -> (&'a (dyn ToSql + Sync), Type) {
    match parameter {
        PgParameter::Text(text) => (text, Type::TEXT),
        PgParameter::Number(number) => (number, Type::INT8),
        PgParameter::Bytes(bytes) => (bytes, Type::BYTEA),
        PgParameter::Time(at) => (at, Type::TIMESTAMPTZ),
    }
}

fn read(row: &Row) -> Result<Vec<PgValue>, PostgresError> {
    let column = |(at, column): (usize, &tokio_postgres::Column)| {
        let value = match *column.type_() {
            Type::BYTEA => row.try_get(at).map(PgValue::Bytes),
            _ => row.try_get(at).map(PgValue::Number),
        };
        value.map_err(|error| failed(&error))
    };
    row.columns().iter().enumerate().map(column).collect()
}

/// A socket to the server, and what to say there.
fn dial(env: &Env, database: Option<&config::DatabaseSettings>) -> Result<(RawSocket, Config), PostgresError> {
    let unreachable = |error: JsValue| PostgresError::NoLine(format!("{error:?}"));
    let binding = js_sys::Reflect::get(env, &JsValue::from_str(BINDING)).unwrap_or_default();
    if binding.is_object() {
        let hyperdrive: Hyperdrive = binding.unchecked_into();
        let mut config = Config::new();
        config.user(hyperdrive.user()).password(hyperdrive.password()).dbname(hyperdrive.database());
        // Hyperdrive itself encrypts the way to the server.
        config.application_name(APPLICATION_NAME).ssl_mode(SslMode::Disable);
        return Ok((hyperdrive.connect().map_err(unreachable)?, config));
    }
    let database = database.ok_or(PostgresError::NotConfigured)?;
    let options = js_sys::Object::new();
    let transport = if database.tls { "starttls" } else { "off" };
    let set = |object: &js_sys::Object, name: &str, value: JsValue| js_sys::Reflect::set(object, &name.into(), &value);
    set(&options, "secureTransport", transport.into()).map_err(unreachable)?;
    set(&options, "allowHalfOpen", false.into()).map_err(unreachable)?;
    let address = js_sys::Object::new();
    set(&address, "hostname", database.host.as_str().into()).map_err(unreachable)?;
    set(&address, "port", database.port.into()).map_err(unreachable)?;
    let socket = worker_sys::connect(address.into(), options.into()).map_err(unreachable)?;
    Ok((socket, database.config.clone()))
}

/// Encrypts the line once the server has agreed to it. The platform checks the server's certificate.
struct StartTls(Rc<RefCell<RawSocket>>);

/// The platform would not encrypt the line.
#[derive(Debug, thiserror::Error)]
#[error("the connection cannot be encrypted")]
struct NoTls;

impl TlsConnect<Socket> for StartTls {
    type Stream = Socket;
    type Error = NoTls;
    type Future = Ready<Result<Socket, NoTls>>;

    fn connect(self, plain: Socket) -> Self::Future {
        drop(plain);
        let secured = self.0.borrow().start_tls();
        ready(secured.map_err(|_| NoTls).map(|secured| {
            for promise in [secured.closed(), secured.opened()].into_iter().flatten() {
                spawn_local(async move { drop(JsFuture::from(promise).await) });
            }
            self.0.replace(secured.clone());
            Socket::from(secured)
        }))
    }
}

/// What the server or the line said. The message names no value.
fn failed(error: &tokio_postgres::Error) -> PostgresError {
    match error.as_db_error() {
        Some(said) => {
            PostgresError::Refused { code: said.code().code().to_owned(), message: said.message().to_owned() }
        }
        None => PostgresError::Broken {
            what: error.to_string(),
            source: std::error::Error::source(error).map(ToString::to_string),
        },
    }
}
