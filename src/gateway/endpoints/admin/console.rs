//! The administrators' console and the description of everything that the gateway answers: documents that are the
//! same for everybody, and hold no data.
//!
//! Architecture Invariant: the page runs its own script and style and nothing else, and speaks to this origin alone.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use crate::gateway::answer::html::ICON;
use crate::gateway::answer::response::{Body, Outgoing};

const OPENAPI: &str = include_str!("openapi.json");
const PAGE: &str = include_str!("console.html");
const STYLE: &str = include_str!("console.css");
const SCRIPT: &str = include_str!("console.js");

/// The console. Every address in it is relative, so that it works under any `AUTH_PREFIX`. `access` says whether Cloudflare Access lets
/// administrators in here, without the token.
pub fn page(access: bool) -> Outgoing {
    let access = if access { " data-access" } else { "" };
    let html = PAGE
        .replacen("{access}", access, 1)
        .replacen("{icon}", ICON, 1)
        .replacen("{style}", STYLE, 1)
        .replacen("{script}", SCRIPT, 1);
    let policy = format!(
        "default-src 'none'; img-src data:; script-src 'sha256-{}'; style-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE)
    );
    Outgoing::new(200, Body::Html(html)).header("content-security-policy", &policy)
}

/// OpenAPI 3.1, as of a gateway with this `AUTH_PREFIX`.
pub fn openapi(auth_prefix: &str) -> Outgoing {
    let server = format!(r#""url": {}"#, serde_json::Value::from(auth_prefix));
    Outgoing::new(200, Body::Json(OPENAPI.replacen(r#""url": "/auth""#, &server, 1)))
}

/// A source as a content security policy allows it (CSP Level 3 section 2.3.1).
fn hash(source: &str) -> String {
    BASE64_STANDARD.encode(Sha256::digest(source))
}

#[cfg(test)]
#[path = "console_tests.rs"]
mod tests;
