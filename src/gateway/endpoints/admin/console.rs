//! The administrators' console and the description of everything that the gateway answers: documents that are the
//! same for everybody, and hold no data.
//!
//! Architecture Invariant: the page runs its own script and style and nothing else, and speaks to this origin alone.

use crate::gateway::answer::html::{BASE_STYLE, ICON, hash};
use crate::gateway::answer::lean::lean;
use crate::gateway::answer::response::{Body, Outgoing};

const OPENAPI: &str = include_str!("openapi.json");
const PAGE: &str = lean!("console.html");
const STYLE: &str = lean!("console.css");
const WORDS: &str = lean!("console_words.js");
const SCRIPT: &str = lean!("console.js");

/// The console. Every address in it is relative, so that it works under any `AUTH_PREFIX`.
pub fn page() -> Outgoing {
    let (style, script) = ([BASE_STYLE, STYLE].concat(), [WORDS, SCRIPT].concat());
    let policy = format!(
        "default-src 'none'; img-src data:; script-src {}; style-src {}; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(&script),
        hash(&style)
    );
    let html = PAGE.replacen("{icon}", ICON, 1).replacen("{style}", &style, 1).replacen("{script}", &script, 1);
    Outgoing::new(200, Body::Html(html)).header("content-security-policy", &policy)
}

/// OpenAPI 3.1, as of a gateway with this `AUTH_PREFIX`.
pub fn openapi(auth_prefix: &str) -> Outgoing {
    let server = format!(r#""url": {}"#, serde_json::Value::from(auth_prefix));
    Outgoing::new(200, Body::Json(OPENAPI.replacen(r#""url": "/auth""#, &server, 1)))
}

#[cfg(test)]
#[path = "console_tests.rs"]
mod tests;
