//! A session arrives in its new actor, which keeps it and does not use it before the old one has let it go.

use std::rc::Rc;

use time::OffsetDateTime;

use super::device::Device;
use super::ledger::{self, Cause, Event};
use super::message::{Adopt, Denied, LetGo, Release};
use super::state::{Active, Arriving, DoesNotApply, State};
use super::{Session, address};
use crate::actors::directory_message::DirectoryError;
use crate::actors::end_reason::EndReason;
use crate::actors::stored::Storable as _;
use crate::actors::{self, AskError, MessageRefusal};

impl Session {
    /// Keeps a session that comes from another actor. The old actor may ask more than once, as it does when its process ended
    /// before it had the answer.
    pub(super) async fn adopt(self: &Rc<Self>, adopt: Adopt) -> Result<(), Denied> {
        let session = Rc::clone(self);
        self.mover.adopt(|| async move { session.take_in(adopt).await }).await
    }

    /// Lets the session go, if it is to go there: when it was used last. It does not call `ready`, as the new actor may ask while the
    /// move is under way.
    pub(super) async fn let_go(self: &Rc<Self>, LetGo { to }: LetGo) -> Result<Option<OffsetDateTime>, Denied> {
        self.load().await?;
        let is_going = self.active(|active| active.moving.as_ref().is_some_and(|moving| moving.to == to));
        if is_going == Some(true) {
            // If it does not apply, the move is done or the session has ended. The answer says which.
            let _ = self.transition(|state| state.departed(self.now())).await?;
        }
        Ok(self.kept.state().as_ref().and_then(|state| state.released_to(&to)))
    }

    /// The same for a new actor of a release that does not ask for the last use.
    pub(super) async fn release(self: &Rc<Self>, Release { to }: Release) -> Result<bool, Denied> {
        Ok(self.let_go(LetGo { to }).await?.is_some())
    }

    async fn take_in(self: &Rc<Self>, adopt: Adopt) -> Result<(), Denied> {
        self.load().await?;
        let now = self.now();
        let is_here = match &*self.kept.state() {
            None => false,
            Some(State::Arriving(arriving)) if arriving.from == adopt.from => true,
            Some(_) => return Err(Denied::Unknown),
        };
        let Adopt { from, began_at, cause, active, ledger, device } = adopt;
        let active = Box::<Active>::restore(active);
        let (identity, place) = (active.identity.clone(), active.place.clone());
        let lives = (active.created_at, active.expires_at);
        if is_here {
            // The process may have ended before the directories heard of it. The old actor may be letting it go at this very moment: what is to
            // become of the session here is asked there.
            self.directories.register_again(&identity, place, began_at, lives, Some(from)).await?;
            return Ok(());
        }
        let detail = format!("the session came here from its former home, session {from}");
        ledger::create(&*self.storage)?;
        let device = Device::from(device).moved_from(from.clone());
        if device != Device::default() {
            // It takes the place of none, and so it applies.
            let _ = self.device.change(|_| Ok(device))?;
        }
        // This is written before the directory knows the session. If the rest fails, the alarm finds out whose the session is.
        let arriving = Arriving { active, from: from.clone(), arrived_at: now };
        if !self.originate(State::Arriving(arriving)).await? {
            return Err(Denied::Unknown);
        }
        if let Err(error) = self.directories.register(&identity, place, began_at, lives, Some(from)).await {
            self.forget(is_arriving).await?;
            return Err(error.into());
        }
        for entry in &ledger {
            let _ = ledger::append(&*self.storage, entry);
        }
        self.record(Event::Migrate, "adopted", cause, now, &detail);
        Ok(())
    }

    /// Asks the old actor whether the session is this one's.
    pub(super) async fn arrive(self: &Rc<Self>) -> Result<(), Denied> {
        let began = self.now();
        let (from, last_used_at) = match &*self.kept.state() {
            Some(State::Arriving(arriving)) => (arriving.from.clone(), arriving.active.last_used_at),
            _ => return Ok(()),
        };
        let address = address::existing_session(&from);
        let to = || self.id.clone();
        let let_go = match actors::ask(&*self.actors, &address, LetGo { to: to() }).await {
            // It is of a release that does not know the question.
            Err(AskError::Refused(MessageRefusal::Wire(_))) => {
                actors::ask(&*self.actors, &address, Release { to: to() }).await??.then_some(last_used_at)
            }
            let_go => let_go??,
        };
        if let Some(used_at) = let_go {
            // It was given up while that was written.
            self.transition(|state| state.released(used_at)).await?.map_err(|DoesNotApply| Denied::Unknown)?;
            self.record(
                Event::Migrate,
                "ok",
                Cause::Directory,
                began,
                "the session's former home has let it go: it lives here now",
            );
            return Ok(());
        }
        self.record(Event::Migrate, "dropped", Cause::Directory, began, "the session stayed in its former home");
        self.forget(is_arriving).await?;
        Err(Denied::Unknown)
    }
}

impl From<DirectoryError> for Denied {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Overtaken => Self::Ended(EndReason::Revoked),
            DirectoryError::StoreUnavailable
            | DirectoryError::Incomplete
            | DirectoryError::Replayed
            | DirectoryError::ForeignCursor
            | DirectoryError::TakenAway => Self::StoreUnavailable,
        }
    }
}

const fn is_arriving(state: Option<&State>) -> bool {
    matches!(state, Some(State::Arriving(_)))
}
