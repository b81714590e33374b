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

use crate::config::Par;
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
const OPTIONAL_URLS: [&str; 3] = ["userinfo_endpoint", "end_session_endpoint", "revocation_endpoint"];
/// The same, which is used where authorization requests are pushed.
const PAR_URL: &str = "pushed_authorization_request_endpoint";
/// Whether they have to be.
const PAR_REQUIRED: &str = "require_pushed_authorization_requests";
/// Members that say yes or no.
const FLAGS: [&str; 2] = ["authorization_response_iss_parameter_supported", PAR_REQUIRED];
/// Lists of which known entries are used.
const LISTS: [&str; 2] = ["scopes_supported", "token_endpoint_auth_methods_supported"];

/// Reads a document. Of its members only those in use are looked at: many providers put a placeholder into another one. What is used is
/// of its type, and [`super::discovery`] checks the issuer and where the endpoints are. The error names the member, in a sentence
/// without its end.
pub(super) fn read(body: &[u8], par: Par) -> Result<Metadata, String> {
    let no_document = || "what the provider sent is no discovery document".to_owned();
    let mut document: Map<String, Value> = serde_json::from_slice(body).map_err(|_| no_document())?;
    // Null and an empty text say nothing.
    let mut said = |name: &str| document.remove(name).filter(|value| !value.is_null() && *value != "");
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
    let pushes = par.pushes(used.get(PAR_REQUIRED) == Some(&Value::Bool(true)));
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
mod tests {
    use super::*;

    fn document(more: &Value) -> Vec<u8> {
        let mut document = json!({
            "issuer": "https://op.example", "authorization_endpoint": "https://op.example/authorize",
            "token_endpoint": "https://op.example/token", "jwks_uri": "https://op.example/jwks",
        });
        document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        document.to_string().into_bytes()
    }

    fn of(more: &Value) -> Result<Metadata, String> {
        read(&document(more), Par::Auto)
    }

    #[test]
    fn what_nobody_uses_may_be_anything() {
        for name in [
            "service_documentation",
            "op_policy_uri",
            "op_tos_uri",
            "registration_endpoint",
            "introspection_endpoint",
            "check_session_iframe",
            "device_authorization_endpoint",
            "mtls_endpoint_aliases",
            "response_types_supported",
            "response_modes_supported",
            "subject_types_supported",
            "grant_types_supported",
            "acr_values_supported",
            "claims_supported",
            "display_values_supported",
            "claim_types_supported",
            "id_token_encryption_alg_values_supported",
            "claims_locales_supported",
            "ui_locales_supported",
            "userinfo_signing_alg_values_supported",
            "request_uri_parameter_supported",
            "require_request_uri_registration",
            "claims_parameter_supported",
            "code_challenge_methods_supported",
        ] {
            for odd in [json!("TBD"), json!(""), json!(null), json!(7), json!(true), json!([7, null]), json!({"x": 1})]
            {
                assert!(of(&json!({name: odd})).is_ok(), "{name}: {odd}");
            }
        }
    }

    #[test]
    fn an_optional_endpoint_that_is_empty_or_null_is_none_and_one_that_is_no_url_is_refused_by_its_name() {
        for name in OPTIONAL_URLS {
            for empty in [json!(""), json!(null)] {
                let metadata = of(&json!({name: empty})).unwrap();
                let more = metadata.additional_metadata();
                assert!(metadata.userinfo_endpoint().is_none() && more.end_session_endpoint.is_none());
                assert!(more.revocation_endpoint.is_none());
            }
            for odd in [json!("TBD"), json!("/path"), json!(" "), json!(7), json!([]), json!({})] {
                let refused = of(&json!({name: odd})).unwrap_err();
                assert_eq!(refused, format!("the document's {name} is no URL"), "{odd}");
            }
        }
    }

    #[test]
    fn the_endpoint_for_pushed_requests_is_looked_at_where_requests_are_pushed() {
        let read = |url: Value, required: bool, par: Par| {
            let metadata = read(&document(&json!({PAR_URL: url, PAR_REQUIRED: required})), par)?;
            Ok::<_, String>(metadata.additional_metadata().pushed_authorization_request_endpoint.is_some())
        };
        for (par, required, pushes) in
            [(Par::Auto, false, false), (Par::Auto, true, true), (Par::Always, false, true), (Par::Never, true, false)]
        {
            assert_eq!(read(json!("https://op.example/par"), required, par), Ok(pushes));
            assert_eq!(read(json!("TBD"), required, par).is_err(), pushes);
            assert_eq!(read(json!(""), required, par), Ok(false));
        }
    }

    #[test]
    fn what_a_document_lacks_is_named() {
        for name in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
            for none in [json!(""), json!(null)] {
                assert_eq!(of(&json!({name: none})).unwrap_err(), format!("the document has no {name}"));
            }
        }
        assert_eq!(of(&json!({"jwks_uri": "TBD"})).unwrap_err(), "the document's jwks_uri is no URL");
        for body in ["", "x", "[]", "null", "7", "\"x\""] {
            assert_eq!(
                read(body.as_bytes(), Par::Auto).unwrap_err(),
                "what the provider sent is no discovery document",
                "{body}"
            );
        }
        assert!(read(b"{}", Par::Auto).unwrap_err().contains("issuer"));
        assert!(of(&json!({"issuer": 7})).is_err());
    }

    #[test]
    fn a_flag_on_which_a_check_depends_is_yes_or_no() {
        for name in FLAGS {
            for odd in [json!("true"), json!(1), json!([]), json!({})] {
                assert!(of(&json!({name: odd})).unwrap_err().contains(name), "{odd}");
            }
            assert!(of(&json!({name: null})).is_ok());
        }
        let promised = of(&json!({"authorization_response_iss_parameter_supported": true})).unwrap();
        assert!(promised.additional_metadata().authorization_response_iss_parameter_supported);
    }

    #[test]
    fn of_a_list_what_is_text_counts_and_what_is_no_list_is_none() {
        let scopes = |scopes: Value| {
            let metadata = of(&json!({"scopes_supported": scopes})).unwrap();
            metadata.scopes_supported().map(|scopes| scopes.iter().map(|scope| scope.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(scopes(json!(["openid", 7, null])), Some(vec!["openid".to_owned()]));
        assert_eq!(scopes(json!([])), Some(Vec::new()));
        for none in [json!("openid email"), json!(null), json!({}), json!("")] {
            assert_eq!(scopes(none), None);
        }
        assert!(of(&json!({"token_endpoint_auth_methods_supported": "client_secret_post"})).is_ok());
        assert!(of(&json!({ID_TOKEN_ALGORITHMS: "RS256"})).is_err(), "which algorithms are good depends on it");
    }
}
