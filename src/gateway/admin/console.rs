//! The administrators' console and the description of everything that the gateway answers: documents that are the
//! same for everybody, and hold no data.

use crate::gateway::response::{Body, Outgoing};

/// OpenAPI 3.1.
pub const OPENAPI: &str = include_str!("openapi.json");

const PAGE: &str = include_str!("console.html");

/// The console.
pub fn page() -> Outgoing {
    Outgoing::new(200, Body::Html(PAGE.to_owned()))
}
