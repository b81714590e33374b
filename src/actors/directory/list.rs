//! `List`: a page of the sessions. [`super::page`] decides which they are. Each session that may live is asked for its state.

use std::collections::BTreeMap;
use std::time::Duration;

use time::OffsetDateTime;

use super::page::{self, Cursor};
use super::row::{RowStatus, SessionRow};
use super::state::Directory;
use super::{BATCH_LEN, Shell};
use crate::actors;
use crate::actors::directory_message::{DirectoryError, List, Listed, SessionPage};
use crate::actors::session::address;
use crate::actors::session::message::Describe;
use crate::actors::summary::SessionState;
use crate::credential::ActorId;
use crate::store::StoreError;

/// How long the sessions may take to answer. For those that have not answered by then, the list shows what the directory knows.
const ASKED_FOR: Duration = Duration::from_secs(5);

impl Shell {
    pub(super) async fn list(&self, list: List) -> Result<SessionPage, DirectoryError> {
        let cursor = self.cursor(list.cursor.as_deref())?;
        let at_most = usize::try_from(list.limit).unwrap_or(BATCH_LEN).min(BATCH_LEN);
        let places = self.with(|directory| page::behind(&directory.rows, &cursor, at_most))?;
        let Some(last) = places.last().cloned() else { return Ok(SessionPage { listed: Vec::new(), next: None }) };
        let actors: Vec<ActorId> = places.into_iter().map(|place| place.actor).collect();
        let answers = self.ask_all(actors.clone(), ASKED_FOR, async |actor| self.look_up(actor).await);
        let mut answers: BTreeMap<ActorId, Found> = answers.await.into_iter().collect();
        let found = actors.iter().map(|actor| answers.remove(actor).map_or_else(|| self.known(actor), Ok));
        let found: Vec<Found> = found.collect::<Result<_, StoreError>>()?;
        let over: Vec<_> = found.iter().filter_map(Found::just_over).collect();
        self.with(|directory| {
            over.iter().for_each(|(actor, last_used_at)| directory.found_over(cursor.at, actor, *last_used_at));
        })?;
        if !over.is_empty() {
            self.save(over.iter().map(|(actor, _)| *actor), false).await?;
        }
        let cursor = Cursor { behind: Some(last), ..cursor };
        let has_more = self.with(|directory| !page::behind(&directory.rows, &cursor, 1).is_empty())?;
        let next = if has_more { Some(self.written(&cursor).await?) } else { None };
        Ok(SessionPage { listed: found.into_iter().filter_map(Found::listed).collect(), next })
    }

    /// Where a list goes on. A new list is of this moment.
    fn cursor(&self, text: Option<&str>) -> Result<Cursor, DirectoryError> {
        let read = |directory: &mut Directory| match text {
            None => Some(Cursor { at: directory.stamp(self.now()), behind: None }),
            Some(text) => Cursor::read(directory.facts.cursor_key.as_ref()?, text),
        };
        self.with(read)?.ok_or(DirectoryError::ForeignCursor)
    }

    /// The cursor as it is sent. The first one of a directory makes the key.
    async fn written(&self, cursor: &Cursor) -> Result<String, DirectoryError> {
        let key = match self.with(|directory| directory.facts.cursor_key)? {
            Some(key) => key,
            None => {
                let key = self.isolate.random_bytes().ok_or(DirectoryError::StoreUnavailable)?;
                self.with(|directory| directory.facts.cursor_key = Some(key))?;
                self.save(&[], true).await?;
                key
            }
        };
        cursor.write(&key).ok_or(DirectoryError::StoreUnavailable)
    }

    /// What the directory knows of a session.
    fn known(&self, actor: &ActorId) -> Result<Found, StoreError> {
        let summary = self.with(|directory| directory.rows.get(actor).map(SessionRow::summary))?;
        Ok(summary.map_or(Found::Nothing, |summary| Found::Known(Listed { actor: actor.clone(), summary })))
    }

    /// The state of a session. A session that is known to be over is not asked.
    async fn look_up(&self, actor: &ActorId) -> Found {
        let row = self.with(|directory| directory.rows.get(actor).cloned());
        let Ok(Some(row)) = row else { return Found::Nothing };
        let actor = actor.clone();
        if row.standing != RowStatus::Living {
            return Found::Known(Listed { actor, summary: row.summary() });
        }
        match actors::ask(&*self.actors, &address::existing_session(&actor), Describe {}).await {
            Ok(None) => Found::Nothing,
            Ok(Some(described)) => match described.summary.state {
                SessionState::Active => Found::Known(Listed { actor, summary: described.summary }),
                SessionState::Ended => Found::Over { actor, last_used_at: described.summary.last_used_at },
                // A session that has moved is listed by its new actor.
                SessionState::Moved => Found::Nothing,
            },
            // It does not answer. The list shows what the directory knows.
            Err(_) => Found::Known(Listed { actor, summary: row.summary() }),
        }
    }
}

/// What was found out about a session for the list.
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
