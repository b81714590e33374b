//! `/login`: a login begins. Nobody but the browser remembers it: no actor is asked, and nothing is written, before its
//! callback.

use crate::actors;
use crate::actors::session::address;
use crate::actors::session::attempt::{Attempt, LoginReason, Predecessor};
use crate::actors::session::message::{
    Authority, CanGoOn, Denied, GetProvider, SessionProvider, SignInError, SilentLogin, SilentLoginHints,
};
use crate::config::NamedProvider;
use crate::config::authentication::Authentication;
use crate::credential::Secret;
use crate::gateway::answer::refusal;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::ask_session::{ask_session, is_proven, meets};
use crate::gateway::context::Gateway;
use crate::gateway::endpoints::login_hints::hints;
use crate::gateway::endpoints::login_limit;
use crate::gateway::endpoints::login_provider::{self, Candidates};
use crate::gateway::parked_form;
use crate::gateway::problem::Problem;
use crate::gateway::request::cookie::LOGINS_KEPT;
use crate::gateway::request::login_cookie::{self, Scope};
use crate::gateway::request::{Incoming, route};
use crate::gateway::step_up::{self, StepUp};
use crate::provider::Provider;
use crate::provider::requests::Authorization;

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
    let route = route::of_login(&gateway.config, &request.origin, &return_to, parked_form::of_login(&query).is_some());
    let candidates = Candidates::of(gateway, request, &query, route)?;
    if candidates.usual.is_none() && request.cookies.session.is_none() {
        return login_provider::chooser(gateway, &query, &candidates.all, &return_to);
    }
    let StepUp { authentication, asks_anew } =
        step_up::of_login(&gateway.config, request, route, query.get(step_up::PARAMETER));
    // What is wrong with a parameter is said before anybody is asked.
    let usual = candidates.usual.map(|usual| hints(usual, &query)).transpose()?;
    login_limit::check(gateway, request).await?;

    // A session that has run out of tokens is renewed without a form where its provider still knows the user.
    let last = session_provider(gateway, request).await;
    let predecessor = replaced(gateway, request, last.as_ref()).await;
    let own = last.as_ref().filter(|last| last.lives).map(|last| last.provider);
    if let Some(own) = own.filter(|own| candidates.has(own)) {
        let hints = hints(own, &query)?;
        let is_asked = hints.iter().any(|(name, _)| name == "prompt");
        let reason = if is_asked { LoginReason::Asked } else { reason(gateway, request, &return_to).await };
        if reason != LoginReason::Asked {
            let stays_at = return_to.clone();
            let start = Start { provider: own, return_to, hints, authentication, reason, predecessor };
            return match begin(gateway, request, start).await {
                // The session is fine where it is.
                Err(_) if reason == LoginReason::Move => Ok(Outgoing::redirect(302, &stays_at)),
                begun => begun,
            };
        }
    }
    let (provider, mut hints) = match candidates.usual.zip(usual) {
        Some(usual) => usual,
        // The one that was used last in this browser.
        None => match last.map(|last| last.provider).filter(|last| candidates.has(last)) {
            Some(last) => (last, hints(last, &query)?),
            None => return login_provider::chooser(gateway, &query, &candidates.all, &return_to),
        },
    };
    let authentication = authentication.filter(|_| !is_asked_none(&hints));
    let is_asked = hints.iter().any(|(name, _)| name == "prompt");
    if let Some(wanted) = authentication.as_ref().filter(|_| !is_asked) {
        // The provider may still know the user. By itself it would not ask again.
        let falls_short = predecessor.is_some() && meets(gateway, request, wanted).await == Some(false);
        if asks_anew || falls_short {
            hints.push(("prompt".to_owned(), provider.settings.prompt_with("login")));
        }
    }
    let reason = LoginReason::Asked;
    begin(gateway, request, Start { provider, return_to, hints, authentication, reason, predecessor }).await
}

/// A login that is to begin.
struct Start<'a> {
    provider: &'a NamedProvider,
    return_to: String,
    hints: Vec<(String, String)>,
    authentication: Option<Authentication>,
    reason: LoginReason,
    predecessor: Option<Predecessor>,
}

async fn begin(gateway: &Gateway, request: &Incoming<'_>, start: Start<'_>) -> Result<Outgoing, Problem> {
    let Start { provider: at, return_to, mut hints, authentication, reason, predecessor } = start;
    let NamedProvider { name: at, settings, .. } = at;
    // The organization has a field of its own, against which tokens are checked.
    let has_place = |name: &str| name == "organization" && settings.checks_organization();
    let kept = hints.iter().filter(|(name, _)| name != "prompt" && !has_place(name)).cloned();
    let mut kept: Vec<(String, String)> = kept.collect();
    let mut id_token_hint = None;
    if reason != LoginReason::Asked {
        // Where the provider has to see the user after all, that login is to be the one that was asked for.
        let seal = |wanted| step_up::seal(&gateway.config, &request.origin, &*gateway.link.isolate, wanted, false);
        kept.extend(authentication.as_ref().and_then(seal).map(|sealed| (step_up::PARAMETER.to_owned(), sealed)));
        hints.retain(|(name, _)| name != "prompt");
        hints.push(("prompt".to_owned(), "none".to_owned()));
        if let Some(SilentLoginHints { id_token, organization }) = silent_login_hints(gateway, request).await {
            id_token_hint = Some(id_token).filter(|hint| !hint.is_empty());
            // The session is to go on in its organization.
            let is_said = hints.iter().any(|(name, _)| name == "organization") || settings.decides("organization");
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
        organization: hint("organization").filter(|_| settings.checks_organization()),
        form: parked_form::of_login(&request.query()),
        authentication: authentication.filter(|_| is_asked),
        asks_anew: hint("prompt").is_some_and(|prompt| prompt.split(' ').any(|value| value == "login")),
        hints: kept,
    };
    let name = gateway.link.isolate.random_bytes().map(u32::from_le_bytes).ok_or(Problem::StoreUnavailable)?;
    // An odd number: the even one of all zeros names the cookie of a form that waits.
    let name = name | 1;
    let name = format!("{name:08x}");
    let authorization = Authorization {
        redirect_uri: &redirect_uri(gateway, request, at.as_deref()),
        state: &format!("{name}.{}", attempt.state.expose()),
        nonce: &attempt.nonce.expose(),
        code_verifier: &attempt.code_verifier.expose(),
        hints: &hints,
        resources: &gateway.config.resources(at.as_deref()),
        id_token_hint: id_token_hint.as_deref(),
    };
    let provider = Provider::new(settings, gateway.link.clone());
    let url = provider.authorization_url(gateway.now(), &authorization).await.map_err(SignInError::from)?;

    let nonce = gateway.link.isolate.random_bytes().ok_or(Problem::StoreUnavailable)?;
    let scope = Scope { origin: &request.origin, name: &name, provider: at.as_deref() };
    let value = login_cookie::seal(&gateway.config.login_keys, scope, nonce, attempt);
    let value = value.ok_or(Problem::StoreUnavailable)?;
    let (jar, posted) = (request.jar(), settings.form_post());
    // The cookie lives for twice the timeout. So a login that comes back too late is still known, and leads where the user wanted to go.
    let life = gateway.config.lifetimes.login.saturating_mul(2);
    let mut response = Outgoing::redirect(302, &url).cookie(&jar.set_login(&name, value, posted, life));
    let surplus = request.cookies.logins.len().saturating_add(1).saturating_sub(LOGINS_KEPT);
    let logins = request.cookies.logins.iter().filter(|(name, _)| name != parked_form::COOKIE);
    for (oldest, _) in logins.take(surplus) {
        response = response.cookie(&jar.clear_login(oldest, posted));
    }
    Ok(response)
}

/// Whether nobody is to see anything of the login: it brings what the provider knows.
fn is_asked_none(hints: &[(String, String)]) -> bool {
    hints.iter().any(|(name, value)| name == "prompt" && value == "none")
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

/// The provider of the session that the browser has, or had last.
pub(crate) struct OfSession<'a> {
    provider: &'a NamedProvider,
    lives: bool,
}

/// Where there are several providers, the session says.
pub(crate) async fn session_provider<'a>(gateway: &'a Gateway, request: &Incoming<'_>) -> Option<OfSession<'a>> {
    let session = request.cookies.session.as_ref()?;
    if let Some(single) = gateway.config.providers.single() {
        return Some(OfSession { provider: single, lives: true });
    }
    let get = GetProvider { secret: session.secret.clone() };
    let SessionProvider { name, lives } =
        actors::ask(&*gateway.actors, &address::existing_session(&session.actor), get).await.ok()??;
    gateway.config.providers.named(name.as_deref()).map(|provider| OfSession { provider, lives })
}

/// The session whose place a login takes. One of another host's, whose cookie somebody brought here, is none here.
pub(crate) async fn replaced(
    gateway: &Gateway,
    request: &Incoming<'_>,
    of: Option<&OfSession<'_>>,
) -> Option<Predecessor> {
    let is_foreign =
        |of: &&OfSession<'_>| !gateway.config.providers.may_serve(of.provider.name.as_deref(), &request.origin);
    let session = request.cookies.session.as_ref().filter(|_| of.filter(is_foreign).is_none())?;
    let is_proven = is_proven(gateway, request).await;
    Some(Predecessor { actor: session.actor.clone(), secret_hash: session.secret.hash(), is_proven })
}

/// What the session that is to be renewed says of its user, for the provider.
async fn silent_login_hints(gateway: &Gateway, request: &Incoming<'_>) -> Option<SilentLoginHints> {
    let session = request.cookies.session.as_ref()?;
    let address = address::existing_session(&request.session_actor()?);
    let authority = Authority::Cookie(session.secret.clone());
    actors::ask(&*gateway.actors, &address, SilentLogin { authority }).await.ok()?
}

/// `redirect_uri` at the origin that the browser sees. Each named provider has one of its own, so that no answer of one is taken for
/// another's (RFC 9700 section 4.4.2.2).
pub(crate) fn redirect_uri(gateway: &Gateway, request: &Incoming<'_>, provider: Option<&str>) -> String {
    let name = provider.map(|name| format!("/{name}")).unwrap_or_default();
    format!("{}{}/callback{name}", request.origin.text, gateway.config.auth_prefix)
}

fn secret(gateway: &Gateway) -> Result<Secret, Problem> {
    gateway.link.isolate.random_bytes().map(Secret::from_random).ok_or(Problem::StoreUnavailable)
}
