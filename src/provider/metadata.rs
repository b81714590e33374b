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
/// The member that lists the algorithms of ID tokens.
pub(super) const ID_TOKEN_ALGORITHMS: &str = "id_token_signing_alg_values_supported";

/// Reads a document. Required members that nothing here depends on may be missing.
pub(super) fn read(body: &[u8]) -> Option<Metadata> {
    let mut document: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let names: Vec<&str> = Algorithm::all().map(|algorithm| algorithm.name).collect();
    for (name, usual) in [
        ("response_types_supported", json!(["code"])),
        ("subject_types_supported", json!(["public"])),
        // None is named: any may be used.
        (ID_TOKEN_ALGORITHMS, json!(names)),
    ] {
        document.entry(name).or_insert(usual);
    }
    let named = document.get(ID_TOKEN_ALGORITHMS).and_then(Value::as_array);
    let named = named.into_iter().flatten().filter_map(Value::as_str).filter_map(Algorithm::named).collect();
    let prompts = document.get("prompt_values_supported").and_then(Value::as_array);
    let lacks_account_selection = prompts.is_some_and(|prompts| !prompts.iter().any(|prompt| prompt == SELECT_ACCOUNT));
    let mut metadata: Metadata = serde_json::from_value(Value::Object(document)).ok()?;
    let more = metadata.additional_metadata_mut();
    more.id_token_algorithms = named;
    more.lacks_account_selection = lacks_account_selection;
    Some(metadata)
}
