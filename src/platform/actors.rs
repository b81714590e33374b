//! The stubs of other actors: a message's bytes travel over Durable Object RPC.

use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use time::Duration;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::{Env, ObjectNamespace, Stub};

use super::applications::inbound;
use super::listeners::Subscription;
use super::timer::Timer;
use crate::actors::{directory_message, session};
use crate::credential::ActorId;
use crate::region::Jurisdiction;
use crate::runtime::{ActorAddress, Actors, CallError, Heard, Inbound, Listening, Unheard};

/// How long an actor has to accept a listener.
const LISTEN_LIMIT: Duration = Duration::seconds(10);

#[wasm_bindgen]
extern "C" {
    /// A Durable Object's stub, on which every property is a remote method: `call` and `apply` are, too.
    type ActorStub;

    #[wasm_bindgen(method, catch)]
    fn ask(this: &ActorStub, message: &js_sys::Uint8Array) -> Result<js_sys::Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &ActorStub, url: &str, init: &web_sys::RequestInit) -> Result<js_sys::Promise, JsValue>;

    /// A namespace that can be narrowed to a jurisdiction.
    type Namespace;

    #[wasm_bindgen(method, catch)]
    fn jurisdiction(this: &Namespace, name: &str) -> Result<JsValue, JsValue>;
}

/// The actors of this environment.
pub struct Stubs {
    env: Env,
    timer: Option<Rc<Timer>>,
}

impl Stubs {
    /// Each call with a timer of its own.
    pub fn new(env: &Env) -> Self {
        Self { env: env.clone(), timer: None }
    }

    /// The calls of one task, one after the other, on the timer that it has anyway.
    pub fn on_timer(env: &Env, timer: &Rc<Timer>) -> Self {
        Self { env: env.clone(), timer: Some(Rc::clone(timer)) }
    }

    fn namespace(&self, binding: &str) -> Result<ObjectNamespace, CallError> {
        self.env.durable_object(binding).map_err(unreachable)
    }

    fn stub(&self, address: &ActorAddress) -> Result<Stub, CallError> {
        match address {
            ActorAddress::Session { id, near } => {
                let namespace = self.namespace(session::message::BINDING)?;
                let object = namespace.id_from_string(id.as_str()).map_err(|_| CallError::NoSuchActor)?;
                match near {
                    Some(region) => object.get_stub_with_location_hint(region.as_str()),
                    None => object.get_stub(),
                }
                .map_err(unreachable)
            }
            ActorAddress::Directory { name, jurisdiction } => {
                let mut namespace = self.namespace(directory_message::BINDING)?;
                if let Some(jurisdiction) = jurisdiction {
                    let whole: Namespace = JsValue::from(namespace).unchecked_into();
                    let part = whole.jurisdiction(jurisdiction.as_str()).map_err(|_| CallError::Unreachable)?;
                    namespace = part.unchecked_into();
                }
                namespace.id_from_name(name).map_err(unreachable)?.get_stub().map_err(unreachable)
            }
        }
    }

    async fn call(&self, address: &ActorAddress, message: &[u8], within_seconds: u32) -> Result<Vec<u8>, CallError> {
        let stub: ActorStub = self.stub(address)?.into_rpc();
        let failed = |error: JsValue| {
            worker::console_error!("an actor could not be reached: {error:?}");
            CallError::Unreachable
        };
        let promise = stub.ask(&js_sys::Uint8Array::from(message)).map_err(failed)?;
        let answer = JsFuture::from(js_sys::Promise::resolve(&promise));
        let timer = self.timer.clone().unwrap_or_default();
        match timer.within(Duration::seconds(within_seconds.into()), answer).await {
            Some(answer) => Ok(js_sys::Uint8Array::new(&answer.map_err(failed)?).to_vec()),
            None => Err(CallError::TimedOut),
        }
    }
}

impl Stubs {
    /// The response that accepts a WebSocket to a session.
    async fn connect(&self, id: &ActorId, listening: Listening) -> Result<web_sys::Response, CallError> {
        let address = ActorAddress::Session { id: id.clone(), near: None };
        let stub: ActorStub = self.stub(&address)?.into_rpc();
        let lost = |_: JsValue| CallError::Unreachable;
        let headers = web_sys::Headers::new().map_err(lost)?;
        headers.set("upgrade", "websocket").map_err(lost)?;
        let init = web_sys::RequestInit::new();
        init.set_headers(&headers);
        let asked = stub.fetch(&format!("https://session/{}", listening.as_str()), &init).map_err(lost)?;
        let asked = js_sys::Promise::resolve(&asked);
        let timer = self.timer.clone().unwrap_or_default();
        let Some(answer) = timer.within(LISTEN_LIMIT, JsFuture::from(asked.clone())).await else {
            // A connection that comes now has nobody who hears it.
            wasm_bindgen_futures::spawn_local(async move {
                if let Ok(late) = JsFuture::from(asked).await {
                    drop(Subscription::of(late.unchecked_ref()));
                }
            });
            return Err(CallError::TimedOut);
        };
        let response: web_sys::Response = answer.map_err(lost)?.unchecked_into();
        match response.status() {
            101 => Ok(response),
            status if status == Unheard::Gone.status() => Err(CallError::NoSuchActor),
            _ => Err(CallError::Unreachable),
        }
    }
}

impl Actors for Stubs {
    fn listen<'a>(&'a self, id: &'a ActorId) -> LocalBoxFuture<'a, Result<Box<dyn Heard>, CallError>> {
        async {
            let response = self.connect(id, Listening::Watch).await?;
            let subscription: Box<dyn Heard> = Box::new(Subscription::of(&response).ok_or(CallError::Unreachable)?);
            Ok(subscription)
        }
        .boxed_local()
    }

    fn let_listen<'a>(&'a self, id: &'a ActorId) -> LocalBoxFuture<'a, Result<Inbound, CallError>> {
        async { Ok(inbound(self.connect(id, Listening::Page).await?)) }.boxed_local()
    }

    fn ask<'a>(
        &'a self,
        address: &'a ActorAddress,
        message: &'a [u8],
        within_seconds: u32,
    ) -> LocalBoxFuture<'a, Result<Vec<u8>, CallError>> {
        self.call(address, message, within_seconds).boxed_local()
    }

    fn new_session_id(&self, jurisdiction: Option<Jurisdiction>) -> Result<ActorId, CallError> {
        let namespace = self.namespace(session::message::BINDING)?;
        let object = match jurisdiction {
            Some(jurisdiction) => namespace.unique_id_with_jurisdiction(jurisdiction.as_str()),
            None => namespace.unique_id(),
        };
        object.map_err(unreachable)?.to_string().try_into().map_err(|_| CallError::NoSuchActor)
    }
}

fn unreachable(_: worker::Error) -> CallError {
    CallError::Unreachable
}
