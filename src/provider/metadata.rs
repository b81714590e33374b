//! A provider's metadata: what `openidconnect` knows of it, and what it leaves out. Pure.

use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType,
    CoreSubjectIdentifierType,
};
use openidconnect::{AdditionalProviderMetadata, ProviderMetadata};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use crate::config::{Logout, OidcSettings, Par};
use crate::jose::Algorithm;

/// The metadata that `openidconnect` leaves out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct MoreMetadata {
    /// RFC 9207 section 3.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// RFC 9126 section 5.
    pub pushed_authorization_request_endpoint: Option<Url>,
    /// RFC 9126 section 5.
    #[serde(default)]
    pub require_pushed_authorization_requests: bool,
    /// OpenID Connect RP-Initiated Logout 1.0 section 2.1.
    pub end_session_endpoint: Option<Url>,
    /// RFC 8414 section 2.
    pub revocation_endpoint: Option<Url>,
    /// `id_token_signing_alg_values_supported`, as far as they are accepted: the library knows fewer.
    #[serde(skip)]
    pub id_token_algorithms: Vec<&'static Algorithm>,
    /// `prompt_values_supported` (Initiating User Registration via OpenID Connect 1.0) leaves `select_account` out.
    #[serde(skip)]
    pub lacks_account_selection: bool,
}

impl AdditionalProviderMetadata for MoreMetadata {}

/// A provider's metadata.
pub type Metadata = ProviderMetadata<
    MoreMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// The prompt that lets the user choose an account.
pub(super) const SELECT_ACCOUNT: &str = "select_account";
/// The member that lists the prompts (Initiating User Registration via OpenID Connect 1.0).
const PROMPTS: &str = "prompt_values_supported";
/// The member that lists the algorithms of ID tokens.
pub(super) const ID_TOKEN_ALGORITHMS: &str = "id_token_signing_alg_values_supported";

/// Members that name an endpoint without which no login works.
const REQUIRED_URLS: [&str; 3] = ["authorization_endpoint", "token_endpoint", "jwks_uri"];
/// Members that name an endpoint of what a provider may have. Some providers write an empty one where they have none.
const OPTIONAL_URLS: [&str; 3] = ["userinfo_endpoint", END_SESSION, "revocation_endpoint"];
/// The one where users log out.
const END_SESSION: &str = "end_session_endpoint";
/// The same, which is used where authorization requests are pushed.
const PAR_URL: &str = "pushed_authorization_request_endpoint";
/// Whether they have to be.
const PAR_REQUIRED: &str = "require_pushed_authorization_requests";
/// Members that say yes or no.
const FLAGS: [&str; 2] = ["authorization_response_iss_parameter_supported", PAR_REQUIRED];
/// Lists of which known entries are used.
const LISTS: [&str; 2] = ["scopes_supported", "token_endpoint_auth_methods_supported"];

/// Which members are used depends on the configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uses {
    /// `OIDC_PAR`: whether the provider's word on pushed requests counts.
    pub(super) par: Par,
    /// Whether ID tokens may have the algorithms that the document names. Else `OIDC_ID_TOKEN_ALG` says it.
    pub(super) algorithms: bool,
    /// Whether users log out at its end-session endpoint.
    pub(super) end_session: bool,
}

impl Uses {
    /// What these settings use.
    pub(super) fn of(settings: &OidcSettings) -> Self {
        Self {
            par: settings.par,
            algorithms: settings.id_token_algorithms.is_none(),
            end_session: settings.logout == Logout::Standard,
        }
    }

    /// Whether the member is used, where that depends on something.
    fn uses(self, name: &str) -> bool {
        match name {
            PAR_REQUIRED => self.par == Par::Auto,
            END_SESSION => self.end_session,
            ID_TOKEN_ALGORITHMS => self.algorithms,
            _ => true,
        }
    }
}

/// Reads a document. Of its members only those in use are looked at: many providers put a placeholder into another one. What is used is
/// of its type, and [`super::discovery`] checks the issuer and where the endpoints are. The error names the member, in a sentence
/// without its end.
pub(super) fn read(body: &[u8], uses: Uses) -> Result<Metadata, String> {
    let no_document = || "what the provider sent is no discovery document".to_owned();
    let mut document: Map<String, Value> = serde_json::from_slice(body).map_err(|_| no_document())?;
    // Null and an empty text say nothing, and what is not used is not looked at.
    let mut said =
        |name: &str| document.remove(name).filter(|value| !value.is_null() && *value != "" && uses.uses(name));
    let mut used = Map::new();
    let issuer = said("issuer").ok_or("the document has no issuer")?;
    used.insert("issuer".to_owned(), issuer);
    for name in FLAGS {
        match said(name) {
            Some(flag @ Value::Bool(_)) => used.insert(name.to_owned(), flag),
            Some(_) => return Err(format!("the document's {name} is neither true nor false")),
            None => None,
        };
    }
    let pushes = uses.par.pushes(used.get(PAR_REQUIRED) == Some(&Value::Bool(true)));
    let urls = REQUIRED_URLS.into_iter().chain(OPTIONAL_URLS).chain(pushes.then_some(PAR_URL));
    for name in urls {
        match said(name) {
            Some(url) if url.as_str().is_some_and(|url| Url::parse(url).is_ok()) => used.insert(name.to_owned(), url),
            Some(_) => return Err(format!("the document's {name} is no URL")),
            None if REQUIRED_URLS.contains(&name) => return Err(format!("the document has no {name}")),
            None => None,
        };
    }
    for name in LISTS {
        if let Some(Value::Array(list)) = said(name) {
            let words = list.into_iter().filter(Value::is_string).collect();
            used.insert(name.to_owned(), Value::Array(words));
        }
    }
    let algorithms = match said(ID_TOKEN_ALGORITHMS) {
        Some(Value::Array(named)) => named.iter().filter_map(Value::as_str).filter_map(Algorithm::named).collect(),
        Some(_) => return Err(format!("the document's {ID_TOKEN_ALGORITHMS} is no list")),
        // None is named: any may be used.
        None => Algorithm::all().collect(),
    };
    let lacks_account_selection = match said(PROMPTS) {
        Some(Value::Array(prompts)) => !prompts.iter().any(|prompt| prompt == SELECT_ACCOUNT),
        _ => false,
    };
    // The library wants these. Nothing here depends on them.
    used.insert("response_types_supported".to_owned(), json!(["code"]));
    used.insert("subject_types_supported".to_owned(), json!(["public"]));
    used.insert(ID_TOKEN_ALGORITHMS.to_owned(), json!(["RS256"]));
    let mut metadata: Metadata = serde_json::from_value(Value::Object(used)).map_err(|_| no_document())?;
    let more = metadata.additional_metadata_mut();
    more.id_token_algorithms = algorithms;
    more.lacks_account_selection = lacks_account_selection;
    Ok(metadata)
}

#[cfg(test)]
#[path = "metadata_tests.rs"]
mod tests;
