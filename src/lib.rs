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

use wasm_bindgen::{JsCast as _, JsValue};
use worker::{Context, Env, event};

use crate::config::{Config, Problem};
use crate::gateway::departure;

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

/// Every request comes in here.
#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let serving = gateway::serve(Clone::clone(&request), env, context);
    match departure::unless_left(&request, serving).await {
        Some(response) => response,
        // Nobody reads it.
        None => Ok(web_sys::Response::error()),
    }
}
