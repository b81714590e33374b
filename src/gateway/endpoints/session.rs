//! `/session` and `/refresh`: what the application's pages may know of their session, and may ask of it.

use crate::actors::session::message::{Authority, GetView, Refresh, Switch};
use crate::actors::session::view::SessionView;
use crate::credential::Secret;
use crate::gateway::answer::json;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::ask_session::ask_session;
use crate::gateway::context::Gateway;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;

/// The longest id of an organization.
const MAX_ORGANIZATION: usize = 512;

/// The session's view.
pub(crate) async fn serve(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    Ok(Outgoing::new(200, json::session(&view(gateway, request).await?)))
}

/// What the session's user may know of it.
pub(crate) async fn view(gateway: &Gateway, request: &Incoming<'_>) -> Result<SessionView, Problem> {
    Ok(*ask_session(gateway, request, |secret| GetView { secret: secret.clone() }).await??)
}

/// The organization that every login at the session's provider is for.
async fn configured_organization<'a>(gateway: &'a Gateway, request: &Incoming<'_>) -> Result<Option<&'a str>, Problem> {
    let providers = &gateway.config.providers;
    let provider = match providers.single() {
        Some(single) => Some(single),
        None => providers.named(view(gateway, request).await?.provider.as_deref()),
    };
    Ok(provider.and_then(|provider| provider.settings.organization()))
}

/// Gets a new access token now. If the form names an organization, the token is for that one.
pub(crate) async fn refresh(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    let form = request.form().await?;
    let authority = |secret: &Secret| Authority::Cookie(secret.clone());
    let view = match form.get("organization").filter(|id| !id.is_empty()) {
        Some(id) if id.len() > MAX_ORGANIZATION => {
            return Err(Problem::BadRequest("organization must be the id of an organization."));
        }
        Some(id) if configured_organization(gateway, request).await?.is_some_and(|configured| configured != id) => {
            return Err(Problem::BadRequest("organization is another one than this gateway is configured for."));
        }
        Some(id) => {
            let switch = |secret: &Secret| Switch { authority: authority(secret), organization: id.to_owned() };
            ask_session(gateway, request, switch).await??
        }
        None => ask_session(gateway, request, |secret| Refresh { authority: authority(secret) }).await??,
    };
    Ok(Outgoing::new(200, json::session(&view)))
}
