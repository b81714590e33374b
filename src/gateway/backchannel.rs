//! `/backchannel-logout`: the provider says that it has ended a session (OpenID Connect Back-Channel Logout 1.0).

use futures::future::join_all;

use super::Gateway;
use super::problem::Problem;
use super::request::Incoming;
use super::response::{Body, Outgoing};
use crate::actors;
use crate::actors::directory::message::{DirectoryError, LogoutTokenId, RevokeAll, of_provider_session, of_user};
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
                    worker::console_warn!("logout token refused: {error}");
                    Problem::BadRequest("The logout token is not accepted; the log says why.")
                }
                ProviderError::Rejected(why) => Problem::ProviderRejected(why),
                ProviderError::Unavailable(why) => Problem::ProviderUnavailable { retry_after: 5 }.explained(why),
                ProviderError::Said { error, .. } => Problem::ProviderRejected(error.to_string()),
            })?;
        // Both where both are named: a login that is under way may be known to either by then.
        let revocations = names(&token).into_iter().map(|name| self.revoke_all(name, &token));
        let counted: Result<Vec<bool>, Problem> = join_all(revocations).await.into_iter().collect();
        // The provider may try again what one of them could not do the first time.
        if counted?.into_iter().any(std::convert::identity) {
            Ok(Outgoing::new(200, Body::Empty))
        } else {
            Err(Problem::BadRequest("The logout token has been used before (jti)."))
        }
    }

    /// Whether the token counts: it does once.
    async fn revoke_all(&self, name: String, token: &LogoutToken) -> Result<bool, Problem> {
        let address = actors::directory(&self.env, &name, self.config.regions.jurisdiction)?;
        let revoke = RevokeAll {
            sid: token.sid.clone(),
            reason: EndReason::Backchannel,
            cause: Cause::Backchannel,
            logout_token: Some(LogoutTokenId { jti: token.jti.clone(), expires_at: token.expires_at }),
        };
        match self.end_all(&address, revoke).await? {
            // Of a user with very many sessions the directory ends the last ones by itself.
            Ok(_) => Ok(true),
            Err(DirectoryError::Replayed) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// The directories that know the sessions.
fn names(token: &LogoutToken) -> Vec<String> {
    let user = token.subject.as_ref().map(|subject| of_user(&token.issuer, subject));
    let provider_session = token.sid.as_ref().map(|sid| of_provider_session(&token.issuer, sid));
    user.into_iter().chain(provider_session).collect()
}
