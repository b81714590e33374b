//! The answer to a request that does not pass: a page with a link, a problem document, or a redirect to the login. Pure.

use std::borrow::Cow;

use url::form_urlencoded;

use crate::actors::end_reason::EndReason;
use crate::config::authentication::Authentication;
use crate::config::routes::Route;
use crate::config::{Config, SameSite};
use crate::gateway::answer::captcha_page;
use crate::gateway::answer::error_page::LinkTarget;
use crate::gateway::answer::failed_request::FailedRequest;
use crate::gateway::answer::html::{self, Page};
use crate::gateway::answer::problem_response::bearer_challenge;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::device;
use crate::gateway::parked_form;
use crate::gateway::problem::Problem;
use crate::gateway::protected_resource;
use crate::gateway::request::{Incoming, route};
use crate::gateway::step_up;

/// What the gateway's own offer of another account says to `/login`, where the configuration has a prompt.
const ANOTHER_ACCOUNT: &str = "&account=another";

/// The answer to a request for an application that does not pass: a navigation is sent to log in, or to solve a captcha.
pub fn of_application(config: &Config, request: &Incoming<'_>, route: &Route, problem: &Problem) -> Outgoing {
    let response = match problem.plain() {
        Problem::LoginRequired | Problem::SessionEnded(_) if request.is_navigation() => {
            send_to_login(config, request, problem)
        }
        Problem::AuthenticationInsufficient(wanted) if request.is_navigation() => {
            send_to_step_up(config, request, route, wanted)
        }
        // A browser renews the proof before it opens a page that this site has begun to open.
        Problem::DeviceProofRequired if device::is_from_elsewhere(request) => {
            clearing(config, request, problem, opening_page(config, request, 0))
        }
        Problem::DeviceProofRequired if request.is_navigation() => send_to_login(config, request, problem),
        Problem::DeviceRequired { is_awaited: true } if request.is_navigation() => opening_page(config, request, 1),
        Problem::CaptchaRequired(_) if request.is_navigation() => {
            let here = here_or_home(config, request);
            captcha_page::challenge(config, problem, request, &here)
        }
        Problem::OtherProvider => of_with(config, request, problem, logins_of(config, request, route)),
        _ => of(config, request, problem),
    };
    if route.bearer && response.status == 401 { challenging(config, request, problem, response) } else { response }
}

/// Says where a client gets a token that the route takes.
fn challenging(config: &Config, request: &Incoming<'_>, problem: &Problem, mut response: Outgoing) -> Outgoing {
    let mut parameters = match problem.plain() {
        Problem::InvalidToken(_) => vec![("error", "\"invalid_token\"".to_owned())],
        Problem::AuthenticationInsufficient(authentication) => step_up::challenge(authentication),
        _ => Vec::new(),
    };
    parameters.push(protected_resource::challenge(config, &request.origin, request.address.path()));
    response.headers.retain(|(name, _)| *name != "www-authenticate");
    response.header("www-authenticate", &bearer_challenge(&parameters))
}

/// The answer to any other request that does not pass.
pub fn of(config: &Config, request: &Incoming<'_>, problem: &Problem) -> Outgoing {
    let others = match problem.plain() {
        Problem::Forbidden if request.wants_page() => vec![another_account(config, request)],
        // The browser may have lost the device's key.
        Problem::DeviceProofRequired if request.wants_page() => {
            vec![(endpoint_url(config, "login", config.home()), "Log in again")]
        }
        _ => Vec::new(),
    };
    of_with(config, request, problem, others)
}

/// The same, with other links on the page.
fn of_with(config: &Config, request: &Incoming<'_>, problem: &Problem, others: Vec<(String, &str)>) -> Outgoing {
    let wants_page = request.wants_page();
    let sealed = match problem.plain() {
        Problem::AuthenticationInsufficient(wanted) => sealed(config, request, wanted),
        _ => None,
    };
    let link = match problem.link_target().filter(|_| wants_page) {
        Some(LinkTarget::LogIn) => {
            let login = endpoint_url(config, "login", config.home());
            Some((
                LinkTarget::LogIn,
                [login, sealed.map_or_else(String::new, |sealed| format!("&{sealed}"))].concat().into(),
            ))
        }
        Some(LinkTarget::Again) if request.method() == "GET" => {
            Some((LinkTarget::Again, Cow::Borrowed(request.path_and_query())))
        }
        Some(LinkTarget::Again | LinkTarget::Home) => Some((LinkTarget::Home, config.home().into())),
        // A page's script knows where it wants to come back to.
        None => sealed
            .filter(|_| !wants_page)
            .map(|sealed| (LinkTarget::LogIn, format!("{}/login?{sealed}", config.auth_prefix).into())),
    };
    let link = link.as_ref().map(|(way, url)| (*way, &**url));
    let response = problem.response_with_links(&failed(config, request, problem), wants_page, link, &others);
    clearing(config, request, problem, response)
}

/// The logins that the route takes and that come back to what was asked for, each by its provider's label.
fn logins_of<'a>(config: &'a Config, request: &Incoming<'_>, route: &Route) -> Vec<(String, &'a str)> {
    let here = if request.method() == "GET" { here_or_home(config, request) } else { config.home().to_owned() };
    let login = endpoint_url(config, "login", &here);
    let taken = route.providers.iter().filter_map(|name| config.providers.named(Some(name)));
    let taken = taken.filter(|one| config.providers.may_serve(one.name.as_deref(), &request.origin));
    taken
        .map(|one| {
            (
                format!("{login}&provider={}", one.name.as_deref().unwrap_or_default()),
                one.label.as_deref().or(one.name.as_deref()).unwrap_or_default(),
            )
        })
        .collect()
}

/// The login with another account that comes back to what was asked for: its URL and its words. A form is not sent again by it.
fn another_account(config: &Config, request: &Incoming<'_>) -> (String, &'static str) {
    let here = if request.method() == "GET" { here_or_home(config, request) } else { config.home().to_owned() };
    let asked = config.providers.single().map_or_else(
        // Which provider it goes to, and how that one is asked, the login finds out.
        || ANOTHER_ACCOUNT.to_owned(),
        |single| {
            // A configured prompt holds against the query. This says that the gateway adds to it.
            let offer = if single.settings.decides("prompt") { ANOTHER_ACCOUNT } else { "" };
            format!("&prompt={}{offer}", single.settings.account_selection())
        },
    );
    (format!("{}{asked}", endpoint_url(config, "login", &here)), "Log in with another account")
}

/// What the log says of a request that fails.
pub fn failed(config: &Config, request: &Incoming<'_>, problem: &Problem) -> FailedRequest {
    FailedRequest::of(request, Some(config), problem)
}

/// A navigation that needs a session goes to log in, and comes back to the same address.
fn send_to_login(config: &Config, request: &Incoming<'_>, problem: &Problem) -> Outgoing {
    let here = here_or_home(config, request);
    // A browser does not send a strict cookie with a navigation that another site began. A page of this site starts the navigation
    // again, and then the cookie comes along.
    let from_elsewhere = request.header("sec-fetch-site").is_some_and(|site| site == "cross-site");
    if config.same_site == SameSite::Strict && from_elsewhere && request.cookies.session.is_none() {
        return opening_page(config, request, 0);
    }
    let response = Outgoing::redirect(302, &endpoint_url(config, "login", &here));
    // Of several providers, the login goes to that of the session that has ended, which its cookie names. The next session replaces it.
    if config.providers.is_table() && matches!(problem.plain(), Problem::SessionEnded(reason) if leads_back(*reason)) {
        return response;
    }
    clearing(config, request, problem, response)
}

/// Where a form's user is to log in. The login leads back to the form's address.
pub fn to_log_in(config: &Config, request: &Incoming<'_>, problem: &Problem, form: &str) -> Outgoing {
    let login = endpoint_url(config, "login", request.path_and_query());
    let response = Outgoing::redirect(303, &format!("{login}&{}={form}", parked_form::PARAMETER));
    clearing(config, request, problem, response)
}

/// Whether a user whose session has ended so wants to log in where they did.
const fn leads_back(reason: EndReason) -> bool {
    match reason {
        EndReason::Idle
        | EndReason::Expired
        | EndReason::RefreshRejected
        | EndReason::Limit
        | EndReason::Device
        | EndReason::Backchannel => true,
        EndReason::Logout | EndReason::Revoked | EndReason::Superseded | EndReason::ProviderRemoved => false,
    }
}

/// The same where the session is fine, and comes from a login that is not enough. What the route asks for, `/login` knows.
fn send_to_step_up(config: &Config, request: &Incoming<'_>, route: &Route, wanted: &Authentication) -> Outgoing {
    let here = here_or_home(config, request);
    let login = endpoint_url(config, "login", &here);
    let is_by_route = route.authentication.as_ref() == Some(wanted);
    let sealed = sealed(config, request, wanted).filter(|_| !is_by_route);
    let sealed = sealed.map_or_else(String::new, |sealed| format!("&{sealed}"));
    Outgoing::redirect(302, &[login, sealed].concat())
}

/// What tells `/login` of which kind, or how recent, the login has to be. Nobody else can tell it so.
fn sealed(config: &Config, request: &Incoming<'_>, wanted: &Authentication) -> Option<String> {
    let sealed = step_up::seal(config, &request.origin, request.isolate, wanted, false)?;
    Some(format!("{}={sealed}", step_up::PARAMETER))
}

/// A page that opens itself once more, after so many seconds.
fn opening_page(config: &Config, request: &Incoming<'_>, pause: u8) -> Outgoing {
    let here = here_or_home(config, request);
    let page = Page {
        title: "One moment",
        detail: "This page is opening …",
        link: Some((&here, "Continue")),
        refresh: Some(&here),
        pause,
        ..Default::default()
    };
    html::page(&config.brand, 200, &page)
}

/// The address that was asked for, or where the application begins if nothing could come back to that: the user came to log in, and gets
/// no error.
fn here_or_home(config: &Config, request: &Incoming<'_>) -> String {
    return_to(config, request, request.path_and_query()).unwrap_or_else(|_| config.home().to_owned())
}

/// A `return_to` as an address on this site.
pub fn return_to(config: &Config, request: &Incoming<'_>, return_to: &str) -> Result<String, Problem> {
    route::local_url(&request.origin, &config.auth_prefix, return_to)
        .ok_or(Problem::BadRequest("return_to must be an address on this site, such as /path?query."))
}

/// One of the gateway's own endpoints, with a `return_to`.
pub fn endpoint_url(config: &Config, endpoint: &str, return_to: &str) -> String {
    let return_to: String = form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
    format!("{}/{endpoint}?return_to={return_to}", config.auth_prefix)
}

/// Removes the cookie of a session that has ended. If it was superseded, its successor's cookie may be on the way. A proof that is not
/// good is removed, so that the browser renews it.
fn clearing(config: &Config, request: &Incoming<'_>, problem: &Problem, response: Outgoing) -> Outgoing {
    match problem.plain() {
        Problem::SessionEnded(EndReason::Superseded) => response,
        Problem::SessionEnded(_) => response.cookie(&request.jar().clear_session(config.same_site)),
        Problem::DeviceProofRequired => response.cookie(&request.jar().clear_bound()),
        _ => response,
    }
}
