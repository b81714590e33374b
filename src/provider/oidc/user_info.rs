//! Asking the UserInfo endpoint of an issuer.

use futures::FutureExt as _;
use openidconnect::{AccessToken, HttpRequest, HttpResponse};
use serde_json::Value;
use time::OffsetDateTime;

use super::Oidc;
use crate::http;
use crate::jose::Flaw;
use crate::jose::document::Presenter;
use crate::provider::issuer::Issuer;
use crate::provider::keys::{self, Untrusted};
use crate::provider::metadata::Metadata;
use crate::provider::user_info::{Asking, ExpectedUserInfo, TIME_LIMIT, UserInfo, about, read, read_signed, words};

impl Oidc {
    /// Asks UserInfo about the user, an issuer and a subject, that this access token is for.
    pub(in crate::provider) fn ask_user_info(
        &self,
        now: OffsetDateTime,
        access_token: AccessToken,
        user: (String, String),
    ) -> Asking {
        let oidc = self.clone();
        let asked = async move {
            let asking = oidc.user_info(now, &access_token, &user);
            oidc.link.isolate.within(TIME_LIMIT, asking).await.unwrap_or(UserInfo::NoAnswer)
        };
        Asking(asked.boxed_local().shared())
    }

    /// The claims are read as they come: one of an odd type must not cost the others, nor the check of the subject.
    async fn user_info(&self, now: OffsetDateTime, access_token: &AccessToken, user: &(String, String)) -> UserInfo {
        let Ok(metadata) = self.metadata(now).await else { return UserInfo::NoAnswer };
        let Some(endpoint) = metadata.userinfo_endpoint() else { return UserInfo::NotAsked };
        let request: Result<HttpRequest, _> = ::http::Request::builder()
            .uri(endpoint.as_str())
            .header("accept", "application/json, application/jwt")
            .header("authorization", format!("Bearer {}", access_token.secret()))
            .body(Vec::new());
        let Ok(request) = request else { return UserInfo::NoAnswer };
        match http::send(&*self.link.http, request).await {
            Ok(response) if response.status().is_success() && is_signed(&response) => {
                self.signed_user_info(&metadata, response.body(), user).await.unwrap_or_else(|untrusted| {
                    self.link.isolate.error(&format!("UserInfo's signed answer is not accepted: {untrusted}"));
                    UserInfo::NoAnswer
                })
            }
            Ok(response) if response.status().is_success() => read(response.body(), &user.1),
            Ok(_) | Err(_) => UserInfo::NoAnswer,
        }
    }

    /// What a signed answer says, if one of the provider's keys has signed it.
    async fn signed_user_info(
        &self,
        metadata: &Metadata,
        body: &[u8],
        (issuer, subject): &(String, String),
    ) -> Result<UserInfo, Untrusted> {
        let raw = std::str::from_utf8(body).map_err(|_| words(Flaw::Malformed))?.trim();
        let algorithms = self.settings.id_token_algorithms.is_some().then(|| self.algorithms(metadata));
        let expected = ExpectedUserInfo {
            issuer,
            client_id: &self.settings.client_id,
            trusted_audiences: &self.settings.trusted_audiences,
            algorithms: algorithms.as_deref(),
        };
        let jwt = read_signed(raw, expected, self.link.isolate.now())?;
        let uri = metadata.jwks_uri().as_str();
        let signs_for = |key: &Value| Issuer::of(&self.settings, Some(issuer)).is_signed_by(key, issuer);
        keys::verify(&jwt, uri, &self.link, Presenter::Provider, &signs_for, words).await?;
        Ok(about(jwt.claims, subject))
    }
}

/// Whether an answer says that it is signed (OpenID Connect Core 1.0 section 5.3.2). Then it has to be.
fn is_signed(response: &HttpResponse) -> bool {
    let content_type = response.headers().get(::http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next()).unwrap_or_default();
    media_type.trim().eq_ignore_ascii_case("application/jwt")
}
