//! WebSockets of a session: messages are handed on both ways, and both sides are closed when the session ends.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::{Either, select};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use worker::{Context, Delay, WebSocket, WebSocketPair, WebsocketEvent};

use crate::gateway::forward::watch::Watch;

/// How long the other side has to say that it has closed, too.
const FAREWELL: Duration = Duration::from_secs(5);
/// There was no close code, or the connection was lost without one: these are never sent (RFC 6455 section 7.4.1).
const NO_CODE: u16 = 1005;
const LOST: u16 = 1006;
const UNEXPECTED: u16 = 1011;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = js_sys::Object)]
    type Socket;

    #[wasm_bindgen(method, catch)]
    fn send(this: &Socket, data: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch)]
    fn close(this: &Socket) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = close)]
    fn close_with(this: &Socket, code: u16, reason: &str) -> Result<(), JsValue>;

    #[wasm_bindgen(method, setter, js_name = binaryType)]
    fn set_binary_type(this: &Socket, kind: &str);

    /// Closes both sides should this instance panic, and what hands messages on with it: see `entry.mjs`.
    #[wasm_bindgen(js_name = closeWhenLost)]
    fn close_when_lost(ended: &js_sys::Promise, browser: &JsValue, application: &JsValue) -> js_sys::Promise;
}

/// The two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Browser,
    Application,
}

/// The response that accepts the WebSocket, watched.
pub(super) fn watched(
    watch: Watch,
    response: &web_sys::Response,
    context: &Context,
) -> Result<web_sys::Response, JsValue> {
    let name = JsValue::from_str("webSocket");
    let application: web_sys::WebSocket = js_sys::Reflect::get(response, &name)?.unchecked_into();
    let WebSocketPair { client, server, .. } = WebSocketPair::new()?;
    let sides = (server.as_ref().clone(), application.clone());
    let ended = future_to_promise(async move {
        if let Err(error) = hand_on(watch, &server, &application.into()).await {
            worker::console_error!("a WebSocket broke: {error}");
        }
        Ok(JsValue::UNDEFINED)
    });
    let _ = close_when_lost(&ended, &sides.0, &sides.1);
    context.wait_until(async move {
        let _ = JsFuture::from(ended).await;
    });
    let init = web_sys::ResponseInit::new();
    init.set_status(response.status());
    init.set_headers(&response.headers());
    js_sys::Reflect::set(&init, &name, client.as_ref())?;
    web_sys::Response::new_with_opt_str_and_init(None, &init)
}

async fn hand_on(watch: Watch, browser: &WebSocket, application: &WebSocket) -> worker::Result<()> {
    let socket = |side| -> &Socket {
        match side {
            Side::Browser => AsRef::<web_sys::WebSocket>::as_ref(browser).unchecked_ref(),
            Side::Application => AsRef::<web_sys::WebSocket>::as_ref(application).unchecked_ref(),
        }
    };
    for side in [Side::Browser, Side::Application] {
        socket(side).set_binary_type("arraybuffer");
    }
    let from_browser = browser.events()?.map(|event| (Side::Browser, event));
    let from_application = application.events()?.map(|event| (Side::Application, event));
    let mut events = pin!(futures::stream::select(from_browser, from_application));
    browser.accept()?;
    application.accept()?;

    let mut closing = pin!(watch.closing());
    loop {
        let (side, event) = match select(events.next(), closing.as_mut()).await {
            Either::Left((Some(event), _)) => event,
            Either::Left((None, _)) => return Ok(()),
            Either::Right((closing, _)) => {
                for side in [Side::Browser, Side::Application] {
                    let _ = socket(side).close_with(closing.code(), closing.reason());
                }
                break;
            }
        };
        let other = if side == Side::Browser { Side::Application } else { Side::Browser };
        match event? {
            WebsocketEvent::Message(message) => {
                // One that cannot be sent finds a side that is closing: its close event is next.
                let _ = socket(other).send(&AsRef::<web_sys::MessageEvent>::as_ref(&message).data());
            }
            WebsocketEvent::Close(close) => {
                for side in [side, other] {
                    let _ = match close.code() {
                        NO_CODE => socket(side).close(),
                        LOST => socket(side).close_with(UNEXPECTED, ""),
                        code => socket(side).close_with(code, &close.reason()),
                    };
                }
                break;
            }
        }
    }
    // What still comes is not heard any more.
    let silence = pin!(async { while events.next().await.is_some() {} });
    select(silence, Delay::from(FAREWELL)).await;
    Ok(())
}
