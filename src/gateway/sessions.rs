//! `/sessions`: where its user is logged in, and the end of each of these sessions.

use super::problem::Problem;
use super::request::Incoming;
use super::response::{Body, Outgoing};
use super::{Gateway, json};
use crate::actors;
use crate::actors::directory::message::{List, Listed, of_user};
use crate::actors::log::Cause;
use crate::actors::session::follow;
use crate::actors::session::message::{Authority, Denied, Describe, EndReason, Revoke};
use crate::credential::ActorId;

impl Gateway {
    /// The sessions of the request's user.
    pub(super) async fn sessions(&self, request: &Incoming) -> Result<Outgoing, Problem> {
        let view = self.view(request).await?;
        let listed = self.sessions_of(&view.issuer, &view.subject).await?;
        let current = request.session_actor().ok_or(Problem::LoginRequired)?;
        Ok(Outgoing::new(200, json::sessions(&listed, &current)))
    }

    /// The sessions of a user, the newest first.
    pub(super) async fn sessions_of(&self, issuer: &str, subject: &str) -> Result<Vec<Listed>, Problem> {
        let address = actors::directory(&self.env, &of_user(issuer, subject), self.config.regions.jurisdiction)?;
        Ok(actors::ask(&address, List {}).await??)
    }

    /// Ends one of them.
    pub(super) async fn end_own_session(&self, request: &Incoming) -> Result<Outgoing, Problem> {
        let view = self.view(request).await?;
        let id = request.url.path().rsplit('/').next().unwrap_or_default();
        let id: ActorId = id.parse().map_err(|_| Problem::NotFound)?;
        let address = actors::existing_session(&self.env, &id).map_err(|_| Problem::NotFound)?;
        let described = actors::ask(&address, Describe {}).await?.ok_or(Problem::NotFound)?;
        if described.subject != view.subject || described.issuer != view.issuer {
            return Err(Problem::NotFound);
        }
        self.revoke(&id, Cause::Request).await?;
        let response = Outgoing::new(204, Body::Empty);
        let current = request.session_actor();
        Ok(if current == Some(id) {
            response.cookie(&request.jar().clear_session(self.config.same_site))
        } else {
            response
        })
    }

    /// Ends a session on behalf of somebody who may, wherever it lives. One that has ended stays so.
    pub(super) async fn revoke(&self, id: &ActorId, cause: Cause) -> Result<(), Problem> {
        let revoke = || Revoke { authority: Authority::Trusted(cause), reason: EndReason::Revoked, logout: None };
        match follow::ask(&self.env, id, revoke).await?.reply {
            Ok(_) | Err(Denied::Ended(_)) => Ok(()),
            Err(Denied::Unknown) => Err(Problem::NotFound),
            Err(denied) => Err(denied.into()),
        }
    }
}
