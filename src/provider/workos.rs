//! WorkOS User Management with AuthKit: roughly OAuth 2.0, with a token endpoint of its own.
//!
//! `authenticate` takes JSON and answers with the user instead of an ID token; who logged in is what this user and the
//! access token, whose signature is checked, say together ([`access_token`], [`user`], [`authenticate`]).

use openidconnect::{AccessToken, HttpRequest, PkceCodeChallenge, PkceCodeVerifier, RefreshToken};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use url::Url;

use super::error::{ExchangeError, ProviderError, RefreshError, RefreshFailure, unanswered};
use super::keys::{self, Untrusted};
use super::link::Link;
use super::requests::{Authorization, EndSession, Exchange};
use super::retry_after::retry_after;
use super::said;
use super::sign_in::SignIn;
use super::tokens::Tokens;
use crate::identity::Identity;
use crate::jose::Claims;
use crate::jose::document::Presenter;
use crate::jose::jwt::payload;
use crate::jose::key_set::ANY_ISSUER;
use crate::{config, http};

pub mod access_token;
pub mod authenticate;
mod selection;
pub mod user;

/// Why a login failed that was to be for an organization.
const OTHER_ORGANIZATION: &str = "WorkOS logged you in to another organization than this site asked for, or to none";

/// Why a route gets no access token of its own.
pub const ONE_ACCESS_TOKEN: &str =
    "WorkOS gives a session one access token. Take audience, resource, scopes and exchange out of ROUTES";

/// See the module.
#[derive(Clone, Debug)]
pub struct WorkOs {
    settings: config::WorkOsSettings,
    link: Link,
}

/// A complete answer of `authenticate`.
struct AuthenticateAnswer {
    status: u16,
    retry_after: Option<Duration>,
    received_at: OffsetDateTime,
    body: Value,
    said: Option<String>,
}

impl WorkOs {
    /// The environment of these settings.
    pub const fn new(settings: config::WorkOsSettings, link: Link) -> Self {
        Self { settings, link }
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.settings.api.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn jwks_uri(&self) -> Url {
        self.url(&["sso", "jwks", &self.settings.client_id])
    }

    /// See [`super::Provider::authorization_url`].
    pub fn authorization_url(&self, request: &Authorization<'_>) -> String {
        let verifier = PkceCodeVerifier::new(request.code_verifier.to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let mut params: Vec<(String, String)> = [
            ("client_id", self.settings.client_id.as_str()),
            ("redirect_uri", request.redirect_uri),
            ("response_type", "code"),
            ("state", request.state),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        params.extend(selection::selection(&self.settings.authorization_params, request.hints));
        let mut url = self.url(&["user_management", "authorize"]);
        url.query_pairs_mut().extend_pairs(params);
        url.into()
    }

    /// See [`super::Provider::check_issuer`]. WorkOS sends none.
    pub fn check_issuer(&self, iss: Option<&str>) -> Result<(), ProviderError> {
        if iss.is_none_or(|iss| self.settings.is_issuer(iss)) {
            Ok(())
        } else {
            Err(ProviderError::Callback("the callback does not come from the configured provider (iss)".to_owned()))
        }
    }

    /// See [`super::Provider::exchange`].
    pub async fn exchange(&self, exchange: Exchange<'_>) -> Result<SignIn, ExchangeError> {
        let grant =
            [("grant_type", "authorization_code"), ("code", exchange.code), ("code_verifier", exchange.code_verifier)];
        let answer = self.authenticate(&grant).await.map_err(unanswered)?;
        if !(200..300).contains(&answer.status) {
            return Err(authenticate::exchange_error(answer.status, &answer.body).with_words(answer.said).into());
        }
        let tokens = authenticate::tokens(&answer.body, answer.received_at)?;
        let granted = tokens.refresh_token.clone();
        let refused =
            |error: ProviderError, sid: Option<String>| ExchangeError { error, granted: granted.clone(), sid };
        let validated = self.validate(&tokens.access_token, answer.received_at).await;
        let claims = validated.map_err(|untrusted| refused(untrusted.into(), None))?;
        let sid = claims.get("sid").and_then(Value::as_str).map(str::to_owned);
        let identity =
            user::of(self.settings.issuer(), &answer.body, claims).ok_or_else(|| refused(other_user(), sid.clone()))?;
        let wanted = self.settings.organization().or(exchange.organization);
        if wanted.is_some() && identity.organization().as_deref() != wanted {
            return Err(refused(ProviderError::Callback(OTHER_ORGANIZATION.to_owned()), sid));
        }
        let no_refresh_token =
            tokens.refresh_token.is_none().then_some("no refresh token came, contrary to WorkOS's word");
        Ok(SignIn { identity, tokens, remark: None, no_refresh_token, user_info: None })
    }

    /// See [`super::Provider::refresh`]. With an organization the session is switched to it; without one it stays in
    /// its own, which has to be named each time, as WorkOS else goes back to the one that the login was for.
    pub async fn refresh(
        &self,
        token: &RefreshToken,
        known: &Identity,
        organization: Option<&str>,
    ) -> Result<(Tokens, Option<Identity>), RefreshError> {
        let mut grant = vec![("grant_type", "refresh_token"), ("refresh_token", token.secret())];
        let own = known.organization();
        grant.extend(organization.or(own.as_deref()).map(|organization| ("organization_id", organization)));
        let answer = self.authenticate(&grant).await.map_err(|error| RefreshFailure::Unknown(error.to_string()))?;
        if !(200..300).contains(&answer.status) {
            return Err(authenticate::refresh_failure(
                answer.status,
                answer.retry_after,
                &answer.body,
                organization.is_some(),
            )
            .with_words(answer.said));
        }
        let unknown = |error: ProviderError| RefreshFailure::Unknown(error.to_string());
        let tokens = authenticate::tokens(&answer.body, answer.received_at).map_err(unknown)?;
        // A rotation of keys must not end sessions: what cannot be checked ends one only where it does not even claim to be
        // the session's, and nothing of it is used.
        let unchecked = || payload(tokens.access_token.secret()).unwrap_or_default();
        let refused = |why: String| RefreshFailure::Refused(why).granting(tokens.clone(), token);
        let (claims, no_key) = match self.validate(&tokens.access_token, answer.received_at).await {
            Ok(claims) => (claims, None),
            Err(Untrusted::Invalid(why)) => return Err(refused(why.to_owned())),
            Err(untrusted @ Untrusted::NoKey) => (unchecked(), Some(untrusted.to_string())),
            Err(Untrusted::NoKeys(error)) => {
                (unchecked(), Some(format!("the refreshed access token cannot be checked: {error}")))
            }
        };
        match user::of(self.settings.issuer(), &answer.body, claims) {
            Some(identity) if identity.subject != known.subject => Err(refused(other_user().to_string())),
            // A session without one stays without one.
            Some(identity) if identity.organization().as_deref() != organization.or(own.as_deref()) => {
                Err(refused("the refreshed tokens are for another organization (org_id)".to_owned()))
            }
            Some(identity) => match no_key {
                None => Ok((tokens, Some(identity))),
                Some(why) => Err(RefreshFailure::Unknown(why).granting(tokens, token)),
            },
            None => Err(refused(other_user().to_string())),
        }
    }

    /// The call that brings tokens. The API key is the client secret, and travels in the body.
    async fn authenticate(&self, grant: &[(&str, &str)]) -> Result<AuthenticateAnswer, http::HttpError> {
        let mut body = json!({
            "client_id": self.settings.client_id.as_str(),
            "client_secret": self.settings.api_key.secret(),
        });
        if let Some(body) = body.as_object_mut() {
            body.extend(grant.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
        }
        let request = self.post(&["user_management", "authenticate"], None, &body)?;
        let secrets = said::secrets_of(&request);
        let response = http::send(&*self.link.http, request).await?;
        let received_at = self.link.isolate.now();
        Ok(AuthenticateAnswer {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers(), received_at),
            received_at,
            body: serde_json::from_slice(response.body()).unwrap_or_default(),
            said: if response.status().is_success() { None } else { said::in_answer(response.body(), &secrets) },
        })
    }

    fn post(&self, path: &[&str], bearer: Option<&str>, body: &Value) -> Result<HttpRequest, http::HttpError> {
        let mut request = ::http::Request::builder()
            .method(::http::Method::POST)
            .uri(self.url(path).as_str())
            .header("accept", "application/json")
            .header("content-type", "application/json");
        if let Some(key) = bearer {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        request.body(body.to_string().into_bytes()).map_err(|_| http::HttpError::BadRequest)
    }

    /// Validates an access token, and fetches the keys once more where its key is missing.
    async fn validate(&self, token: &AccessToken, now: OffsetDateTime) -> Result<Claims, Untrusted> {
        let jwt = access_token::read(token.secret(), &self.settings, now)?;
        let uri = self.jwks_uri();
        keys::verify(&jwt, uri.as_str(), &self.link, Presenter::Provider, ANY_ISSUER, access_token::words).await?;
        Ok(jwt.claims)
    }

    /// See [`super::Provider::revoke`]. WorkOS revokes sessions, and with them their tokens.
    pub async fn revoke(&self, sid: Option<&str>) -> Result<(), ProviderError> {
        let sid = sid.ok_or_else(|| ProviderError::Rejected("WorkOS revokes whole sessions, not tokens".to_owned()))?;
        let body = json!({ "session_id": sid });
        let path = ["user_management", "sessions", "revoke"];
        let request = self.post(&path, Some(self.settings.api_key.secret()), &body).map_err(unanswered)?;
        let response = http::send(&*self.link.http, request).await.map_err(unanswered)?;
        if response.status().is_success() {
            Ok(())
        } else {
            Err(ProviderError::Rejected(format!("the provider answered {}", response.status())))
        }
    }

    /// See [`super::Provider::end_session_url`]. WorkOS gives no `state` back, and compares `return_to` in full.
    pub fn end_session_url(&self, logout: EndSession<'_>) -> Option<String> {
        let sid = logout.identity.sid.as_deref()?;
        let mut url = self.url(&["user_management", "sessions", "logout"]);
        url.query_pairs_mut().append_pair("session_id", sid).append_pair("return_to", logout.post_logout_redirect_uri);
        Some(url.into())
    }

    /// See [`super::Provider::answers`].
    pub async fn answers(&self) -> bool {
        keys::answers(self.jwks_uri().as_str(), &self.link).await
    }
}

fn other_user() -> ProviderError {
    ProviderError::Callback("the access token and the user of the answer do not belong together (sub)".to_owned())
}
