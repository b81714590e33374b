//! `/session` and `/refresh`: what the application's pages may know of, and ask for, their session.

use super::Gateway;
use super::problem::Problem;
use super::request::Incoming;
use super::response::{self, Outgoing};
use crate::actors;
use crate::actors::session::message::{Authority, Credential, Get, Got, Refresh, Want};

impl Gateway {
    /// The session's view.
    pub(super) async fn session(&self, request: &Incoming) -> Result<Outgoing, Problem> {
        let (session, address) = self.session_of(request)?;
        match actors::ask(&address, Get { secret: session.secret.clone(), want: Want::View }).await?? {
            Got::View(view) => Ok(Outgoing::new(200, response::session(&view))),
            Got::AccessToken(_) | Got::Standing | Got::Identified(_) => Err(Problem::StoreUnavailable),
        }
    }

    /// A new access token, now.
    pub(super) async fn refresh(&self, request: &Incoming) -> Result<Outgoing, Problem> {
        let (session, address) = self.session_of(request)?;
        let view = actors::ask(&address, Refresh { authority: Authority::Cookie(session.secret.clone()) }).await??;
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
