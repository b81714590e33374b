//! What a provider publishes about itself: its metadata (OpenID Connect Discovery 1.0).
//!
//! It is kept in the isolate and, for the other isolates of the data centre, in the Cache API; [`crate::jose::document`] says
//! for how long. A cached document is checked like a fetched one, and is as old as it says.

use std::rc::Rc;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use time::OffsetDateTime;
use url::Url;

use super::error::{ProviderError, unanswered};
use super::link::Link;
use super::metadata::{Metadata, read};
use crate::config::{OidcSettings, is_allowed};
use crate::jose::document::FRESH;
use crate::jose::published::{self, FetchResult, Missing};
use crate::runtime::Cached;
use crate::{ambient, http};

/// The provider's metadata.
pub async fn metadata(
    settings: &OidcSettings,
    link: &Link,
    now: OffsetDateTime,
) -> Result<Rc<Metadata>, ProviderError> {
    let call = || {
        let (settings, link) = (settings.clone(), link.clone());
        async move {
            match from_cache(&settings, &link).await {
                Some(cached) => Ok(cached),
                None => Ok(fetch_metadata(&settings, &link).await?),
            }
        }
        .boxed_local()
    };
    Ok(published(settings, link, &call).current(now).await?.value)
}

/// Whether the provider answers now, if only with something else than its metadata: a GET, unless one was answered, or was
/// not, just now.
pub async fn answers(settings: &OidcSettings, link: &Link) -> bool {
    let call = || {
        let (settings, link) = (settings.clone(), link.clone());
        async move { Ok(fetch_metadata(&settings, &link).await?) }.boxed_local()
    };
    published(settings, link, &call).answers().await
}

/// What an operator has to put right, if a login of this isolate found that the document is of no use: the variable to look at, and why. It is
/// asked for again where the pause is over. Where nobody has wanted it, nobody asks.
pub async fn problem(settings: &OidcSettings, link: &Link) -> Option<(&'static str, String)> {
    let no_call = || futures::future::ready(Err(Missing::Useless)).boxed_local();
    if !published(settings, link, &no_call).has_failed() {
        return None;
    }
    match metadata(settings, link, link.isolate.now()).await {
        Err(ProviderError::Rejected(why)) => Some((variable(settings), why)),
        Ok(_) | Err(_) => None,
    }
}

fn published<'a>(
    settings: &'a OidcSettings,
    link: &'a Link,
    call: &'a dyn Fn() -> LocalBoxFuture<'static, FetchResult<Metadata>>,
) -> published::DocumentSource<'a, Metadata> {
    published::DocumentSource {
        documents: &link.documents.metadata,
        address: settings.discovery_url.as_str(),
        call,
        isolate: &link.isolate,
    }
}

async fn fetch_metadata(settings: &OidcSettings, link: &Link) -> Result<(Metadata, OffsetDateTime), ProviderError> {
    let (url, variable) = (settings.discovery_url.as_str(), variable(settings));
    let request = ::http::Request::builder().uri(url).header("accept", "application/json").body(Vec::new());
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
            let named = if variable == DISCOVERY_URL { "discovery document" } else { "issuer" };
            return Err(ProviderError::Rejected(format!(
                "discovery: {url} answered {status}. {variable} has to name the provider's {named}",
            )));
        }
    }
    let metadata = checked(settings, response.body())?;
    let fetched_at = link.isolate.now();
    // Best effort: where there is no cache, each isolate asks for itself.
    let cached = Cached { body: response.into_body(), fetched_at };
    link.cache.put(cache_key(&settings.discovery_url), cached, FRESH.unsigned_abs()).await;
    Ok((metadata, fetched_at))
}

/// Reads a discovery document: the issuer must be the configured one, and every endpoint one that may be called.
fn checked(settings: &OidcSettings, body: &[u8]) -> Result<Metadata, ProviderError> {
    let rejected = |what: &str| ProviderError::Rejected(format!("discovery: {what}"));
    let variable_of_url = variable(settings);
    let metadata = read(body, settings.par).map_err(|lack| rejected(&format!("{lack}. Check {variable_of_url}")))?;
    if !settings.is_discovered(metadata.issuer()) {
        let (variable, ours) = (settings.issuer_variable, settings.issuer.as_str());
        let theirs = plain_issuer(metadata.issuer());
        let why =
            format!("the document names another issuer ({theirs}) than {variable} ({ours}); a slash at the end counts");
        return Err(rejected(&why));
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
        Some(name) => Err(rejected(&format!(
            "the document's {name} is neither https nor on a loopback host. Check {variable_of_url}"
        ))),
        None => Ok(metadata),
    }
}

/// The variable that says where the document lies.
const DISCOVERY_URL: &str = "OIDC_DISCOVERY_URL";

fn variable(settings: &OidcSettings) -> &'static str {
    if settings.has_discovery_url { DISCOVERY_URL } else { settings.issuer_variable }
}

/// An issuer as a document or a token names it, as far as it looks like one: it goes onto a page, or into the log.
pub(super) fn plain_issuer(issuer: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || ":/.-_~{}%@".contains(*c);
    issuer.chars().take_while(is_plain).take(MAX_ISSUER).collect()
}

/// How many characters of another issuer are quoted.
const MAX_ISSUER: usize = 200;

/// The key in the Cache API. It lies under the document's own URL, where only its issuer can put anything.
fn cache_key(discovery_url: &Url) -> String {
    let mut key = discovery_url.clone();
    key.query_pairs_mut().append_pair("for", "edge-oauth-sessions");
    key.into()
}

/// The document that another isolate has fetched, and when.
async fn from_cache(settings: &OidcSettings, link: &Link) -> Option<(Metadata, OffsetDateTime)> {
    let Cached { body, fetched_at } = link.cache.get(cache_key(&settings.discovery_url)).await?;
    let age = ambient::between(fetched_at, link.isolate.now());
    if age.is_negative() || age >= FRESH {
        return None;
    }
    Some((checked(settings, &body).ok()?, fetched_at))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::config::{Config, Par, ProviderSettings};
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

    fn settings(issuer: &str, more: &[(&str, &str)]) -> OidcSettings {
        let vars = [
            ("OIDC_ISSUER", issuer),
            ("OIDC_CLIENT_ID", "c"),
            ("OIDC_CLIENT_SECRET", "s"),
            ("UPSTREAM", "http://[::1]"),
        ];
        let said = |name: &str| {
            vars.iter().chain(more).find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        match Config::read(said).unwrap().provider {
            ProviderSettings::Oidc(oidc) => oidc,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_document_of_another_issuer_or_with_a_plain_http_endpoint_is_refused() {
        let settings = settings("https://op.example", &[]);
        assert!(checked(&settings, &document("https://op.example", "https://op.example/token")).is_ok());
        let other = checked(&settings, &document("https://op.example/", "https://op.example/token")).unwrap_err();
        let both = "another issuer (https://op.example/) than OIDC_ISSUER (https://op.example)";
        assert!(other.to_string().contains(both), "{other}");
        let markup = checked(&settings, &document("https://op.example/<b>x", "https://op.example/token")).unwrap_err();
        assert!(markup.to_string().contains("(https://op.example/) than"), "{markup}");
        assert!(checked(&settings, &document("https://op.example", "http://op.example/token")).is_err());
        assert!(checked(&settings, b"{}").is_err());
    }

    #[test]
    fn where_there_are_several_tenants_the_document_names_the_issuer_as_it_is_written() {
        let document =
            |tenant: &str| document(&format!("https://op.example/{tenant}/v2.0"), "https://op.example/token");
        let several = settings("https://op.example/{tenantid}/v2.0", &[]);
        assert!(checked(&several, &document("{tenantid}")).is_ok());
        for other in ["organizations", "t-1", "", "{tenant}", "{tenantid}/{tenantid}"] {
            assert!(checked(&several, &document(other)).is_err(), "{other}");
        }
        let two = settings("https://op.example/{tenantid}/v2.0", &[("OIDC_TENANTS", "t-1, t-2")]);
        assert!(checked(&two, &document("{tenantid}")).is_ok());
        assert!(checked(&two, &document("t-1")).is_err());
        // The document of the only tenant may be its own.
        let one = settings("https://op.example/{tenantid}/v2.0", &[("OIDC_TENANTS", "t-1")]);
        assert!(checked(&one, &document("{tenantid}")).is_ok() && checked(&one, &document("t-1")).is_ok());
        assert!(checked(&one, &document("t-2")).is_err() && checked(&one, &document("organizations")).is_err());
    }

    #[test]
    fn lists_that_nothing_depends_on_may_be_missing() {
        let document = json!({
            "issuer": "https://op.example/", "authorization_endpoint": "https://op.example/authorize",
            "token_endpoint": "https://op.example/oauth/token", "jwks_uri": "https://op.example/jwks",
        });
        assert!(checked(&settings("https://op.example/", &[]), document.to_string().as_bytes()).is_ok());
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
            let metadata = read(Value::Object(document).to_string().as_bytes(), Par::Auto).unwrap();
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
            let url = settings(issuer, &[]).discovery_url;
            assert_eq!(url.as_str(), "https://op.example/tenant/.well-known/openid-configuration");
        }
    }

    #[test]
    fn discovery_is_at_the_only_tenant_or_where_all_have_in_common_or_where_a_variable_says() {
        let at = |more: &[(&str, &str)]| settings("https://op.example/{tenantid}/v2.0", more).discovery_url.to_string();
        assert_eq!(at(&[]), "https://op.example/organizations/v2.0/.well-known/openid-configuration");
        let two = at(&[("OIDC_TENANTS", "t-1,t-2")]);
        assert_eq!(two, "https://op.example/organizations/v2.0/.well-known/openid-configuration");
        let one = at(&[("OIDC_TENANTS", "t-1")]);
        assert_eq!(one, "https://op.example/t-1/v2.0/.well-known/openid-configuration");
        let elsewhere = at(&[("OIDC_DISCOVERY_URL", "https://login.example/d?p=policy")]);
        assert_eq!(elsewhere, "https://login.example/d?p=policy");
    }

    #[test]
    fn documents_of_one_address_with_different_queries_are_kept_apart() {
        let key = |query: &str| cache_key(&format!("https://login.example/d{query}").parse().unwrap());
        assert_eq!(key("?p=a"), "https://login.example/d?p=a&for=edge-oauth-sessions");
        assert_ne!(key("?p=a"), key("?p=b"));
        assert_eq!(key(""), "https://login.example/d?for=edge-oauth-sessions");
    }
}
