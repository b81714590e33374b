//! The administrators' console and the description of everything that the gateway answers: documents that are the
//! same for everybody, and hold no data.
//!
//! Architecture Invariant: the page runs its own script and style and nothing else, and speaks to this origin alone.

use crate::config::brand::Brand;
use crate::gateway::answer::html::{self, BASE_STYLE, hash};
use crate::gateway::answer::lean::lean;
use crate::gateway::answer::response::{Body, Outgoing};

const OPENAPI: &str = lean!("openapi.json");
const PAGE: &str = lean!("console.html");
const STYLE: &str = lean!("console.css");
const SCRIPT: [&str; 3] = [lean!("console_words.js"), lean!("console_view.js"), lean!("console.js")];

/// The console. Every address in it is relative, so that it works under any `AUTH_PREFIX`. `access` says whether Cloudflare Access lets
/// administrators in here, without the token.
pub fn page(brand: &Brand, access: bool) -> Outgoing {
    let (style, script) = ([BASE_STYLE, STYLE, &brand.style].concat(), SCRIPT.concat());
    let (icon, images) = html::icon(brand);
    let policy = format!(
        "default-src 'none'; img-src {images}; script-src {}; style-src {}; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(&script),
        hash(&style)
    );
    let html = PAGE
        .replacen("{access}", if access { " data-access" } else { "" }, 1)
        .replacen("{icon}", &icon, 1)
        .replacen("{style}", &style, 1)
        .replacen("{script}", &script, 1)
        // What the operator has written comes last.
        .replacen("{brand}", &html::header(brand), 1);
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
