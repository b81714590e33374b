//! The session's record: read once in the life of this object, written through at each transition.
//!
//! A *transition* takes hold once the store has it. A *fact* ([`Session::establish`]) takes hold at once: tokens have come, the
//! session is over. What a store does not take then, the actor holds for it, and the alarm sees to it.

use std::rc::Rc;
use std::time::Duration;

use futures::future::select;
use time::OffsetDateTime;

use super::alarm::LOOK_AGAIN;
use super::ledger::{self, Cause, Entry, Event};
use super::message::{Inspection, SessionState, Summary};
use super::single_flight::launch;
use super::state::{DoesNotApply, Identity, RETENTION, State, Transition};
use super::{CLASS, Memory, Owed, Session, Unwritten};
use crate::actors::directory::message::News;
use crate::actors::log::Beside;
use crate::actors::stored;
use crate::store::{About, Saved, StoreError};

/// How long somebody who asks many sessions waits for the store of each.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// What became of a fact.
#[must_use]
pub(super) struct Established<T> {
    /// What there is to say of it; or it does not apply to the session as it is.
    pub(super) made: Result<T, DoesNotApply>,
    /// Whether what stands now would outlive the process.
    pub(super) written: Result<(), StoreError>,
}

impl Session {
    /// Reads the record, once in the life of this object.
    pub(super) async fn load(self: &Rc<Self>) -> Result<(), StoreError> {
        if self.memory.borrow().loaded {
            return Ok(());
        }
        let session = Rc::clone(self);
        self.loading.join(|| async move { session.read().await }).await
    }

    async fn read(&self) -> Result<(), StoreError> {
        if self.memory.borrow().loaded {
            return Ok(());
        }
        let record = match self.store.load(self.now()).await {
            Err(StoreError::Unreadable(why)) => return self.give_up(&why.to_string()),
            record => record?,
        };
        let state = match record.as_deref().map(stored::decode::<State>).transpose() {
            Ok(state) => state,
            Err(error) => return self.give_up(&error.to_string()),
        };
        let is_elsewhere = self.store.is_elsewhere();
        if let (Some(state), Some(record), true) = (&state, record, is_elsewhere) {
            // Goes on with it should the process end meanwhile.
            self.schedule(self.now().saturating_add(LOOK_AGAIN)).await?;
            self.store.carry_over(record, about(state)).await?;
        }
        let used_written_at = state.as_ref().and_then(State::active).map(|active| active.last_used_at);
        {
            let mut memory = self.memory.borrow_mut();
            *memory = Memory { loaded: true, state, used_written_at, alarm_at: memory.alarm_at, ..Memory::default() };
        }
        if is_elsewhere { self.schedule_next().await } else { Ok(()) }
    }

    /// A record that cannot be read is no session: its user logs in again. It is left as it is, for an operator who can
    /// repair what is wrong, until the retention is over.
    fn give_up(&self, why: &str) -> Result<(), StoreError> {
        self.isolate.error(&format!("the record of session {} cannot be read: {why}", self.id));
        let mut memory = self.memory.borrow_mut();
        *memory = Memory { loaded: true, unreadable: true, alarm_at: memory.alarm_at, ..Memory::default() };
        drop(memory);
        if self.unreadable_since().is_none() {
            let now = self.now();
            let entry = Entry::new(Event::GetDenied, UNREADABLE, Cause::Request, (now, now), None, why);
            self.isolate.log(&entry.line(CLASS, &self.id, Beside::default()));
            ledger::create(&*self.storage)?;
            ledger::append(&*self.storage, &entry)?;
        }
        Ok(())
    }

    /// When the record was first found to be unreadable.
    pub(super) fn unreadable_since(&self) -> Option<OffsetDateTime> {
        let entries = ledger::entries(&*self.storage).unwrap_or_default();
        entries.into_iter().rev().find(|entry| entry.outcome == UNREADABLE).map(|entry| entry.at)
    }

    /// What is known of a session whose record cannot be read: its ledger.
    pub(super) fn inspect_unreadable(&self) -> Option<Inspection> {
        let ledger = ledger::entries(&*self.storage).unwrap_or_default();
        let (first, region) = (ledger.first()?.at, ledger.iter().rev().find_map(|entry| entry.region));
        Some(Inspection {
            summary: Summary {
                region: region.unwrap_or(self.config.regions.default),
                country: None,
                state: SessionState::Ended,
                created_at: first,
                last_used_at: None,
                expires_at: self.unreadable_since().unwrap_or(first),
                user_agent: None,
            },
            subject: None,
            issuer: None,
            epoch: 0,
            generation: self.store.generation(),
            next_alarm_at: self.memory.borrow().alarm_at,
            access_token_expires_at: None,
            moved_to: None,
            ledger,
            store: self.store.kind(),
        })
    }

    /// Begins the record, where this actor has none. It is safe with the actor, its alarm included, before a store is told:
    /// whatever comes to nothing after this is found and tidied up.
    pub(super) async fn originate(self: &Rc<Self>, state: State) -> Result<bool, StoreError> {
        let _writing = self.writing.lock().await;
        let is_free = {
            let memory = self.memory.borrow();
            memory.state.is_none() && !memory.unreadable
        };
        if is_free {
            self.hold(state).await?;
        }
        Ok(is_free)
    }

    /// Makes one transition: the new state is written, then remembered, then scheduled. A fact that came while it was
    /// written counts, and the transition begins anew from there. One that does not apply changes and writes nothing.
    pub(super) async fn transition(
        self: &Rc<Self>,
        mut change: impl FnMut(State) -> Transition,
    ) -> Result<Result<(), DoesNotApply>, StoreError> {
        self.transition_with(|state| Ok((change(state)?, ()))).await
    }

    /// The same, where `change` has something to say of the state that it found.
    pub(super) async fn transition_with<T>(
        self: &Rc<Self>,
        mut change: impl FnMut(State) -> Result<(State, T), DoesNotApply>,
    ) -> Result<Result<T, DoesNotApply>, StoreError> {
        let _writing = self.writing.lock().await;
        loop {
            let state = self.memory.borrow().state.clone();
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
    pub(super) async fn establish(self: &Rc<Self>, change: impl FnOnce(State) -> Transition) -> Established<()> {
        self.establish_with(|state| Ok((change(state)?, ()))).await
    }

    /// The same, where `change` has something to say of the state that it found.
    pub(super) async fn establish_with<T>(
        self: &Rc<Self>,
        change: impl FnOnce(State) -> Result<(State, T), DoesNotApply>,
    ) -> Established<T> {
        self.wait_while_forgetting().await;
        let state = self.memory.borrow().state.clone();
        match state.ok_or(DoesNotApply).and_then(change) {
            Ok((state, said)) => Established { made: Ok(said), written: self.hold(state).await },
            // What stands may itself be a fact that is yet to be written.
            Err(does_not_apply) => Established { made: Err(does_not_apply), written: self.write_down().await },
        }
    }

    /// What is written during that would be deleted with the rest.
    async fn wait_while_forgetting(&self) {
        while self.forgetting.get() {
            drop(self.writing.lock().await);
        }
    }

    /// Writes down the fact that the actor's own storage did not take, if there is one: nobody is told that something is over
    /// before that would outlive the process.
    pub(super) async fn write_down(self: &Rc<Self>) -> Result<(), StoreError> {
        if self.memory.borrow().unwritten.is_none() {
            return Ok(());
        }
        self.wait_while_forgetting().await;
        let state = self.memory.borrow().state.clone();
        match state {
            Some(state) => self.hold(state).await,
            None => Ok(()),
        }
    }

    async fn hold(self: &Rc<Self>, state: State) -> Result<(), StoreError> {
        let held = stored::encode(&state).and_then(|record| self.store.hold(record, about(&state)));
        if let Err(error) = held {
            {
                let memory = &mut *self.memory.borrow_mut();
                let again_at = self.now().saturating_add(LOOK_AGAIN);
                let known = memory.unwritten.take().map_or_else(|| memory.state.clone(), |unwritten| unwritten.known);
                memory.unwritten = Some(Unwritten { known, again_at });
            }
            self.remember(state);
            let _ = self.schedule_next().await;
            return Err(error);
        }
        self.count(state);
        // First of all, so that the store is told should the process end meanwhile.
        let scheduled = self.schedule_next().await;
        if self.store.settles_at().is_some() {
            let session = Rc::clone(self);
            // One behind the other: the store's own lock sees to it.
            self.pushing.replace(Some(launch(&*self.isolate, async move {
                let _ = session.store.push().await;
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
            let memory = &mut *self.memory.borrow_mut();
            let known = memory.unwritten.take().map_or_else(|| memory.state.clone(), |unwritten| unwritten.known);
            (known.and_then(|known| news(&known, &state)), memory.owed.take())
        };
        if let Some((news, identity)) = news {
            self.directories.report(news, &identity);
        }
        self.remember(state);
        if let Some(Owed { remains, reason, cause, detail, at }) = owed {
            self.record(Event::End, reason.as_str(), cause, at, &detail);
            self.revoke_remains(remains, cause);
        }
    }

    /// Waits until the store has been told, though not for long, and lets go of it. Who asks many sessions one after the other
    /// has no more connections open than it asks at once.
    pub(super) async fn let_go_of_store(&self) {
        let pushing = self.pushing.borrow().clone();
        if let Some(pushing) = pushing {
            select(pushing, self.isolate.sleep(TOLD_WITHIN)).await;
        }
        self.store.rest().await;
    }

    async fn commit(self: &Rc<Self>, state: State) -> Result<Saved, StoreError> {
        let saved = self.store.save(stored::encode(&state)?, about(&state)).await;
        self.tell_of_foreign_record(Cause::Request);
        if matches!(saved, Ok(Saved::Taken)) {
            self.count(state);
        }
        // After a failure, too: the store may have to be told what counts.
        let scheduled = self.schedule_next().await;
        saved.and_then(|saved| scheduled.map(|()| saved))
    }

    /// The new state counts. A use that came while it was written is not in it.
    fn remember(&self, mut state: State) {
        let mut memory = self.memory.borrow_mut();
        let used_at = memory.state.as_ref().and_then(State::active).map(|active| active.last_used_at);
        memory.used_written_at = state.active().map(|active| active.last_used_at);
        if let (State::Active(active), Some(used_at)) = (&mut state, used_at)
            && used_at > active.last_used_at
        {
            active.last_used_at = used_at;
            active.used = true;
        }
        memory.state = Some(state);
    }

    /// When this actor has to act by itself.
    pub(super) fn next_alarm(&self) -> Option<OffsetDateTime> {
        let due = self.memory.borrow().state.as_ref().map(|state| state.next_alarm(self.lifetimes()))?;
        let again_at = self.memory.borrow().unwritten.as_ref().map(|unwritten| unwritten.again_at);
        [self.store.settles_at(), again_at].into_iter().flatten().fold(due, OffsetDateTime::min).into()
    }

    pub(super) async fn schedule_next(&self) -> Result<(), StoreError> {
        match self.next_alarm() {
            Some(next) => self.schedule(next).await,
            None => Ok(()),
        }
    }

    pub(super) async fn schedule(&self, at: OffsetDateTime) -> Result<(), StoreError> {
        if self.memory.borrow().alarm_at == Some(at) {
            return Ok(());
        }
        // Before the call, so that of two at once the later one is remembered, as the platform does.
        self.memory.borrow_mut().alarm_at = Some(at);
        let set = self.storage.set_alarm(at).await;
        if set.is_err() {
            self.memory.borrow_mut().alarm_at = None;
        }
        Ok(set?)
    }

    /// Sees to what the store has not got, or not for good.
    pub(super) async fn settle_store(&self) {
        let about = self.memory.borrow().state.as_ref().and_then(about);
        if let Err(error) = self.store.settle(self.now(), about).await {
            self.isolate.error(&format!("session {}: {error}", self.id));
        }
        self.tell_of_foreign_record(Cause::Alarm);
    }

    /// Writes down that somebody else had written in this session's place in the store.
    fn tell_of_foreign_record(&self, cause: Cause) {
        if let Some(generation) = self.store.take_foreign() {
            let detail = format!(
                "the store had a record of generation {generation}, which this session never wrote: it was written over"
            );
            self.record(Event::Alarm, "foreign_record", cause, self.now(), &detail);
        }
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

/// How the ledger names a record that cannot be read.
const UNREADABLE: &str = "unreadable";

/// What a store outside of the actor may know; none where it is not to have the record, as nobody has logged in yet.
fn about(state: &State) -> Option<About> {
    let (issuer, subject) = state.user()?;
    let summary = state.summary()?;
    let kept_until = match state {
        State::Ended(ended) => ended.ended_at.saturating_add(RETENTION),
        State::Moved(moved) => moved.forgotten_at(),
        State::SigningIn(_) | State::Active(_) | State::Arriving(_) => summary.expires_at.saturating_add(RETENTION),
    };
    Some(About {
        state: summary.state.as_str(),
        issuer,
        subject,
        region: summary.region.as_str(),
        created_at: summary.created_at,
        last_used_at: summary.last_used_at,
        expires_at: summary.expires_at,
        kept_until,
    })
}
