//! The authorization request: its URL, or what is pushed ahead of it (RFC 9126).

use openidconnect::core::CoreAuthenticationFlow;
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge, PkceCodeVerifier, Scope};
use serde::Deserialize;
use time::OffsetDateTime;
use url::Url;

use super::{MAX_URL, OFFLINE_ACCESS, Oidc, knows_offline_access, redirect_url};
use crate::http;
use crate::provider::client_authentication::ClientAuthentication;
use crate::provider::error::{ProviderError, unanswered};
use crate::provider::metadata::{Metadata, SELECT_ACCOUNT};
use crate::provider::requests::Authorization;
use crate::provider::said;
use crate::provider::token_answer::{client_advice, plain_code};

/// The value of a parameter as this provider takes it. One that lets nobody choose an account can at least ask for the password again.
fn supported(metadata: &Metadata, name: &str, value: &str) -> String {
    if name != "prompt" || !metadata.additional_metadata().lacks_account_selection {
        return value.to_owned();
    }
    let mut prompts: Vec<&str> = Vec::new();
    for prompt in value.split(' ').map(|prompt| if prompt == SELECT_ACCOUNT { "login" } else { prompt }) {
        if !prompts.contains(&prompt) {
            prompts.push(prompt);
        }
    }
    prompts.join(" ")
}

impl Oidc {
    /// See [`crate::provider::Provider::authorization_url`].
    pub async fn authorization_url(
        &self,
        now: OffsetDateTime,
        request: &Authorization<'_>,
    ) -> Result<String, ProviderError> {
        let metadata = self.metadata(now).await?;
        let mut url = self.plain_authorization_url(&metadata, request)?;
        let more = metadata.additional_metadata();
        let push = self.settings.par.pushes(more.require_pushed_authorization_requests);
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
        // It sends no request that this client would have to prove itself in.
        let client =
            self.client(metadata, &ClientAuthentication::None).set_redirect_uri(redirect_url(request.redirect_uri)?);
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
        for resource in request.resources.iter().filter(|resource| self.settings.resource.as_deref() != Some(resource))
        {
            builder = builder.add_extra_param("resource", (*resource).to_owned());
        }
        let configured = self.settings.authorization_params.iter();
        let overruled = |name: &String| request.hints.iter().any(|(hint, _)| hint == name);
        for (name, value) in configured.filter(|(name, _)| !overruled(name)).chain(request.hints) {
            builder = builder.add_extra_param(name.clone(), supported(metadata, name, value));
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
        struct PushRefusal {
            error: String,
        }
        let params: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let request = self.authenticated_form(metadata, endpoint, params).await?;
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
            let refusal = serde_json::from_slice(response.body()).ok().map(|PushRefusal { error }| error);
            let code = refusal.as_deref().map(plain_code);
            let advice = code.map_or("", |code| client_advice(code, &self.settings.credentials));
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
}
