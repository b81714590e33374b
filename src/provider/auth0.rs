//! Auth0: an OpenID Connect provider with a few ways of its own, over [`super::oidc`].
//!
//! Revocation takes the client's credentials in the body alone. Tenants whose discovery document names no
//! end-session endpoint have `/v2/logout`, which gives no `state` back. `/authorize` takes no `id_token_hint`. An ID token has to
//! be for the organization that the login was for.

use openidconnect::RefreshToken;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use url::Url;

use super::client_authentication::ClientAuthentication;
use super::error::{ExchangeError, ProviderError, RefreshError, RefreshFailure, unanswered};
use super::link::Link;
use super::oidc::{MAX_URL, OFFLINE_ACCESS, Oidc};
use super::requests::{Authorization, EndSession, Exchange};
use super::sign_in::SignIn;
use super::tokens::Tokens;
use crate::config::Credentials;
use crate::config::target::Target;
use crate::identity::Identity;
use crate::{config, http};

/// The parameter that ends the session at the identity provider behind Auth0, too. It has no value.
const FEDERATED: &str = "&federated";
/// What an operator can do about a login that brought no refresh token.
const NO_REFRESH_TOKEN: &str = "no refresh token came: in the Auth0 Dashboard, turn on the application's grant Refresh Token \
     and, where OIDC_AUDIENCE is set, Allow Offline Access of that API";

/// See the module.
#[derive(Clone, Debug)]
pub struct Auth0 {
    /// What it has in common with other providers.
    pub oidc: Oidc,
    logout_federated: bool,
}

impl Auth0 {
    /// The tenant of these settings.
    pub fn new(settings: config::Auth0Settings, link: Link) -> Self {
        Self { oidc: Oidc::new(settings.oidc, link), logout_federated: settings.logout_federated }
    }

    /// A URL of the tenant's.
    fn url(&self, path: &str) -> Option<Url> {
        Url::parse(self.oidc.settings.issuer.as_str()).ok()?.join(path).ok()
    }

    /// See [`super::Provider::exchange`]. An ID token for another organization than the login was for is refused.
    pub async fn exchange(&self, now: OffsetDateTime, exchange: Exchange<'_>) -> Result<SignIn, ExchangeError> {
        let mut signed_in = self.oidc.exchange(now, exchange).await?;
        if self.oidc.settings.scopes.iter().any(|scope| scope == OFFLINE_ACCESS) {
            signed_in.no_refresh_token = signed_in.no_refresh_token.map(|_| NO_REFRESH_TOKEN);
        }
        match self.oidc.settings.organization().or(exchange.organization) {
            Some(wanted) if !is_of_organization(&claims_of(&signed_in.identity), wanted) => {
                let why = "the ID token is for another organization than the login (org_id, org_name)";
                let error = ProviderError::Callback(why.to_owned());
                Err(ExchangeError { error, granted: signed_in.tokens.refresh_token, sid: signed_in.identity.sid })
            }
            _ => Ok(signed_in),
        }
    }

    /// See [`super::Provider::refresh`]. A session stays in its organization.
    pub async fn refresh(
        &self,
        now: OffsetDateTime,
        token: &RefreshToken,
        identity: &Identity,
        target: Option<&Target>,
    ) -> Result<(Tokens, Option<Identity>), RefreshError> {
        let (tokens, renewed) = self.oidc.refresh(now, token, identity, target).await?;
        if let Some(renewed) = &renewed {
            let (before, after) = (claims_of(identity), claims_of(renewed));
            let left = before.get("org_id") != after.get("org_id")
                || self.oidc.settings.organization().is_some_and(|wanted| !is_of_organization(&after, wanted));
            if left {
                let why = "the refreshed ID token is for another organization (org_id)".to_owned();
                return Err(RefreshFailure::Refused(why).granting(tokens, token));
            }
        }
        Ok((tokens, renewed))
    }

    /// See [`super::Provider::authorization_url`].
    pub async fn authorization_url(
        &self,
        now: OffsetDateTime,
        request: &Authorization<'_>,
    ) -> Result<String, ProviderError> {
        self.oidc.authorization_url(now, &Authorization { id_token_hint: None, ..*request }).await
    }

    /// See [`super::Provider::revoke`]. Ends the whole grant, which is Auth0's default. The client proves itself in the body alone.
    pub async fn revoke(&self, now: OffsetDateTime, token: &RefreshToken) -> Result<(), ProviderError> {
        let settings = &self.oidc.settings;
        let endpoint = self.url("oauth/revoke");
        let endpoint = endpoint.ok_or_else(|| ProviderError::Rejected("AUTH0_DOMAIN makes no URL".to_owned()))?;
        let authentication = match &settings.credentials {
            Credentials::Secret(secret) => ClientAuthentication::Post(secret.clone()),
            Credentials::None => ClientAuthentication::None,
            Credentials::Key(_) | Credentials::Either(..) | Credentials::Apple(_) => {
                self.oidc.authentication(&*self.oidc.metadata(now).await?).await?
            }
        };
        let params = vec![("token".to_owned(), token.secret().clone())];
        let request = authentication.form(&settings.client_id, &endpoint, params)?;
        let response = http::send(&*self.oidc.link.http, request).await.map_err(unanswered)?;
        if response.status().is_success() {
            Ok(())
        } else {
            Err(ProviderError::Rejected(format!("the provider answered {}", response.status())))
        }
    }

    /// See [`super::Provider::end_session_url`].
    pub async fn end_session_url(&self, now: OffsetDateTime, logout: EndSession<'_>) -> Option<String> {
        let limit = if self.logout_federated { MAX_URL.saturating_sub(FEDERATED.len()) } else { MAX_URL };
        let standard = self.oidc.end_session_url_within(limit, now, logout).await.and_then(|url| Url::parse(&url).ok());
        let mut url = match standard {
            Some(url) => url,
            None => self.v2_logout_url(logout)?,
        };
        if self.logout_federated {
            let query = format!("{}{FEDERATED}", url.query().unwrap_or_default());
            url.set_query(Some(query.trim_start_matches('&')));
        }
        Some(url.into())
    }

    /// The older endpoint.
    fn v2_logout_url(&self, logout: EndSession<'_>) -> Option<Url> {
        let mut url = self.url("v2/logout")?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.oidc.settings.client_id)
            .append_pair("returnTo", logout.post_logout_redirect_uri);
        Some(url)
    }
}

fn claims_of(identity: &Identity) -> Map<String, Value> {
    serde_json::from_str(&identity.claims).unwrap_or_default()
}

/// Whether an ID token is for this organization: `org_…` is an id, anything else a name, which Auth0 keeps in lower case.
fn is_of_organization(claims: &Map<String, Value>, organization: &str) -> bool {
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    if organization.starts_with("org_") {
        claim("org_id") == Some(organization)
    } else {
        claim("org_name") == Some(organization.to_ascii_lowercase().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_is_held_against_its_id_or_its_name_in_lower_case() {
        let claims = serde_json::json!({"org_id": "org_1", "org_name": "acme"});
        let claims = claims.as_object().unwrap();
        for good in ["org_1", "acme", "Acme"] {
            assert!(is_of_organization(claims, good), "{good}");
        }
        for bad in ["org_2", "org_", "ORG_1", "acm", ""] {
            assert!(!is_of_organization(claims, bad), "{bad}");
        }
        assert!(!is_of_organization(&Map::new(), "org_1"));
    }
}
