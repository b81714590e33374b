//! Whether a session comes from such a login as is asked for.

use crate::actors;
use crate::actors::session::address::SessionAddress;
use crate::actors::session::message::GetView;
use crate::config::authentication::Authentication;
use crate::credential::Secret;
use crate::gateway::ask_session::ask_session;
use crate::gateway::context::Gateway;
use crate::gateway::request::Incoming;

/// Whether the browser's session comes from a login of another kind, or from too long ago. None: there is no session.
pub(crate) async fn falls_short(gateway: &Gateway, request: &Incoming<'_>, wanted: &Authentication) -> Option<bool> {
    let view = ask_session(gateway, request, |secret| GetView { secret: secret.clone() }).await.ok()?.ok()?;
    let claims = serde_json::from_str(&view.claims).unwrap_or_default();
    Some(!wanted.is_met(&claims, gateway.now()))
}

/// Whether the login that this session has just begun with took longer than what was asked for allows: a page that asks for it would send
/// the user to log in again, as often as that takes as long.
pub(crate) async fn took_too_long(
    gateway: &Gateway,
    address: &SessionAddress,
    secret: &Secret,
    wanted: &Authentication,
) -> bool {
    if wanted.max_age.is_none() {
        return false;
    }
    match actors::ask(&*gateway.actors, address, GetView { secret: secret.clone() }).await {
        Ok(Ok(view)) => {
            let claims = serde_json::from_str(&view.claims).unwrap_or_default();
            !wanted.is_met_for_a_while(&claims, gateway.now())
        }
        // The page's own request says what is wrong.
        Ok(Err(_)) | Err(_) => false,
    }
}
