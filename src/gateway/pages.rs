//! The gateway's pages: small, readable in light and dark, without script. Pure.

use super::response::{Body, Outgoing};

/// What a page says.
#[derive(Debug, Default)]
pub struct Page<'a> {
    /// The heading.
    pub title: &'a str,
    /// What happened.
    pub detail: &'a str,
    /// What to do next, one step a line.
    pub next: String,
    /// Finds the request in the log; empty: there is nothing to find.
    pub ray: &'a str,
    /// Links to choose among: the URL and the words of each.
    pub choices: &'a [(String, String)],
    /// A link: its URL and its words.
    pub link: Option<(&'a str, &'a str)>,
    /// A form that posts to this URL, with these words on its button.
    pub form: Option<(&'a str, &'a str)>,
    /// Goes on to this URL by itself.
    pub refresh: Option<&'a str>,
}

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1.25rem}\
h1{font-size:1.5rem;margin:0 0 .5rem}p{margin:.75rem 0}.next{white-space:pre-line}\
small{opacity:.75}button{font:inherit;padding:.5rem 1rem}";

/// SHA-256 of [`STYLE`], in base64, for the content security policy.
fn style_hash() -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(STYLE))
}

/// A page as a response.
pub fn page(status: u16, page: &Page<'_>) -> Outgoing {
    let refresh = page
        .refresh
        .map_or_else(String::new, |url| format!("<meta http-equiv=\"refresh\" content=\"0;url={}\">", escape(url)));
    let next =
        if page.next.is_empty() { String::new() } else { format!("<p class=\"next\">{}</p>", escape(&page.next)) };
    let form = page.form.map_or_else(String::new, |(url, words)| {
        format!("<form method=\"post\" action=\"{}\"><button>{}</button></form>", escape(url), escape(words))
    });
    let choices: String = page
        .choices
        .iter()
        .map(|(url, words)| format!("<li><a href=\"{}\">{}</a></li>", escape(url), escape(words)))
        .collect();
    let choices = if choices.is_empty() { choices } else { format!("<ul>{choices}</ul>") };
    let link = page
        .link
        .map_or_else(String::new, |(url, words)| format!("<p><a href=\"{}\">{}</a></p>", escape(url), escape(words)));
    let ray = if page.ray.is_empty() {
        String::new()
    } else {
        format!("<p><small>Reference: {}</small></p>", escape(page.ray))
    };
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
        <meta name=\"viewport\" content=\"width=device-width\">{refresh}<title>{title}</title><style>{STYLE}</style></head>\
        <body><main><h1>{title}</h1><p>{detail}</p>{next}{choices}{form}{link}{ray}</main></body></html>\n",
        title = escape(page.title),
        detail = escape(page.detail),
    );
    // No form-action: browsers hold it against the redirects behind a form, too, and a logout's leads to the provider.
    let policy =
        format!("default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; frame-ancestors 'none'", style_hash());
    Outgoing::new(status, Body::Html(html)).header("content-security-policy", &policy)
}

/// Text for HTML, in elements and in quoted attributes.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
