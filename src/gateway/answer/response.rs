//! The gateway's own responses. Nothing caches, sniffs or frames them, and none sends a `Referer`.

use std::fmt;

/// A response that the gateway writes itself.
pub struct Outgoing {
    /// The status.
    pub status: u16,
    /// Headers beside those that every one has.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
    /// What the log says of it: see [`super::failed_request`].
    pub line: Option<String>,
}

/// A body and its type.
pub enum Body {
    /// No body.
    Empty,
    /// `application/json`.
    Json(String),
    /// `application/problem+json`.
    Problem(String),
    /// `text/html`.
    Html(String),
}

/// Its headers may set cookies and offer challenges, its body may have a session's claims.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("status", &self.status).finish_non_exhaustive()
    }
}

impl Outgoing {
    /// A response with this body.
    pub const fn new(status: u16, body: Body) -> Self {
        Self { status, headers: Vec::new(), body, line: None }
    }

    /// A redirect.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status, Body::Empty).header("location", location)
    }

    /// The response with one header more.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The response with one cookie more.
    pub fn cookie(self, line: &str) -> Self {
        self.header("set-cookie", line)
    }

    /// Every header, those that all have included.
    pub fn all_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let common = [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            // With `no-referrer`, older browsers would post the logout's form with `Origin: null`.
            ("referrer-policy", "strict-origin"),
        ];
        let content_type = self.body.content_type().map(|kind| ("content-type", kind));
        let own = self.headers.iter().map(|(name, value)| (*name, value.as_str()));
        common.into_iter().chain(content_type).chain(own)
    }

    /// The `Set-Cookie` lines.
    pub fn set_cookies(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().filter(|(name, _)| *name == "set-cookie").map(|(_, line)| line.as_str())
    }
}

impl Body {
    /// Its text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Empty => None,
            Self::Json(text) | Self::Problem(text) | Self::Html(text) => Some(text),
        }
    }

    const fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::Empty => None,
            Self::Json(_) => Some("application/json"),
            Self::Problem(_) => Some("application/problem+json"),
            Self::Html(_) => Some("text/html; charset=utf-8"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_does_not_show_its_cookies_challenges_and_body_in_debug_output() {
        let answer = Outgoing::new(200, Body::Json("s3cret".to_owned())).header("secure-session-challenge", "s3cret");
        assert_eq!(format!("{:?}", answer.cookie("a=s3cret")), "Outgoing { status: 200, .. }");
    }
}
