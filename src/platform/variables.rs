//! The Worker's variables and secrets.

use std::rc::Rc;

use wasm_bindgen::prelude::*;
use worker::Env;

use crate::config::{self, Config, Configured};

/// Reads the configuration.
pub fn configured(env: &Env) -> Configured {
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
