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

use futures::StreamExt as _;
use futures::stream;
use time::OffsetDateTime;
use worker::{Env, SqlStorage, Storage};

use self::message::{DirectoryError, Forget, List, Listed, Observe, Register, RevokeAll, Verdict};
use self::state::Directory;
use crate::actors::log::{Beside, Cause, Entry, Event};
use crate::actors::session::follow;
use crate::actors::session::message::{Authority, Denied, Describe, Revoke, SessionState};
use crate::actors::{self, AskError};
use crate::ambient;
use crate::config::Config;
use crate::credential::ActorId;
use crate::store::StoreError;

pub mod message;
mod object;
mod rows;
pub mod state;

pub use object::RegionDirectory;

/// How many sessions are asked at once.
const AT_ONCE: usize = 32;

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
        })
    }

    /// Reads or changes the directory, which is loaded once in the life of this object.
    fn with<T>(&self, change: impl FnOnce(&mut Directory) -> T) -> Result<T, StoreError> {
        let mut slot = self.directory.borrow_mut();
        if slot.is_none() {
            *slot = Some(rows::load(&self.sql)?);
        }
        slot.as_mut().map(change).ok_or(StoreError::Corrupt)
    }

    /// Writes what changed. What could not be written is not remembered either.
    async fn save(&self, actors: &[ActorId], facts: bool) -> Result<(), StoreError> {
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
                let pause = ambient::between(now, at).max(time::Duration::SECOND);
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
        let registered = self.with(|directory| directory.register(now, register))?;
        if let Err(error) = &registered {
            self.log(Event::Revoke, "overtaken", Cause::Directory, now, &error.to_string());
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

    async fn list(&self, _: List) -> Result<Vec<Listed>, DirectoryError> {
        let rows = self.with(|directory| directory.rows.clone())?;
        let listed = stream::iter(rows).map(|(actor, row)| async move {
            let asked = match actors::existing_session(&self.env, &actor) {
                Ok(address) => actors::ask(&address, Describe {}).await,
                Err(error) => Err(error),
            };
            let summary = match asked {
                Ok(described) => described?.summary,
                // It does not answer: what the directory knows must do.
                Err(_) => row.summary(),
            };
            // One that has moved is listed where it lives now.
            (summary.state != SessionState::Moved).then_some(Listed { actor, summary })
        });
        let mut listed: Vec<Listed> = listed.buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
        listed.sort_by_key(|listed| std::cmp::Reverse(listed.summary.created_at));
        Ok(listed)
    }

    async fn revoke_all(&self, revoke: RevokeAll) -> Result<u32, DirectoryError> {
        let began = ambient::now();
        let revoking = self.with(|directory| directory.revoke_all(began, &revoke))??;
        // Before any session is asked: what is to end does so even if this actor does not live to see it.
        self.save(&revoking, true).await?;
        let revoked = self.end(revoking).await;
        let (outcome, detail) = match &revoked {
            Ok(count) => ("ok", format!("sessions ended: {count}")),
            Err(error) => ("incomplete", error.to_string()),
        };
        self.log(Event::Revoke, outcome, revoke.cause, began, &detail);
        revoked
    }

    /// Ends the sessions that are to end: how many it ended.
    async fn end(&self, revoking: Vec<ActorId>) -> Result<u32, DirectoryError> {
        let rows = self.with(|directory| directory.rows.clone())?;
        let outcomes = stream::iter(revoking).map(|actor| {
            let (why, rows) = (rows.get(&actor).and_then(|row| row.revoking), &rows);
            async move {
                let Some((reason, cause)) = why else { return (actor, Ok(false)) };
                let revoke = || Revoke { authority: Authority::Trusted(cause), reason, logout: None };
                let mut outcome = match actors::existing_session(&self.env, &actor) {
                    Ok(address) => actors::ask(&address, revoke()).await,
                    Err(error) => Err(error),
                };
                if let Ok(Err(Denied::Moved(to))) = &outcome
                    && !rows.contains_key(&to.actor)
                {
                    // It moved after a refresh had brought it another `sid`, and is known by that alone where it lives now.
                    outcome = follow::ask(&self.env, &to.actor, revoke).await.map(|followed| followed.reply);
                }
                let ended = match outcome {
                    Ok(Ok(_)) => Ok(true),
                    Ok(Err(Denied::StoreUnavailable)) => Err(()),
                    // It is over, was never there, or has moved: its successor has a row of its own.
                    Ok(Err(_)) | Err(AskError::NoSuchActor) => Ok(false),
                    Err(AskError::TimedOut(_) | AskError::Unreachable | AskError::Refused(_)) => Err(()),
                };
                (actor, ended)
            }
        });
        let outcomes: Vec<_> = outcomes.buffer_unordered(AT_ONCE).collect().await;
        let over: Vec<ActorId> =
            outcomes.iter().filter(|(_, ended)| ended.is_ok()).map(|(actor, _)| actor.clone()).collect();
        self.with(|directory| over.iter().for_each(|actor| directory.revoked(actor)))?;
        self.save(&over, false).await?;
        if over.len() < outcomes.len() {
            return Err(DirectoryError::Incomplete);
        }
        let count = outcomes.iter().filter(|(_, ended)| *ended == Ok(true)).count();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    async fn forget(&self, forget: Forget) -> Result<(), DirectoryError> {
        let known = self.with(|directory| directory.rows.remove(&forget.actor))?.is_some();
        // A directory that never knew it writes nothing.
        if known { Ok(self.save(&[forget.actor], false).await?) } else { Ok(()) }
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
        let revoking = self.with(|directory| directory.revoking())?;
        if !revoking.is_empty() {
            let (outcome, detail) = match self.end(revoking).await {
                Ok(count) => ("ok", format!("sessions ended that could not be reached before: {count}")),
                Err(error) => ("incomplete", error.to_string()),
            };
            self.log(Event::Alarm, outcome, Cause::Alarm, began, &detail);
        }
        let gone = self.with(|directory| directory.tidy(began, self.config.lifetimes.login))?;
        if !gone.is_empty() {
            let detail = format!("sessions not listed any longer: {}", gone.len());
            self.log(Event::Alarm, "forgotten", Cause::Alarm, began, &detail);
        }
        Ok(self.save(&gone, true).await?)
    }
}
