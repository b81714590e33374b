//! `/session` and `/refresh`: what the application's pages may know of, and ask for, their session.

use crate::actors::Request;
use crate::actors::session::follow;
use crate::actors::session::message::{Authority, Denied, GetView, Refresh, SessionMessage, Switch};
use crate::actors::session::view::SessionView;
use crate::credential::Secret;
use crate::gateway::Gateway;
use crate::gateway::answer::json;
use crate::gateway::answer::problem::Problem;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::request::Incoming;

/// The longest id of an organization.
const MAX_ORGANIZATION: usize = 512;

/// The session's view.
pub(crate) async fn serve(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    Ok(Outgoing::new(200, json::session(&view(gateway, request).await?)))
}

/// What the session's user may know of it.
pub(crate) async fn view(gateway: &Gateway, request: &Incoming<'_>) -> Result<SessionView, Problem> {
    Ok(*ask(gateway, request, |secret| GetView { secret: secret.clone() }).await??)
}

/// A new access token, now; for another organization, where the form names one.
pub(crate) async fn refresh(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    let form = request.form().await?;
    let authority = |secret: &Secret| Authority::Cookie(secret.clone());
    let view = match form.get("organization").filter(|id| !id.is_empty()) {
        Some(id) if id.len() > MAX_ORGANIZATION => {
            return Err(Problem::BadRequest("organization must be the id of an organization."));
        }
        Some(id) if gateway.config.provider.organization().is_some_and(|configured| configured != id) => {
            return Err(Problem::BadRequest("organization is another one than this gateway is configured for."));
        }
        Some(id) => {
            let switch = |secret: &Secret| Switch { authority: authority(secret), organization: id.to_owned() };
            ask(gateway, request, switch).await??
        }
        None => ask(gateway, request, |secret| Refresh { authority: authority(secret) }).await??,
    };
    Ok(Outgoing::new(200, json::session(&view)))
}

/// Asks the session that the request's cookie names, wherever it lives. Where that is elsewhere, the browser gets
/// another cookie.
pub(crate) async fn ask<R, T>(
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
