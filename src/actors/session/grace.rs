//! `Confirm`, and the grace of a session that another one has replaced. In its grace it still answers requests with the old
//! cookie, but no longer than its successor lives. The successor may have moved since.

use std::rc::Rc;

use super::Session;
use super::follow;
use super::ledger::Cause;
use super::message::{Authority, Confirm, ConfirmUse, Denied};
use super::record::Established;
use super::standing::Standing;
use super::state::{DoesNotApply, State};
use crate::actors::{AskError, MessageRefusal};
use crate::credential::{ActorId, SecretHash};
use crate::store::StoreError;

impl Session {
    /// Whether this session lives, for one that answers for it. A login that is about to make it so does not end
    /// anything.
    pub(super) async fn confirm(self: &Rc<Self>, _: Confirm) -> Result<(), Denied> {
        self.ready().await?;
        if matches!(*self.kept.state(), Some(State::SigningIn(_))) {
            return Ok(());
        }
        self.admit(&Authority::Trusted(Cause::Directory)).await
    }

    /// The same, and this session is used. What its former home serves in its grace keeps it from its idle end.
    pub(super) async fn confirm_use(self: &Rc<Self>, _: ConfirmUse) -> Result<(), Denied> {
        self.confirm(Confirm {}).await?;
        self.note_use(self.now());
        Ok(())
    }

    /// Whether the session that began in `successor` lives, which is used if this one is.
    async fn confirm_successor(&self, successor: &ActorId, is_use: bool) -> Result<(), Denied> {
        if is_use {
            match follow::ask(&*self.actors, successor, || ConfirmUse {}).await {
                // It is of a release that does not know the question.
                Err(AskError::Refused(MessageRefusal::Wire(_))) => {}
                confirmed => return confirmed?.reply,
            }
        }
        follow::ask(&*self.actors, successor, || Confirm {}).await?.reply
    }

    /// This session answers nothing any more. If it had no grace, it did not answer before either.
    pub(super) async fn end_grace(self: &Rc<Self>) -> Result<(), StoreError> {
        let Established { made: Ok(()) | Err(DoesNotApply), written } = self.establish(State::settled).await;
        written
    }

    /// A logout or a revocation of the successor holds here, too. A successor that does not answer ends nothing.
    pub(super) async fn end_grace_with_successor(
        self: &Rc<Self>,
        secret: &SecretHash,
        is_use: bool,
    ) -> Result<(), Denied> {
        let (successor, is_served) = match &*self.kept.state() {
            Some(State::Moved(moved)) if moved.is_in_grace() && moved.secret_hash.is(secret) => {
                let standing = moved.standing(self.now(), self.lifetimes());
                (moved.to.actor.clone(), matches!(standing, Standing::Active(_)))
            }
            _ => return Ok(()),
        };
        match self.confirm_successor(&successor, is_use && is_served).await {
            Err(Denied::Ended(_) | Denied::Unknown) => Ok(self.end_grace().await?),
            Ok(())
            | Err(
                Denied::Reauthenticate
                | Denied::Relocate
                | Denied::Moved(_)
                | Denied::ProviderUnavailable { .. }
                | Denied::StoreUnavailable
                | Denied::TargetRefused
                | Denied::OtherProvider,
            ) => Ok(()),
        }
    }
}
