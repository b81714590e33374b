//! The token endpoint: redeems a code, presents a refresh token.

use openidconnect::{AuthorizationCode, PkceCodeVerifier, RefreshToken};
use time::OffsetDateTime;

use super::identify::Identified;
use super::token_exchange::target_params;
use super::{OFFLINE_ACCESS, Oidc, knows_offline_access, redirect_url};
use crate::config::target::Target;
use crate::identity::Identity;
use crate::provider::error::{ExchangeError, ProviderError, RefreshError, RefreshFailure};
use crate::provider::keys;
use crate::provider::metadata::Metadata;
use crate::provider::requests::Exchange;
use crate::provider::sign_in::SignIn;
use crate::provider::token::TokenSet;
use crate::provider::token_answer::{TokenAnswer, exchange_error, refresh_failure};
use crate::provider::tokens::{RoundTrip, Tokens};

impl Oidc {
    /// See [`crate::provider::Provider::exchange`].
    pub async fn exchange(&self, now: OffsetDateTime, exchange: Exchange<'_>) -> Result<SignIn, ExchangeError> {
        let metadata = self.metadata(now).await?;
        let (set, round_trip) = self.redeem(&metadata, exchange).await?;
        let signed_in = self.signed_in(&metadata, &set, round_trip, exchange).await;
        signed_in.map_err(|error| ExchangeError { error, granted: set.granted(), sid: None })
    }

    /// The login that a token response makes.
    async fn signed_in(
        &self,
        metadata: &Metadata,
        set: &TokenSet,
        round_trip: RoundTrip,
        exchange: Exchange<'_>,
    ) -> Result<SignIn, ProviderError> {
        let raw = set.id_token().ok_or_else(|| ProviderError::Callback("the provider sent no ID token".to_owned()))?;
        let tokens = set.tokens(round_trip)?;
        let Identified { identity, remark, user_info } = self.identify(metadata, raw, exchange, &tokens).await?;
        let no_refresh_token = tokens.refresh_token.is_none().then(|| self.why_no_refresh_token(metadata));
        Ok(SignIn { identity, tokens, remark, no_refresh_token, user_info })
    }

    /// What an operator can do about a login that brought no refresh token.
    fn why_no_refresh_token(&self, metadata: &Metadata) -> &'static str {
        if let Some(advice) = self.settings.no_refresh_token {
            advice
        } else if !self.settings.scopes.iter().any(|scope| scope == OFFLINE_ACCESS) {
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
    ) -> Result<(TokenSet, RoundTrip), ProviderError> {
        let authentication = self.authentication(metadata).await?;
        let client = self.client(metadata, &authentication).set_redirect_uri(redirect_url(exchange.redirect_uri)?);
        let mut request = client
            .exchange_code(AuthorizationCode::new(exchange.code.to_owned()))
            .map_err(|_| ProviderError::Rejected("discovery: the provider has no token endpoint".to_owned()))?
            .set_pkce_verifier(PkceCodeVerifier::new(exchange.code_verifier.to_owned()));
        if let Some(resource) = &self.settings.resource {
            request = request.add_extra_param("resource", resource.clone());
        }
        for (name, value) in authentication.assertion() {
            request = request.add_extra_param(name, value);
        }
        let answer = TokenAnswer::default();
        let set = request
            .request_async(&|request| answer.to(&self.link, request))
            .await
            .map_err(|error| exchange_error(error, answer.status.get(), &self.settings.credentials))
            .map_err(|error| error.with_words(answer.said.take()))?;
        Ok((set, answer.round_trip(&self.link)))
    }

    /// See [`crate::provider::Provider::prepare`].
    pub async fn prepare(&self, now: OffsetDateTime) {
        if let Ok(metadata) = self.metadata(now).await {
            keys::prepare(metadata.jwks_uri().as_str(), &self.link);
        }
    }

    /// See [`crate::provider::Provider::refresh`].
    pub async fn refresh(
        &self,
        now: OffsetDateTime,
        token: &RefreshToken,
        identity: &Identity,
        target: Option<&Target>,
    ) -> Result<(Tokens, Option<Identity>), RefreshError> {
        // Nothing was presented yet, so the token is as good as before.
        let not_presented = |why: String| RefreshFailure::Deferred { retry_after: None, why };
        let metadata = self.metadata(now).await.map_err(|error| not_presented(error.to_string()))?;
        let authentication = self.authentication(&metadata).await.map_err(|error| not_presented(error.to_string()))?;
        let client = self.client(&metadata, &authentication);
        let mut request = client
            .exchange_refresh_token(token)
            .map_err(|_| not_presented("discovery: the provider has no token endpoint".to_owned()))?;
        let params = match target {
            Some(target) => target_params(target),
            None => self.settings.resource.iter().map(|resource| ("resource", resource.clone())).collect(),
        };
        for (name, value) in params {
            request = request.add_extra_param(name, value);
        }
        for (name, value) in authentication.assertion() {
            request = request.add_extra_param(name, value);
        }
        let answer = TokenAnswer::default();
        let set = request
            .request_async(&|request| answer.to(&self.link, request))
            .await
            .map_err(|error| refresh_failure(&error, &answer, &self.settings.credentials, target))
            .map_err(|failure| failure.with_words(answer.said.take()))?;
        let tokens =
            set.tokens(answer.round_trip(&self.link)).map_err(|error| RefreshFailure::Unknown(error.to_string()))?;
        let renewed = match set.id_token() {
            Some(raw) => self.renewed(&metadata, raw, &tokens, identity).await.map(Some),
            None => Ok(None),
        };
        match renewed {
            Ok(renewed) => Ok((tokens, renewed)),
            Err(failure) => Err(failure.granting(tokens, token)),
        }
    }
}
