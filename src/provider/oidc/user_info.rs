//! Asking the UserInfo endpoint of an issuer.

use futures::FutureExt as _;
use openidconnect::{AccessToken, HttpRequest};
use time::OffsetDateTime;

use super::Oidc;
use crate::http;
use crate::provider::user_info::{Asking, TIME_LIMIT, UserInfo, read};

impl Oidc {
    /// Asks UserInfo about the user that this access token is for.
    pub(in crate::provider) fn ask_user_info(
        &self,
        now: OffsetDateTime,
        access_token: AccessToken,
        subject: String,
    ) -> Asking {
        let oidc = self.clone();
        let asked = async move {
            let asking = oidc.user_info(now, &access_token, &subject);
            oidc.link.isolate.within(TIME_LIMIT, asking).await.unwrap_or(UserInfo::NoAnswer)
        };
        Asking(asked.boxed_local().shared())
    }

    /// The claims are read as they come: one of an odd type must not cost the others, nor the check of the subject.
    async fn user_info(&self, now: OffsetDateTime, access_token: &AccessToken, subject: &str) -> UserInfo {
        let Ok(metadata) = self.metadata(now).await else { return UserInfo::NoAnswer };
        let Some(endpoint) = metadata.userinfo_endpoint() else { return UserInfo::NotAsked };
        let request: Result<HttpRequest, _> = ::http::Request::builder()
            .uri(endpoint.as_str())
            .header("accept", "application/json")
            .header("authorization", format!("Bearer {}", access_token.secret()))
            .body(Vec::new());
        let Ok(request) = request else { return UserInfo::NoAnswer };
        match http::send(&*self.link.http, request).await {
            Ok(response) if response.status().is_success() => read(response.body(), subject),
            Ok(_) | Err(_) => UserInfo::NoAnswer,
        }
    }
}
