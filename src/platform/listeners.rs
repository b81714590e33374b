//! The WebSockets that listen to a session's actor: accepted so that the platform keeps them while the actor sleeps.

use futures::StreamExt as _;
use futures::future::LocalBoxFuture;
use futures::{FutureExt as _, channel::mpsc};
use wasm_bindgen::prelude::*;
use worker::WebSocketPair;

use super::clock;
use crate::ambient;
use crate::runtime::{Heard, Listeners, Listening};

/// A newer page took its place.
const REPLACED: u16 = 4003;

#[wasm_bindgen]
extern "C" {
    /// The actor's own state on the platform.
    #[derive(Clone)]
    pub(super) type ActorState;

    #[wasm_bindgen(method, catch, js_name = acceptWebSocket)]
    fn accept_web_socket(this: &ActorState, socket: &JsValue, tags: js_sys::Array) -> Result<(), JsValue>;

    #[wasm_bindgen(method, js_name = getWebSockets)]
    fn all(this: &ActorState) -> Vec<Listener>;

    #[wasm_bindgen(method, js_name = getWebSockets)]
    fn tagged(this: &ActorState, tag: &str) -> Vec<Listener>;

    /// One of them.
    #[wasm_bindgen(extends = js_sys::Object)]
    pub(super) type Listener;

    #[wasm_bindgen(method, catch)]
    fn send(this: &Listener, text: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn close(this: &Listener, code: u16) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = serializeAttachment)]
    fn attach(this: &Listener, value: f64) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = deserializeAttachment)]
    fn attached(this: &Listener) -> Result<JsValue, JsValue>;
}

/// The listeners of an actor.
pub struct Sockets(ActorState);

impl Sockets {
    /// Of the actor with this state.
    pub(super) const fn new(state: ActorState) -> Self {
        Self(state)
    }

    /// Begins one: the response that accepts it.
    pub(super) fn accept(&self, listening: Listening) -> Result<web_sys::Response, JsValue> {
        let WebSocketPair { client, server, .. } = WebSocketPair::new()?;
        let server: &Listener = AsRef::<web_sys::WebSocket>::as_ref(&server).unchecked_ref();
        self.0.accept_web_socket(server, js_sys::Array::of1(&listening.as_str().into()))?;
        server.attach(ambient::to_millis(clock::now()))?;
        let init = web_sys::ResponseInit::new();
        init.set_status(101);
        js_sys::Reflect::set(&init, &"webSocket".into(), client.as_ref())?;
        web_sys::Response::new_with_opt_str_and_init(None, &init)
    }
}

impl Listeners for Sockets {
    fn tell(&self, text: &str, code: Option<u16>) {
        for listener in self.0.all() {
            // One that is closing already hears nothing more.
            let _ = listener.send(text);
            if let Some(code) = code {
                let _ = listener.close(code);
            }
        }
    }

    fn keep_newest(&self, pages: usize) {
        let since = |listener: &Listener| listener.attached().ok().and_then(|at| at.as_f64()).unwrap_or_default();
        let mut listeners = self.0.tagged(Listening::Page.as_str());
        listeners.sort_by(|one, other| since(other).total_cmp(&since(one)));
        for oldest in listeners.into_iter().skip(pages) {
            let _ = oldest.close(REPLACED);
        }
    }

    fn watches(&self) -> usize {
        self.0.tagged(Listening::Watch.as_str()).len()
    }
}

#[wasm_bindgen]
extern "C" {
    /// The gateway's end of one.
    #[wasm_bindgen(extends = js_sys::Object)]
    type GatewaySocket;

    #[wasm_bindgen(method, catch)]
    fn accept(this: &GatewaySocket) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = addEventListener)]
    fn listen(this: &GatewaySocket, event: &str, heard: &Closure<dyn FnMut(JsValue)>) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = removeEventListener)]
    fn ignore(this: &GatewaySocket, event: &str, heard: &Closure<dyn FnMut(JsValue)>) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn close(this: &GatewaySocket, code: u16) -> Result<(), JsValue>;
}

/// What the gateway hears of a session.
pub(super) struct Subscription {
    socket: GatewaySocket,
    texts: mpsc::UnboundedReceiver<Option<String>>,
    heard: Closure<dyn FnMut(JsValue)>,
}

/// What ends a subscription, and what comes over it.
const EVENTS: [&str; 3] = ["message", "close", "error"];
/// It is over, as the protocol has it.
const NORMAL: u16 = 1000;

impl Subscription {
    /// Of the response that accepted the WebSocket; none where it did not.
    pub(super) fn of(response: &web_sys::Response) -> Option<Self> {
        let socket: GatewaySocket = js_sys::Reflect::get(response, &"webSocket".into())
            .ok()?
            .dyn_into::<js_sys::Object>()
            .ok()?
            .unchecked_into();
        let (said, texts) = mpsc::unbounded();
        let heard = Closure::<dyn FnMut(JsValue)>::new(move |event: JsValue| {
            let text =
                event.dyn_ref::<web_sys::MessageEvent>().map(|message| message.data().as_string().unwrap_or_default());
            let _ = said.unbounded_send(text);
        });
        for event in EVENTS {
            socket.listen(event, &heard).ok()?;
        }
        socket.accept().ok()?;
        Some(Self { socket, texts, heard })
    }
}

impl Heard for Subscription {
    fn next(&mut self) -> LocalBoxFuture<'_, Option<String>> {
        self.texts.next().map(Option::flatten).boxed_local()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        for event in EVENTS {
            let _ = self.socket.ignore(event, &self.heard);
        }
        let _ = self.socket.close(NORMAL);
    }
}
