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
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use time::OffsetDateTime;
use worker::{Delay, Env, SqlStorage, Storage};

use self::message::{
    BATCH, DirectoryError, Forget, List, Listed, Observe, Page, Register, Report, RevokeAll, Sweep, Swept, Verdict,
};
use self::page::Cursor;
use self::state::{Directory, Gone, Standing};
use crate::actors::log::{Beside, Cause, Entry, Event};
use crate::actors::session::follow;
use crate::actors::session::message::{Authority, Denied, Describe, EndReason, Revoke, SessionState};
use crate::actors::{self, AskError};
use crate::ambient;
use crate::config::{Config, StoreKind};
use crate::credential::ActorId;
use crate::store::StoreError;

pub mod message;
mod object;
mod page;
mod rows;
pub mod state;

pub use object::RegionDirectory;

/// [`BATCH`], as lengths are counted.
const BATCH_LEN: usize = BATCH as usize;
/// How soon the alarm goes on with what one invocation may not do.
const SOON: Duration = Duration::from_millis(100);

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
            *slot = Some(rows::load(&self.sql)?);
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

    async fn register(self: &Rc<Self>, register: Register) -> Result<(), DirectoryError> {
        let (now, actor) = (ambient::now(), register.actor.clone());
        let registered = self.with(|directory| directory.register(now, register, self.config.sessions_per_user))?;
        if let Err(error) = &registered {
            self.log(Event::Revoke, "refused", Cause::Directory, now, &error.to_string());
        }
        let mut superfluous = registered?;
        let (ended, left) = superfluous.split_at(superfluous.len().min(BATCH_LEN));
        let (ended, has_more) = (ended.to_vec(), !left.is_empty());
        superfluous.push(actor);
        self.save(&superfluous, false).await?;
        if !ended.is_empty() {
            // The login does not wait for it. The alarm does what is left, or what comes to grief.
            let shell = Rc::clone(self);
            wasm_bindgen_futures::spawn_local(async move { shell.end_superfluous(ended, has_more).await });
        }
        Ok(())
    }

    /// Ends sessions of a user who has more than `SESSIONS_PER_USER`.
    async fn end_superfluous(&self, superfluous: Vec<ActorId>, has_more: bool) {
        let began = ambient::now();
        let (outcome, detail) = match self.end(superfluous).await {
            Ok(Ended { revoked, .. }) => {
                ("limit", format!("sessions ended that were too many for one user: {revoked}"))
            }
            Err(error) => ("incomplete", error.to_string()),
        };
        self.log(Event::Revoke, outcome, Cause::Directory, began, &detail);
        if has_more {
            let _ = self.storage.set_alarm(SOON).await;
        }
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

    async fn list(&self, list: List) -> Result<Page, DirectoryError> {
        let cursor = self.cursor(list.cursor.as_deref())?;
        let at_most = usize::try_from(list.limit).unwrap_or(BATCH_LEN).min(BATCH_LEN);
        let places = self.with(|directory| directory.behind(&cursor, at_most))?;
        let Some(last) = places.last().cloned() else { return Ok(Page { listed: Vec::new(), next: None }) };
        let found = stream::iter(places).map(|place| self.look_up(place.actor)).buffered(self.at_once());
        let found: Vec<Found> = found.collect().await;
        let over: Vec<_> = found.iter().filter_map(Found::just_over).collect();
        self.with(|directory| {
            over.iter().for_each(|(actor, last_used_at)| directory.found_over(cursor.at, actor, *last_used_at));
        })?;
        if !over.is_empty() {
            self.save(over.iter().map(|(actor, _)| *actor), false).await?;
        }
        let cursor = Cursor { behind: Some(last), ..cursor };
        let has_more = self.with(|directory| !directory.behind(&cursor, 1).is_empty())?;
        let next = if has_more { Some(self.written(&cursor).await?) } else { None };
        Ok(Page { listed: found.into_iter().filter_map(Found::listed).collect(), next })
    }

    /// Where a list goes on; one that begins is of this moment.
    fn cursor(&self, text: Option<&str>) -> Result<Cursor, DirectoryError> {
        let read = |directory: &mut Directory| match text {
            None => Some(Cursor { at: directory.stamp(ambient::now()), behind: None }),
            Some(text) => Cursor::read(directory.facts.cursor_key.as_ref()?, text),
        };
        self.with(read)?.ok_or(DirectoryError::ForeignCursor)
    }

    /// The cursor as it goes out. The first one of a directory makes the key.
    async fn written(&self, cursor: &Cursor) -> Result<String, DirectoryError> {
        let key = match self.with(|directory| directory.facts.cursor_key)? {
            Some(key) => key,
            None => {
                let key = ambient::random().ok_or(DirectoryError::StoreUnavailable)?;
                self.with(|directory| directory.facts.cursor_key = Some(key))?;
                self.save(&[], true).await?;
                key
            }
        };
        cursor.write(&key).ok_or(DirectoryError::StoreUnavailable)
    }

    /// How a session is. One that is known to be over is not asked.
    async fn look_up(&self, actor: ActorId) -> Found {
        let row = self.with(|directory| directory.rows.get(&actor).cloned());
        let Ok(Some(row)) = row else { return Found::Nothing };
        if row.standing != Standing::Living {
            return Found::Known(Listed { actor, summary: row.summary() });
        }
        let asked = match actors::existing_session(&self.env, &actor) {
            Ok(address) => actors::ask(&address, Describe {}).await,
            Err(error) => Err(error),
        };
        match asked {
            Ok(None) => Found::Nothing,
            Ok(Some(described)) => match described.summary.state {
                SessionState::Active => Found::Known(Listed { actor, summary: described.summary }),
                SessionState::Ended => Found::Over { actor, last_used_at: described.summary.last_used_at },
                // One that has moved is listed where it lives now.
                SessionState::Moved => Found::Nothing,
            },
            // It does not answer: what the directory knows must do.
            Err(_) => Found::Known(Listed { actor, summary: row.summary() }),
        }
    }

    async fn revoke_all(&self, revoke: RevokeAll) -> Result<Swept, DirectoryError> {
        let began = ambient::now();
        let revoking = self.with(|directory| directory.revoke_all(began, &revoke))??;
        // Before any session is asked: what is to end does so even if this actor does not live to see it.
        self.save(&revoking, true).await?;
        let swept = self.sweep_behind(None, BATCH, revoke.cause).await?;
        // What begins after the answer is not to be taken for what began before it: see `SKEW`.
        let settled_at = began.saturating_add(state::SKEW).saturating_add(state::SKEW);
        let left = ambient::between(ambient::now(), settled_at);
        if left.is_positive() {
            Delay::from(left.unsigned_abs()).await;
        }
        Ok(swept)
    }

    async fn sweep(&self, sweep: Sweep) -> Result<Swept, DirectoryError> {
        self.sweep_behind(Some(&sweep.after), sweep.at_most.min(BATCH), sweep.cause).await
    }

    /// Ends the first of those that are to end behind this one.
    async fn sweep_behind(&self, after: Option<&ActorId>, at_most: u32, cause: Cause) -> Result<Swept, DirectoryError> {
        let began = ambient::now();
        let (revoking, left) = self.with(|directory| directory.revoking_behind(after, at_most))?;
        let last = revoking.last().cloned();
        let ended = self.end(revoking).await;
        let (outcome, detail) = match &ended {
            Ok(Ended { revoked, unreachable: 0 }) => ("ok", format!("sessions ended: {revoked}; still to end: {left}")),
            Ok(Ended { revoked, unreachable }) => {
                ("incomplete", format!("sessions ended: {revoked}; out of reach: {unreachable}; still to end: {left}"))
            }
            Err(error) => ("incomplete", error.to_string()),
        };
        self.log(Event::Revoke, outcome, cause, began, &detail);
        let Ended { revoked, unreachable } = ended?;
        Ok(Swept { revoked, unreachable, left, last })
    }

    /// Ends sessions that are to end.
    async fn end(&self, revoking: Vec<ActorId>) -> Result<Ended, DirectoryError> {
        let outcomes = stream::iter(revoking).map(|actor| async move {
            let gone = self.end_one(&actor).await;
            (actor, gone)
        });
        let outcomes: Vec<(ActorId, Option<(Gone, bool)>)> = outcomes.buffer_unordered(self.at_once()).collect().await;
        let now = ambient::now();
        self.with(|directory| {
            for (actor, gone) in &outcomes {
                if let Some((how, _)) = gone {
                    directory.revoked(now, actor, *how);
                }
            }
        })?;
        self.save(outcomes.iter().map(|(actor, _)| actor), false).await?;
        let count = |is_one: fn(&Option<(Gone, bool)>) -> bool| {
            u32::try_from(outcomes.iter().filter(|(_, gone)| is_one(gone)).count()).unwrap_or(u32::MAX)
        };
        Ok(Ended { revoked: count(|gone| matches!(gone, Some((_, true)))), unreachable: count(Option::is_none) })
    }

    /// Ends a session: how it is over, and whether it was until now. None: it is out of reach.
    async fn end_one(&self, actor: &ActorId) -> Option<(Gone, bool)> {
        let why = self.with(|directory| directory.rows.get(actor).and_then(|row| row.revoking)).ok()?;
        // It said so itself meanwhile.
        let Some((reason, cause)) = why else { return Some((Gone::Ended, false)) };
        let revoke = || Revoke { authority: Authority::Trusted(cause), reason, logout: None };
        let mut outcome = match actors::existing_session(&self.env, actor) {
            Ok(address) => actors::ask(&address, revoke()).await,
            Err(error) => Err(error),
        };
        if let Ok(Err(Denied::Moved(to))) = &outcome
            && !self.with(|directory| directory.rows.contains_key(&to.actor)).ok()?
        {
            // It moved after a refresh had brought it another `sid`, and is known by that alone where it lives now.
            outcome = follow::ask(&self.env, &to.actor, revoke).await.map(|followed| followed.reply);
        }
        match outcome {
            Ok(Ok(_)) => Some((Gone::Ended, true)),
            Ok(Err(Denied::Unknown)) | Err(AskError::NoSuchActor) => Some((Gone::Unknown, false)),
            Ok(Err(Denied::Ended(EndReason::Superseded) | Denied::Moved(_))) => Some((Gone::Moved, false)),
            Ok(Err(Denied::Ended(_))) => Some((Gone::Ended, false)),
            Ok(Err(
                Denied::StoreUnavailable
                | Denied::Reauthenticate
                | Denied::Relocate
                | Denied::ProviderUnavailable { .. },
            ))
            | Err(AskError::TimedOut(_) | AskError::Unreachable | AskError::Refused(_)) => None,
        }
    }

    /// How many sessions are asked at once. Each may have to ask the store, and Postgres has few connections to spare.
    fn at_once(&self) -> usize {
        match self.config.store.kind {
            StoreKind::Neon => 8,
            StoreKind::Durable | StoreKind::Kv => 32,
        }
    }

    async fn report(&self, report: Report) -> Result<(), DirectoryError> {
        let known = self.with(|directory| directory.report(ambient::now(), &report.actor, report.news))?;
        if known { Ok(self.save(&[report.actor], false).await?) } else { Ok(()) }
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
        let mut left = 0;
        if !self.with(|directory| directory.revoking())?.is_empty() {
            let swept = self.sweep_behind(after.as_ref(), BATCH, Cause::Alarm).await?;
            left = swept.left;
            self.swept_to.replace(swept.last.filter(|_| left > 0));
        }
        let gone = self.with(|directory| directory.tidy(ambient::now(), self.config.lifetimes.login))?;
        if !gone.is_empty() {
            let detail = format!("sessions not listed any longer: {}", gone.len());
            self.log(Event::Alarm, "forgotten", Cause::Alarm, began, &detail);
        }
        self.save(&gone, true).await?;
        if left > 0 {
            self.storage.set_alarm(SOON).await.map_err(StoreError::from)?;
        }
        Ok(())
    }
}

/// What came of ending sessions.
struct Ended {
    revoked: u32,
    unreachable: u32,
}

/// What is found of a session that is to be listed.
enum Found {
    Known(Listed),
    /// It ended, and the directory was not told.
    Over {
        actor: ActorId,
        last_used_at: Option<OffsetDateTime>,
    },
    /// It is listed elsewhere, or was never there.
    Nothing,
}

impl Found {
    const fn just_over(&self) -> Option<(&ActorId, Option<OffsetDateTime>)> {
        match self {
            Self::Over { actor, last_used_at } => Some((actor, *last_used_at)),
            Self::Known(_) | Self::Nothing => None,
        }
    }

    fn listed(self) -> Option<Listed> {
        match self {
            Self::Known(listed) => Some(listed),
            Self::Over { .. } | Self::Nothing => None,
        }
    }
}
