//! The gateway's own responses. None of them is ever cached, sniffed or framed, and none tells where it was.

use crate::actors::session::message::SessionView;

/// A response that the gateway writes itself.
#[derive(Debug)]
pub struct Outgoing {
    /// The status.
    pub status: u16,
    /// Headers beside those that every one has.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
}

/// A body and its type.
#[derive(Debug)]
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

impl Outgoing {
    /// A response with this body.
    pub const fn new(status: u16, body: Body) -> Self {
        Self { status, headers: Vec::new(), body }
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

    /// As the platform wants it.
    pub fn into_platform(self) -> worker::Result<web_sys::Response> {
        let headers = web_sys::Headers::new()?;
        headers.set("cache-control", "no-store")?;
        headers.set("x-content-type-options", "nosniff")?;
        // Not less: without any, older browsers post the logout's form with `Origin: null`.
        headers.set("referrer-policy", "strict-origin")?;
        let (content_type, body) = match &self.body {
            Body::Empty => (None, None),
            Body::Json(body) => (Some("application/json"), Some(body.as_str())),
            Body::Problem(body) => (Some("application/problem+json"), Some(body.as_str())),
            Body::Html(body) => (Some("text/html; charset=utf-8"), Some(body.as_str())),
        };
        if let Some(content_type) = content_type {
            headers.set("content-type", content_type)?;
        }
        for (name, value) in &self.headers {
            headers.append(name, value)?;
        }
        let init = web_sys::ResponseInit::new();
        init.set_status(self.status);
        init.set_headers(&headers);
        Ok(web_sys::Response::new_with_opt_str_and_init(body, &init)?)
    }
}

/// A session as `GET /session` shows it.
pub fn session(view: &SessionView) -> Body {
    #[derive(serde::Serialize)]
    struct Session<'a> {
        subject: &'a str,
        issuer: &'a str,
        claims: serde_json::Value,
        region: &'a str,
        #[serde(with = "time::serde::rfc3339")]
        created_at: time::OffsetDateTime,
        #[serde(with = "time::serde::rfc3339")]
        idle_expires_at: time::OffsetDateTime,
        #[serde(with = "time::serde::rfc3339")]
        expires_at: time::OffsetDateTime,
        #[serde(with = "time::serde::rfc3339::option")]
        access_token_expires_at: Option<time::OffsetDateTime>,
    }
    let session = Session {
        subject: &view.subject,
        issuer: &view.issuer,
        claims: serde_json::from_str(&view.claims).unwrap_or_default(),
        region: view.region.as_str(),
        created_at: view.created_at,
        idle_expires_at: view.idle_expires_at,
        expires_at: view.expires_at,
        access_token_expires_at: view.access_token_expires_at,
    };
    Body::Json(serde_json::to_string(&session).unwrap_or_default())
}
