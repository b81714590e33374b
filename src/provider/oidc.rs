//! Any OpenID Connect issuer, over `openidconnect`; PAR, RFC 9207 and revocation are added here.

use openidconnect::core::{CoreAuthenticationFlow, CoreClientAuthMethod};
use openidconnect::{
    AuthType, AuthorizationCode, CsrfToken, EndSessionUrl, HttpRequest, LogoutHint, LogoutRequest, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, RedirectUrl, RefreshToken, Scope,
};
use serde::Deserialize;
use time::OffsetDateTime;
use url::{Url, form_urlencoded};

use super::answer::{Answer, client_advice, exchange_error, plain_code, refresh_failure};
use super::discovery::{self, Metadata, Source, unanswered};
use super::http;
use super::identity::Identified;
use super::token::{OidcClient, TokenSet};
use super::{
    Authorization, EndSession, Exchange, ExchangeError, Link, ProviderError, RefreshError, RefreshFailure, SignIn,
    Tokens, keys, said,
};
use crate::config::{self, Par, TokenAuth};
use crate::identity::Identity;
use crate::jose::Algorithm;

/// The scope that asks for a refresh token (OpenID Connect Core 1.0 section 11).
pub(super) const OFFLINE_ACCESS: &str = "offline_access";

/// The longest URL that carries an `id_token_hint`, in characters: longer ones do not come through everywhere.
const MAX_URL: usize = 4_096;

/// See the module.
#[derive(Clone, Debug)]
pub struct Oidc {
    pub(super) settings: config::Oidc,
    pub(super) link: Link,
}

impl Oidc {
    /// The provider of these settings.
    pub const fn new(settings: config::Oidc, link: Link) -> Self {
        Self { settings, link }
    }

    const fn source(&self) -> Source<'_> {
        Source { issuer: &self.settings.issuer, variable: self.settings.issuer_variable }
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

    /// See [`super::Provider::authorization_url`].
    pub async fn authorization_url(
        &self,
        now: OffsetDateTime,
        request: &Authorization<'_>,
    ) -> Result<String, ProviderError> {
        let metadata = self.metadata(now).await?;
        let mut url = self.plain_authorization_url(&metadata, request)?;
        let more = metadata.additional_metadata();
        let push = match self.settings.par {
            Par::Auto => more.require_pushed_authorization_requests,
            Par::Always => true,
            Par::Never => false,
        };
        if !push {
            if url.as_str().len() > MAX_URL {
                url = self.plain_authorization_url(&metadata, &Authorization { id_token_hint: None, ..*request })?;
            }
            return Ok(url.into());
        }
        let Some(endpoint) = &more.pushed_authorization_request_endpoint else {
            return Err(ProviderError::Rejected(
                "OIDC_PAR asks for pushed authorization requests, and the provider has no endpoint for them".to_owned(),
            ));
        };
        self.push(&metadata, endpoint, &url).await
    }

    fn plain_authorization_url(&self, metadata: &Metadata, request: &Authorization<'_>) -> Result<Url, ProviderError> {
        let client = self.client(metadata).set_redirect_uri(redirect_url(request.redirect_uri)?);
        let verifier = PkceCodeVerifier::new(request.code_verifier.to_owned());
        let (state, nonce) = (request.state.to_owned(), request.nonce.to_owned());
        let mut builder = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));

        for scope in self.settings.scopes.iter().filter(|scope| *scope != "openid") {
            if scope != OFFLINE_ACCESS || knows_offline_access(metadata) {
                builder = builder.add_scope(Scope::new(scope.clone()));
            }
        }
        if self.settings.form_post {
            builder = builder.add_extra_param("response_mode", "form_post");
        }
        for (name, value) in [("audience", &self.settings.audience), ("resource", &self.settings.resource)] {
            if let Some(value) = value {
                builder = builder.add_extra_param(name, value.clone());
            }
        }
        let configured = self.settings.authorization_params.iter();
        let overruled = |name: &String| request.hints.iter().any(|(hint, _)| hint == name);
        for (name, value) in configured.filter(|(name, _)| !overruled(name)).chain(request.hints) {
            builder = builder.add_extra_param(name.clone(), value.clone());
        }
        if let Some(hint) = request.id_token_hint {
            builder = builder.add_extra_param("id_token_hint", hint.to_owned());
        }
        Ok(builder.url().0)
    }

    /// Pushes the parameters of `url` (RFC 9126) and returns what is left of it for the browser.
    async fn push(&self, metadata: &Metadata, endpoint: &Url, url: &Url) -> Result<String, ProviderError> {
        #[derive(Deserialize)]
        struct Pushed {
            request_uri: String,
        }
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
        }
        let params: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let request = self.authenticated_form(metadata, endpoint, params)?;
        let secrets = said::secrets_of(&request);
        let response = http::send(&*self.link.http, request).await.map_err(unanswered)?;
        let status = response.status();
        let said = said::in_answer(response.body(), &secrets);
        if http::says_not_now(status.as_u16()) {
            return Err(ProviderError::Unavailable(format!(
                "the provider answered {status} to the pushed authorization request"
            ))
            .with_words(said));
        }
        let pushed: Option<Pushed> = serde_json::from_slice(response.body()).ok().filter(|_| status.is_success());
        let Some(pushed) = pushed else {
            let refusal = serde_json::from_slice(response.body()).ok().map(|Refusal { error }| error);
            let code = refusal.as_deref().map(plain_code);
            let advice = code.map_or("", |code| client_advice(code, self.settings.client_secret.as_ref()));
            let code = code.map_or_else(String::new, |code| format!(": {code}"));
            return Err(ProviderError::Rejected(format!(
                "the provider answered {status} to the pushed authorization request{code}{advice}"
            ))
            .with_words(said));
        };
        let mut url = url.clone();
        url.query_pairs_mut()
            .clear()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("request_uri", &pushed.request_uri);
        Ok(url.into())
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

    /// See [`super::Provider::check_issuer`].
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

    /// See [`super::Provider::exchange`].
    pub async fn exchange(&self, now: OffsetDateTime, exchange: Exchange<'_>) -> Result<SignIn, ExchangeError> {
        let metadata = self.metadata(now).await?;
        let (set, asked_at) = self.redeem(&metadata, exchange).await?;
        let signed_in = self.signed_in(&metadata, &set, asked_at, exchange.nonce).await;
        signed_in.map_err(|error| ExchangeError { error, granted: set.granted(), sid: None })
    }

    /// The login that a token response makes.
    async fn signed_in(
        &self,
        metadata: &Metadata,
        set: &TokenSet,
        asked_at: OffsetDateTime,
        nonce: &str,
    ) -> Result<SignIn, ProviderError> {
        let raw = set.id_token().ok_or_else(|| ProviderError::Callback("the provider sent no ID token".to_owned()))?;
        let tokens = set.tokens(asked_at)?;
        let Identified { identity, remark, user_info } = self.identify(metadata, raw, nonce, &tokens).await?;
        let no_refresh_token = tokens.refresh_token.is_none().then(|| self.why_no_refresh_token(metadata));
        Ok(SignIn { identity, tokens, remark, no_refresh_token, user_info })
    }

    /// What an operator can do about a login that brought no refresh token.
    fn why_no_refresh_token(&self, metadata: &Metadata) -> &'static str {
        if !self.settings.scopes.iter().any(|scope| scope == OFFLINE_ACCESS) {
            "no refresh token came: OIDC_SCOPES lacks offline_access"
        } else if !knows_offline_access(metadata) {
            "no refresh token came: the provider has no scope offline_access. Allow the client the refresh token grant; \
             some want OIDC_AUTHORIZATION_PARAMS = {\"access_type\":\"offline\"}"
        } else {
            "no refresh token came: allow the client the refresh token grant and offline_access; \
             some providers want OIDC_AUTHORIZATION_PARAMS = {\"prompt\":\"consent\"}"
        }
    }

    async fn redeem(
        &self,
        metadata: &Metadata,
        exchange: Exchange<'_>,
    ) -> Result<(TokenSet, OffsetDateTime), ProviderError> {
        let client = self.client(metadata).set_redirect_uri(redirect_url(exchange.redirect_uri)?);
        let mut request = client
            .exchange_code(AuthorizationCode::new(exchange.code.to_owned()))
            .map_err(|_| ProviderError::Rejected("discovery: the provider has no token endpoint".to_owned()))?
            .set_pkce_verifier(PkceCodeVerifier::new(exchange.code_verifier.to_owned()));
        if let Some(resource) = &self.settings.resource {
            request = request.add_extra_param("resource", resource.clone());
        }
        let answer = Answer::default();
        let set = request
            .request_async(&|request| answer.to(&self.link, request))
            .await
            .map_err(|error| exchange_error(error, answer.status.get(), self.settings.client_secret.as_ref()))
            .map_err(|error| error.with_words(answer.said.take()))?;
        Ok((set, answer.asked_at.get().unwrap_or_else(|| self.link.isolate.now())))
    }

    /// See [`super::Provider::prepare`].
    pub async fn prepare(&self, now: OffsetDateTime) {
        if let Ok(metadata) = self.metadata(now).await {
            keys::prepare(metadata.jwks_uri().as_str(), &self.link);
        }
    }

    /// See [`super::Provider::refresh`].
    pub async fn refresh(
        &self,
        now: OffsetDateTime,
        token: &RefreshToken,
        identity: &Identity,
    ) -> Result<(Tokens, Option<Identity>), RefreshError> {
        // Nothing was presented yet: without the metadata the token is as good as before.
        let not_presented = |why: String| RefreshFailure::Deferred { retry_after: None, why };
        let metadata = self.metadata(now).await.map_err(|error| not_presented(error.to_string()))?;
        let client = self.client(&metadata);
        let mut request = client
            .exchange_refresh_token(token)
            .map_err(|_| not_presented("discovery: the provider has no token endpoint".to_owned()))?;
        if let Some(resource) = &self.settings.resource {
            request = request.add_extra_param("resource", resource.clone());
        }
        let answer = Answer::default();
        let set = request
            .request_async(&|request| answer.to(&self.link, request))
            .await
            .map_err(|error| refresh_failure(&error, &answer, self.settings.client_secret.as_ref()))
            .map_err(|failure| failure.with_words(answer.said.take()))?;
        let asked_at = answer.asked_at.get().unwrap_or_else(|| self.link.isolate.now());
        let tokens = set.tokens(asked_at).map_err(|error| RefreshFailure::Unknown(error.to_string()))?;
        let renewed = match set.id_token() {
            Some(raw) => self.renewed(&metadata, raw, &tokens, identity).await.map(Some),
            None => Ok(None),
        };
        match renewed {
            Ok(renewed) => Ok((tokens, renewed)),
            Err(refused @ RefreshFailure::Refused(_)) => Err(refused.granting(tokens, token)),
            Err(failure) => Err(failure.into()),
        }
    }

    /// See [`super::Provider::revoke`].
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

    /// See [`super::Provider::end_session_url`].
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

    /// See [`super::Provider::answers`].
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
