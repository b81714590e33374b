//! `/.well-known/oauth-protected-resource`: where clients with tokens of their own, agents among them, find the authorization servers
//! whose tokens are accepted here (RFC 9728). Pure.

use serde::Serialize;

use crate::config::{Config, Origin};

/// The path of the origin's metadata, which no `AUTH_PREFIX` is in front of. That of a resource with a path has this path behind it
/// (RFC 9728 section 3.1).
pub const PATH: &str = "/.well-known/oauth-protected-resource";

/// The metadata (RFC 9728 section 2).
#[derive(Serialize)]
struct Metadata<'a> {
    resource: &'a str,
    authorization_servers: Vec<&'a str>,
    bearer_methods_supported: [&'static str; 1],
}

/// Whether a path is that of metadata which is the gateway's to give: the origin's, an audience's, or that of a path on a route that
/// takes tokens. Any other is the application's.
pub fn is_ours(config: &Config, origin: &Origin, path: &str) -> bool {
    let Some(path) = inserted(path) else { return false };
    let mut taking = config.routes.iter().filter(|route| route.bearer).peekable();
    taking.peek().is_some() && (is_of(config, origin, path) || taking.any(|route| route.pattern.matches(origin, path)))
}

/// The metadata at a path, as JSON. There is none for a path that is no resource of its own: a client must not use what names another
/// resource (RFC 9728 section 3.3), and goes on to look for the origin's.
pub fn metadata(config: &Config, origin: &Origin, path: &str) -> Option<String> {
    let path = inserted(path)?;
    if !is_of(config, origin, path) {
        return None;
    }
    let resource = resource(config, origin, path);
    let mut issuers: Vec<_> = config.jwt.iter().filter(|settings| settings.audience == resource).collect();
    // Names that are no URLs of this origin do not say whose tokens are meant for what.
    if issuers.is_empty() {
        issuers.extend(&config.jwt);
    }
    let metadata = Metadata {
        resource,
        authorization_servers: issuers.into_iter().map(|settings| settings.issuer.as_str()).collect(),
        bearer_methods_supported: ["header"],
    };
    serde_json::to_string(&metadata).ok()
}

/// The parameter of a challenge that names the metadata of what was asked for (RFC 9728 section 5.1).
pub fn challenge(config: &Config, origin: &Origin, path: &str) -> (&'static str, String) {
    let base = base(resource(config, origin, path), origin).unwrap_or_default();
    ("resource_metadata", format!("\"{}{PATH}{base}\"", origin.text))
}

/// The path of the resource that the metadata at a path is about.
fn inserted(path: &str) -> Option<&str> {
    path.strip_prefix(PATH).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path is that of a resource, and not one below.
fn is_of(config: &Config, origin: &Origin, path: &str) -> bool {
    base(resource(config, origin, path), origin) == Some(path.trim_end_matches('/'))
}

/// The resource that a path belongs to: what a token for it must be meant for. That is the audience which is a URL of this origin and whose
/// path is the longest that the path lies under; without one the origin.
fn resource<'a>(config: &'a Config, origin: &'a Origin, path: &str) -> &'a str {
    let lies_under = |base: &str| path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let audiences = config.jwt.iter().map(|settings| settings.audience.as_str());
    audiences
        .filter(|audience| base(audience, origin).is_some_and(lies_under))
        .max_by_key(|audience| audience.len())
        .unwrap_or(&origin.text)
}

/// The path of a URL of this origin, without a slash at its end.
fn base<'a>(url: &'a str, origin: &Origin) -> Option<&'a str> {
    let path = url.strip_prefix(origin.text.as_str())?;
    (path.is_empty() || path.starts_with('/')).then(|| path.trim_end_matches('/'))
}

#[cfg(test)]
#[path = "protected_resource_tests.rs"]
mod tests;
