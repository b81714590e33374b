//! The directory of a user's sessions: it knows all of them and their regions, decides what a change of region means,
//! lists, and revokes all.
//!
//! There is one for each user, and a small one for each session of the provider, as a logout token may name that alone
//! ([`of_user`](crate::actors::directory_message::name::of_user), [`of_provider_session`](crate::actors::directory_message::name::of_provider_session)). Both are bound as [`BINDING`](crate::actors::directory_message::BINDING). [`state`] decides;
//! this shell loads, saves, asks the sessions, schedules and logs.
//!
//! Architecture Invariant: a directory holds no token and no secret, and no request waits for one whose session has a
//! valid token and is used from its own region.

use std::cell::RefCell;
use std::rc::Rc;

use time::OffsetDateTime;

use self::state::Directory;
use crate::actors::directory_message::{
    self, BATCH, DirectoryError, DirectoryMessage, Forget, Observe, RegionVerdict, Register, Report,
};
use crate::actors::log::{self, Beside, Cause, Entry, Event};
use crate::actors::{MessageRefusal, reply, serve};
use crate::ambient;
use crate::config::Config;
use crate::credential::ActorId;
use crate::runtime::{ActorContext, Actors, Isolate, Storage};
use crate::store::StoreError;

mod list;
mod page;
mod row;
mod rows;
pub mod state;
mod sweep;

/// [`BATCH`], as lengths are counted.
const BATCH_LEN: usize = BATCH as usize;
/// How soon the alarm goes on with what one invocation may not do.
const SOON: time::Duration = time::Duration::milliseconds(100);

impl From<StoreError> for DirectoryError {
    fn from(_: StoreError) -> Self {
        Self::StoreUnavailable
    }
}

/// What the actor object holds for as long as it lives.
pub struct Shell {
    id: ActorId,
    isolate: Rc<dyn Isolate>,
    actors: Rc<dyn Actors>,
    storage: Rc<dyn Storage>,
    config: Rc<Config>,
    directory: RefCell<Option<Directory>>,
    /// The last session that the alarm asked to end. None: it has asked all of them.
    swept_to: RefCell<Option<ActorId>>,
}

impl Shell {
    /// A directory that has not read its rows.
    pub fn new(given: ActorContext, config: &Rc<Config>) -> Rc<Self> {
        let ActorContext { id, isolate, actors, storage, .. } = given;
        let config = Rc::clone(config);
        Rc::new(Self {
            id,
            isolate,
            actors,
            storage,
            config,
            directory: RefCell::default(),
            swept_to: RefCell::default(),
        })
    }

    /// One message: the bytes of a [`DirectoryMessage`] in, those of its reply out. Without a directory, as there is no valid
    /// configuration, every message is refused.
    pub async fn ask(directory: Option<Rc<Self>>, message: &[u8]) -> Vec<u8> {
        serve(message, |message| async move { directory.ok_or(MessageRefusal::Broken)?.answer(message).await }).await
    }

    async fn answer(self: &Rc<Self>, message: DirectoryMessage) -> Result<Vec<u8>, MessageRefusal> {
        match message {
            DirectoryMessage::Register(m) => reply::<directory_message::Register>(&self.register(m).await),
            DirectoryMessage::Observe(m) => reply::<directory_message::Observe>(&self.observe(m).await),
            DirectoryMessage::List(m) => reply::<directory_message::List>(&self.list(m).await),
            DirectoryMessage::RevokeAll(m) => reply::<directory_message::RevokeAll>(&self.revoke_all(m).await),
            DirectoryMessage::Report(m) => reply::<directory_message::Report>(&self.report(m).await),
            DirectoryMessage::Sweep(m) => reply::<directory_message::Sweep>(&self.sweep(m).await),
            DirectoryMessage::Forget(m) => reply::<directory_message::Forget>(&self.forget(m).await),
        }
    }

    fn now(&self) -> OffsetDateTime {
        self.isolate.now()
    }

    /// Reads or changes the directory, which is loaded once in the life of this object.
    fn with<T>(&self, change: impl FnOnce(&mut Directory) -> T) -> Result<T, StoreError> {
        let mut slot = self.directory.borrow_mut();
        if slot.is_none() {
            let mut directory = rows::load(&*self.storage, &*self.isolate)?;
            if !directory.revoking().is_empty() {
                // The process that ended knew when to ask these again. This must not be later.
                directory.retry_by(self.now().saturating_add(SOON));
            }
            *slot = Some(directory);
        }
        slot.as_mut().map(change).ok_or(StoreError::Corrupt)
    }

    /// Writes what changed. If it cannot be written, memory forgets it, too.
    async fn save<'a>(&self, actors: impl IntoIterator<Item = &'a ActorId>, facts: bool) -> Result<(), StoreError> {
        let saved = self.with(|directory| {
            rows::save_rows(&*self.storage, directory, actors)?;
            if facts { rows::save_facts(&*self.storage, directory) } else { Ok(()) }
        })?;
        if saved.is_err() {
            self.directory.borrow_mut().take();
        }
        saved?;
        self.schedule().await
    }

    async fn schedule(&self) -> Result<(), StoreError> {
        let now = self.now();
        let next = self.with(|directory| directory.next_alarm(now, self.config.lifetimes.login))?;
        match next {
            Some(at) => {
                let pause = ambient::between(now, at).max(SOON);
                self.storage.set_alarm(now.saturating_add(pause)).await?;
            }
            None => {
                self.storage.delete_alarm().await?;
                self.storage.delete_all().await?;
            }
        }
        Ok(())
    }

    fn log(&self, event: Event, outcome: &str, cause: Cause, began: OffsetDateTime, detail: &str) {
        let entry = Entry::new(event, outcome, cause, (began, self.now()), None, detail);
        log::tell(&*self.isolate, &entry, "RegionDirectory", &self.id, Beside::default());
    }

    async fn register(&self, register: Register) -> Result<(), DirectoryError> {
        let (now, actor) = (self.now(), register.actor.clone());
        let has_limit = self.config.sessions_per_user.is_some();
        let registered = self.with(|directory| directory.register(now, register, has_limit))?;
        if let Err(error) = &registered {
            self.log(Event::Revoke, "refused", Cause::Directory, now, &error.to_string());
        }
        registered?;
        Ok(self.save(&[actor], false).await?)
    }

    async fn observe(&self, observe: Observe) -> Result<RegionVerdict, DirectoryError> {
        let now = self.now();
        let verdict = self.with(|directory| directory.observe(now, &observe, &self.config.regions))?;
        if !matches!(verdict, RegionVerdict::Stay { .. }) {
            let how = if verdict == RegionVerdict::Migrate { "migrate" } else { "reauthenticate" };
            let detail = format!("session {} is to move to {}", observe.actor, observe.region);
            self.save(&[observe.actor], false).await?;
            self.log(Event::Observe, how, Cause::Request, now, &detail);
        }
        Ok(verdict)
    }

    async fn report(self: &Rc<Self>, report: Report) -> Result<(), DirectoryError> {
        let Report { actor, news } = report;
        let now = self.now();
        if !self.with(|directory| directory.report(now, &actor, news))? {
            return Ok(());
        }
        // Whatever it says, it has begun.
        let limit = self.config.sessions_per_user;
        let mut superfluous = self.with(|directory| directory.begun(now, &actor, limit))?;
        let (ended, left) = superfluous.split_at(superfluous.len().min(BATCH_LEN));
        let ended = ended.to_vec();
        if !left.is_empty() {
            self.with(|directory| directory.retry_by(now.saturating_add(SOON)))?;
        }
        superfluous.push(actor);
        self.save(&superfluous, false).await?;
        if !ended.is_empty() {
            // The session does not wait for it. The alarm does what is left or fails.
            let shell = Rc::clone(self);
            self.isolate.go_on(async move { shell.end_superfluous(ended).await });
        }
        Ok(())
    }

    async fn forget(&self, forget: Forget) -> Result<(), DirectoryError> {
        self.with(|directory| directory.forget(self.now(), &forget.actor))?;
        Ok(self.save(&[forget.actor], true).await?)
    }

    /// Ends what could not be reached before, and drops what has ended. Never fails: what could not be done is done by
    /// the next alarm.
    pub async fn alarm(&self) {
        if self.act().await.is_err() {
            let _ = self.storage.set_alarm(self.now().saturating_add(state::TRY_AGAIN)).await;
        }
    }

    async fn act(&self) -> Result<(), DirectoryError> {
        let began = self.now();
        // It goes on where the last alarm stopped. So sessions that are out of reach do not keep the others waiting.
        let after = self.swept_to.take();
        let looked_at = self.look_at_beginnings().await?;
        if !self.with(|directory| directory.revoking())?.is_empty() {
            self.with(|directory| directory.retried(began.saturating_add(state::TRY_AGAIN)))?;
            let swept = self.sweep_behind(after.as_ref(), BATCH.saturating_sub(looked_at), Cause::Alarm).await?;
            let has_more = swept.left > 0;
            let pause = if has_more { SOON } else { state::TRY_AGAIN };
            self.with(|directory| directory.retried(self.now().saturating_add(pause)))?;
            self.swept_to.replace(swept.last.filter(|_| has_more));
        }
        let gone = self.with(|directory| directory.tidy(self.now(), self.config.lifetimes.login))?;
        if !gone.is_empty() {
            let detail = format!("sessions not listed any longer: {}", gone.len());
            self.log(Event::Alarm, "forgotten", Cause::Alarm, began, &detail);
        }
        Ok(self.save(&gone, true).await?)
    }
}

#[cfg(test)]
#[path = "shell_tests.rs"]
mod tests;
