//! The answer to a login that failed. Its user may still have a session.

use crate::gateway::answer::error_page::LinkTarget;
use crate::gateway::answer::refusal;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::context::Gateway;
use crate::gateway::endpoints::session;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;

/// The answer to a login that failed and was to lead to `return_to`. The browser may still have a session that lives.
pub(crate) async fn refuse_callback(
    gateway: &Gateway,
    request: &Incoming<'_>,
    problem: &Problem,
    return_to: &str,
) -> Outgoing {
    refuse_login(gateway, request, problem, return_to, &refusal::endpoint_url(&gateway.config, "login", return_to))
        .await
}

/// The same, where `login` is the address of the login that may follow.
pub(crate) async fn refuse_login(
    gateway: &Gateway,
    request: &Incoming<'_>,
    problem: &Problem,
    return_to: &str,
    login: &str,
) -> Outgoing {
    let link = if is_live(gateway, request).await { (LinkTarget::Home, return_to) } else { (LinkTarget::LogIn, login) };
    let failed = refusal::failed(&gateway.config, request, problem);
    // What the provider offers replaces what was asked for.
    let others = problem.logins(&refusal::endpoint_url(&gateway.config, "login", return_to));
    problem.response_with_links(&failed, request.wants_page(), Some(link), &others)
}

/// Whether the browser has a session that lives.
pub(crate) async fn is_live(gateway: &Gateway, request: &Incoming<'_>) -> bool {
    request.cookies.session.is_some() && session::serve(gateway, request).await.is_ok()
}
