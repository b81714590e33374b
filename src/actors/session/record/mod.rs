//! The session's record: read once in the life of this object, written through at each transition.
//!
//! A *transition* takes hold once the store has it. A *fact* ([`Session::establish`]) takes hold at once: tokens have come, the
//! session is over. What a store does not take then, the actor holds for it, and the alarm sees to it.

use std::cell::{Cell, Ref, RefCell};
use std::rc::Rc;
use std::time::Duration;

use futures::future::select;
use futures::lock::Mutex;
use time::OffsetDateTime;

use super::alarm::LOOK_AGAIN;
use super::ledger::{Cause, Event};
use super::message::EndReason;
use super::single_flight::{Flight, SingleFlight, launch};
use super::state::{DoesNotApply, Identity, RETENTION, State, Transition};
use super::{Remains, Session};
use crate::actors::directory::message::News;
use crate::actors::stored;
use crate::config::Lifetimes;
use crate::runtime::Isolate;
use crate::store::{About, Saved, SessionStore, StoreError};

mod forget;
mod read;

/// How long somebody who asks many sessions waits for the store of each.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// The record of this actor. Nothing outside of this folder changes it but by [`Session::transition`], [`Session::establish`] and
/// the methods below.
pub(in crate::actors::session) struct Record {
    store: Rc<SessionStore>,
    memory: RefCell<Memory>,
    /// Held while a transition is written, so that none is made from a state that another one is about to replace.
    writing: Mutex<()>,
    /// Everything is being deleted.
    forgetting: Cell<bool>,
    /// The last time that the store outside of the actor was told of a fact.
    pushing: RefCell<Option<Flight<()>>>,
    loading: SingleFlight<Result<(), StoreError>>,
}

/// The record as last read or written.
#[derive(Default)]
struct Memory {
    loaded: bool,
    state: Option<State>,
    /// There is a record, and it cannot be read.
    unreadable: bool,
    /// The state is a fact that the actor's own storage did not take.
    unwritten: Option<Unwritten>,
    /// What is to be done about the end of the session once that is written.
    owed: Option<Owed>,
    alarm_at: Option<OffsetDateTime>,
    /// The last use as the store knows it; the state's own is ahead of it.
    used_written_at: Option<OffsetDateTime>,
    /// The last denial that went into the ledger: the same one again does not.
    denied: Option<&'static str>,
}

/// A fact that the actor's own storage did not take.
struct Unwritten {
    /// The last state that was written: what the directories know.
    known: Option<State>,
    /// When it is tried again.
    again_at: OffsetDateTime,
}

/// The end of a session, which could not be written: its ledger has no word of it, and its tokens are not revoked.
pub(in crate::actors::session) struct Owed {
    pub remains: Remains,
    pub reason: EndReason,
    pub cause: Cause,
    pub detail: String,
    pub at: OffsetDateTime,
}

/// What became of a fact.
#[must_use]
pub(in crate::actors::session) struct Established<T> {
    /// What there is to say of it; or it does not apply to the session as it is.
    pub(in crate::actors::session) made: Result<T, DoesNotApply>,
    /// Whether what stands now would outlive the process.
    pub(in crate::actors::session) written: Result<(), StoreError>,
}

impl Record {
    /// One that has not been read.
    pub fn new(store: Rc<SessionStore>, isolate: &Rc<dyn Isolate>) -> Self {
        Self {
            store,
            memory: RefCell::default(),
            writing: Mutex::default(),
            forgetting: Cell::default(),
            pushing: RefCell::default(),
            loading: SingleFlight::new(isolate),
        }
    }

    /// The session, as it was last read or written; none where there is none, or it has not been read.
    pub fn state(&self) -> Ref<'_, Option<State>> {
        Ref::map(self.memory.borrow(), |memory| &memory.state)
    }

    /// Whether the record was read.
    pub fn is_loaded(&self) -> bool {
        self.memory.borrow().loaded
    }

    /// Whether there is a record, and it cannot be read.
    pub fn is_unreadable(&self) -> bool {
        self.memory.borrow().unreadable
    }

    /// Where it is kept.
    pub fn store(&self) -> &SessionStore {
        &self.store
    }

    /// The alarm that was set is there.
    pub fn alarm_fired(&self) {
        self.memory.borrow_mut().alarm_at = None;
    }

    /// Remembers a use. Whether it is to be written, too.
    pub fn note_use(&self, now: OffsetDateTime, lifetimes: Lifetimes) -> bool {
        let mut memory = self.memory.borrow_mut();
        let Memory { state: Some(State::Active(active)), used_written_at, .. } = &mut *memory else { return false };
        let notable = active.use_is_notable(now, used_written_at.unwrap_or(active.last_used_at), lifetimes);
        active.last_used_at = now.max(active.last_used_at);
        active.used = true;
        if notable {
            // At once, so that the requests right behind this one are not notable, too.
            *used_written_at = Some(now);
        }
        notable
    }

    /// Remembers a denial. Whether it is another one than the last, which the ledger has.
    pub fn is_new_denial(&self, outcome: &'static str) -> bool {
        self.memory.borrow_mut().denied.replace(outcome) != Some(outcome)
    }

    /// All sessions have been told whose place this one took. The record still names them, so that a login writes no more than it
    /// has to.
    pub fn all_are_told(&self) {
        if let Some(State::Active(active)) = self.memory.borrow_mut().state.as_mut() {
            active.superseding = std::mem::take(&mut active.superseding).all_told();
        }
    }

    /// What is to be done about an end once that is written, where it is not yet. False: it is.
    pub fn owe(&self, owed: impl FnOnce() -> Owed) -> bool {
        let mut memory = self.memory.borrow_mut();
        let is_unwritten = memory.unwritten.is_some();
        if is_unwritten {
            memory.owed = Some(owed());
        }
        is_unwritten
    }
}

impl Session {
    /// Begins the record, where this actor has none. It is safe with the actor, its alarm included, before a store is told:
    /// whatever comes to nothing after this is found and tidied up.
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
    /// written counts, and the transition begins anew from there. One that does not apply changes and writes nothing.
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
            // What stands may itself be a fact that is yet to be written.
            Err(does_not_apply) => Established { made: Err(does_not_apply), written: self.write_down().await },
        }
    }

    /// What is written during that would be deleted with the rest.
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
        // First of all, so that the store is told should the process end meanwhile.
        let scheduled = self.schedule_next().await;
        if self.kept.store.settles_at().is_some() {
            let session = Rc::clone(self);
            // One behind the other: the store's own lock sees to it.
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
            self.record(Event::End, reason.as_str(), cause, at, &detail);
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
        // After a failure, too: the store may have to be told what counts.
        let scheduled = self.schedule_next().await;
        saved.and_then(|saved| scheduled.map(|()| saved))
    }

    /// The new state counts. A use that came while it was written is not in it.
    fn remember(&self, mut state: State) {
        let mut memory = self.kept.memory.borrow_mut();
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
    pub(in crate::actors::session) fn next_alarm(&self) -> Option<OffsetDateTime> {
        let due = self.kept.memory.borrow().state.as_ref().map(|state| state.next_alarm(self.lifetimes()))?;
        let again_at = self.kept.memory.borrow().unwritten.as_ref().map(|unwritten| unwritten.again_at);
        [self.kept.store.settles_at(), again_at].into_iter().flatten().fold(due, OffsetDateTime::min).into()
    }

    pub(in crate::actors::session) async fn schedule_next(&self) -> Result<(), StoreError> {
        match self.next_alarm() {
            Some(next) => self.schedule(next).await,
            None => Ok(()),
        }
    }

    pub(in crate::actors::session) async fn schedule(&self, at: OffsetDateTime) -> Result<(), StoreError> {
        if self.kept.memory.borrow().alarm_at == Some(at) {
            return Ok(());
        }
        // Before the call, so that of two at once the later one is remembered, as the platform does.
        self.kept.memory.borrow_mut().alarm_at = Some(at);
        let set = self.storage.set_alarm(at).await;
        if set.is_err() {
            self.kept.memory.borrow_mut().alarm_at = None;
        }
        Ok(set?)
    }

    /// Sees to what the store has not got, or not for good.
    pub(in crate::actors::session) async fn settle_store(&self) {
        let about = self.kept.memory.borrow().state.as_ref().and_then(about);
        if let Err(error) = self.kept.store.settle(self.now(), about).await {
            self.isolate.error(&format!("session {}: {error}", self.id));
        }
        self.tell_of_foreign_record(Cause::Alarm);
    }

    /// Writes down that somebody else had written in this session's place in the store.
    fn tell_of_foreign_record(&self, cause: Cause) {
        if let Some(generation) = self.kept.store.take_foreign() {
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
