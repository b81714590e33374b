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
    let login = refusal::endpoint_url(&gateway.config, "login", return_to);
    let links = LoginLinks { return_to: return_to.to_owned(), again: login.clone(), bare: login };
    refuse_login(gateway, request, problem, &links).await
}

/// Where the page of a login that failed leads.
pub(crate) struct LoginLinks {
    /// Where the login was to lead.
    pub(crate) return_to: String,
    /// The address of the login that may follow.
    pub(crate) again: String,
    /// The same without what was asked of the provider.
    pub(crate) bare: String,
}

impl LoginLinks {
    /// The same logins, with further parameters.
    pub(crate) fn with(self, parameters: &str) -> Self {
        if parameters.is_empty() {
            return self;
        }
        let with = |url: String| format!("{url}&{parameters}");
        Self { again: with(self.again), bare: with(self.bare), ..self }
    }
}

/// The same, where it is known what login may follow.
pub(crate) async fn refuse_login(
    gateway: &Gateway,
    request: &Incoming<'_>,
    problem: &Problem,
    links: &LoginLinks,
) -> Outgoing {
    let is_live = is_live(gateway, request).await;
    let link = if is_live { (LinkTarget::Home, &*links.return_to) } else { (LinkTarget::LogIn, &*links.again) };
    let failed = refusal::failed(&gateway.config, request, problem);
    // What the provider offers replaces what was asked for.
    let others = problem.logins(&links.bare);
    problem.response_with_links(&failed, request.wants_page(), Some(link), &others)
}

/// Whether the browser has a session that lives.
pub(crate) async fn is_live(gateway: &Gateway, request: &Incoming<'_>) -> bool {
    request.cookies.session.is_some() && session::serve(gateway, request).await.is_ok()
}
