//! Writing the record: transitions, facts, and what follows from either.

use std::rc::Rc;
use std::time::Duration;

use futures::future::select;

use super::{Owed, Unwritten, about};
use crate::actors::directory_message::News;
use crate::actors::session::Session;
use crate::actors::session::ledger::{Cause, Event};
use crate::actors::session::record::{Established, LOOK_AGAIN};
use crate::actors::session::single_flight::launch;
use crate::actors::session::state::{DoesNotApply, Identity, State, Transition};
use crate::actors::stored;
use crate::store::{Saved, StoreError};

/// How long a sender that asks many sessions waits for the store of each.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

impl Session {
    /// Begins the record, where this actor has none. It is safe with the actor, its alarm included, before a store is told:
    /// if what follows fails, the alarm finds the record and tidies it up.
    pub(in crate::actors::session) async fn originate(self: &Rc<Self>, state: State) -> Result<bool, StoreError> {
        let _writing = self.kept.writing.lock().await;
        let is_free = {
            let memory = self.kept.memory.borrow();
            memory.state.is_none() && !memory.unreadable
        };
        if is_free {
            self.hold(state).await?;
        }
        Ok(is_free)
    }

    /// Makes one transition: the new state is written, then remembered, then scheduled. A fact that came while it was
    /// written counts, and the transition starts again from it. A transition that does not apply changes and writes nothing.
    pub(in crate::actors::session) async fn transition(
        self: &Rc<Self>,
        mut change: impl FnMut(State) -> Transition,
    ) -> Result<Result<(), DoesNotApply>, StoreError> {
        self.transition_with(|state| Ok((change(state)?, ()))).await
    }

    /// The same, where `change` has something to say of the state that it found.
    pub(in crate::actors::session) async fn transition_with<T>(
        self: &Rc<Self>,
        mut change: impl FnMut(State) -> Result<(State, T), DoesNotApply>,
    ) -> Result<Result<T, DoesNotApply>, StoreError> {
        let _writing = self.kept.writing.lock().await;
        loop {
            let state = self.kept.memory.borrow().state.clone();
            let (state, said) = match state.ok_or(DoesNotApply).and_then(&mut change) {
                Ok(changed) => changed,
                Err(does_not_apply) => return Ok(Err(does_not_apply)),
            };
            if self.commit(state).await? == Saved::Taken {
                return Ok(Ok(said));
            }
        }
    }

    /// Makes a transition that is a fact already. It is remembered at once, and safe with the actor, whatever else is being
    /// written; a store that does not answer is told later.
    pub(in crate::actors::session) async fn establish(
        self: &Rc<Self>,
        change: impl FnOnce(State) -> Transition,
    ) -> Established<()> {
        self.establish_with(|state| Ok((change(state)?, ()))).await
    }

    /// The same, where `change` has something to say of the state that it found.
    pub(in crate::actors::session) async fn establish_with<T>(
        self: &Rc<Self>,
        change: impl FnOnce(State) -> Result<(State, T), DoesNotApply>,
    ) -> Established<T> {
        self.wait_while_forgetting().await;
        let state = self.kept.memory.borrow().state.clone();
        match state.ok_or(DoesNotApply).and_then(change) {
            Ok((state, said)) => Established { made: Ok(said), written: self.hold(state).await },
            // The present state may itself be a fact that is not written yet.
            Err(does_not_apply) => Established { made: Err(does_not_apply), written: self.write_down().await },
        }
    }

    /// A write during the deletion would be deleted, too.
    async fn wait_while_forgetting(&self) {
        while self.kept.forgetting.get() {
            drop(self.kept.writing.lock().await);
        }
    }

    /// Writes down the fact that the actor's own storage did not take, if there is one: nobody is told that something is over
    /// before that would outlive the process.
    pub(in crate::actors::session) async fn write_down(self: &Rc<Self>) -> Result<(), StoreError> {
        if self.kept.memory.borrow().unwritten.is_none() {
            return Ok(());
        }
        self.wait_while_forgetting().await;
        let state = self.kept.memory.borrow().state.clone();
        match state {
            Some(state) => self.hold(state).await,
            None => Ok(()),
        }
    }

    async fn hold(self: &Rc<Self>, state: State) -> Result<(), StoreError> {
        let held = stored::encode(&state).and_then(|record| self.kept.store.hold(record, about(&state)));
        if let Err(error) = held {
            {
                let memory = &mut *self.kept.memory.borrow_mut();
                let again_at = self.now().saturating_add(LOOK_AGAIN);
                let known = memory.unwritten.take().map_or_else(|| memory.state.clone(), |unwritten| unwritten.known);
                memory.unwritten = Some(Unwritten { known, again_at });
            }
            self.remember(state);
            let _ = self.schedule_next().await;
            return Err(error);
        }
        self.count(state);
        // The alarm is set first. If the process ends now, the alarm brings the record to the store.
        let scheduled = self.schedule_next().await;
        if self.kept.store.settles_at().is_some() {
            let session = Rc::clone(self);
            // Pushes come one behind the other, by the store's own lock.
            self.kept.pushing.replace(Some(launch(&*self.isolate, async move {
                let _ = session.kept.store.push().await;
                session.tell_of_foreign_record(Cause::Request);
                let _ = session.schedule_next().await;
            })));
        }
        scheduled
    }

    /// The state is written: it counts, and those who have to know are told. Of a fact that could not be written before they are
    /// told now.
    fn count(self: &Rc<Self>, state: State) {
        let (news, owed) = {
            let memory = &mut *self.kept.memory.borrow_mut();
            let known = memory.unwritten.take().map_or_else(|| memory.state.clone(), |unwritten| unwritten.known);
            (known.and_then(|known| news(&known, &state)), memory.owed.take())
        };
        if let Some((news, identity)) = news {
            self.directories.report(news, &identity);
        }
        self.remember(state);
        if let Some(Owed { remains, reason, cause, detail, at }) = owed {
            self.record(Event::End, reason.as_str(), cause.clone(), at, &detail);
            self.revoke_remains(remains, cause);
        }
    }

    /// Waits until the store has been told, though not for long, and lets go of it. Who asks many sessions one after the other
    /// has no more connections open than it asks at once.
    pub(in crate::actors::session) async fn let_go_of_store(&self) {
        let pushing = self.kept.pushing.borrow().clone();
        if let Some(pushing) = pushing {
            select(pushing, self.isolate.sleep(TOLD_WITHIN)).await;
        }
        self.kept.store.rest().await;
    }

    async fn commit(self: &Rc<Self>, state: State) -> Result<Saved, StoreError> {
        let saved = self.kept.store.save(stored::encode(&state)?, about(&state)).await;
        self.tell_of_foreign_record(Cause::Request);
        if matches!(saved, Ok(Saved::Taken)) {
            self.count(state);
        }
        // This comes after a failure, too: the store may have to get the state that counts.
        let scheduled = self.schedule_next().await;
        saved.and_then(|saved| scheduled.map(|()| saved))
    }

    /// The new state counts. A use that came while it was written is not in it.
    fn remember(&self, mut state: State) {
        self.push(self.kept.state().as_ref(), &state);
        let mut memory = self.kept.memory.borrow_mut();
        let used_at = memory.state.as_ref().and_then(State::active).map(|active| active.last_used_at);
        memory.used_written_at = state.active().map(|active| active.last_used_at);
        if let Some(used_at) = used_at {
            state.was_used(used_at);
        }
        memory.state = Some(state);
    }
}

/// What the directories are told of a change.
fn news(before: &State, after: &State) -> Option<(News, Identity)> {
    let (news, identity) = match (before, after) {
        (State::SigningIn(_) | State::Arriving(_), State::Active(after)) => (News::Began, &after.identity),
        (State::Active(before), State::Active(after)) if before.grant.issued_at != after.grant.issued_at => {
            (News::Refreshed, &before.identity)
        }
        (before, State::Ended(ended)) => {
            (News::Ended { last_used_at: ended.last_used_at }, &before.serving()?.identity)
        }
        // In its grace it may still be asked to end.
        (before, State::Moved(moved)) if !moved.is_in_grace() => (News::Moved, &before.serving()?.identity),
        (_, State::SigningIn(_) | State::Active(_) | State::Moved(_) | State::Arriving(_)) => return None,
    };
    Some((news, identity.clone()))
}
