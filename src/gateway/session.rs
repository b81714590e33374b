//! `/session` and `/refresh`: what the application's pages may know of, and ask for, their session.

use super::Gateway;
use super::problem::Problem;
use super::request::Incoming;
use super::response::{self, Outgoing};
use crate::actors;
use crate::actors::session::message::{Authority, Credential, Get, Got, Refresh, Switch, Want};

/// The longest id of an organization.
const MAX_ORGANIZATION: usize = 512;

impl Gateway {
    /// The session's view.
    pub(super) async fn session(&self, request: &Incoming) -> Result<Outgoing, Problem> {
        let (session, address) = self.session_of(request)?;
        match actors::ask(&address, Get { secret: session.secret.clone(), want: Want::View }).await?? {
            Got::View(view) => Ok(Outgoing::new(200, response::session(&view))),
            Got::AccessToken(_) | Got::Standing => Err(Problem::StoreUnavailable),
        }
    }

    /// A new access token, now; for another organization, where the form names one.
    pub(super) async fn refresh(&self, request: &Incoming) -> Result<Outgoing, Problem> {
        let (session, address) = self.session_of(request)?;
        let authority = Authority::Cookie(session.secret.clone());
        let form = request.form().await?;
        let view = match form.get("organization").filter(|id| !id.is_empty()) {
            Some(id) if id.len() > MAX_ORGANIZATION => {
                return Err(Problem::BadRequest("organization must be the id of an organization."));
            }
            Some(id) => actors::ask(&address, Switch { authority, organization: id.to_owned() }).await??,
            None => actors::ask(&address, Refresh { authority }).await??,
        };
        Ok(Outgoing::new(200, response::session(&view)))
    }

    /// The session that the request's cookie names.
    pub(super) fn session_of<'a>(
        &self,
        request: &'a Incoming,
    ) -> Result<(&'a Credential, actors::SessionAddress), Problem> {
        let session = request.cookies.session.as_ref().ok_or(Problem::LoginRequired)?;
        let address = actors::existing_session(&self.env, &session.actor)?;
        Ok((session, address))
    }
}
