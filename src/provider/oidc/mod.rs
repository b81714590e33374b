//! Any OpenID Connect issuer, over `openidconnect`; PAR, RFC 9207, revocation and logout are added here.

use openidconnect::{
    CsrfToken, EndSessionUrl, HttpRequest, LogoutHint, LogoutRequest, PostLogoutRedirectUrl, RedirectUrl, RefreshToken,
};
use serde_json::Value;
use time::OffsetDateTime;
use url::Url;

use super::client_authentication::{ClientAuthentication, apple_secret, assertion, chosen};
use super::discovery;
use super::error::{ProviderError, unanswered};
use super::link::Link;
use super::metadata::Metadata;
use super::requests::EndSession;
use super::token::OidcClient;
use crate::config::{self, ClientKey, Credentials, Logout, TokenAuth};
use crate::http;
use crate::jose::Algorithm;
use crate::jose::document::Presenter;
use crate::provider::issuer::Issuer;
use crate::provider::keys;
use crate::provider::logout_token::{self, LogoutToken};

mod authorization;
mod identify;
mod token_exchange;
mod tokens;
mod user_info;

/// The scope that asks for a refresh token (OpenID Connect Core 1.0 section 11).
pub(super) const OFFLINE_ACCESS: &str = "offline_access";

/// The longest URL that carries an `id_token_hint`, in characters. Longer ones do not get through everywhere.
pub(super) const MAX_URL: usize = 4_096;

/// See the module.
#[derive(Clone, Debug)]
pub struct Oidc {
    pub(super) settings: config::OidcSettings,
    pub(super) link: Link,
}

impl Oidc {
    /// The provider of these settings.
    pub const fn new(settings: config::OidcSettings, link: Link) -> Self {
        Self { settings, link }
    }

    pub(super) async fn metadata(&self, now: OffsetDateTime) -> Result<std::rc::Rc<Metadata>, ProviderError> {
        discovery::metadata(&self.settings, &self.link, now).await
    }

    /// The algorithms that ID tokens and logout tokens may have: as configured, else as discovered.
    pub(super) fn algorithms(&self, metadata: &Metadata) -> Vec<&'static Algorithm> {
        match &self.settings.id_token_algorithms {
            Some(named) => named.iter().filter_map(|name| Algorithm::named(name)).collect(),
            None => metadata.additional_metadata().id_token_algorithms.clone(),
        }
    }

    fn client(&self, metadata: &Metadata, authentication: &ClientAuthentication) -> OidcClient {
        let (secret, auth_type) = authentication.secret();
        OidcClient::from_provider_metadata(metadata.clone(), self.settings.client_id.clone(), secret)
            .set_auth_type(auth_type)
    }

    /// How this client proves itself in the next request: as configured, else as discovered.
    pub(super) async fn authentication(&self, metadata: &Metadata) -> Result<ClientAuthentication, ProviderError> {
        let offered = metadata.token_endpoint_auth_methods_supported().map(Vec::as_slice);
        match &self.settings.credentials {
            Credentials::None => Ok(ClientAuthentication::None),
            Credentials::Secret(secret) => match self.settings.token_auth.map_or_else(|| chosen(offered, false), Ok)? {
                TokenAuth::Post => Ok(ClientAuthentication::Post(secret.clone())),
                TokenAuth::Basic | TokenAuth::PrivateKey | TokenAuth::None => {
                    Ok(ClientAuthentication::Basic(secret.clone()))
                }
            },
            Credentials::Either(secret, key) => match chosen(offered, true)? {
                TokenAuth::Post => Ok(ClientAuthentication::Post(secret.clone())),
                TokenAuth::PrivateKey => self.assertion(metadata, key).await,
                TokenAuth::Basic | TokenAuth::None => Ok(ClientAuthentication::Basic(secret.clone())),
            },
            Credentials::Key(key) => self.assertion(metadata, key).await,
            Credentials::Apple(key) => {
                apple_secret(key, &self.settings.client_id, metadata.issuer().as_str(), &self.link).await
            }
        }
    }

    async fn assertion(&self, metadata: &Metadata, key: &ClientKey) -> Result<ClientAuthentication, ProviderError> {
        let token_endpoint = metadata.token_endpoint().filter(|_| !self.settings.assertions_for_issuer);
        let audience = token_endpoint.map_or(metadata.issuer().as_str(), |endpoint| endpoint.as_str());
        assertion(key, &self.settings.client_id, audience, &self.link).await
    }

    /// A POST with this client's authentication, for the endpoints beside the token endpoint.
    async fn authenticated_form(
        &self,
        metadata: &Metadata,
        endpoint: &Url,
        params: Vec<(String, String)>,
    ) -> Result<HttpRequest, ProviderError> {
        self.authentication(metadata).await?.form(&self.settings.client_id, endpoint, params)
    }

    /// See [`crate::provider::Provider::check_issuer`].
    pub async fn check_issuer(&self, now: OffsetDateTime, iss: Option<&str>) -> Result<(), ProviderError> {
        let metadata = self.metadata(now).await?;
        match iss {
            Some(iss) if self.settings.may_be_issuer(iss) => Ok(()),
            None if !metadata.additional_metadata().authorization_response_iss_parameter_supported => Ok(()),
            _ => {
                Err(ProviderError::Callback("the callback does not come from the configured provider (iss)".to_owned()))
            }
        }
    }

    /// See [`crate::provider::Provider::revoke`].
    pub async fn revoke(&self, now: OffsetDateTime, token: &RefreshToken) -> Result<(), ProviderError> {
        let metadata = self.metadata(now).await?;
        let Some(endpoint) = &metadata.additional_metadata().revocation_endpoint else {
            return Err(ProviderError::Rejected("the provider has no revocation endpoint".to_owned()));
        };
        let params = vec![
            ("token".to_owned(), token.secret().clone()),
            ("token_type_hint".to_owned(), "refresh_token".to_owned()),
        ];
        let response = http::send(&*self.link.http, self.authenticated_form(&metadata, endpoint, params).await?)
            .await
            .map_err(unanswered)?;
        if response.status().is_success() {
            Ok(())
        } else {
            Err(ProviderError::Rejected(format!("the provider answered {}", response.status())))
        }
    }

    /// See [`crate::provider::Provider::end_session_url`].
    pub async fn end_session_url(&self, now: OffsetDateTime, logout: EndSession<'_>) -> Option<String> {
        self.end_session_url_within(MAX_URL, now, logout).await
    }

    /// The same of so many characters at most where it has the `id_token_hint`.
    pub(super) async fn end_session_url_within(
        &self,
        limit: usize,
        now: OffsetDateTime,
        logout: EndSession<'_>,
    ) -> Option<String> {
        if let Logout::Cognito(domain) = &self.settings.logout {
            return cognito_logout_url(domain, &self.settings.client_id, logout.post_logout_redirect_uri);
        }
        let metadata = self.metadata(now).await.ok()?;
        let endpoint = metadata.additional_metadata().end_session_endpoint.clone()?;
        let back = PostLogoutRedirectUrl::new(logout.post_logout_redirect_uri.to_owned()).ok()?;
        let request = || {
            LogoutRequest::from(EndSessionUrl::from_url(endpoint.clone()))
                .set_client_id(self.settings.client_id.clone())
                .set_post_logout_redirect_uri(back.clone())
                .set_state(CsrfToken::new(logout.state.to_owned()))
        };
        let mut url = request().http_get_url();
        url.query_pairs_mut().append_pair("id_token_hint", &logout.identity.id_token);
        if !logout.identity.id_token.is_empty() && url.as_str().len() <= limit {
            return Some(url.into());
        }
        let hint = logout.identity.sid.clone().map(LogoutHint::new);
        let request = hint.into_iter().fold(request(), |request, hint| request.set_logout_hint(hint));
        Some(request.http_get_url().into())
    }

    /// See [`crate::provider::Provider::logout_origins`].
    pub async fn logout_origins(&self, now: OffsetDateTime) -> Vec<String> {
        let metadata = self.metadata(now).await.ok();
        let end_session = metadata.and_then(|metadata| metadata.additional_metadata().end_session_endpoint.clone());
        let urls = Some(self.settings.issuer.url().clone()).into_iter().chain(end_session);
        let mut origins: Vec<String> = urls.map(|url| url.origin().ascii_serialization()).collect();
        origins.dedup();
        origins
    }

    /// Reads a logout token, and fetches the provider's keys once more where its key is missing.
    pub async fn logout_token(&self, now: OffsetDateTime, raw: &str) -> Result<LogoutToken, ProviderError> {
        let metadata = self.metadata(now).await?;
        let algorithms = self.algorithms(&metadata);
        let issuer = Issuer::of(&self.settings, None);
        let expected = logout_token::ExpectedLogoutToken {
            issuer,
            client_id: &self.settings.client_id,
            trusted_audiences: &self.settings.trusted_audiences,
            algorithms: &algorithms,
        };
        let (jwt, said) = logout_token::read(raw, expected, now)?;
        // This comes last: anybody may send a token, and a token that cannot be good must not cause a fetch.
        let uri = metadata.jwks_uri().as_str();
        let signs_for = |key: &Value| jwt.text("iss").is_some_and(|iss| issuer.is_signed_by(key, iss));
        keys::verify(&jwt, uri, &self.link, Presenter::Anybody, &signs_for, logout_token::words).await?;
        Ok(said)
    }

    /// See [`crate::provider::Provider::discovery_problem`].
    pub async fn discovery_problem(&self) -> Option<(String, String)> {
        discovery::problem(&self.settings, &self.link).await
    }

    /// See [`crate::provider::Provider::answers`].
    pub async fn answers(&self) -> bool {
        discovery::answers(&self.settings, &self.link).await
    }
}

/// Amazon Cognito's own logout. It gives no `state` back; the browser's cookie has the way.
fn cognito_logout_url(domain: &Url, client_id: &str, back: &str) -> Option<String> {
    let mut url = domain.join("/logout").ok()?;
    url.query_pairs_mut().append_pair("client_id", client_id).append_pair("logout_uri", back);
    Some(url.into())
}

/// Whether the provider may be asked for the scope: it lists it, or lists none.
fn knows_offline_access(metadata: &Metadata) -> bool {
    metadata.scopes_supported().is_none_or(|known| known.iter().any(|scope| scope.as_str() == OFFLINE_ACCESS))
}

fn redirect_url(redirect_uri: &str) -> Result<RedirectUrl, ProviderError> {
    RedirectUrl::new(redirect_uri.to_owned())
        .map_err(|_| ProviderError::Rejected("the redirect URI is malformed: check PUBLIC_ORIGIN".to_owned()))
}
