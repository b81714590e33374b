//! `/logout` and `/logged-out`: the session ends here first, then at the provider, and the browser comes back.
//!
//! Only a cookie of the browser's holds the way back. So it works with every provider, whether it returns `state` or not.

use subtle::ConstantTimeEq as _;

use crate::actors::end_reason::EndReason;
use crate::actors::session::message::{Authority, Denied, Logout, Revoke};
use crate::credential::Secret;
use crate::gateway::answer::html::{self, Page};
use crate::gateway::answer::refusal;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::ask_session::ask_by_cookie_alone;
use crate::gateway::context::Gateway;
use crate::gateway::endpoints::failed_login;
use crate::gateway::endpoints::login;
use crate::gateway::problem::Problem;
use crate::gateway::request::{Incoming, return_cookie};

/// Ends the session. A GET does so only if this site itself, or the user, opened it.
pub(crate) async fn serve(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    let query = request.query();
    let form = if request.method() == "POST" { Some(request.form().await?) } else { None };
    let return_to = form
        .as_ref()
        .and_then(|form| form.get("return_to"))
        .or_else(|| query.get("return_to"))
        .filter(|to| !to.is_empty());
    let return_to = return_to.map(|to| refusal::return_to(&gateway.config, request, to)).transpose()?;
    if request.method() == "GET" && !is_own_navigation(request) {
        return Ok(confirmation(gateway, return_to.as_deref(), failed_login::is_live(gateway, request).await));
    }

    let logged_out = format!("{}/logged-out", gateway.config.auth_prefix);
    let state = gateway.link.isolate.random_bytes().map(Secret::from_random).ok_or(Problem::StoreUnavailable)?;
    let logout = Logout {
        post_logout_redirect_uri: format!("{}{logged_out}", request.origin.text),
        state: state.clone(),
        is_proven: login::browsers_session(gateway, request).is_some_and(|session| session.is_proven),
    };
    let revoke = |secret: &Secret| Revoke {
        authority: Authority::Cookie(secret.clone()),
        reason: EndReason::Logout,
        logout: Some(logout.clone()),
    };
    let mut end_session_url = None;
    match ask_by_cookie_alone(gateway, request, revoke).await {
        Ok(Ok(revoked)) => end_session_url = revoked.end_session_url,
        Ok(Err(Denied::StoreUnavailable | Denied::Moved(_))) => return Err(Problem::StoreUnavailable),
        // There is nothing left to end.
        Ok(Err(
            Denied::Unknown
            | Denied::Ended(_)
            | Denied::Reauthenticate
            | Denied::Relocate
            | Denied::TargetRefused
            | Denied::ProviderUnavailable { .. }
            | Denied::OtherProvider,
        ))
        | Err(Problem::LoginRequired) => {}
        Err(problem) => return Err(problem),
    }
    let jar = request.jar();
    // An earlier logout may have left a way back, which is not this one's.
    let stale = request.cookies.way_back.as_ref().map(|_| jar.clear_return());
    let (next, way_back) = match (end_session_url, return_to) {
        (Some(url), Some(return_to)) => (url, Some(jar.set_return(return_cookie::value(&state, &return_to)))),
        (Some(url), None) => (url, stale),
        (None, return_to) => (return_to.unwrap_or(logged_out), stale),
    };
    let response = Outgoing::redirect(303, &next);
    let response = way_back.into_iter().fold(response, |response, line| response.cookie(&line));
    let response = response.cookie(&jar.clear_session(gateway.config.same_site));
    Ok(if request.cookies.bound.is_some() { response.cookie(&jar.clear_bound()) } else { response })
}

fn is_own_navigation(request: &Incoming<'_>) -> bool {
    let site = request.header("sec-fetch-site");
    request.is_navigation() && matches!(site, Some("same-origin" | "none"))
}

/// A page with a button: the answer to a link on another site, or to an image. A strict cookie does not come along from there,
/// so that a user may have a session although the request shows none.
fn confirmation(gateway: &Gateway, return_to: Option<&str>, live: bool) -> Outgoing {
    let logout = format!("{}/logout", gateway.config.auth_prefix);
    let action = return_to.map_or(logout, |to| refusal::endpoint_url(&gateway.config, "logout", to));
    let page = Page {
        title: "Log out?",
        detail: if live {
            "Another page asked to log you out. You are still logged in."
        } else {
            "Another page asked to log you out. You do not seem to be logged in here; to be sure, press the button."
        },
        form: Some((&action, "Log out")),
        link: Some((gateway.config.home(), if live { "Stay logged in" } else { "Back to the application" })),
        ..Page::default()
    };
    html::page(&gateway.config.brand, 200, &page)
}

/// The browser is back from the provider.
pub(crate) fn logged_out(gateway: &Gateway, request: &Incoming<'_>) -> Outgoing {
    let jar = request.jar();
    let response = match way_back(gateway, request) {
        Some(return_to) => Outgoing::redirect(303, &return_to),
        None => html::page(
            &gateway.config.brand,
            200,
            &Page {
                title: "Logged out",
                detail: "You are logged out.",
                link: Some((gateway.config.home(), "Back to the application")),
                ..Page::default()
            },
        ),
    };
    if request.cookies.way_back.is_some() { response.cookie(&jar.clear_return()) } else { response }
}

/// Where the logout goes on to, as the browser's cookie says. None: the `state` is another logout's.
fn way_back(gateway: &Gateway, request: &Incoming<'_>) -> Option<String> {
    let (state, return_to) = return_cookie::read(request.cookies.way_back.as_deref()?)?;
    if let Some(given) = request.query().get("state")
        && !bool::from(given.as_bytes().ct_eq(state.as_bytes()))
    {
        return None;
    }
    refusal::return_to(&gateway.config, request, &return_to).ok()
}
