//! One connection to Postgres over a Worker's socket. Dropping it closes it, whatever it was waiting for;
//! [`Connection::close`] says when that is done.

use std::cell::RefCell;
use std::future::{Ready, ready};
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, Shared, select};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::TlsConnect;
use tokio_postgres::{Client, Config};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use worker::worker_sys::{self, Hyperdrive, Socket as RawSocket};
use worker::{Delay, Env, Socket};

use super::super::StoreError;
use crate::config::{APPLICATION_NAME, Database};

/// The Hyperdrive binding.
const BINDING: &str = "SESSION_DB";
/// How long the server has to take the farewell.
const FAREWELL: Duration = Duration::from_millis(100);

/// See the module.
pub struct Connection {
    /// Speaks the protocol.
    pub client: Client,
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

impl Connection {
    /// Opens a connection to the database of this environment, and logs in.
    pub async fn open(env: &Env, database: Option<&Database>) -> Result<Self, StoreError> {
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

    /// Closes it. Done when the server has no slot of it any more, or cannot be told.
    pub async fn close(self) {
        let Self { client, mut line } = self;
        drop(client);
        line.is_closing = true;
        line.farewell().await;
    }
}

/// A socket to the server, and what to say there.
fn dial(env: &Env, database: Option<&Database>) -> Result<(RawSocket, Config), StoreError> {
    let unreachable = |error: JsValue| {
        StoreError::Unavailable(format!(
            "Postgres: {error:?}: is it up, and do host and port in DATABASE_URL, or Hyperdrive, lead there?"
        ))
    };
    let binding = js_sys::Reflect::get(env, &JsValue::from_str(BINDING)).unwrap_or_default();
    if binding.is_object() {
        let hyperdrive: Hyperdrive = binding.unchecked_into();
        let mut config = Config::new();
        config.user(hyperdrive.user()).password(hyperdrive.password()).dbname(hyperdrive.database());
        // Hyperdrive itself encrypts the way to the server.
        config.application_name(APPLICATION_NAME).ssl_mode(SslMode::Disable);
        return Ok((hyperdrive.connect().map_err(unreachable)?, config));
    }
    let database = database
        .ok_or_else(|| StoreError::Unavailable(format!("neither {BINDING} nor DATABASE_URL says where Postgres is")))?;
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

/// What the server or the line said, and what an operator can do about it. The message names no value.
pub fn failed(error: &tokio_postgres::Error) -> StoreError {
    StoreError::Unavailable(match error.as_db_error() {
        Some(said) => {
            let advice = match said.code().code() {
                "28P01" | "28000" => ": correct user and password in DATABASE_URL, or of Hyperdrive",
                "3D000" => ": correct the database's name in DATABASE_URL, or of Hyperdrive",
                "42P01" | "42703" | "3F000" => ": bring its schema up to date with `make migrate`",
                "42501" => ": grant the gateway's user what docs/stores.md says",
                "25006" => ": put the writable server into DATABASE_URL, or Hyperdrive",
                "53300" => ": it has no connection to spare",
                _ => "",
            };
            format!("Postgres: {} ({}){advice}", said.message(), said.code().code())
        }
        None => match std::error::Error::source(error) {
            Some(source) => format!("Postgres: {error}: {source} (DATABASE_URL, or Hyperdrive, says where it is)"),
            None => format!("Postgres: {error}"),
        },
    })
}
