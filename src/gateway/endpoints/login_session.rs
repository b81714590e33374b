//! The session that a login finds in the browser: whose provider it is of, what it says of its user, and whether it can go on.

use crate::actors;
use crate::actors::session::address;
use crate::actors::session::attempt::{LoginReason, Predecessor};
use crate::actors::session::message::{Authority, CanGoOn, Denied, GetProvider, SilentLogin, SilentLoginHints};
use crate::config::NamedProvider;
use crate::credential::Secret;
use crate::gateway::ask_session::ask_session;
use crate::gateway::context::Gateway;
use crate::gateway::device;
use crate::gateway::request::Incoming;

/// What a login finds.
#[derive(Default)]
pub(crate) struct Found<'a> {
    /// The session that the login replaces. One of another host's, whose cookie somebody brought here, is none here.
    pub(crate) predecessor: Option<Predecessor>,
    /// Its provider, even where it has ended.
    pub(crate) provider: Option<&'a NamedProvider>,
    /// Whether it may be renewed.
    pub(crate) may_live: bool,
    /// What it says of its user, where it has been asked.
    hints: Option<SilentLoginHints>,
}

/// The session that the browser has. Where there are several providers, it says which one it is of.
pub(crate) async fn of<'a>(gateway: &'a Gateway, request: &Incoming<'_>) -> Found<'a> {
    let Some(predecessor) = browsers_session(gateway, request) else { return Found::default() };
    let providers = &gateway.config.providers;
    if let Some(single) = providers.single() {
        return Found { predecessor: Some(predecessor), provider: Some(single), may_live: true, hints: None };
    }
    let hints = silent_login_hints(gateway, request).await;
    let name = match &hints {
        Some(hints) => hints.provider.clone(),
        None => provider_name(gateway, request).await,
    };
    if !providers.may_serve(name.as_deref(), &request.origin) {
        return Found::default();
    }
    let provider = providers.named(name.as_deref());
    Found { predecessor: Some(predecessor), provider, may_live: hints.is_some(), hints }
}

/// The session that the browser has now, and which a login that has come back replaces.
pub(crate) async fn replaced(gateway: &Gateway, request: &Incoming<'_>) -> Option<Predecessor> {
    let session = browsers_session(gateway, request)?;
    let providers = &gateway.config.providers;
    let is_ours = providers.of_host(&request.origin).is_none()
        || providers.may_serve(provider_name(gateway, request).await.as_deref(), &request.origin);
    is_ours.then_some(session)
}

/// The session that the browser has, as a login replaces it.
pub(crate) fn browsers_session(gateway: &Gateway, request: &Incoming<'_>) -> Option<Predecessor> {
    let session = request.cookies.session.as_ref()?;
    let is_proven =
        !device::is_on(&gateway.config) || device::proven(&gateway.config, request, &session.actor).is_some();
    Some(Predecessor { actor: session.actor.clone(), secret_hash: session.secret.hash(), is_proven })
}

/// What a login is for that finds a session.
pub(crate) async fn reason(gateway: &Gateway, request: &Incoming<'_>, return_to: &str) -> LoginReason {
    let navigation_from = request.navigation_from(return_to);
    let can_go_on = |secret: &Secret| CanGoOn { secret: secret.clone(), navigation_from };
    match ask_session(gateway, request, can_go_on).await {
        Ok(Err(Denied::Reauthenticate)) => LoginReason::Renewal,
        Ok(Err(Denied::Relocate)) => LoginReason::Move,
        Ok(_) | Err(_) => LoginReason::Asked,
    }
}

impl Found<'_> {
    /// What the session that is to be renewed says of its user, for the provider.
    pub(crate) async fn silent_login_hints(
        &self,
        gateway: &Gateway,
        request: &Incoming<'_>,
    ) -> Option<SilentLoginHints> {
        match &self.hints {
            Some(hints) => Some(hints.clone()),
            None => silent_login_hints(gateway, request).await,
        }
    }
}

async fn silent_login_hints(gateway: &Gateway, request: &Incoming<'_>) -> Option<SilentLoginHints> {
    let session = request.cookies.session.as_ref()?;
    let address = address::existing_session(&request.session_actor()?);
    let authority = Authority::Cookie(session.secret.clone());
    actors::ask(&*gateway.actors, &address, SilentLogin { authority }).await.ok()?
}

/// The name of the provider that the browser's session is of, or was.
async fn provider_name(gateway: &Gateway, request: &Incoming<'_>) -> Option<String> {
    let session = request.cookies.session.as_ref()?;
    let address = address::existing_session(&request.session_actor()?);
    actors::ask(&*gateway.actors, &address, GetProvider { secret: session.secret.clone() }).await.ok()?
}
