//! The actors, and the one way to talk to them.
//!
//! A message is bytes ([`wire`]) that travel over Durable Object RPC as `ask(bytes) -> bytes`. Its type names the
//! type of its reply, so that reading the wrong one does not compile, and the class of actors that it is for, so that it
//! cannot be sent to the other. Every message has a time limit: an actor that does not answer is an error, not a hang.
//!
//! Architecture Invariant: [`ask`] and [`serve`] are the only code that touches a stub or a message's bytes.

use std::future::Future;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub mod directory;
pub mod log;
pub mod session;
mod stored;
pub mod wire;

use wire::WireError;

/// A message that names its reply.
pub trait Request {
    /// What the actor answers with.
    type Reply: Serialize + DeserializeOwned;
    /// The enum of all messages to this class of actors.
    type Message: Serialize + DeserializeOwned;
    /// How long the answer may take.
    const TIME_LIMIT_SECONDS: u32;
    /// The message as a variant of [`Request::Message`].
    fn into_message(self) -> Self::Message;
}

/// Declares that message types are variants of one enum, what each is answered with, and how long that may take.
macro_rules! requests {
    ($all:ident: $($message:ident -> $reply:ty, within $seconds:literal s;)*) => {$(
        impl $crate::actors::Request for $message {
            type Reply = $reply;
            type Message = $all;
            const TIME_LIMIT_SECONDS: u32 = $seconds;
            fn into_message(self) -> $all { $all::$message(self) }
        }
    )*};
}
pub(crate) use requests;

/// What an actor says to bytes it can do nothing with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// They are no message.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The actor itself is not configured, or has lost its platform, or cannot read its record now.
    #[error("the actor cannot work")]
    Broken,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The id was never issued by the platform for this namespace.
    #[error("no such actor")]
    NoSuchActor,
    /// The actor did not answer in time.
    #[error("the actor did not answer within {0} s")]
    TimedOut(u32),
    /// The call failed: the actor crashed, or the platform could not reach it.
    #[error("the actor could not be reached")]
    Unreachable,
    /// The actor answered that it cannot.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Answers one message's bytes: decodes, handles, encodes.
pub async fn serve<M, F>(bytes: &[u8], handle: impl FnOnce(M) -> F) -> Vec<u8>
where
    M: DeserializeOwned,
    F: Future<Output = Result<Vec<u8>, Refusal>>,
{
    let reply = match wire::decode::<M>(bytes) {
        Ok(message) => handle(message).await,
        Err(error) => Err(Refusal::Wire(error)),
    };
    reply.or_else(|refusal| wire::encode(&Err::<(), _>(refusal))).unwrap_or_default()
}

/// Encodes what [`ask`] decodes: the reply of a request, behind the fact that there is one.
pub fn reply<R: Request>(reply: &R::Reply) -> Result<Vec<u8>, Refusal> {
    Ok(wire::encode(&Ok::<_, Refusal>(reply))?)
}

pub use platform::{
    Address, DirectoryAddress, SessionAddress, ask, ask_within, directory, existing_session, new_session_id,
    session_near,
};

mod platform {
    use std::marker::PhantomData;

    use time::Duration;
    use wasm_bindgen::prelude::*;
    use wasm_bindgen_futures::JsFuture;
    use worker::{Env, ObjectNamespace, Stub};

    use super::directory::message::{self as directory_message, DirectoryMessage};
    use super::session::message::{self as session_message, SessionMessage};
    use super::{AskError, Refusal, Request, wire};
    use crate::config::Jurisdiction;
    use crate::credential::ActorId;
    use crate::region::Region;
    use crate::timer::Timer;

    #[wasm_bindgen]
    extern "C" {
        /// A Durable Object's stub, on which every property is a remote method: `call` and `apply` are, too.
        type ActorStub;

        #[wasm_bindgen(method, catch)]
        fn ask(this: &ActorStub, message: &js_sys::Uint8Array) -> Result<js_sys::Promise, JsValue>;

        /// A namespace that can be narrowed to a jurisdiction.
        type Namespace;

        #[wasm_bindgen(method, catch)]
        fn jurisdiction(this: &Namespace, name: &str) -> Result<JsValue, JsValue>;
    }

    /// An actor that takes messages of the type `M`, and exists or is about to.
    pub struct Address<M> {
        stub: ActorStub,
        /// Its id.
        pub id: ActorId,
        messages: PhantomData<fn(M)>,
    }

    /// The actor of a session.
    pub type SessionAddress = Address<SessionMessage>;
    /// The directory of a user, or of a session of the provider.
    pub type DirectoryAddress = Address<DirectoryMessage>;

    impl<M> Address<M> {
        fn new(stub: Stub, id: ActorId) -> Self {
            Self { stub: stub.into_rpc(), id, messages: PhantomData }
        }
    }

    /// The session actor of this id. The platform refuses a forged id here, before any actor is touched.
    pub fn existing_session(env: &Env, id: &ActorId) -> Result<SessionAddress, AskError> {
        let namespace = namespace(env, session_message::BINDING)?;
        let object = namespace.id_from_string(id.as_str()).map_err(|_| AskError::NoSuchActor)?;
        Ok(Address::new(object.get_stub().map_err(unreachable)?, id.clone()))
    }

    /// The id of a session actor that nobody has asked yet, within the jurisdiction where there is one. No actor is touched.
    pub fn new_session_id(env: &Env, jurisdiction: Option<Jurisdiction>) -> Result<ActorId, AskError> {
        let namespace = namespace(env, session_message::BINDING)?;
        let object = match jurisdiction {
            Some(jurisdiction) => namespace.unique_id_with_jurisdiction(jurisdiction.as_str()),
            None => namespace.unique_id(),
        };
        object.map_err(unreachable)?.to_string().try_into().map_err(|_| AskError::NoSuchActor)
    }

    /// The session actor of this id. If nobody has asked it yet, it comes to live near `region`.
    pub fn session_near(env: &Env, id: &ActorId, region: Region) -> Result<SessionAddress, AskError> {
        let namespace = namespace(env, session_message::BINDING)?;
        let object = namespace.id_from_string(id.as_str()).map_err(|_| AskError::NoSuchActor)?;
        let stub = object.get_stub_with_location_hint(region.as_str()).map_err(unreachable)?;
        Ok(Address::new(stub, id.clone()))
    }

    /// The directory of this name, within the jurisdiction where there is one.
    pub fn directory(env: &Env, name: &str, jurisdiction: Option<Jurisdiction>) -> Result<DirectoryAddress, AskError> {
        let mut namespace = namespace(env, directory_message::BINDING)?;
        if let Some(jurisdiction) = jurisdiction {
            let whole: Namespace = JsValue::from(namespace).unchecked_into();
            namespace = whole.jurisdiction(jurisdiction.as_str()).map_err(|_| AskError::Unreachable)?.unchecked_into();
        }
        let object = namespace.id_from_name(name).map_err(unreachable)?;
        let id = object.to_string().try_into().map_err(|_| AskError::NoSuchActor)?;
        Ok(Address::new(object.get_stub().map_err(unreachable)?, id))
    }

    fn namespace(env: &Env, binding: &str) -> Result<ObjectNamespace, AskError> {
        env.durable_object(binding).map_err(unreachable)
    }

    fn unreachable(_: worker::Error) -> AskError {
        AskError::Unreachable
    }

    /// Sends a message and waits for its reply.
    pub async fn ask<R: Request>(address: &Address<R::Message>, request: R) -> Result<R::Reply, AskError> {
        ask_within(&Timer::default(), address, request).await
    }

    /// The same, on a timer that the request has anyway.
    pub async fn ask_within<R: Request>(
        timer: &Timer,
        address: &Address<R::Message>,
        request: R,
    ) -> Result<R::Reply, AskError> {
        let bytes = wire::encode(&request.into_message()).map_err(Refusal::Wire)?;
        let bytes = call(timer, &address.stub, &bytes, R::TIME_LIMIT_SECONDS).await?;
        wire::decode::<Result<R::Reply, Refusal>>(&bytes).map_err(Refusal::Wire)?.map_err(AskError::Refused)
    }

    async fn call(timer: &Timer, stub: &ActorStub, bytes: &[u8], seconds: u32) -> Result<Vec<u8>, AskError> {
        let unreachable = |error: JsValue| {
            worker::console_error!("an actor could not be reached: {error:?}");
            AskError::Unreachable
        };
        let promise = stub.ask(&js_sys::Uint8Array::from(bytes)).map_err(unreachable)?;
        let answer = JsFuture::from(js_sys::Promise::resolve(&promise));
        match timer.within(Duration::seconds(seconds.into()), answer).await {
            Some(answer) => Ok(js_sys::Uint8Array::new(&answer.map_err(unreachable)?).to_vec()),
            None => Err(AskError::TimedOut(seconds)),
        }
    }
}
