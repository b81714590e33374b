//! `/logout` and `/logged-out`: the session ends here first, then at the provider, and the browser comes back.

use super::Gateway;
use super::pages::{self, Page};
use super::problem::Problem;
use super::request::Incoming;
use super::response::Outgoing;
use crate::actors;
use crate::actors::session::message::{Authority, Denied, EndReason, LoggedOut, Logout, Revoke};
use crate::credential::{ActorId, Secret};

impl Gateway {
    /// Ends the session. A GET does so only where this site itself, or the user, opened it.
    pub(super) async fn logout(&self, request: &Incoming) -> Result<Outgoing, Problem> {
        let query = request.query();
        let form = if request.method == "POST" { Some(request.form().await?) } else { None };
        let return_to = form
            .as_ref()
            .and_then(|form| form.get("return_to"))
            .or_else(|| query.get("return_to"))
            .filter(|to| !to.is_empty());
        let return_to = return_to.map(|to| self.return_to(request, to)).transpose()?;
        if request.method == "GET" && !Self::is_own_navigation(request) {
            return Ok(self.confirmation(return_to.as_deref(), self.is_live(request).await));
        }

        let logged_out = format!("{}/logged-out", self.config.auth_prefix);
        let mut next = return_to.clone().unwrap_or_else(|| logged_out.clone());
        let logout = Logout { post_logout_redirect_uri: format!("{}{logged_out}", request.origin.text), return_to };
        let revoke = |secret: &Secret| Revoke {
            authority: Authority::Cookie(secret.clone()),
            reason: EndReason::Logout,
            logout: Some(logout.clone()),
        };
        match self.ask_session(request, revoke).await {
            Ok(Ok(revoked)) => next = revoked.end_session_url.unwrap_or(next),
            Ok(Err(Denied::StoreUnavailable | Denied::Moved(_))) => return Err(Problem::StoreUnavailable),
            // There is nothing left to end.
            Ok(Err(
                Denied::Unknown
                | Denied::Ended(_)
                | Denied::Reauthenticate
                | Denied::Relocate
                | Denied::ProviderUnavailable { .. },
            ))
            | Err(Problem::LoginRequired) => {}
            Err(problem) => return Err(problem),
        }
        Ok(Outgoing::redirect(303, &next).cookie(&request.jar().clear_session(self.config.same_site)))
    }

    fn is_own_navigation(request: &Incoming) -> bool {
        let site = request.header("sec-fetch-site");
        request.is_navigation() && matches!(site, Some("same-origin" | "none"))
    }

    /// What a link on another site, or an image, gets: a button. A strict cookie does not come along from there, so
    /// that a request without a live session may still be that of a user who has one.
    fn confirmation(&self, return_to: Option<&str>, live: bool) -> Outgoing {
        let logout = format!("{}/logout", self.config.auth_prefix);
        let action = return_to.map_or(logout, |to| self.endpoint_url("logout", to));
        let page = Page {
            title: "Log out?",
            detail: if live {
                "Another page asked to log you out. You are still logged in."
            } else {
                "Another page asked to log you out. You do not seem to be logged in here; to be sure, press the button."
            },
            form: Some((&action, "Log out")),
            link: Some(("/", if live { "Stay logged in" } else { "Back to the application" })),
            ..Page::default()
        };
        pages::page(200, &page)
    }

    /// The browser is back from the provider.
    pub(super) async fn logged_out(&self, request: &Incoming) -> Result<Outgoing, Problem> {
        if let Some(return_to) = self.return_to_of(request).await {
            return Ok(Outgoing::redirect(303, &return_to));
        }
        // A provider that gives no `state` back brings it along. Whoever made it up: it is an address on this site.
        if let Some(return_to) = request.query().get("return_to").filter(|to| !to.is_empty()) {
            return Ok(Outgoing::redirect(303, &self.return_to(request, return_to)?));
        }
        let page = Page {
            title: "Logged out",
            detail: "You are logged out.",
            link: Some(("/", "Back to the application")),
            ..Page::default()
        };
        Ok(pages::page(200, &page))
    }

    /// Where the logout with this `state` goes on to. Without one, or with another's, there is the page.
    async fn return_to_of(&self, request: &Incoming) -> Option<String> {
        let query = request.query();
        let (actor, secret) = query.get("state")?.split_once('.')?;
        let (actor, secret) = (actor.parse::<ActorId>().ok()?, Secret::parse(secret)?);
        let address = actors::existing_session(&self.env, &actor).ok()?;
        actors::ask(&address, LoggedOut { secret }).await.ok()?
    }
}
