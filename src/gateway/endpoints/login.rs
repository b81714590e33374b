//! `/login`: a login begins. Nobody but the browser remembers it: no actor is asked, and nothing is written, before its
//! callback.

use crate::actors;
use crate::actors::session::address;
use crate::actors::session::attempt::{Attempt, LoginReason, Predecessor};
use crate::actors::session::message::{
    Authority, CanGoOn, Denied, GetView, SignInError, SilentLogin, SilentLoginHints,
};
use crate::config::authentication::Authentication;
use crate::credential::Secret;
use crate::gateway::answer::refusal;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::ask_session::{ask_session, is_of_another_device};
use crate::gateway::context::Gateway;
use crate::gateway::endpoints::login_limit;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::gateway::request::cookie::LOGINS_KEPT;
use crate::gateway::request::login_cookie::{self, MAX_KEPT_ORGANIZATION};
use crate::gateway::request::parameters::Parameters;
use crate::gateway::step_up;
use crate::provider::Provider;
use crate::provider::requests::Authorization;

/// Parameters of `/login` that are handed on to the provider.
const HINTS: [&str; 7] =
    ["prompt", "login_hint", "screen_hint", "organization", "connection", "ui_locales", "domain_hint"];
/// The longest of their values, in characters.
const MAX_HINT: usize = 512;

/// Begins a login. Nothing else does.
pub(crate) async fn serve(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    // Otherwise an image, a prefetch or a script of any site could begin logins, and push out those that are open.
    if !request.is_navigation() {
        return Err(Problem::BadRequest("To log in, open this address in a browser window."));
    }
    let query = request.query();
    let home = gateway.config.home();
    let return_to = query.get("return_to").filter(|to| !to.is_empty()).unwrap_or(home);
    let return_to = refusal::return_to(&gateway.config, request, return_to)?;
    let mut hints = hints(gateway, &query)?;
    // A visitor cannot change what the operator has decided.
    hints.retain(|(name, _)| !gateway.config.provider.decides(name));
    // The gateway's own offer of another account adds to the configured prompt. Whoever else says so changes nothing of that either.
    if gateway.config.provider.decides("prompt") && query.get("account") == Some("another") {
        hints.push(("prompt".to_owned(), gateway.config.provider.prompt_for_another_account()));
    }
    login_limit::check(gateway, request).await?;

    // A session that has run out of tokens is renewed without a form where the provider still knows the user.
    let is_asked = hints.iter().any(|(name, _)| name == "prompt");
    let is_of_another_device = is_of_another_device(gateway, request).await;
    let reason = match &request.cookies.session {
        Some(_) if !is_asked && !is_of_another_device => reason(gateway, request, &return_to).await,
        _ => LoginReason::Asked,
    };
    let authentication = step_up::of_login(&gateway.config, request, &return_to, query.get(step_up::PARAMETER))
        .filter(|_| !is_asked_none(&hints));
    if let Some(wanted) = &authentication
        && reason == LoginReason::Asked
        && !is_asked
        && falls_short(gateway, request, wanted).await
    {
        hints.push(("prompt".to_owned(), gateway.config.provider.prompt_with("login")));
    }
    let predecessor = browsers_session(request).filter(|_| !is_of_another_device);
    let begun = begin(gateway, request, return_to.clone(), hints, authentication, reason, predecessor).await;
    match begun {
        // The session is fine where it is.
        Err(_) if reason == LoginReason::Move => Ok(Outgoing::redirect(302, &return_to)),
        begun => begun,
    }
}

async fn begin(
    gateway: &Gateway,
    request: &Incoming<'_>,
    return_to: String,
    mut hints: Vec<(String, String)>,
    authentication: Option<Authentication>,
    reason: LoginReason,
    predecessor: Option<Predecessor>,
) -> Result<Outgoing, Problem> {
    // The organization has a field of its own, against which tokens are checked.
    let has_place = |name: &str| name == "organization" && gateway.config.provider.checks_organization();
    let kept = hints.iter().filter(|(name, _)| name != "prompt" && !has_place(name)).cloned().collect();
    let mut id_token_hint = None;
    if reason != LoginReason::Asked {
        hints.retain(|(name, _)| name != "prompt");
        hints.push(("prompt".to_owned(), "none".to_owned()));
        if let Some(SilentLoginHints { id_token, organization }) = silent_login_hints(gateway, request).await {
            id_token_hint = Some(id_token).filter(|hint| !hint.is_empty());
            // The session is to go on in its organization.
            let is_said =
                hints.iter().any(|(name, _)| name == "organization") || gateway.config.provider.decides("organization");
            hints.extend(organization.filter(|_| !is_said).map(|id| ("organization".to_owned(), id)));
        }
    }
    let is_asked = reason == LoginReason::Asked;
    if let Some(Authentication { acr, max_age }) = &authentication {
        hints.extend((!acr.is_empty()).then(|| ("acr_values".to_owned(), acr.join(" "))));
        // A silent login brings what the provider knows of the user, however old.
        let max_age = max_age.filter(|_| is_asked);
        hints.extend(max_age.map(|age| ("max_age".to_owned(), age.to_string())));
    }
    let hint = |wanted: &str| hints.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let attempt = Attempt {
        actor: address::new_session_id(&*gateway.actors, gateway.config.regions.jurisdiction)?,
        began_at: gateway.now(),
        state: secret(gateway)?,
        nonce: secret(gateway)?,
        code_verifier: secret(gateway)?,
        return_to,
        predecessor,
        reason,
        prompt_none: hint("prompt").as_deref() == Some("none"),
        organization: hint("organization").filter(|_| gateway.config.provider.checks_organization()),
        authentication: authentication.filter(|_| is_asked),
        hints: kept,
    };
    let name = gateway.link.isolate.random_bytes().map(u32::from_le_bytes).ok_or(Problem::StoreUnavailable)?;
    let name = format!("{name:08x}");
    let authorization = Authorization {
        redirect_uri: &redirect_uri(gateway, request),
        state: &format!("{name}.{}", attempt.state.expose()),
        nonce: &attempt.nonce.expose(),
        code_verifier: &attempt.code_verifier.expose(),
        hints: &hints,
        resources: &gateway.config.resources(),
        id_token_hint: id_token_hint.as_deref(),
    };
    let provider = Provider::new(&gateway.config, gateway.link.clone());
    let url = provider.authorization_url(gateway.now(), &authorization).await.map_err(SignInError::from)?;

    let nonce = gateway.link.isolate.random_bytes().ok_or(Problem::StoreUnavailable)?;
    let value = login_cookie::seal(&gateway.config.login_keys, &request.origin, &name, nonce, attempt);
    let value = value.ok_or(Problem::StoreUnavailable)?;
    let (jar, posted) = (request.jar(), gateway.config.provider.form_post());
    // The cookie lives for twice the timeout. So a login that comes back too late is still known, and leads where the user wanted to go.
    let life = gateway.config.lifetimes.login.saturating_mul(2);
    let mut response = Outgoing::redirect(302, &url).cookie(&jar.set_login(&name, value, posted, life));
    let surplus = request.cookies.logins.len().saturating_add(1).saturating_sub(LOGINS_KEPT);
    for (oldest, _) in request.cookies.logins.iter().take(surplus) {
        response = response.cookie(&jar.clear_login(oldest, posted));
    }
    Ok(response)
}

fn hints(gateway: &Gateway, query: &Parameters) -> Result<Vec<(String, String)>, Problem> {
    let is_kept = gateway.config.provider.checks_organization();
    let given = HINTS.into_iter().filter_map(|name| Some((name, query.get(name).filter(|value| !value.is_empty())?)));
    given
        .map(|(name, value)| match name {
            // Tokens are checked against it, so it has to fit into the cookie.
            "organization" if is_kept && value.len() > MAX_KEPT_ORGANIZATION => {
                Err(Problem::ParameterTooLong { name, limit: MAX_KEPT_ORGANIZATION })
            }
            _ if value.chars().nth(MAX_HINT).is_some() => Err(Problem::ParameterTooLong { name, limit: MAX_HINT }),
            _ => Ok((name.to_owned(), value.to_owned())),
        })
        .collect()
}

/// Whether nobody is to see anything of the login: it brings what the provider knows.
fn is_asked_none(hints: &[(String, String)]) -> bool {
    hints.iter().any(|(name, value)| name == "prompt" && value == "none")
}

/// Whether the browser's session comes from a login of another kind, or from too long ago.
async fn falls_short(gateway: &Gateway, request: &Incoming<'_>, wanted: &Authentication) -> bool {
    let asked = ask_session(gateway, request, |secret| GetView { secret: secret.clone() }).await;
    let Ok(Ok(view)) = asked else { return false };
    let claims = serde_json::from_str(&view.claims).unwrap_or_default();
    !wanted.is_met(&claims, gateway.now())
}

/// What a login is for that finds a session.
async fn reason(gateway: &Gateway, request: &Incoming<'_>, return_to: &str) -> LoginReason {
    let navigation_from = request.navigation_from(return_to);
    let can_go_on = |secret: &Secret| CanGoOn { secret: secret.clone(), navigation_from };
    match ask_session(gateway, request, can_go_on).await {
        Ok(Err(Denied::Reauthenticate)) => LoginReason::Renewal,
        Ok(Err(Denied::Relocate)) => LoginReason::Move,
        Ok(_) | Err(_) => LoginReason::Asked,
    }
}

/// What the session that is to be renewed says of its user, for the provider.
async fn silent_login_hints(gateway: &Gateway, request: &Incoming<'_>) -> Option<SilentLoginHints> {
    let session = request.cookies.session.as_ref()?;
    let address = address::existing_session(&request.session_actor()?);
    let authority = Authority::Cookie(session.secret.clone());
    actors::ask(&*gateway.actors, &address, SilentLogin { authority }).await.ok()?
}

/// The session that the browser has, as a login replaces it.
pub(crate) fn browsers_session(request: &Incoming<'_>) -> Option<Predecessor> {
    let session = request.cookies.session.as_ref()?;
    Some(Predecessor { actor: session.actor.clone(), secret_hash: session.secret.hash() })
}

/// `redirect_uri` at the origin that the browser sees.
pub(crate) fn redirect_uri(gateway: &Gateway, request: &Incoming<'_>) -> String {
    format!("{}{}/callback", request.origin.text, gateway.config.auth_prefix)
}

fn secret(gateway: &Gateway) -> Result<Secret, Problem> {
    gateway.link.isolate.random_bytes().map(Secret::from_random).ok_or(Problem::StoreUnavailable)
}
