//! The Durable Object class: what the platform calls, and nothing else.
#![allow(missing_docs, reason = "the macro's own methods cannot be documented")]

use std::rc::Rc;

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use worker::{DurableObject, Env, durable_object};

use super::Shell;
use super::message::{self, DirectoryMessage};
use crate::actors::{Refusal, reply, serve};

/// The Durable Object class.
#[durable_object(alarm)]
pub struct RegionDirectory {
    shell: Option<Rc<Shell>>,
    storage: worker::Storage,
}

impl DurableObject for RegionDirectory {
    fn new(state: worker::State, env: Env) -> Self {
        // Without a valid configuration every message is refused; the gateway has said why by then.
        let shell = crate::config_of(&env)
            .as_ref()
            .as_ref()
            .ok()
            .and_then(|config| Some(Rc::new(Shell::new(&state, env, config)?)));
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
    /// One message: the bytes of a [`DirectoryMessage`] in, those of its reply out. Never rejects.
    pub fn ask(&self, message: js_sys::Uint8Array) -> js_sys::Promise {
        let shell = self.shell.clone();
        let message = message.to_vec();
        future_to_promise(async move {
            let bytes = serve(&message, |message| answer(shell, message)).await;
            Ok(js_sys::Uint8Array::from(bytes.as_slice()).into())
        })
    }
}

async fn answer(shell: Option<Rc<Shell>>, message: DirectoryMessage) -> Result<Vec<u8>, Refusal> {
    let shell = shell.ok_or(Refusal::Broken)?;
    match message {
        DirectoryMessage::Register(m) => reply::<message::Register>(&shell.register(m).await),
        DirectoryMessage::Observe(m) => reply::<message::Observe>(&shell.observe(m).await),
        DirectoryMessage::List(m) => reply::<message::List>(&shell.list(m).await),
        DirectoryMessage::RevokeAll(m) => reply::<message::RevokeAll>(&shell.revoke_all(m).await),
        DirectoryMessage::Report(m) => reply::<message::Report>(&shell.report(m).await),
        DirectoryMessage::Sweep(m) => reply::<message::Sweep>(&shell.sweep(m).await),
        DirectoryMessage::Forget(m) => reply::<message::Forget>(&shell.forget(m).await),
    }
}
