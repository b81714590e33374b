//! The gateway's reply as a response of the platform.

use wasm_bindgen::prelude::*;
use worker::Context;

use super::response::copy;
use super::{event_stream, web_socket};
use crate::gateway::answer::response::Outgoing;
use crate::gateway::forward::reply::{Forwarded, Reply};

/// The response; the log line of a request that failed is written.
pub fn respond(reply: Reply, context: &Context) -> Result<web_sys::Response, JsValue> {
    match reply {
        Reply::Own(outgoing) => own(&outgoing),
        Reply::Forwarded(forwarded) => forward(*forwarded, context),
        Reply::Accepted(accepted) => accepted.raw.downcast().map(|response| *response).map_err(|_| JsValue::NULL),
    }
}

fn own(outgoing: &Outgoing) -> Result<web_sys::Response, JsValue> {
    if let Some(line) = &outgoing.line {
        worker::console_log!("{line}");
    }
    let headers = web_sys::Headers::new()?;
    for (name, value) in outgoing.all_headers() {
        headers.append(name, value)?;
    }
    let init = web_sys::ResponseInit::new();
    init.set_status(outgoing.status);
    init.set_headers(&headers);
    web_sys::Response::new_with_opt_str_and_init(outgoing.body.text(), &init)
}

fn forward(forwarded: Forwarded, context: &Context) -> Result<web_sys::Response, JsValue> {
    let Forwarded { response, removed, set, cache_control, cookies, own, watch } = forwarded;
    let response = *response.raw.downcast::<web_sys::Response>().map_err(|_| JsValue::NULL)?;
    let answer = match (watch, response.body()) {
        (Some(watch), _) if response.status() == 101 => web_socket::watched(watch, &response, context)?,
        (Some(watch), Some(body)) => event_stream::watched(watch, &response, &body, context)?,
        (_, body) => copy(&response, body.as_ref())?,
    };
    let headers = answer.headers();
    for name in removed {
        headers.delete(&name)?;
    }
    for (name, value) in set {
        headers.set(name, &value)?;
    }
    if let Some(cache) = cache_control {
        headers.set("cache-control", cache)?;
    }
    if let Some(cookies) = cookies {
        headers.delete("set-cookie")?;
        for line in cookies {
            headers.append("set-cookie", &line)?;
        }
    }
    for (name, value) in own {
        headers.append(name, &value)?;
    }
    Ok(answer)
}
