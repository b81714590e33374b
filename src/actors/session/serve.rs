//! The messages of the session actor, each to what handles it.

use std::rc::Rc;

use super::message::{self, SessionMessage, TokenKind};
use super::verdict::Wanted;
use super::{Session, line};
use crate::actors::{MessageRefusal, reply, serve};

impl Session {
    /// One message: the bytes of a [`SessionMessage`] in, those of its reply out. Without a session, as there is no valid
    /// configuration, every message is refused.
    pub async fn ask(session: Option<Rc<Self>>, message: &[u8]) -> Vec<u8> {
        serve(message, |message| async move { session.ok_or(MessageRefusal::Broken)?.answer(message).await }).await
    }

    /// The everyday question and answer, as lines: see [`super::line`]. None: the record has to be read first
    /// ([`Session::load_for_get`]), after which the question is not the first one any more. Empty: it takes a message.
    pub fn get_line(session: Option<&Rc<Self>>, line: &str, is_first: bool) -> Option<String> {
        let (Some(session), Some(question)) = (session, line::Question::read(line)) else { return Some(String::new()) };
        let wanted = match (&question.target, question.identity) {
            (Some(key), _) => Wanted::Target(key),
            (None, identity) => identity.unwrap_or(TokenKind::Access).into(),
        };
        let now = session.now();
        let reply = session.get_at_once(&question, wanted, is_first, |active| {
            let token = match wanted {
                Wanted::Access => active.grant.access_token.secret(),
                Wanted::Id => &active.identity.id_token,
                Wanted::Target(key) => active.target_token(key, now)?.secret(),
            };
            line::reply(token, question.identity.is_some().then_some(active.identity.claims.as_str()))
        });
        reply.map(|reply| reply.flatten().unwrap_or_default())
    }

    pub(super) async fn answer(self: &Rc<Self>, message: SessionMessage) -> Result<Vec<u8>, MessageRefusal> {
        match message {
            SessionMessage::Complete(m) => reply::<message::Complete>(&self.complete(m).await),
            SessionMessage::GetToken(m) => reply::<message::GetToken>(&self.get_token(m).await),
            SessionMessage::GetIdentity(m) => reply::<message::GetIdentity>(&self.get_identity(m).await),
            SessionMessage::GetView(m) => reply::<message::GetView>(&self.get_view(m).await),
            SessionMessage::CanGoOn(m) => reply::<message::CanGoOn>(&self.can_go_on(m).await),
            SessionMessage::IsAlive(m) => reply::<message::IsAlive>(&self.is_alive(m).await),
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
            SessionMessage::LetGo(m) => reply::<message::LetGo>(&self.let_go(m).await),
            SessionMessage::ConfirmUse(m) => reply::<message::ConfirmUse>(&self.confirm_use(m).await),
            SessionMessage::Attested(m) => reply::<message::Attested>(&self.attested(m).await?),
            SessionMessage::BindDevice(m) => reply::<message::BindDevice>(&self.bind_device(m).await),
            SessionMessage::Park(m) => reply::<message::Park>(&self.park(m).await),
            SessionMessage::TakeParked(m) => reply::<message::TakeParked>(&self.take_parked(m).await),
            SessionMessage::GetProvider(m) => reply::<message::GetProvider>(&self.get_provider(m).await),
            SessionMessage::GetTargetToken(m) => reply::<message::GetTargetToken>(&self.get_target_token(m).await),
            SessionMessage::RenewProof(m) => reply::<message::RenewProof>(&self.renew_proof(m).await),
        }
    }
}
