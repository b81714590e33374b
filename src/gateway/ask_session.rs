//! Asks the session that a request's cookie names.

use crate::actors::Request;
use crate::actors::session::follow;
use crate::actors::session::message::{Denied, SessionMessage};
use crate::credential::Secret;
use crate::gateway::context::Gateway;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;

/// Asks the session that the request's cookie names, wherever it lives. Where that is elsewhere, the browser gets
/// another cookie.
pub(crate) async fn ask_session<R, T>(
    gateway: &Gateway,
    request: &Incoming<'_>,
    message: impl Fn(&Secret) -> R,
) -> Result<Result<T, Denied>, Problem>
where
    R: Request<Message = SessionMessage, Reply = Result<T, Denied>>,
{
    let session = request.cookies.session.as_ref().ok_or(Problem::LoginRequired)?;
    let followed = follow::ask(&*gateway.actors_in_turn, &session.actor, || message(&session.secret)).await?;
    if let Some(to) = followed.moved_to {
        request.moved_to.replace(Some(to));
    }
    Ok(followed.reply)
}
