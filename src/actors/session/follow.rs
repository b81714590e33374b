//! Asks a session wherever it lives. A session that has moved says where it went.

use super::address;
use super::location::ActorLocation;
use super::message::{Denied, SessionMessage};
use crate::actors::{self, AskError, Request};
use crate::credential::ActorId;
use crate::runtime::Actors;

/// How often a session may have moved since its sender last heard of it: a week's moves at the default minimum stay, and
/// some by hand. There are no circles, as each move is to a new actor.
const MOVES: usize = 200;

/// What a session answered, and where it lives if that is not where it was asked first.
pub struct Followed<T> {
    /// The answer.
    pub reply: Result<T, Denied>,
    /// Its new actor.
    pub moved_to: Option<ActorLocation>,
}

/// Asks the session that lived in `actor`.
pub async fn ask<R, T>(actors: &dyn Actors, actor: &ActorId, message: impl Fn() -> R) -> Result<Followed<T>, AskError>
where
    R: Request<Message = SessionMessage, Reply = Result<T, Denied>>,
{
    follow(actor, async |lives_in| actors::ask(actors, &address::existing_session(lives_in), message()).await).await
}

/// Asks the session that lived in `actor` by asking each of its homes so.
pub async fn follow<T, E: From<AskError>>(
    actor: &ActorId,
    ask: impl AsyncFn(&ActorId) -> Result<Result<T, Denied>, E>,
) -> Result<Followed<T>, E> {
    let mut moved_to: Option<ActorLocation> = None;
    for _ in 0..MOVES {
        match ask(moved_to.as_ref().map_or(actor, |to| &to.actor)).await? {
            Err(Denied::Moved(to)) => moved_to = Some(to),
            reply => return Ok(Followed { reply, moved_to }),
        }
    }
    Err(AskError::Unreachable.into())
}
