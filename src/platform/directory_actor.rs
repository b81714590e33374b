//! The Durable Object class: what the platform calls, and nothing else.
#![allow(missing_docs, reason = "the macro's own methods cannot be documented")]

use std::rc::Rc;

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use worker::{DurableObject, Env, durable_object};

use super::actor_context;
use crate::actors::directory::Shell;

/// The Durable Object class.
#[durable_object(alarm)]
pub struct RegionDirectory {
    shell: Option<Rc<Shell>>,
    storage: worker::Storage,
}

impl DurableObject for RegionDirectory {
    fn new(state: worker::State, env: Env) -> Self {
        // Without a valid configuration every message is refused; the gateway has said why by then.
        let shell = super::configured(&env)
            .as_ref()
            .as_ref()
            .ok()
            .and_then(|config| Some(Shell::new(actor_context(&state, &env, config)?, config)));
        Self { shell, storage: state.storage() }
    }

    async fn fetch(&self, _: worker::Request) -> worker::Result<worker::Response> {
        worker::Response::error("this actor is asked by messages", 404)
    }

    async fn alarm(&self) -> worker::Result<worker::Response> {
        match &self.shell {
            Some(shell) => shell.alarm().await,
            // What is due stays due until the configuration is repaired.
            None => self.storage.set_alarm(std::time::Duration::from_secs(60)).await?,
        }
        worker::Response::empty()
    }
}

#[wasm_bindgen]
impl RegionDirectory {
    /// One message: the bytes of a `DirectoryMessage` in, those of its reply out. Never rejects.
    pub fn ask(&self, message: js_sys::Uint8Array) -> js_sys::Promise {
        let shell = self.shell.clone();
        let message = message.to_vec();
        future_to_promise(async move {
            let bytes = Shell::ask(shell, &message).await;
            Ok(js_sys::Uint8Array::from(bytes.as_slice()).into())
        })
    }
}
