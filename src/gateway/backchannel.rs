//! `/backchannel-logout`: the provider says that it has ended a session (OpenID Connect Back-Channel Logout 1.0).

use futures::future::join_all;

use super::Gateway;
use super::problem::Problem;
use super::request::Incoming;
use super::response::{Body, Outgoing};
use crate::actors;
use crate::actors::directory::message::{LogoutTokenId, RevokeAll, of_provider_session, of_user};
use crate::actors::log::Cause;
use crate::actors::session::message::EndReason;
use crate::ambient;
use crate::provider::logout_token::LogoutToken;
use crate::provider::{Provider, ProviderError};

impl Gateway {
    /// Ends the sessions that the logout token names. 200: they have ended.
    pub(super) async fn backchannel_logout(&self, request: &Incoming) -> Result<Outgoing, Problem> {
        let form = request.form().await?;
        let raw = form.get("logout_token").ok_or(Problem::BadRequest("The form has no logout_token."))?;
        let token =
            Provider::new(&self.config).logout_token(ambient::now(), raw).await.map_err(|error| match error {
                ProviderError::Callback(_) | ProviderError::TurnedDown(_) => {
                    worker::console_warn!("a logout token was refused: {error}");
                    Problem::BadRequest("The logout token is not accepted; the log says why.")
                }
                ProviderError::Rejected(why) => Problem::ProviderRejected(why),
                ProviderError::Unavailable(_) => Problem::ProviderUnavailable { retry_after: 5 },
            })?;
        // Both where both are named: a login that is under way may be known to either by then.
        let revocations = names(&token).into_iter().map(|name| self.revoke_all(name, &token));
        let revoked: Result<Vec<()>, Problem> = join_all(revocations).await.into_iter().collect();
        revoked.map(|_| Outgoing::new(200, Body::Empty))
    }

    async fn revoke_all(&self, name: String, token: &LogoutToken) -> Result<(), Problem> {
        let address = actors::directory(&self.env, &name, self.config.regions.jurisdiction)?;
        let revoke = RevokeAll {
            sid: token.sid.clone(),
            reason: EndReason::Backchannel,
            cause: Cause::Backchannel,
            logout_token: Some(LogoutTokenId { jti: token.jti.clone(), expires_at: token.expires_at }),
        };
        actors::ask(&address, revoke).await??;
        Ok(())
    }
}

/// The directories that know the sessions.
fn names(token: &LogoutToken) -> Vec<String> {
    let user = token.subject.as_ref().map(|subject| of_user(&token.issuer, subject));
    let provider_session = token.sid.as_ref().map(|sid| of_provider_session(&token.issuer, sid));
    user.into_iter().chain(provider_session).collect()
}
