//! `/.well-known/oauth-protected-resource`: where clients with tokens of their own, agents among them, find the authorization servers
//! whose tokens are accepted here (RFC 9728). Pure.

use serde::Serialize;

use crate::config::{Config, Origin};

/// Its path, which no `AUTH_PREFIX` is in front of (RFC 9728 section 3.1).
pub const PATH: &str = "/.well-known/oauth-protected-resource";

/// The metadata (RFC 9728 section 2).
#[derive(Serialize)]
struct Metadata<'a> {
    resource: &'a str,
    authorization_servers: Vec<&'a str>,
    bearer_methods_supported: [&'static str; 1],
}

/// The metadata of this origin, as JSON.
pub fn metadata(config: &Config, origin: &Origin) -> String {
    let metadata = Metadata {
        resource: &origin.text,
        authorization_servers: config.jwt.iter().map(|settings| settings.issuer.as_str()).collect(),
        bearer_methods_supported: ["header"],
    };
    serde_json::to_string(&metadata).unwrap_or_default()
}

/// The parameter of a challenge that names it (RFC 9728 section 5.1).
pub fn challenge(origin: &Origin) -> (&'static str, String) {
    ("resource_metadata", format!("\"{}{PATH}\"", origin.text))
}
