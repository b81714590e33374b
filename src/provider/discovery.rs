//! What a provider publishes about itself: its metadata (OpenID Connect Discovery 1.0).
//!
//! It is kept in the isolate and, for the other isolates of the data centre, in the Cache API; [`crate::jose::document`] says
//! for how long. A cached document is checked like a fetched one, and is as old as it says.

use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use openidconnect::IssuerUrl;
use time::OffsetDateTime;

use super::error::{ProviderError, unanswered};
use super::link::Link;
use super::metadata::{Metadata, read};
use crate::config::is_allowed;
use crate::jose::document::FRESH;
use crate::jose::published::{self, FetchResult};
use crate::runtime::Cached;
use crate::{ambient, http};

/// Whose metadata, and the variable that says so.
#[derive(Clone, Copy)]
pub struct IssuerSource<'a> {
    /// The issuer.
    pub issuer: &'a IssuerUrl,
    /// `OIDC_ISSUER`, or the variable in its place. Error texts name it.
    pub variable: &'static str,
}

/// The discovery document's URL: the issuer with the well-known path behind it.
pub fn url(issuer: &IssuerUrl) -> String {
    format!("{}/.well-known/openid-configuration", issuer.as_str().trim_end_matches('/'))
}

/// The provider's metadata.
pub async fn metadata(
    source: IssuerSource<'_>,
    link: &Link,
    now: OffsetDateTime,
) -> Result<Rc<Metadata>, ProviderError> {
    let call = || {
        let (issuer, variable, link) = (source.issuer.clone(), source.variable, link.clone());
        async move {
            let source = IssuerSource { issuer: &issuer, variable };
            match from_cache(source, &link).await {
                Some(cached) => Ok(cached),
                None => Ok(fetch_metadata(source, &link).await?),
            }
        }
        .boxed_local()
    };
    Ok(published(source, link, &call).current(now).await?.value)
}

/// Whether the provider answers now, if only with something else than its metadata: a GET, unless one was answered, or was
/// not, just now.
pub async fn answers(source: IssuerSource<'_>, link: &Link) -> bool {
    let call = || {
        let (issuer, variable, link) = (source.issuer.clone(), source.variable, link.clone());
        async move { Ok(fetch_metadata(IssuerSource { issuer: &issuer, variable }, &link).await?) }.boxed_local()
    };
    published(source, link, &call).answers().await
}

fn published<'a>(
    source: IssuerSource<'a>,
    link: &'a Link,
    call: &'a dyn Fn() -> LocalBoxFuture<'static, FetchResult<Metadata>>,
) -> published::DocumentSource<'a, Metadata> {
    published::DocumentSource {
        documents: &link.documents.metadata,
        address: source.issuer.as_str(),
        call,
        isolate: &link.isolate,
    }
}

async fn fetch_metadata(source: IssuerSource<'_>, link: &Link) -> Result<(Metadata, OffsetDateTime), ProviderError> {
    let IssuerSource { issuer, variable } = source;
    let request = ::http::Request::builder().uri(url(issuer)).header("accept", "application/json").body(Vec::new());
    let request = request.map_err(|_| ProviderError::Rejected(format!("{variable} is no URL that can be asked")))?;
    let response = http::send(&*link.http, request).await.map_err(|error| match unanswered(error) {
        ProviderError::Unavailable(why) => {
            ProviderError::Unavailable(format!("discovery: {why}. If this goes on, check the host in {variable}"))
        }
        error => error,
    })?;
    match response.status().as_u16() {
        200 => {}
        status if http::says_not_now(status) => {
            return Err(ProviderError::Unavailable(format!("discovery: the provider answered {status}")));
        }
        status => {
            return Err(ProviderError::Rejected(format!(
                "discovery: {} answered {status}. {variable} has to name the provider's issuer",
                url(issuer)
            )));
        }
    }
    let metadata = checked(source, response.body())?;
    let fetched_at = link.isolate.now();
    // Best effort: where there is no cache, each isolate asks for itself.
    let cached = Cached { body: response.into_body(), fetched_at };
    link.cache.put(cache_key(issuer), cached, FRESH.unsigned_abs()).await;
    Ok((metadata, fetched_at))
}

/// Reads a discovery document: the issuer must be the configured one, and every endpoint one that may be called.
fn checked(source: IssuerSource<'_>, body: &[u8]) -> Result<Metadata, ProviderError> {
    let IssuerSource { issuer, variable } = source;
    let rejected = |what: &str| ProviderError::Rejected(format!("discovery: {what}"));
    let metadata = read(body).map_err(|lack| rejected(&format!("{lack}. Check {variable}")))?;
    if metadata.issuer() != issuer {
        return Err(rejected(&format!("the document names another issuer than {variable}; a slash at the end counts")));
    }
    let more = metadata.additional_metadata();
    let endpoints = [
        ("authorization_endpoint", Some(metadata.authorization_endpoint().url())),
        ("jwks_uri", Some(metadata.jwks_uri().url())),
        ("token_endpoint", metadata.token_endpoint().map(|endpoint| endpoint.url())),
        ("userinfo_endpoint", metadata.userinfo_endpoint().map(|endpoint| endpoint.url())),
        ("pushed_authorization_request_endpoint", more.pushed_authorization_request_endpoint.as_ref()),
        ("end_session_endpoint", more.end_session_endpoint.as_ref()),
        ("revocation_endpoint", more.revocation_endpoint.as_ref()),
    ];
    let bad = endpoints.into_iter().find(|(_, url)| !url.is_none_or(is_allowed)).map(|(name, _)| name);
    match bad {
        Some(name) => {
            Err(rejected(&format!("the document's {name} is neither https nor on a loopback host. Check {variable}")))
        }
        None => Ok(metadata),
    }
}

/// The key in the Cache API. It lies under the issuer's own URL, where only the issuer can put anything.
fn cache_key(issuer: &IssuerUrl) -> String {
    format!("{}?for=edge-oauth-sessions", url(issuer))
}

/// The document that another isolate has fetched, and when.
async fn from_cache(source: IssuerSource<'_>, link: &Link) -> Option<(Metadata, OffsetDateTime)> {
    let Cached { body, fetched_at } = link.cache.get(cache_key(source.issuer)).await?;
    let age = ambient::between(fetched_at, link.isolate.now());
    if age.is_negative() || age >= FRESH {
        return None;
    }
    Some((checked(source, &body).ok()?, fetched_at))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::jose::Algorithm;
    use crate::provider::metadata::ID_TOKEN_ALGORITHMS;

    fn document(issuer: &str, token_endpoint: &str) -> Vec<u8> {
        serde_json::json!({
            "issuer": issuer, "authorization_endpoint": "https://op.example/authorize", "token_endpoint": token_endpoint,
            "jwks_uri": "https://op.example/jwks", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"],
        })
        .to_string()
        .into_bytes()
    }

    #[test]
    fn a_document_of_another_issuer_or_with_a_plain_http_endpoint_is_refused() {
        let source =
            IssuerSource { issuer: &IssuerUrl::new("https://op.example".into()).unwrap(), variable: "AUTH0_DOMAIN" };
        assert!(checked(source, &document("https://op.example", "https://op.example/token")).is_ok());
        let other = checked(source, &document("https://op.example/", "https://op.example/token")).unwrap_err();
        assert!(other.to_string().contains("another issuer than AUTH0_DOMAIN"));
        assert!(checked(source, &document("https://op.example", "http://op.example/token")).is_err());
        assert!(checked(source, b"{}").is_err());
    }

    #[test]
    fn lists_that_nothing_depends_on_may_be_missing() {
        let document = json!({
            "issuer": "https://op.example/", "authorization_endpoint": "https://op.example/authorize",
            "token_endpoint": "https://op.example/oauth/token", "jwks_uri": "https://op.example/jwks",
        });
        let source =
            IssuerSource { issuer: &IssuerUrl::new("https://op.example/".into()).unwrap(), variable: "OIDC_ISSUER" };
        assert!(checked(source, document.to_string().as_bytes()).is_ok());
    }

    #[test]
    fn the_algorithms_of_id_tokens_are_those_that_are_named_and_accepted() {
        let named = |algorithms: Value| {
            let mut document: Map<String, Value> =
                serde_json::from_slice(&document("https://op.example", "https://op.example/token")).unwrap();
            match algorithms {
                Value::Null => document.remove(ID_TOKEN_ALGORITHMS),
                algorithms => document.insert(ID_TOKEN_ALGORITHMS.to_owned(), algorithms),
            };
            let metadata = read(Value::Object(document).to_string().as_bytes()).unwrap();
            metadata
                .additional_metadata()
                .id_token_algorithms
                .iter()
                .map(|algorithm| algorithm.name)
                .collect::<Vec<_>>()
        };
        let odd = json!(["none", "HS256", "ES512", "Ed25519", "ES256K", 7, null, "RS256"]);
        assert_eq!(named(odd), ["ES512", "EdDSA", "RS256"]);
        assert_eq!(named(json!(["HS256"])), Vec::<&str>::new());
        assert_eq!(named(json!(null)).len(), Algorithm::all().count());
    }

    #[test]
    fn the_discovery_url_has_one_slash_whether_the_issuer_ends_in_one_or_not() {
        for issuer in ["https://op.example/tenant", "https://op.example/tenant/"] {
            let issuer = IssuerUrl::new(issuer.into()).unwrap();
            assert_eq!(url(&issuer), "https://op.example/tenant/.well-known/openid-configuration");
        }
    }
}
