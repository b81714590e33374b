//! `/backchannel-logout`: the provider says that it has ended a session (OpenID Connect Back-Channel Logout 1.0).

use futures::future::join_all;
use serde_json::Value;

use crate::actors::directory_message::name::{of_provider_session, of_user};
use crate::actors::directory_message::{self, DirectoryError, LogoutTokenId, RevokeAll};
use crate::actors::end_reason::EndReason;
use crate::actors::log::Cause;
use crate::config::ProviderSettings;
use crate::gateway::answer::response::{Body, Outgoing};
use crate::gateway::context::Gateway;
use crate::gateway::endpoints::sessions;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::jose::jwt;
use crate::provider::Provider;
use crate::provider::error::ProviderError;
use crate::provider::logout_token::LogoutToken;

/// Ends the sessions that the logout token names. 200: they have ended.
pub(crate) async fn serve(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    let form = request.form().await?;
    let raw = form.get("logout_token").ok_or(Problem::BadRequest("The form has no logout_token."))?;
    let refused = |why: &str| {
        gateway.link.isolate.error(&format!("logout token refused: {why}"));
        Problem::BadRequest("The logout token is not accepted; the log says why.")
    };
    let settings = settings(gateway, raw);
    let settings = settings
        .ok_or_else(|| refused("it is no configured provider's, or for none of this gateway's clients (iss, aud)"))?;
    let provider = Provider::new(settings, gateway.link.clone());
    let token = provider.logout_token(gateway.now(), raw).await.map_err(|error| match error {
        ProviderError::Callback(_) | ProviderError::UserError(_) => refused(&error.to_string()),
        ProviderError::Rejected(why) => Problem::ProviderRejected(why),
        ProviderError::Unavailable(why) => Problem::ProviderUnavailable { retry_after: 5 }.explained(why),
        ProviderError::Said { error, .. } => Problem::ProviderRejected(error.to_string()),
    })?;
    // If both are named, both are asked: a login that is under way may be known to either.
    let revocations =
        directories(&token).into_iter().map(|(name, counterpart)| revoke_all(gateway, name, counterpart, &token));
    let counted: Result<Vec<bool>, Problem> = join_all(revocations).await.into_iter().collect();
    // If one of them could not do it the first time, the provider may try again.
    if counted?.into_iter().any(std::convert::identity) {
        Ok(Outgoing::new(200, Body::Empty))
    } else {
        Err(Problem::BadRequest("The logout token has been used before (jti)."))
    }
}

/// Whose token it is, as far as it says so itself: of several providers, that one checks it, and no other is asked for its keys.
fn settings<'a>(gateway: &'a Gateway, raw: &str) -> Option<&'a ProviderSettings> {
    let providers = &gateway.config.providers;
    if let Some(single) = providers.single() {
        return Some(&single.settings);
    }
    let claims = jwt::payload(raw)?;
    let iss = claims.get("iss")?.as_str()?;
    let aud: Vec<&str> = match claims.get("aud")? {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    providers.iter().map(|one| &one.settings).find(|settings| settings.may_have_issued(iss, &aud))
}

/// Whether the token counts: it does once.
async fn revoke_all(
    gateway: &Gateway,
    name: String,
    counterpart: Option<String>,
    token: &LogoutToken,
) -> Result<bool, Problem> {
    let address = directory_message::address(&name, gateway.config.regions.jurisdiction);
    let revoke = RevokeAll {
        counterpart,
        reason: EndReason::Backchannel,
        cause: Cause::Backchannel,
        logout_token: Some(LogoutTokenId { jti: token.jti.clone(), expires_at: token.expires_at }),
    };
    match sessions::end_all(gateway, &address, revoke).await? {
        // If a user has very many sessions, the directory's alarm ends the rest.
        Ok(_) => Ok(true),
        Err(DirectoryError::Replayed) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The directories that know the sessions, each with what those of its sessions have in common that are to end. A token
/// that names a user and a provider's session is about the sessions that are both: another user's of that `sid` are not.
fn directories(token: &LogoutToken) -> Vec<(String, Option<String>)> {
    let theirs = token.subject.as_ref().map(|subject| of_user(&token.issuer, subject));
    let user = theirs.clone().map(|name| (name, token.sid.clone()));
    let provider_session = token.sid.as_ref().map(|sid| (of_provider_session(&token.issuer, sid), theirs));
    user.into_iter().chain(provider_session).collect()
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    #[test]
    fn a_token_with_a_user_and_a_session_is_about_the_sessions_that_fit_both() {
        let token = |subject: Option<&str>, sid: Option<&str>| LogoutToken {
            issuer: "i".into(),
            subject: subject.map(str::to_owned),
            sid: sid.map(str::to_owned),
            jti: "j".into(),
            expires_at: OffsetDateTime::UNIX_EPOCH,
        };
        let (user, session) = (of_user("i", "ada"), of_provider_session("i", "s"));
        assert_eq!(directories(&token(Some("ada"), None)), [(user.clone(), None)]);
        assert_eq!(directories(&token(None, Some("s"))), [(session.clone(), None)]);
        let both = [(user.clone(), Some("s".to_owned())), (session, Some(user))];
        assert_eq!(directories(&token(Some("ada"), Some("s"))), both);
    }
}
