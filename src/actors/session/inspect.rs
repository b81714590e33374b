//! `Inspect` and `Describe`: what administrators, and lists, see of the session.

use std::rc::Rc;

use super::message::{self, Denied, Description};
use super::view::Inspection;
use super::{Session, ledger};
use crate::actors::MessageRefusal;
use crate::actors::summary::Summary;

impl Session {
    pub(super) async fn inspect(
        self: &Rc<Self>,
        _: message::Inspect,
    ) -> Result<Option<Box<Inspection>>, MessageRefusal> {
        self.ready_to_tell().await?;
        Ok(self.inspection())
    }

    fn inspection(&self) -> Option<Box<Inspection>> {
        if self.kept.is_unreadable() {
            return self.inspect_unreadable().map(Box::new);
        }
        let kept = self.kept.state();
        let state = kept.as_ref()?;
        let (issuer, subject) = state.user()?;
        Some(Box::new(Inspection {
            summary: Summary { bound_at: self.bound_at(), ..state.summary()? },
            subject: Some(subject),
            issuer: Some(issuer),
            epoch: state.epoch(),
            generation: self.kept.generation(),
            next_alarm_at: self.next_alarm(),
            access_token_expires_at: state.active().and_then(|active| active.grant.expires_at),
            moved_to: state.moved_to().map(|to| to.actor.clone()),
            ledger: ledger::entries(&*self.storage).unwrap_or_default(),
            store: self.kept.store_kind(),
        }))
    }

    pub(super) async fn describe(self: &Rc<Self>, _: message::Describe) -> Result<Option<Description>, MessageRefusal> {
        self.ready_to_tell().await?;
        self.let_go_of_store().await;
        Ok(self.description())
    }

    /// A session that cannot be read now exists all the same. An end that is not written is told to nobody: a directory that took the session
    /// for over would not end it again after a crash.
    async fn ready_to_tell(self: &Rc<Self>) -> Result<(), MessageRefusal> {
        match self.ready().await {
            Err(Denied::StoreUnavailable) => return Err(MessageRefusal::Broken),
            Ok(()) | Err(_) => self.write_down().await.map_err(|_| MessageRefusal::Broken)?,
        }
        // Nor is one unbound whose device cannot be read.
        self.device.read(|_| ()).map_err(|_| MessageRefusal::Broken)
    }

    fn description(&self) -> Option<Description> {
        let kept = self.kept.state();
        let state = kept.as_ref()?;
        let (issuer, subject) = state.user()?;
        let summary = Summary { bound_at: self.bound_at(), ..state.summary()? };
        Some(Description { summary, subject, issuer })
    }
}
