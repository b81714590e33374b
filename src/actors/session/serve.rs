//! The messages of the session actor, each to what handles it.

use std::rc::Rc;

use super::Session;
use super::message::{self, SessionMessage};
use crate::actors::{Refusal, reply, serve};

impl Session {
    /// One message: the bytes of a [`SessionMessage`] in, those of its reply out. Without a session, as there is no valid
    /// configuration, every message is refused.
    pub async fn ask(session: Option<Rc<Self>>, message: &[u8]) -> Vec<u8> {
        serve(message, |message| async move { session.ok_or(Refusal::Broken)?.answer(message).await }).await
    }

    async fn answer(self: &Rc<Self>, message: SessionMessage) -> Result<Vec<u8>, Refusal> {
        match message {
            SessionMessage::Complete(m) => reply::<message::Complete>(&self.complete(m).await),
            SessionMessage::Get(m) => reply::<message::Get>(&self.get(m).await),
            SessionMessage::Refresh(m) => reply::<message::Refresh>(&self.refresh(m).await),
            SessionMessage::Revoke(m) => reply::<message::Revoke>(&self.revoke(m).await),
            SessionMessage::Inspect(m) => reply::<message::Inspect>(&self.inspect(m).await?),
            SessionMessage::Switch(m) => reply::<message::Switch>(&self.switch(m).await),
            SessionMessage::Confirm(m) => reply::<message::Confirm>(&self.confirm(m).await),
            SessionMessage::Describe(m) => reply::<message::Describe>(&self.describe(m).await?),
            SessionMessage::SilentLogin(m) => reply::<message::SilentLogin>(&self.silent_login(m).await),
            SessionMessage::Migrate(m) => reply::<message::Migrate>(&self.migrate(m).await),
            SessionMessage::Adopt(m) => reply::<message::Adopt>(&self.adopt(m).await),
            SessionMessage::Release(m) => reply::<message::Release>(&self.release(m).await),
            SessionMessage::Supersede(m) => reply::<message::Supersede>(&self.supersede(m).await),
        }
    }
}
