//! `/callback`: a login comes back. Its cookie and `state` are checked here, so that no actor is asked for what fits no login;
//! the rest is the actor's.

use subtle::ConstantTimeEq as _;
use time::Duration;
use url::form_urlencoded;

use crate::actors::session::address;
use crate::actors::session::attempt::Attempt;
use crate::actors::session::message::{Callback, Complete, Completed, Credential, SignInError};
use crate::actors::session::sign_in::expired;
use crate::actors::summary::UserPlace;
use crate::actors::{self, AskError};
use crate::ambient;
use crate::config::{NamedProvider, SameSite};
use crate::device::ChallengeKind;
use crate::gateway::answer::html::{self, Page};
use crate::gateway::answer::refusal;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::ask_session::took_too_long;
use crate::gateway::context::Gateway;
use crate::gateway::device;
use crate::gateway::endpoints::failed_login::{self, LoginLinks};
use crate::gateway::endpoints::login;
use crate::gateway::forward::parking;
use crate::gateway::parked_form;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::gateway::request::login_cookie::{self, Scope};
use crate::gateway::request::parameters::Parameters;
use crate::gateway::step_up;

/// The longest part of `User-Agent` that is kept, in characters.
const MAX_USER_AGENT: usize = 256;

/// A login came back, by GET or (`response_mode=form_post`) by POST.
pub(crate) async fn serve(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    let at = provider_of(gateway, request)?;
    let parameters = if request.method() == "POST" { request.form().await? } else { request.query() };
    let callback = callback(&parameters)?;
    let state = parameters.only("state")?;
    let state =
        state.ok_or_else(|| Problem::CallbackRejected("the login provider's answer has no state".to_owned()))?;
    let (name, attempt) = attempt(gateway, request, at, state).ok_or_else(|| no_attempt(at))?;
    // Parameters that come with the state of a login are the provider's. Others may be anybody's, and the log does not repeat them.
    request.remark(callback.said(attempt.secrets().into_iter().chain([state.to_owned()])));
    let next = next_logins(gateway, request, at, &attempt);
    let response = match complete(gateway, request, at, attempt, callback, &next).await {
        Ok(response) => response,
        Err(problem) => failed_login::refuse_login(gateway, request, &problem, &next.links).await,
    };
    Ok(response.cookie(&request.jar().clear_login(&name, at.settings.form_post())))
}

/// No login of this browser's came back. Of several providers, none gets another's code by sending the user there with the state of its own
/// login (RFC 9700 section 4.4): such a login is not found here.
fn no_attempt(at: &NamedProvider) -> Problem {
    let why = match at.name {
        None => "it began in another browser, or too long ago (state)",
        Some(_) => "it began in another browser, at another login provider, or too long ago (state)",
    };
    Problem::CallbackRejected(why.to_owned())
}

/// The provider whose callback this is.
fn provider_of<'a>(gateway: &'a Gateway, request: &Incoming<'_>) -> Result<&'a NamedProvider, Problem> {
    let path = request.address.path().strip_prefix(gateway.config.auth_prefix.as_str()).unwrap_or_default();
    let name = path.strip_prefix("/callback/");
    gateway.config.providers.named(name).ok_or(Problem::NotFound)
}

/// The login of this browser that `state` belongs to, and its cookie's name.
fn attempt(gateway: &Gateway, request: &Incoming<'_>, at: &NamedProvider, state: &str) -> Option<(String, Attempt)> {
    let (name, secret) = state.split_once('.')?;
    let (_, value) = request.cookies.logins.iter().find(|(known, _)| known == name)?;
    let scope = Scope { origin: &request.origin, name, provider: at.name.as_deref() };
    let attempt = login_cookie::open(&gateway.config.login_keys, scope, value.as_deref()?)?;
    let fits = attempt.state.expose().as_bytes().ct_eq(secret.as_bytes());
    bool::from(fits).then(|| (name.to_owned(), attempt))
}

/// The logins that can follow one, at the same provider, for the same form and organization.
struct NextLogins {
    /// Where the page of one that failed leads.
    links: LoginLinks,
    /// After a silent one, with the parameters that it had no room for.
    hinted: String,
    /// After one that was not of the kind, or not as recent, as it had to be: once, a provider that still knows the user is to ask again.
    stronger: Option<String>,
}

fn next_logins(gateway: &Gateway, request: &Incoming<'_>, at: &NamedProvider, attempt: &Attempt) -> NextLogins {
    let seal = |asks_anew| {
        let wanted = attempt.authentication.as_ref()?;
        step_up::seal(&gateway.config, &request.origin, request.isolate, wanted, asks_anew)
    };
    let with = |url: &str, sealed: Option<String>| {
        let mut url = form_urlencoded::Serializer::new(url.to_owned());
        url.extend_pairs(sealed.map(|sealed| (step_up::PARAMETER, sealed)));
        url.finish()
    };
    let mut bare =
        form_urlencoded::Serializer::new(refusal::endpoint_url(&gateway.config, "login", &attempt.return_to));
    bare.extend_pairs(at.name.iter().map(|name| ("provider", name)));
    bare.extend_pairs(attempt.form.iter().map(|id| (parked_form::PARAMETER, id)));
    let bare = bare.finish();
    let mut again = form_urlencoded::Serializer::new(bare.clone());
    again.extend_pairs(attempt.organization.iter().map(|id| ("organization", id)));
    let again = again.finish();
    let hinted = form_urlencoded::Serializer::new(again.clone()).extend_pairs(&attempt.hints).finish();
    let stronger = if attempt.asks_anew { None } else { seal(true).map(|sealed| with(&hinted, Some(sealed))) };
    let links = LoginLinks {
        return_to: attempt.return_to.clone(),
        again: with(&again, seal(false)),
        bare: with(&bare, seal(false)),
    };
    NextLogins { links, hinted, stronger }
}

async fn complete(
    gateway: &Gateway,
    request: &Incoming<'_>,
    at: &NamedProvider,
    attempt: Attempt,
    callback: Callback,
    next: &NextLogins,
) -> Result<Outgoing, Problem> {
    if attempt.has_expired(gateway.now(), gateway.config.lifetimes.login) {
        return Err(expired().into());
    }
    let jar = request.jar();
    let (actor, return_to, form) = (attempt.actor.clone(), attempt.return_to.clone(), attempt.form.clone());
    let authentication = attempt.authentication.clone();
    let predecessor = attempt.predecessor.as_ref().map(|predecessor| predecessor.actor.clone());
    let place = user_place(gateway, request, at);
    let address = address::session_near(&actor, place.region);
    let of_session = login::session_provider(gateway, request).await;
    let replaces = login::replaced(gateway, request, of_session.as_ref()).await;
    let redirect_uri = login::redirect_uri(gateway, request, at.name.as_deref());
    let complete = Complete { attempt: Box::new(attempt), callback, redirect_uri, place, replaces };
    let completed = match actors::ask(&*gateway.actors, &address, complete).await {
        // The namespace is another one: the gateway was deployed to another place in the meantime.
        Err(AskError::NoSuchActor) => Err(SignInError::CallbackRejected("it began too long ago".to_owned())),
        completed => completed?,
    };
    if let (Err(SignInError::AuthenticationInsufficient(_)), Some(stronger)) = (&completed, &next.stronger) {
        return Ok(Outgoing::redirect(303, stronger));
    }
    Ok(match completed? {
        Completed::SignedIn { secret, region, expires_at } => {
            let session = Credential { actor, secret };
            let life = ambient::between(gateway.now(), expires_at).max(Duration::ZERO);
            let took_too_long = match &authentication {
                Some(wanted) => took_too_long(gateway, &address, &session.secret, wanted).await,
                None => false,
            };
            let on = if took_too_long {
                too_late_for_page(gateway, &next.links.again)
            } else {
                parking::page(gateway, request, &return_to, form.as_deref())
                    .unwrap_or_else(|| go_on(gateway, &return_to))
            };
            let on = on.cookie(&jar.set_session(region, &session, gateway.config.same_site, life));
            // The session is offered to be bound to the device, and what was proved of another session's is of no use.
            if request.origin.https && device::is_on(&gateway.config) {
                let challenge =
                    gateway.config.device.keys.challenge(ChallengeKind::Register, &session.actor, gateway.now());
                request.offer.replace(challenge);
            }
            if request.cookies.bound.is_some() { on.cookie(&jar.clear_bound()) } else { on }
        }
        Completed::NotSignedIn | Completed::Kept => Outgoing::redirect(303, &return_to),
        // Another tab has logged in in the meantime. (A strict cookie does not come along with this request.)
        Completed::LoginNeeded { .. } if request.session_actor().is_some_and(|actor| predecessor != Some(actor)) => {
            Outgoing::redirect(303, &return_to)
        }
        Completed::LoginNeeded { ended } => {
            let login = Outgoing::redirect(303, &next.hinted);
            // The cookie of a session that has ended would ask for a silent login again.
            if ended { login.cookie(&jar.clear_session(gateway.config.same_site)) } else { login }
        }
    })
}

fn user_place(gateway: &Gateway, request: &Incoming<'_>, at: &NamedProvider) -> UserPlace {
    UserPlace {
        region: request.region(gateway.config.regions.default),
        country: request.place().country,
        user_agent: request.header("user-agent").map(|text| text.chars().take(MAX_USER_AGENT).collect()),
        provider: at.name.clone(),
    }
}

/// Sends the browser on after a login. A strict cookie is not sent along a redirect that began at the provider,
/// so that a page of this site has to start the next request.
fn go_on(gateway: &Gateway, return_to: &str) -> Outgoing {
    match gateway.config.same_site {
        SameSite::Lax => Outgoing::redirect(303, return_to),
        SameSite::Strict => html::page(
            &gateway.config.brand,
            200,
            &Page {
                title: "Logged in",
                detail: "One moment …",
                link: Some((return_to, "Continue")),
                refresh: Some(return_to),
                ..Page::default()
            },
        ),
    }
}

/// Says that the login took longer than the page allows that it was for. A redirect there would lead to the next login, and the user in
/// circles.
fn too_late_for_page(gateway: &Gateway, again: &str) -> Outgoing {
    let page = Page {
        title: "Login took too long",
        detail: "You are logged in. The page that you wanted to open needs a more recent login: too much time went by before you came back.",
        next: "Log in once more, and do not wait on the way.",
        link: Some((again, "Log in again")),
        other: Some((gateway.config.home(), "Back to the application")),
        ..Page::default()
    };
    html::page(&gateway.config.brand, 200, &page)
}

fn callback(parameters: &Parameters) -> Result<Callback, Problem> {
    let text = |name: &str| Ok::<_, Problem>(parameters.only(name)?.map(str::to_owned));
    Ok(Callback {
        code: text("code")?,
        iss: text("iss")?,
        error: text("error")?,
        error_description: text("error_description")?,
    })
}
