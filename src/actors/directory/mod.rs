//! The directory of a user's sessions: it knows all of them and their regions, decides what a change of region means,
//! lists, and revokes all.
//!
//! There is one for each user, and a small one for each session of the provider, as a logout token may name that alone
//! ([`message::of_user`], [`message::of_provider_session`]). Both are bound as [`message::BINDING`]. [`state`] decides;
//! this shell loads, saves, asks the sessions, schedules and logs.
//!
//! Architecture Invariant: a directory holds no token and no secret, and no request waits for one whose session has a
//! valid token and is used from its own region.

use std::cell::RefCell;
use std::rc::Rc;

use time::OffsetDateTime;
use worker::{Env, SqlStorage, Storage};

use self::message::{BATCH, DirectoryError, Forget, Observe, Register, Report, Verdict};
use self::state::Directory;
use crate::actors::log::{Beside, Cause, Entry, Event};
use crate::ambient;
use crate::config::Config;
use crate::credential::ActorId;
use crate::store::StoreError;

mod list;
pub mod message;
mod object;
mod page;
mod row;
mod rows;
pub mod state;
mod sweep;

pub use object::RegionDirectory;

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
struct Shell {
    id: ActorId,
    sql: SqlStorage,
    storage: Storage,
    config: Rc<Config>,
    env: Env,
    directory: RefCell<Option<Directory>>,
    /// The last session that the alarm asked to end, where it has not come to the last of them yet.
    swept_to: RefCell<Option<ActorId>>,
}

impl Shell {
    fn new(state: &worker::State, env: Env, config: &Rc<Config>) -> Option<Self> {
        Some(Self {
            id: state.id().to_string().try_into().ok()?,
            sql: state.storage().sql(),
            storage: state.storage(),
            config: Rc::clone(config),
            env,
            directory: RefCell::default(),
            swept_to: RefCell::default(),
        })
    }

    /// Reads or changes the directory, which is loaded once in the life of this object.
    fn with<T>(&self, change: impl FnOnce(&mut Directory) -> T) -> Result<T, StoreError> {
        let mut slot = self.directory.borrow_mut();
        if slot.is_none() {
            let mut directory = rows::load(&self.sql)?;
            if !directory.revoking().is_empty() {
                // The process that ended knew when these are to be asked again: it is not to be later than that.
                directory.retry_by(ambient::now().saturating_add(SOON));
            }
            *slot = Some(directory);
        }
        slot.as_mut().map(change).ok_or(StoreError::Corrupt)
    }

    /// Writes what changed. What could not be written is not remembered either.
    async fn save<'a>(&self, actors: impl IntoIterator<Item = &'a ActorId>, facts: bool) -> Result<(), StoreError> {
        let saved = self.with(|directory| {
            rows::save_rows(&self.sql, directory, actors)?;
            if facts { rows::save_facts(&self.sql, directory) } else { Ok(()) }
        })?;
        if saved.is_err() {
            self.directory.borrow_mut().take();
        }
        saved?;
        self.schedule().await
    }

    async fn schedule(&self) -> Result<(), StoreError> {
        let now = ambient::now();
        let next = self.with(|directory| directory.next_alarm(now, self.config.lifetimes.login))?;
        match next {
            Some(at) => {
                let pause = ambient::between(now, at).max(SOON);
                self.storage.set_alarm(pause.unsigned_abs()).await?;
            }
            None => {
                self.storage.delete_alarm().await?;
                self.storage.delete_all().await?;
            }
        }
        Ok(())
    }

    fn log(&self, event: Event, outcome: &str, cause: Cause, began: OffsetDateTime, detail: &str) {
        let entry = Entry::new(event, outcome, cause, began, None, detail);
        worker::console_log!("{}", entry.line("RegionDirectory", &self.id, Beside::default()));
    }

    async fn register(&self, register: Register) -> Result<(), DirectoryError> {
        let (now, actor) = (ambient::now(), register.actor.clone());
        let has_limit = self.config.sessions_per_user.is_some();
        let registered = self.with(|directory| directory.register(now, register, has_limit))?;
        if let Err(error) = &registered {
            self.log(Event::Revoke, "refused", Cause::Directory, now, &error.to_string());
        }
        registered?;
        Ok(self.save(&[actor], false).await?)
    }

    async fn observe(&self, observe: Observe) -> Result<Verdict, DirectoryError> {
        let now = ambient::now();
        let verdict = self.with(|directory| directory.observe(now, &observe, &self.config.regions))?;
        if !matches!(verdict, Verdict::Stay { .. }) {
            let how = if verdict == Verdict::Migrate { "migrate" } else { "reauthenticate" };
            let detail = format!("session {} is to move to {}", observe.actor, observe.region);
            self.save(&[observe.actor], false).await?;
            self.log(Event::Observe, how, Cause::Request, now, &detail);
        }
        Ok(verdict)
    }

    async fn report(self: &Rc<Self>, report: Report) -> Result<(), DirectoryError> {
        let Report { actor, news } = report;
        let now = ambient::now();
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
            // The session does not wait for it. The alarm does what is left, or what comes to grief.
            let shell = Rc::clone(self);
            wasm_bindgen_futures::spawn_local(async move { shell.end_superfluous(ended).await });
        }
        Ok(())
    }

    async fn forget(&self, forget: Forget) -> Result<(), DirectoryError> {
        self.with(|directory| directory.forget(ambient::now(), &forget.actor))?;
        Ok(self.save(&[forget.actor], true).await?)
    }

    /// Ends what could not be reached before, and drops what has ended. Never fails: what could not be done is done by
    /// the next alarm.
    async fn alarm(&self) {
        if self.act().await.is_err() {
            let _ = self.storage.set_alarm(state::TRY_AGAIN.unsigned_abs()).await;
        }
    }

    async fn act(&self) -> Result<(), DirectoryError> {
        let began = ambient::now();
        // Where the last alarm stopped: those that are out of reach do not keep the others waiting.
        let after = self.swept_to.take();
        let looked_at = self.look_at_beginnings().await?;
        if !self.with(|directory| directory.revoking())?.is_empty() {
            self.with(|directory| directory.retried(began.saturating_add(state::TRY_AGAIN)))?;
            let swept = self.sweep_behind(after.as_ref(), BATCH.saturating_sub(looked_at), Cause::Alarm).await?;
            let has_more = swept.left > 0;
            let pause = if has_more { SOON } else { state::TRY_AGAIN };
            self.with(|directory| directory.retried(ambient::now().saturating_add(pause)))?;
            self.swept_to.replace(swept.last.filter(|_| has_more));
        }
        let gone = self.with(|directory| directory.tidy(ambient::now(), self.config.lifetimes.login))?;
        if !gone.is_empty() {
            let detail = format!("sessions not listed any longer: {}", gone.len());
            self.log(Event::Alarm, "forgotten", Cause::Alarm, began, &detail);
        }
        Ok(self.save(&gone, true).await?)
    }
}
