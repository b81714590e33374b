//! OAuth sessions at the edge: the Token Handler (Backend for Frontend) pattern on Cloudflare Workers.
//!
//! ```text
//!                      request                    message (bincode)
//!     browser ───────► gateway (stateless) ─────► SessionActor (one per session) ──► provider
//!        ▲                │  ▲                        │        ▲   │                 (token endpoint)
//!        │  response      ▼  │ upstream response      │ alarm ─┘   └──► store
//!        └────────────  upstream
//! ```
//!
//! One way through the house: [`gateway`] → [`actors`] → [`provider`] and [`store`]. What decides is pure and tested
//! natively: [`config`], [`region`], [`actors::wire`], [`actors::session::state`], [`actors::session::message`],
//! [`gateway::route`], [`gateway::cookie`], [`gateway::csrf`], [`gateway::hygiene`], [`provider::id_token`],
//! [`provider::document`]. They take the time and randomness as arguments; [`platform`] alone reads
//! them. All but [`gateway`] and [`platform`] runs natively, too, over the traits of [`runtime`].

use std::cell::OnceCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use worker::{Context, Env, event};

use crate::actors::Request;
use crate::actors::session::message::Get;
use crate::config::{Config, Problem};
use crate::gateway::plan::{self, Failure, Plan};
use crate::gateway::{departure, forward, visitor};

pub mod actors;
pub mod ambient;
pub mod config;
pub mod credential;
pub mod gateway;
pub mod identity;
pub mod platform;
pub mod provider;
pub mod region;
pub mod runtime;
pub mod sealing;
pub mod store;

/// The configuration, or everything that is wrong with it.
pub type Configured = Result<Rc<Config>, Vec<Problem>>;

thread_local! {
    static CONFIG: OnceCell<Rc<Configured>> = const { OnceCell::new() };
}

/// The configuration of this isolate, read at its first use.
pub fn config_of(env: &Env) -> Rc<Configured> {
    CONFIG.with(|config| Rc::clone(config.get_or_init(|| Rc::new(configured(env)))))
}

fn configured(env: &Env) -> Configured {
    let mut problems = config::misspelled(names(env));
    match Config::read(|name| variable(env, name)) {
        Ok(config) if problems.is_empty() => Ok(Rc::new(config)),
        Ok(_) => Err(problems),
        Err(others) => {
            problems.extend(others);
            Err(problems)
        }
    }
}

/// The names of all variables that are set, bindings aside.
fn names(env: &Env) -> impl Iterator<Item = String> {
    let is_variable = |name: &JsValue| js_sys::Reflect::get(env, name).is_ok_and(|value| !value.is_object());
    let names: Vec<JsValue> =
        js_sys::Object::keys(env.unchecked_ref::<js_sys::Object>()).iter().filter(is_variable).collect();
    names.into_iter().filter_map(|name| name.as_string())
}

/// A variable's text. One that `wrangler.toml` gives as a number, a table or an array is read as its JSON. Of a
/// binding (`binding:NAME`) all that is told is that it is there, and takes requests.
fn variable(env: &Env, name: &str) -> Option<String> {
    let binding = name.strip_prefix("binding:");
    let value = js_sys::Reflect::get(env, &JsValue::from_str(binding.unwrap_or(name))).ok()?;
    if binding.is_some() {
        let fetch = js_sys::Reflect::get(&value, &"fetch".into());
        return fetch.is_ok_and(|fetch| fetch.is_function()).then(String::new);
    }
    if value.is_undefined() || value.is_null() {
        return None;
    }
    value.as_string().or_else(|| js_sys::JSON::stringify(&value).ok()?.as_string())
}

#[wasm_bindgen]
extern "C" {
    /// A request's head in one text: see `entry.mjs`.
    #[wasm_bindgen(js_name = packHead)]
    fn pack_head(request: &web_sys::Request) -> String;
}

/// A request that has to wait for something comes in here.
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let packed = pack_head(&request);
    let serving = gateway::serve(&packed, Clone::clone(&request), env, context);
    answered(departure::unless_left(&request, serving).await)
}

fn answered(response: Option<worker::Result<web_sys::Response>>) -> worker::Result<web_sys::Response> {
    // Where there is none, nobody reads it.
    response.unwrap_or_else(|| Ok(web_sys::Response::error()))
}

/// The hot path, as `entry.mjs` calls it: see [`gateway::plan`].
#[wasm_bindgen]
#[derive(Debug)]
pub struct HotPath;

/// What the hot path knows of this isolate's configuration; before the first request is served, nothing.
fn planned(plan: impl FnOnce(&Configured) -> Plan) -> String {
    let Some(configured) = CONFIG.with(|config| config.get().cloned()) else { return "L".to_owned() };
    let Plan { text, line } = plan(&configured);
    if let Some(line) = line {
        worker::console_log!("{line}");
    }
    text
}

#[wasm_bindgen]
impl HotPath {
    /// See [`gateway::plan::plan`].
    pub fn plan(packed: &str) -> String {
        planned(|configured| plan::plan(configured, packed, ambient::now()))
    }

    /// See [`gateway::plan::identify`].
    pub fn identify(packed: &str, reply: &str) -> String {
        planned(|configured| plan::identify(configured, packed, reply, ambient::now()))
    }

    /// See [`gateway::plan::judge`].
    pub fn judge(packed: &str, status: u16, lines: &str) -> String {
        planned(|configured| plan::judge(configured, packed, status, lines, ambient::now()))
    }

    /// See [`gateway::plan::failed`].
    pub fn failed(packed: &str, failure: u32) -> String {
        planned(|configured| plan::failed(configured, packed, Failure::of(failure)))
    }

    /// See [`gateway::resume`].
    pub async fn resume(
        packed: String,
        request: web_sys::Request,
        response: web_sys::Response,
        authorization: String,
        env: Env,
        context: worker::worker_sys::Context,
    ) -> Result<web_sys::Response, JsValue> {
        let context = Context::new(context);
        let resuming = gateway::resume(&packed, Clone::clone(&request), response, &authorization, env, context);
        Ok(answered(departure::unless_left(&request, resuming).await)?)
    }

    /// The headers of a response that ask for a decision, with commas.
    pub fn watched() -> String {
        forward::WATCHED.join(",")
    }

    /// The content type of a response that asks for one, in lower case.
    pub fn watched_type() -> String {
        forward::EVENT_STREAM.to_owned()
    }

    /// The fields of `request.cf`, and behind a semicolon those of its `botManagement`, with commas.
    pub fn fields() -> String {
        [visitor::FIELDS.join(","), visitor::BOT_FIELDS.join(",")].join(";")
    }

    /// How long a session has to answer a request: milliseconds.
    pub fn ask_limit() -> u32 {
        <Get as Request>::TIME_LIMIT_SECONDS.saturating_mul(1000)
    }
}
