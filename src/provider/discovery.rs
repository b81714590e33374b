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
use super::metadata::{Metadata, Uses, read};
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
/// asked for again where the pause is over. Before the first login nothing is fetched.
pub async fn problem(settings: &OidcSettings, link: &Link) -> Option<(String, String)> {
    let no_call = || futures::future::ready(Err(Missing::Useless)).boxed_local();
    if !published(settings, link, &no_call).has_failed() {
        return None;
    }
    match metadata(settings, link, link.isolate.now()).await {
        Err(ProviderError::Rejected(why)) => Some((settings.document_variable.clone().into_owned(), why)),
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
        address: &settings.document_key,
        call,
        isolate: &link.isolate,
    }
}

async fn fetch_metadata(settings: &OidcSettings, link: &Link) -> Result<(Metadata, OffsetDateTime), ProviderError> {
    let (url, variable) = (settings.discovery_url.as_str(), &settings.document_variable);
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
            let named = if *variable == settings.issuer_variable { "issuer" } else { "discovery document" };
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
    let variable_of_url = &settings.document_variable;
    let metadata =
        read(body, Uses::of(settings)).map_err(|lack| rejected(&format!("{lack}. Check {variable_of_url}")))?;
    if !settings.is_discovered(metadata.issuer()) {
        let (variable, ours) = (&settings.issuer_variable, settings.issuer.as_str());
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
#[path = "discovery_tests.rs"]
mod tests;
