//! `RevokeAll`, `Sweep`, and the end of sessions that are too many: what is to end is written down, and then each session is
//! asked, no more of them in one invocation than the platform allows. The alarm does the rest.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt as _, stream};

use super::{Shell, state};
use crate::actors::directory::state::revocation::Gone;
use crate::actors::directory_message::{BATCH, DirectoryError, RevokeAll, Sweep, Swept};
use crate::actors::end_reason::EndReason;
use crate::actors::log::{Cause, Event};
use crate::actors::session::message::{Authority, Denied, Describe, Revoke};
use crate::actors::session::{address, follow};
use crate::actors::summary::SessionState;
use crate::actors::{self, AskError};
use crate::ambient;
use crate::config::StoreKind;
use crate::credential::ActorId;

/// How long the sessions may take to end. The rest of the message's time is for what comes before and after.
const ENDED_WITHIN: Duration = Duration::from_secs(15);

/// How many sessions are asked at once whether they have begun.
const LOOKS: usize = 10;

impl Shell {
    /// Ends sessions of a user who has more than `SESSIONS_PER_USER`.
    pub(super) async fn end_superfluous(&self, superfluous: Vec<ActorId>) {
        let began = self.now();
        let (outcome, detail) = match self.end(superfluous).await {
            Ok(EndedCount { revoked, .. }) => {
                ("limit", format!("sessions ended that were too many for one user: {revoked}"))
            }
            Err(error) => ("incomplete", error.to_string()),
        };
        self.log(Event::Revoke, outcome, Cause::Directory, began, &detail);
    }

    /// Asks those that did not say whether they have begun: their process may have ended before they could. How many it asked.
    pub(super) async fn look_at_beginnings(&self) -> Result<u32, DirectoryError> {
        let now = self.now();
        let beginning = self.with(|directory| directory.to_look_at(now, LOOKS))?;
        let looked_at = u32::try_from(beginning.len()).unwrap_or(BATCH);
        let mut changed = beginning.clone();
        let described = self.ask_all(beginning.clone(), ENDED_WITHIN, async |actor| {
            actors::ask(&*self.actors, &address::existing_session(actor), Describe {}).await
        });
        let described: BTreeMap<_, _> = described.await.into_iter().collect();
        let limit = self.config.sessions_per_user;
        self.with(|directory| {
            for actor in &beginning {
                match described.get(actor) {
                    Some(Ok(Some(described))) if described.summary.state == SessionState::Active => {
                        changed.extend(directory.begun(now, actor, limit));
                    }
                    // It is over, or was never there. If its login takes that long, the session reports its beginning by itself.
                    Some(Ok(_) | Err(AskError::NoSuchActor)) => directory.not_begun(actor, None),
                    Some(Err(_)) | None => directory.not_begun(actor, Some(now.saturating_add(state::LOOK_AFTER))),
                }
            }
        })?;
        if !changed.is_empty() {
            self.save(&changed, false).await?;
        }
        Ok(looked_at)
    }

    pub(super) async fn revoke_all(&self, revoke: RevokeAll) -> Result<Swept, DirectoryError> {
        let began = self.now();
        let revoking = self.with(|directory| directory.revoke_all(began, &revoke))??;
        // It is written before any session is asked. So they end even if this process ends first.
        self.save(&revoking, true).await?;
        let swept = self.sweep_behind(None, BATCH, revoke.cause).await?;
        // A login that begins after the answer must not be taken for one that began before it: see `SKEW`.
        let settled_at = began.saturating_add(state::SKEW).saturating_add(state::SKEW);
        let left = ambient::between(self.now(), settled_at);
        if left.is_positive() {
            self.isolate.sleep(left.unsigned_abs()).await;
        }
        Ok(swept)
    }

    pub(super) async fn sweep(&self, sweep: Sweep) -> Result<Swept, DirectoryError> {
        self.sweep_behind(Some(&sweep.after), sweep.at_most.min(BATCH), sweep.cause).await
    }

    /// Ends the first of those that are to end behind this one.
    pub(super) async fn sweep_behind(
        &self,
        after: Option<&ActorId>,
        at_most: u32,
        cause: Cause,
    ) -> Result<Swept, DirectoryError> {
        let began = self.now();
        let (revoking, left) = self.with(|directory| directory.revoking_behind(after, at_most))?;
        let last = revoking.last().cloned();
        let ended = self.end(revoking).await;
        let (outcome, detail) = match &ended {
            Ok(EndedCount { revoked, unreachable: 0 }) => {
                ("ok", format!("sessions ended: {revoked}; still to end: {left}"))
            }
            Ok(EndedCount { revoked, unreachable }) => {
                ("incomplete", format!("sessions ended: {revoked}; out of reach: {unreachable}; still to end: {left}"))
            }
            Err(error) => ("incomplete", error.to_string()),
        };
        self.log(Event::Revoke, outcome, cause, began, &detail);
        let EndedCount { revoked, unreachable } = ended?;
        Ok(Swept { revoked, unreachable, left, last })
    }

    /// Ends sessions that are to end. Those that do not answer in time are out of reach.
    async fn end(&self, revoking: Vec<ActorId>) -> Result<EndedCount, DirectoryError> {
        let asked = revoking.len();
        let outcomes = self.ask_all(revoking, ENDED_WITHIN, async |actor| self.end_one(actor).await).await;
        let now = self.now();
        self.with(|directory| {
            for (actor, gone) in &outcomes {
                if let Some((how, _)) = gone {
                    directory.revoked(now, actor, *how);
                }
            }
        })?;
        self.save(outcomes.iter().map(|(actor, _)| actor), false).await?;
        let count =
            |is_one: fn(&Option<(Gone, bool)>) -> bool| outcomes.iter().filter(|(_, gone)| is_one(gone)).count();
        let unreachable = asked.saturating_sub(count(Option::is_some));
        let revoked = count(|gone| matches!(gone, Some((_, true))));
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(EndedCount { revoked: number(revoked), unreachable: number(unreachable) })
    }

    /// Ends a session, and says how it is over and whether it lived until now. None: it is out of reach.
    async fn end_one(&self, actor: &ActorId) -> Option<(Gone, bool)> {
        let why = self.with(|directory| directory.rows.get(actor).and_then(|row| row.revoking.clone())).ok()?;
        // It said so itself meanwhile.
        let Some((reason, cause)) = why else { return Some((Gone::Ended, false)) };
        let revoke = || Revoke { authority: Authority::Trusted(cause.clone()), reason, logout: None };
        let mut outcome = actors::ask(&*self.actors, &address::existing_session(actor), revoke()).await;
        if let Ok(Err(Denied::Moved(to))) = &outcome
            && !self.with(|directory| directory.rows.contains_key(&to.actor)).ok()?
        {
            // It moved after a refresh had brought it another `sid`. Where it lives now, it is known by that `sid` alone.
            outcome = follow::ask(&*self.actors, &to.actor, revoke).await.map(|followed| followed.reply);
        }
        match outcome {
            Ok(Ok(_)) => Some((Gone::Ended, true)),
            Ok(Err(Denied::Unknown)) | Err(AskError::NoSuchActor) => Some((Gone::Unknown, false)),
            Ok(Err(Denied::Ended(EndReason::Superseded) | Denied::Moved(_))) => Some((Gone::Moved, false)),
            Ok(Err(Denied::Ended(_))) => Some((Gone::Ended, false)),
            Ok(Err(
                Denied::StoreUnavailable
                | Denied::TargetRefused
                | Denied::Reauthenticate
                | Denied::Relocate
                | Denied::ProviderUnavailable { .. }
                | Denied::OtherProvider,
            ))
            | Err(AskError::TimedOut(_) | AskError::Unreachable | AskError::Refused(_)) => None,
        }
    }

    /// Asks sessions, some at once: what came of those that answered in time, in the order of their answers. `limit` is for
    /// all together, as one after the other they take longer than the message may.
    pub(super) async fn ask_all<T>(
        &self,
        actors: Vec<ActorId>,
        limit: Duration,
        ask: impl AsyncFn(&ActorId) -> T,
    ) -> Vec<(ActorId, T)> {
        let ask = &ask;
        let answers = stream::iter(actors).map(|actor| async move {
            let answer = ask(&actor).await;
            (actor, answer)
        });
        answers.buffer_unordered(self.at_once()).take_until(self.isolate.sleep(limit)).collect().await
    }

    /// How many sessions are asked at once. Each may have to ask the store, and Postgres has few connections to spare.
    fn at_once(&self) -> usize {
        match self.config.store.kind {
            StoreKind::Neon => 8,
            StoreKind::Durable | StoreKind::Kv => 32,
        }
    }
}

/// What came of ending sessions.
struct EndedCount {
    revoked: u32,
    unreachable: u32,
}
