//! Exchanges an access token for one for another API (RFC 8693).

use openidconnect::AccessToken;
use serde::Deserialize;
use time::OffsetDateTime;

use super::Oidc;
use crate::config::target::Target;
use crate::http;
use crate::provider::error::{ProviderError, TokenExchangeError, unanswered};
use crate::provider::retry_after::retry_after;
use crate::provider::said;
use crate::provider::token::TokenSet;
use crate::provider::token_answer::{client_advice, plain_code};
use crate::provider::tokens::{RoundTrip, Tokens};

/// `grant_type` (RFC 8693 section 2.1).
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// What is exchanged, and what for (RFC 8693 section 3).
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// How a token request says what its access token is for.
pub(super) fn target_params(target: &Target) -> Vec<(&'static str, String)> {
    let said = [("audience", &target.audience), ("resource", &target.resource), ("scope", &target.scopes)];
    said.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
}

impl From<ProviderError> for TokenExchangeError {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Unavailable(why) => Self::Unavailable { why, retry_after: None },
            error => Self::Refused { why: error.to_string(), said: None },
        }
    }
}

impl Oidc {
    /// See [`crate::provider::Provider::exchange_token`].
    pub async fn exchange_token(
        &self,
        now: OffsetDateTime,
        subject: &AccessToken,
        target: &Target,
    ) -> Result<Tokens, TokenExchangeError> {
        #[derive(Deserialize)]
        struct Refusal {
            error: String,
        }
        let metadata = self.metadata(now).await?;
        let endpoint = metadata
            .token_endpoint()
            .ok_or_else(|| ProviderError::Rejected("discovery: the provider has no token endpoint".to_owned()))?;
        let own = [
            ("grant_type", GRANT_TYPE.to_owned()),
            ("subject_token", subject.secret().clone()),
            ("subject_token_type", ACCESS_TOKEN.to_owned()),
            ("requested_token_type", ACCESS_TOKEN.to_owned()),
        ];
        let params =
            own.into_iter().chain(target_params(target)).map(|(name, value)| (name.to_owned(), value)).collect();
        let request = self.authenticated_form(&metadata, endpoint.url(), params).await?;
        let secrets = said::secrets_of(&request);
        let asked_at = self.link.isolate.now();
        let response = http::send(&*self.link.http, request).await.map_err(unanswered)?;
        let received_at = self.link.isolate.now();
        let status = response.status();
        if http::says_not_now(status.as_u16()) {
            let pause = retry_after(response.headers(), received_at);
            let retry_after = pause.and_then(|pause| u32::try_from(pause.whole_seconds()).ok());
            let why = format!("the provider answered {status} to the token exchange");
            return Err(TokenExchangeError::Unavailable { why, retry_after });
        }
        if status.is_success() {
            let set: TokenSet = serde_json::from_slice(response.body())
                .map_err(|_| ProviderError::Rejected("the provider's token response cannot be read".to_owned()))?;
            return Ok(set.tokens(RoundTrip { asked_at, received_at })?);
        }
        let refusal = serde_json::from_slice(response.body()).ok().map(|Refusal { error }| error);
        let code = refusal.as_deref().map(plain_code);
        let advice = code.map_or("", |code| client_advice(code, &self.settings.credentials));
        let code = code.map_or_else(String::new, |code| format!(": {code}"));
        let why = format!("the provider answered {status} to the token exchange{code}{advice}");
        Err(TokenExchangeError::Refused { why, said: said::in_answer(response.body(), &secrets) })
    }
}
