//! The end of a record: everything is deleted, and the actor never was.

use super::Memory;
use crate::actors::directory_message::name::of_user;
use crate::actors::session::Session;
use crate::actors::session::ledger::{Cause, Event};
use crate::actors::session::state::{Arriving, State};
use crate::store::StoreError;

impl Session {
    /// Deletes everything: after this the actor never was. Not where a transition that was under way has left what `may_go`
    /// denies; and none is made meanwhile, which would bring something back.
    pub(in crate::actors::session) async fn forget(
        &self,
        may_go: impl FnOnce(Option<&State>) -> bool,
    ) -> Result<(), StoreError> {
        let _writing = self.kept.writing.lock().await;
        if !may_go(self.kept.state().as_ref()) {
            return self.schedule_next().await;
        }
        self.kept.forgetting.set(true);
        let forgotten = self.delete().await;
        self.kept.forgetting.set(false);
        forgotten
    }

    async fn delete(&self) -> Result<(), StoreError> {
        let identity = match &*self.kept.state() {
            Some(State::Active(active) | State::Arriving(Arriving { active, .. })) => Some(active.identity.clone()),
            _ => None,
        };
        let user = self.kept.state().as_ref().and_then(State::user);
        match (identity, user) {
            (Some(identity), _) => self.directories.unregister(&identity).await,
            // The directory of the provider's session drops what has ended by itself.
            (None, Some((issuer, subject))) => self.directories.forget_in(vec![of_user(&issuer, &subject)]).await,
            (None, None) => {}
        }
        self.record(Event::Alarm, "forgotten", Cause::Alarm, self.now(), "nothing of the session is kept any longer");
        self.kept.store.forget().await;
        self.storage.delete_alarm().await?;
        self.storage.delete_all().await?;
        self.directories.forget_decision();
        self.device.forget();
        self.parked.forget();
        *self.kept.memory.borrow_mut() = Memory { loaded: true, ..Memory::default() };
        Ok(())
    }
}
