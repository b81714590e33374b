//! The texts of plans, as `exchange.mjs` reads them.

use crate::config::Config;
use crate::config::routes::{Route, Upstream};
use crate::gateway::answer::response::Outgoing;
use crate::gateway::forward::edits::{self, Backward, Onward, Recipient};
use crate::gateway::request::Incoming;
use crate::runtime::is_bodied_get;

/// What most plans fit into: a text that grows is copied.
pub const USUAL_LENGTH: usize = 1024;

/// An answer.
pub fn of_answer(outgoing: &Outgoing) -> String {
    let kind = if outgoing.headers.is_empty() { "T" } else { "P" };
    let mut text = String::with_capacity(USUAL_LENGTH);
    push(&mut text, &[kind, &outgoing.status.to_string(), "\n"]);
    for (name, value) in outgoing.all_headers() {
        push(&mut text, &[name, ",", value, "\n"]);
    }
    push(&mut text, &["\n", outgoing.body.text().unwrap_or_default()]);
    text
}

/// Appends.
pub fn push(text: &mut String, pieces: &[&str]) {
    for piece in pieces {
        text.push_str(piece);
    }
}

/// Changes of a response's headers:
///
/// ```text
///   E<removed>,… LF <Cache-Control> LF (<name>,<value> LF)* LF (keep | replace) LF (<Set-Cookie> LF)*
/// ```
pub fn of_edits(backward: &Backward<'_>) -> String {
    let mut text = ["E", &backward.removed.join(","), "\n", backward.cache_control.unwrap_or_default(), "\n"].concat();
    for (name, value) in &backward.set {
        push(&mut text, &[name, ",", value, "\n"]);
    }
    push(&mut text, &["\n", if backward.cookies.is_some() { "replace" } else { "keep" }, "\n"]);
    for line in backward.cookies.iter().flatten() {
        push(&mut text, &[line, "\n"]);
    }
    text
}

/// What the request brings to be sent on: `none`, its length, `some` of a length that nobody knows, or `own`: only the request itself
/// can bring it (see [`is_bodied_get`]).
fn body(request: &Incoming<'_>) -> String {
    match request.content_length() {
        length if is_bodied_get(request.method(), length) => "own".to_owned(),
        _ if matches!(request.method(), "GET" | "HEAD") => "none".to_owned(),
        Some(length) => length.to_string(),
        None => "some".to_owned(),
    }
}

/// What to fetch, behind what the text says already:
///
/// ```text
///   <binding> LF <URL> LF <body> LF <no-store> LF <milliseconds> LF <Cache-Control> LF <rewrites> LF <removed>,… LF
///   (<name>,<value> LF)*
/// ```
pub fn fetch(
    mut text: String,
    config: &Config,
    request: &Incoming<'_>,
    route: &Route,
    recipient: Recipient,
    onward: &Onward<'_>,
) -> String {
    let binding = match &route.upstream {
        Upstream::Origin(_) => "",
        Upstream::Binding(name) => name,
    };
    let limit = config.upstream_timeout.whole_milliseconds().to_string();
    let no_store = if onward.no_store { "no-store" } else { "" };
    let cache_control = edits::cache_control(route, recipient).unwrap_or_default();
    let rewrites = if route.rewrites() { "rewrites" } else { "" };
    let body = body(request);
    for line in [binding, &onward.url, &body, no_store, &limit, cache_control, rewrites] {
        push(&mut text, &[line, "\n"]);
    }
    for (number, name) in onward.removed.iter().enumerate() {
        push(&mut text, &[if number > 0 { "," } else { "" }, name]);
    }
    text.push('\n');
    for (name, value) in &onward.set {
        push(&mut text, &[name, ",", value, "\n"]);
    }
    text
}
