//! Requests come in here, by the hot path or by the one that waits.

use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use wasm_bindgen::prelude::*;
use worker::{Context, Env, event};

use super::actors::Stubs;
use super::applications::{self, Fetched};
use super::buffer::Buffer;
use super::client_abort::unless_left;
use super::isolate::{OfActor, OfRequest};
use super::kept::{kept, with_kept};
use super::rate_limit::Bound;
use super::reply::respond;
use super::timer::Timer;
use super::{body, configured, link};
use crate::actors::Request;
use crate::actors::session::message::GetToken;
use crate::config::Config;
use crate::gateway::Gateway;
use crate::gateway::arrival::{self, Arrival};
use crate::gateway::forward::addresses::ADDRESSES;
use crate::gateway::forward::edits;
use crate::gateway::forward::reply::Reply;
use crate::gateway::plan::{self, Failure, Plan, Planner};
use crate::gateway::rendered_refusal;
use crate::gateway::request::head::{Arrived, Head};
use crate::gateway::request::visitor;
use crate::runtime::{ReadError, RequestBody};

#[wasm_bindgen]
extern "C" {
    /// A request's head in one text: see `pack.mjs`.
    #[wasm_bindgen(js_name = packHead)]
    fn pack_head(request: &web_sys::Request) -> String;
}

/// A request that has to wait for something comes in here.
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let packed = pack_head(&request);
    Ok(served(&packed, &request, env, context, async |gateway, arrival| gateway.serve(arrival).await).await?)
}

/// What `serve` replies, unless the visitor leaves meanwhile.
async fn served(
    packed: &str,
    request: &web_sys::Request,
    env: Env,
    context: Context,
    serve: impl AsyncFnOnce(&Gateway, Arrival<'_>) -> Reply,
) -> Result<web_sys::Response, JsValue> {
    let context = Rc::new(context);
    let work = async {
        let (configured, body, isolate) = (configured(&env), Body(Clone::clone(request)), OfRequest::new(&context));
        let arrived = Arrived { head: Head::read(packed), body: Some(&body), isolate: &isolate };
        let reply = match (&*configured, arrival::arrive(&configured, arrived)) {
            (_, Arrival::Answered(answer)) => Reply::Own(answer),
            (Ok(config), arrival) => serve(&gateway(config, request, &env, &context), arrival).await,
            // Without a configuration every arrival is answered.
            (Err(_), _) => return Ok(web_sys::Response::error()),
        };
        respond(reply, &context).or_else(|error| {
            // The platform cannot pass the application's response on: its status is above 599, for one.
            let kept = kept();
            let (verified, rendered_refusal) = (&kept.verified, &*kept.rendered_refusal);
            let planner = Planner { configured: &configured, isolate: &isolate, verified, rendered_refusal };
            let refusal = planner.refusal(packed, Failure::Unreachable);
            refusal.map_or(Err(error), |refusal| respond(Reply::Own(refusal), &context))
        })
    };
    // Where there is no response, nobody reads it.
    unless_left(request, work).await.unwrap_or_else(|| Ok(web_sys::Response::error()))
}

fn gateway(config: &Rc<Config>, request: &web_sys::Request, env: &Env, context: &Rc<Context>) -> Gateway {
    let timer: Rc<Timer> = Rc::default();
    Gateway {
        config: Rc::clone(config),
        link: link(context),
        actors: Rc::new(Stubs::new(env)),
        actors_in_turn: Rc::new(Stubs::on_timer(env, &timer)),
        applications: Rc::new(Fetched { request: Clone::clone(request), env: env.clone(), timer }),
        login_limit: Rc::new(Bound { env: env.clone(), name: "LOGIN_LIMIT" }),
        client_keys: kept().client_keys,
        verified: kept().verified,
    }
}

/// A request's body.
struct Body(web_sys::Request);

impl RequestBody for Body {
    fn is_there(&self) -> bool {
        self.0.body().is_some()
    }

    fn read(&self, limit: usize) -> LocalBoxFuture<'_, Result<Vec<u8>, ReadError>> {
        body::read(self.0.body(), limit).boxed_local()
    }
}

/// The hot path, as `exchange.mjs` calls it: see [`crate::gateway::plan`]. Texts cross in the buffer, one behind the other. A call
/// tells how long the plan is that lies there then; 0: something has to be waited for.
#[wasm_bindgen]
#[derive(Debug)]
pub struct HotPath;

/// What the hot path knows of this isolate's configuration; before the first request is served, nothing.
fn planned(plan: impl FnOnce(Planner<'_>, &Buffer) -> Option<Plan>) -> u32 {
    with_kept(|kept| {
        let configured = kept.configured.get()?;
        let (verified, rendered_refusal) = (&kept.verified, &*kept.rendered_refusal);
        let planner = Planner { configured, isolate: &OfActor, verified, rendered_refusal };
        let Plan { text, line } = plan(planner, &kept.buffer)?;
        if let Some(line) = line {
            worker::console_log!("{line}");
        }
        Some(kept.buffer.write(&text))
    })
    .unwrap_or_default()
}

#[wasm_bindgen]
impl HotPath {
    /// The memory of WebAssembly.
    pub fn memory() -> JsValue {
        wasm_bindgen::memory()
    }

    /// Where the buffer is.
    pub fn buffer() -> usize {
        kept().buffer.address()
    }

    /// How long it is.
    pub fn buffer_length() -> usize {
        kept().buffer.length()
    }

    /// See [`plan::looks_at_strangers`]; none until the configuration is known.
    pub fn looks_at_strangers() -> Option<bool> {
        with_kept(|kept| Some(plan::looks_at_strangers(kept.configured.get()?)))
    }

    /// See [`Planner::plan`].
    pub fn plan(head: u32) -> u32 {
        planned(|planner, buffer| {
            let packed = buffer.read(0, head)?;
            #[cfg(feature = "deliberate-panic")]
            assert!(!packed.contains("\nx-deliberate-panic,"), "a deliberate panic");
            planner.plan(&packed)
        })
    }

    /// See [`Planner::identify`].
    pub fn identify(head: u32, reply: u32) -> u32 {
        planned(|planner, buffer| planner.identify(&buffer.read(0, head)?, &buffer.read(head, reply)?))
    }

    /// See [`Planner::judge`].
    pub fn judge(head: u32, lines: u32, status: u16) -> u32 {
        planned(|planner, buffer| {
            let (packed, lines) = (buffer.read(0, head)?, buffer.read(head, lines)?);
            #[cfg(feature = "deliberate-panic")]
            assert!(!lines.contains("x-deliberate-panic,"), "a deliberate panic");
            planner.judge(&packed, status, &lines)
        })
    }

    /// See [`Planner::failed`].
    pub fn failed(head: u32, failure: u32) -> u32 {
        planned(|planner, buffer| planner.failed(&buffer.read(0, head)?, Failure::of(failure)?))
    }

    /// See [`Gateway::resume`].
    pub async fn resume(
        packed: String,
        request: web_sys::Request,
        response: web_sys::Response,
        authorization: String,
        env: Env,
        context: worker::worker_sys::Context,
    ) -> Result<web_sys::Response, JsValue> {
        let go_on = async |gateway: &Gateway, arrival: Arrival<'_>| {
            gateway.resume(arrival, applications::inbound(response), &authorization).await
        };
        served(&packed, &request, env, Context::new(context), go_on).await
    }

    /// See [`rendered_refusal::of_lost`]: the two parts.
    pub fn lost() -> Vec<String> {
        rendered_refusal::of_lost(plan::text::of_answer).map(|(front, behind)| vec![front, behind]).unwrap_or_default()
    }

    /// The version that log lines name.
    pub fn release() -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    /// The names of what can fail, with commas, in the order of their numbers.
    pub fn failures() -> String {
        Failure::names().collect::<Vec<_>>().join(",")
    }

    /// The headers of a response that ask for a decision, with commas.
    pub fn watched() -> String {
        edits::watched().collect::<Vec<_>>().join(",")
    }

    /// The same on routes that rewrite addresses.
    pub fn addresses() -> String {
        ADDRESSES.join(",")
    }

    /// The content type of a response that asks for one, in lower case.
    pub fn watched_type() -> String {
        edits::EVENT_STREAM.to_owned()
    }

    /// The fields of `request.cf`, and behind a semicolon those of its `botManagement`, with commas.
    pub fn fields() -> String {
        [visitor::FIELDS.join(","), visitor::BOT_FIELDS.join(",")].join(";")
    }

    /// How long a session has to answer a request: milliseconds.
    pub fn ask_limit() -> u32 {
        <GetToken as Request>::TIME_LIMIT_SECONDS.saturating_mul(1000)
    }
}
