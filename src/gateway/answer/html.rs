//! The gateway's pages: small, readable in light and dark, on a phone and by keyboard, without script but for the
//! captcha's. Pure.

use crate::config::brand::{Brand, Language};
use crate::gateway::answer::german::say;
use crate::gateway::answer::lean::lean;
use crate::gateway::answer::response::{Body, Outgoing};

/// What a page says: in English, whatever its language is. What the words of its problem are is said by [`super::german::detail`].
#[derive(Debug, Default)]
pub struct Page<'a> {
    /// The heading.
    pub title: &'a str,
    /// What happened.
    pub detail: &'a str,
    /// What to do next.
    pub next: &'a str,
    /// Names, and what is to be said of each.
    pub list: Vec<(&'a str, &'a str)>,
    /// Finds the request in the log; empty: there is nothing to find.
    pub ray: &'a str,
    /// Links to choose among: the URL and the words of each.
    pub choices: &'a [(String, &'a str)],
    /// A link: its URL and its words.
    pub link: Option<(&'a str, &'a str)>,
    /// A second link.
    pub other: Option<(&'a str, &'a str)>,
    /// A form that posts to this URL, with these words on its button.
    pub form: Option<(&'a str, &'a str)>,
    /// A form that posts this text to this URL by itself.
    pub resend: Option<(&'a str, &'a str)>,
    /// Goes on to this URL by itself.
    pub refresh: Option<&'a str>,
    /// After so many seconds.
    pub pause: u8,
    /// A captcha.
    pub widget: Option<Widget<'a>>,
}

/// Turnstile's widget in a form that posts itself once it is solved.
#[derive(Clone, Copy, Debug)]
pub struct Widget<'a> {
    /// Where the form posts to.
    pub url: &'a str,
    /// `sitekey`.
    pub site_key: &'a str,
    /// `action`, which the verifier tells back.
    pub action: &'a str,
    /// Where the browser goes afterwards.
    pub return_to: &'a str,
    /// For the content security policy: random, for this response alone.
    pub nonce: &'a str,
}

/// Where Turnstile's script and its frame come from.
const TURNSTILE: &str = "https://challenges.cloudflare.com";

impl Widget<'_> {
    fn html(self, language: Language) -> String {
        format!(
            "<form method=\"post\" action=\"{url}\"><input type=\"hidden\" name=\"return_to\" value=\"{return_to}\">\
            <div class=\"cf-turnstile\" data-sitekey=\"{site_key}\" data-action=\"{action}\" data-callback=\"solved\"></div>\
            <noscript><p>{noscript}</p></noscript></form>\
            <script nonce=\"{nonce}\">function solved(){{document.querySelector(\"form\").submit()}}</script>\
            <script nonce=\"{nonce}\" src=\"{TURNSTILE}/turnstile/v0/api.js\" async defer></script>",
            url = escape(self.url),
            noscript = escape(say(language, "This check needs JavaScript. Please allow it for this page.")),
            return_to = escape(self.return_to),
            site_key = escape(self.site_key),
            action = escape(self.action),
            nonce = escape(self.nonce),
        )
    }

    fn policy(self) -> String {
        format!("; script-src 'nonce-{}' {TURNSTILE}; frame-src {TURNSTILE}; connect-src {TURNSTILE}", self.nonce)
    }
}

/// What all pages share: colours, text, links and buttons.
pub const BASE_STYLE: &str = lean!("base.css");
const PAGE_STYLE: &str = lean!("page.css");

/// The icon. A page without one makes browsers ask the application for `/favicon.ico`, which may be a 401 in their console.
pub const ICON: &str = "<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
%3Crect x='2' y='7' width='12' height='8' rx='2' fill='%231b5cbf'/%3E%3Cpath d='M5 7V5a3 3 0 0 1 6 0v2' fill='none' stroke='%231b5cbf' \
stroke-width='2'/%3E%3C/svg%3E\">";

/// A source as a content security policy allows it (CSP Level 3 section 2.3.1).
pub fn hash(source: &str) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    format!("'sha256-{}'", base64::prelude::BASE64_STANDARD.encode(sha2::Sha256::digest(source)))
}

/// The brand in front of a heading: logo and name.
pub fn header(brand: &Brand) -> String {
    let name = brand.name.as_deref().unwrap_or_default();
    let logo = brand.logo.as_ref().map(|logo| {
        // The name says it; alone, the logo has to.
        let alternative = if name.is_empty() { "Logo" } else { "" };
        format!("<img src=\"{}\" alt=\"{alternative}\" referrerpolicy=\"no-referrer\">", escape(&logo.url))
    });
    match (logo, name) {
        (None, "") => String::new(),
        (logo, name) => format!("<p class=\"brand\">{}{}</p>", logo.unwrap_or_default(), escape(name)),
    }
}

/// The icon, and where images may come from.
pub fn icon(brand: &Brand) -> (String, String) {
    match &brand.logo {
        None => (ICON.to_owned(), "data:".to_owned()),
        Some(logo) => {
            let icon = format!("<link rel=\"icon\" href=\"{}\" referrerpolicy=\"no-referrer\">", escape(&logo.url));
            (icon, logo.origin.clone().unwrap_or_else(|| "data:".to_owned()))
        }
    }
}

/// A page as a response.
pub fn page(brand: &Brand, status: u16, page: &Page<'_>) -> Outgoing {
    let say = |english| escape(say(brand.language, english));
    let refresh = page.refresh.map_or_else(String::new, |url| {
        format!("<meta http-equiv=\"refresh\" content=\"{};url={}\">", page.pause, escape(url))
    });
    let next = if page.next.is_empty() { String::new() } else { format!("<p class=\"next\">{}</p>", say(page.next)) };
    let ray = if page.ray.is_empty() {
        String::new()
    } else {
        format!("<small>{}{}</small>", say("Reference: "), escape(page.ray))
    };
    let style = [BASE_STYLE, PAGE_STYLE, &brand.style].concat();
    let (icon, images) = icon(brand);
    let html = format!(
        "<!doctype html><html lang=\"{language}\"><head><meta charset=\"utf-8\">\
        <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">{refresh}{icon}<title>{title}{by}</title>\
        <style>{style}</style></head>\
        <body><main>{header}<h1>{title}</h1><p>{detail}</p>{next}{list}{widget}{actions}{ray}</main></body></html>\n",
        language = match brand.language {
            Language::English => "en",
            Language::German => "de",
        },
        title = say(page.title),
        by = brand.name.as_deref().map(|name| format!(" – {}", escape(name))).unwrap_or_default(),
        header = header(brand),
        detail = say(page.detail),
        list = list(&page.list),
        widget = match page.resend {
            Some((url, text)) => resend(brand.language, url, text),
            None => page.widget.map(|widget| widget.html(brand.language)).unwrap_or_default(),
        },
        actions = actions(brand.language, page),
    );
    // There is no form-action: browsers apply it to the redirects behind a form, too, and those of a logout lead to the provider.
    let policy = format!(
        "default-src 'none'; img-src {images}; style-src {}; base-uri 'none'; frame-ancestors 'none'{}",
        hash(&style),
        match page.resend {
            Some(_) => format!("; script-src {}", hash(RESEND)),
            None => page.widget.map(Widget::policy).unwrap_or_default(),
        },
    );
    Outgoing::new(status, Body::Html(html)).header("content-security-policy", &policy)
}

/// Sends the form of a page on.
const RESEND: &str = "document.querySelector(\"form\").submit()";

/// A form with one field, `name=value`, which the browser sends as `text/plain`. Without script its user presses a button.
fn resend(language: Language, url: &str, text: &str) -> String {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    format!(
        "<form method=\"post\" enctype=\"text/plain\" action=\"{}\"><input type=\"hidden\" name=\"{}\" value=\"{}\">\
        <div class=\"do\"><button>{}</button></div></form><script>{RESEND}</script>",
        escape(url),
        escape(name),
        escape(value),
        escape(say(language, "Send the form")),
    )
}

fn list(entries: &[(&str, &str)]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let entry = |(name, text): &(&str, &str)| format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(text));
    format!("<dl>{}</dl>", entries.iter().map(entry).collect::<String>())
}

/// The buttons and links. The first one stands out.
fn actions(language: Language, page: &Page<'_>) -> String {
    let say = |english| escape(say(language, english));
    let form = page.form.map(|(url, words)| {
        format!("<form method=\"post\" action=\"{}\"><button>{}</button></form>", escape(url), say(words))
    });
    let choices = page.choices.iter().map(|(url, words)| (url.as_str(), *words));
    let link = |(url, words)| format!("<a href=\"{}\">{}</a>", escape(url), say(words));
    let actions: String = form.into_iter().chain(choices.chain(page.link).chain(page.other).map(link)).collect();
    if actions.is_empty() { actions } else { format!("<div class=\"do\">{actions}</div>") }
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
