//! The Durable Object class: what the platform calls, and nothing else.
#![allow(missing_docs, reason = "the macro's own methods cannot be documented")]

use std::rc::Rc;

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use worker::{DurableObject, Env, State, durable_object};

use super::actor_context;
use super::kept::kept;
use super::listeners::{ActorState, Sockets};
use crate::actors::session::Session;
#[cfg(feature = "deliberate-panic")]
use crate::actors::wire;
use crate::runtime::{Listeners, Listening, Unheard};

/// The Durable Object class.
#[durable_object(alarm)]
pub struct SessionActor {
    session: Option<Rc<Session>>,
    storage: worker::Storage,
    listeners: Rc<Sockets>,
}

impl DurableObject for SessionActor {
    fn new(state: State, env: Env) -> Self {
        let kept_by_platform: ActorState = JsValue::from(state._inner()).unchecked_into();
        let listeners = Rc::new(Sockets::new(kept_by_platform.clone()));
        let state =
            State::from(JsValue::from(kept_by_platform).unchecked_into::<worker::worker_sys::DurableObjectState>());
        // Without a valid configuration every message is refused; the gateway has said why by then.
        let session = super::configured(&env).as_ref().as_ref().ok().and_then(|config| {
            let context = actor_context(&state, &env, config)?;
            Some(Session::new(context, Rc::clone(&listeners) as Rc<dyn Listeners>, kept().documents, config))
        });
        Self { session, storage: state.storage(), listeners }
    }

    async fn fetch(&self, _: worker::Request) -> worker::Result<worker::Response> {
        worker::Response::error("this actor is asked by messages", 404)
    }

    async fn alarm(&self) -> worker::Result<worker::Response> {
        match &self.session {
            Some(session) => session.alarm().await,
            // What is due stays due until the configuration is repaired.
            None => self.storage.set_alarm(std::time::Duration::from_secs(60)).await?,
        }
        worker::Response::empty()
    }
}

#[wasm_bindgen]
impl SessionActor {
    /// A function for the everyday question and answer, which are lines in the buffer: see [`Session::get_line`]. It takes the length
    /// of the one and returns that of the other: 0, it takes a message; -1, the record has to be read first
    /// ([`SessionActor::load`]). A method would cost more: worker-build's shim stands in front of those.
    pub fn getter(&self) -> JsValue {
        let (session, buffer) = (self.session.clone(), kept().buffer);
        let get = move |length: u32, is_first: bool| -> i32 {
            let line = buffer.read(0, length).unwrap_or_default();
            let reply = Session::get_line(session.as_ref(), &line, is_first);
            reply.map_or(-1, |reply| i32::try_from(buffer.write(&reply)).unwrap_or_default())
        };
        Closure::<dyn Fn(u32, bool) -> i32>::new(get).into_js_value()
    }

    /// Reads the record, so that there is an answer to the everyday question.
    pub fn load(&self) -> js_sys::Promise {
        let session = self.session.clone();
        future_to_promise(async move {
            if let Some(session) = session {
                session.load_for_get().await;
            }
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Accepts a WebSocket that listens to the session: `/page` or `/watch`. Another status than 101 says why it does not.
    pub fn listen(&self, path: &str) -> js_sys::Promise {
        let (session, listeners) = (self.session.clone(), Rc::clone(&self.listeners));
        let listening = Listening::named(path.trim_start_matches('/'));
        future_to_promise(async move {
            let (Some(session), Some(listening)) = (session, listening) else { return unheard(Unheard::Gone) };
            match session.may_listen(listening).await {
                Ok(()) => Ok(listeners.accept(listening)?.into()),
                Err(why) => unheard(why),
            }
        })
    }

    /// One message: the bytes of a `SessionMessage` in, those of its reply out. Never rejects.
    pub fn ask(&self, message: js_sys::Uint8Array) -> js_sys::Promise {
        let session = self.session.clone();
        let message = message.to_vec();
        #[cfg(feature = "deliberate-panic")]
        assert!(message != [wire::VERSION, 255], "a deliberate panic");
        future_to_promise(async move {
            let bytes = Session::ask(session, &message).await;
            Ok(js_sys::Uint8Array::from(bytes.as_slice()).into())
        })
    }
}

fn unheard(why: Unheard) -> Result<JsValue, JsValue> {
    let init = web_sys::ResponseInit::new();
    init.set_status(why.status());
    Ok(web_sys::Response::new_with_opt_str_and_init(None, &init)?.into())
}
