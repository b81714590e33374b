//! Any OpenID Connect issuer, over `openidconnect`; PAR, RFC 9207, revocation and logout are added here.

use openidconnect::core::CoreClientAuthMethod;
use openidconnect::{
    AuthType, CsrfToken, EndSessionUrl, HttpRequest, LogoutHint, LogoutRequest, PostLogoutRedirectUrl, RedirectUrl,
    RefreshToken,
};
use time::OffsetDateTime;
use url::{Url, form_urlencoded};

use super::discovery::{self, IssuerSource};
use super::error::{ProviderError, unanswered};
use super::link::Link;
use super::metadata::Metadata;
use super::requests::EndSession;
use super::token::OidcClient;
use crate::config::{self, TokenAuth};
use crate::http;
use crate::jose::Algorithm;
use crate::jose::document::Presenter;
use crate::provider::keys;
use crate::provider::logout_token::{self, LogoutToken};

mod authorization;
mod identify;
mod tokens;
mod user_info;

/// The scope that asks for a refresh token (OpenID Connect Core 1.0 section 11).
pub(super) const OFFLINE_ACCESS: &str = "offline_access";

/// The longest URL that carries an `id_token_hint`, in characters. Longer ones do not get through everywhere.
const MAX_URL: usize = 4_096;

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

    const fn source(&self) -> IssuerSource<'_> {
        IssuerSource { issuer: &self.settings.issuer, variable: self.settings.issuer_variable }
    }

    pub(super) async fn metadata(&self, now: OffsetDateTime) -> Result<std::rc::Rc<Metadata>, ProviderError> {
        discovery::metadata(self.source(), &self.link, now).await
    }

    /// The algorithms that ID tokens and logout tokens may have: as configured, else as discovered.
    pub(super) fn algorithms(&self, metadata: &Metadata) -> Vec<&'static Algorithm> {
        match &self.settings.id_token_algorithms {
            Some(named) => named.iter().filter_map(|name| Algorithm::named(name)).collect(),
            None => metadata.additional_metadata().id_token_algorithms.clone(),
        }
    }

    fn client(&self, metadata: &Metadata) -> OidcClient {
        let auth = match self.auth_method(metadata) {
            TokenAuth::Basic => AuthType::BasicAuth,
            TokenAuth::Post | TokenAuth::None => AuthType::RequestBody,
        };
        OidcClient::from_provider_metadata(
            metadata.clone(),
            self.settings.client_id.clone(),
            self.settings.client_secret.clone(),
        )
        .set_auth_type(auth)
    }

    /// As configured, else as discovered, basic first (RFC 8414: the default of an absent list).
    fn auth_method(&self, metadata: &Metadata) -> TokenAuth {
        let offered = metadata.token_endpoint_auth_methods_supported();
        let basic = offered.is_none_or(|offered| offered.contains(&CoreClientAuthMethod::ClientSecretBasic));
        self.settings.token_auth.unwrap_or(if basic { TokenAuth::Basic } else { TokenAuth::Post })
    }

    /// A POST with this client's authentication (RFC 6749 section 2.3.1), for the endpoints beside the token endpoint.
    fn authenticated_form(
        &self,
        metadata: &Metadata,
        endpoint: &Url,
        mut params: Vec<(String, String)>,
    ) -> Result<HttpRequest, ProviderError> {
        use base64::Engine as _;
        let mut request = ::http::Request::builder()
            .method(::http::Method::POST)
            .uri(endpoint.as_str())
            .header("accept", "application/json")
            .header("content-type", "application/x-www-form-urlencoded");
        match (&self.settings.client_secret, self.auth_method(metadata)) {
            (Some(secret), TokenAuth::Basic) => {
                let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encode(&self.settings.client_id), encode(secret.secret()));
                request =
                    request.header("authorization", format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(pair)));
            }
            (secret, _) => {
                if !params.iter().any(|(name, _)| name == "client_id") {
                    params.push(("client_id".to_owned(), self.settings.client_id.to_string()));
                }
                params.extend(secret.iter().map(|secret| ("client_secret".to_owned(), secret.secret().clone())));
            }
        }
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        request
            .body(body.into_bytes())
            .map_err(|_| ProviderError::Rejected("an endpoint of the provider is malformed".to_owned()))
    }

    /// See [`crate::provider::Provider::check_issuer`].
    pub async fn check_issuer(&self, now: OffsetDateTime, iss: Option<&str>) -> Result<(), ProviderError> {
        let metadata = self.metadata(now).await?;
        match iss {
            Some(iss) if iss == self.settings.issuer.as_str() => Ok(()),
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
        let response = http::send(&*self.link.http, self.authenticated_form(&metadata, endpoint, params)?)
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
        if url.as_str().len() <= MAX_URL {
            return Some(url.into());
        }
        let hint = logout.identity.sid.clone().map(LogoutHint::new);
        let request = hint.into_iter().fold(request(), |request, hint| request.set_logout_hint(hint));
        Some(request.http_get_url().into())
    }

    /// Reads a logout token, and fetches the provider's keys once more where its key is missing.
    pub async fn logout_token(&self, now: OffsetDateTime, raw: &str) -> Result<LogoutToken, ProviderError> {
        let metadata = self.metadata(now).await?;
        let algorithms = self.algorithms(&metadata);
        let expected = logout_token::ExpectedLogoutToken {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            algorithms: &algorithms,
        };
        let (jwt, said) = logout_token::read(raw, expected, now)?;
        // This comes last: anybody may send a token, and a token that cannot be good must not cause a fetch.
        keys::verify(&jwt, metadata.jwks_uri().as_str(), &self.link, Presenter::Anybody, logout_token::words).await?;
        Ok(said)
    }

    /// See [`crate::provider::Provider::answers`].
    pub async fn answers(&self) -> bool {
        discovery::answers(self.source(), &self.link).await
    }
}

/// Whether the provider may be asked for the scope: it lists it, or lists none.
fn knows_offline_access(metadata: &Metadata) -> bool {
    metadata.scopes_supported().is_none_or(|known| known.iter().any(|scope| scope.as_str() == OFFLINE_ACCESS))
}

fn redirect_url(redirect_uri: &str) -> Result<RedirectUrl, ProviderError> {
    RedirectUrl::new(redirect_uri.to_owned())
        .map_err(|_| ProviderError::Rejected("the redirect URI is malformed: check PUBLIC_ORIGIN".to_owned()))
}
