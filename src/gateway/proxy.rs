//! The way to the application and back: streamed, with the token put in and the gateway's own headers and cookies kept
//! out.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wasm_bindgen::prelude::*;

use super::Gateway;
use super::application::Caller;
use super::cookie::Jar;
use super::headers::Headers;
use super::hygiene::Hygiene;
use super::identity;
use super::pipe::Upload;
use super::problem::Problem;
use super::request::Incoming;
use super::watch::Watch;
use crate::actors::session::message::{Authority, Refresh};
use crate::config::routes::{Route, SessionRule, Token};
use crate::credential::Secret;

/// Headers of a response that tell caches other things than `Cache-Control` does.
const CACHE_HEADERS: [&str; 3] = ["cdn-cache-control", "cloudflare-cdn-cache-control", "surrogate-control"];

impl Gateway {
    /// Sends the request to the application, and its answer back.
    pub(super) async fn proxy(
        &self,
        request: &Incoming,
        route: &Route,
        mut caller: Caller,
        cleared_at: Option<OffsetDateTime>,
    ) -> Result<web_sys::Response, Problem> {
        let mut response = self.send(request, route, &caller, cleared_at).await?;
        let mut headers = Headers::read(&response.headers());
        if response.status() == 401
            && says_invalid_token(&headers)
            && let Some(renewed) = self.renewed(request, route, &caller).await
        {
            caller = renewed;
            discard(&response);
            response = self.send(request, route, &caller, cleared_at).await?;
            headers = Headers::read(&response.headers());
        }
        if headers.get("cf-challenge").is_some_and(|challenge| challenge.eq_ignore_ascii_case("captcha"))
            && let Some(problem) = self.asked_by_application(cleared_at)
        {
            discard(&response);
            return Err(problem);
        }
        // Nobody asked for another protocol, and the platform would answer with a bare 500.
        if response.status() == 101 && !request.is_web_socket {
            return Err(Problem::UpstreamUnavailable);
        }
        self.answer(route, &caller, &response, &headers).map_err(|_| Problem::UpstreamUnavailable)
    }

    async fn send(
        &self,
        request: &Incoming,
        route: &Route,
        caller: &Caller,
        cleared_at: Option<OffsetDateTime>,
    ) -> Result<web_sys::Response, Problem> {
        let headers = self.request_headers(request, route, caller, cleared_at);
        let init = web_sys::RequestInit::new();
        init.set_method(&request.method);
        init.set_headers(headers.map_err(|_| Problem::UpstreamUnavailable)?.as_ref());
        init.set_redirect(web_sys::RequestRedirect::Manual);
        if route.session != SessionRule::None {
            init.set_cache(web_sys::RequestCache::NoStore);
        }
        let upload = Upload::of(request).map_err(|_| Problem::BadRequest("The request's body cannot be read."))?;
        if let Some(upload) = &upload {
            init.set_body(&upload.body);
        }
        self.fetch(request, route, &init, upload.map(|upload| upload.sent)).await
    }

    fn request_headers(
        &self,
        request: &Incoming,
        route: &Route,
        caller: &Caller,
        cleared_at: Option<OffsetDateTime>,
    ) -> Result<web_sys::Headers, JsValue> {
        let headers = web_sys::Headers::new_with_headers(&request.raw.headers())?;
        let connection = request.header("connection").unwrap_or_default();
        let hygiene = Hygiene::new(&self.config.identity_headers, connection, request.is_web_socket);
        for name in request.headers.names().filter(|name| hygiene.removes(name)) {
            headers.delete(name)?;
        }
        if request.cookies.any {
            match request.header("cookie").and_then(Jar::strip) {
                Some(rest) => headers.set("cookie", &rest)?,
                None => headers.delete("cookie")?,
            }
        }
        match caller {
            Caller::Nobody => {}
            Caller::User { token, .. } if route.token != Token::None => {
                headers.set("authorization", &format!("Bearer {}", token.secret()))?;
            }
            Caller::User { .. } => {}
            Caller::Client { .. } => {
                headers.set("authorization", request.header("authorization").unwrap_or_default())?;
            }
        }
        if let Some(claims) = caller.claims().filter(|_| route.identity_headers) {
            for (name, value) in identity::headers(&self.config.identity_headers, claims) {
                headers.set(name, &value)?;
            }
        }
        headers.set("x-forwarded-host", &request.origin.host)?;
        headers.set("x-forwarded-proto", if request.origin.https { "https" } else { "http" })?;
        if let Some(address) = request.header("cf-connecting-ip") {
            headers.set("x-forwarded-for", address)?;
        }
        for (name, value) in request.visitor().headers() {
            headers.set(name, &value)?;
        }
        if let Some(at) = cleared_at.and_then(|at| at.format(&Rfc3339).ok()) {
            headers.set("x-captcha-passed-at", &at)?;
        }
        Ok(headers)
    }

    /// The application does not take the token: the same user with a new one, where there is one and the request can be
    /// sent again. A token that has just been renewed is not renewed again, so that nobody goes in circles.
    async fn renewed(&self, request: &Incoming, route: &Route, caller: &Caller) -> Option<Caller> {
        let Caller::User { token, .. } = caller else { return None };
        if route.token == Token::None {
            return None;
        }
        let refresh = |secret: &Secret| Refresh { authority: Authority::Cookie(secret.clone()) };
        let refreshed = self.ask_session(request, refresh).await;
        if !matches!(refreshed, Ok(Ok(_))) || request.raw.body().is_some() {
            return None;
        }
        let renewed = self.user(request, route).await.ok()?;
        let Caller::User { token: new, claims, .. } = &renewed else { return None };
        (new.secret() != token.secret() && identity::meets(claims, &route.require)).then_some(renewed)
    }

    /// The application's answer, an accepted WebSocket included, with what a cache could do wrong and the gateway's own
    /// cookies taken out.
    fn answer(
        &self,
        route: &Route,
        caller: &Caller,
        response: &web_sys::Response,
        seen: &Headers,
    ) -> Result<web_sys::Response, JsValue> {
        let answer = match caller {
            Caller::User { session, .. } => {
                Watch::new(&self.env, session, self.config.stream_check).over(response, seen, &self.context)?
            }
            Caller::Nobody | Caller::Client { .. } => copy(response, response.body().as_ref())?,
        };
        let headers = answer.headers();
        let mut cookies = seen.all("set-cookie").peekable();
        let sets_cookies = cookies.peek().is_some();
        let cache = match caller {
            Caller::Nobody => sets_cookies.then_some("no-store"),
            Caller::User { .. } | Caller::Client { .. } => Some(route.cache.as_str()),
        };
        if let Some(cache) = cache {
            headers.set("cache-control", cache)?;
            for name in seen.names().filter(|name| CACHE_HEADERS.contains(name)) {
                headers.delete(name)?;
            }
        }
        if seen.get("proxy-authenticate").is_some() {
            headers.delete("proxy-authenticate")?;
        }
        if seen.all("set-cookie").any(Jar::is_kept_from) {
            headers.delete("set-cookie")?;
            for line in cookies.filter(|line| !Jar::is_kept_from(line)) {
                headers.append("set-cookie", line)?;
            }
        }
        Ok(answer)
    }
}

/// A response like this one, with this body. Every property that the platform knows of a response goes over, those that
/// `web_sys` does not know included.
pub(super) fn copy(
    response: &web_sys::Response,
    body: Option<&web_sys::ReadableStream>,
) -> Result<web_sys::Response, JsValue> {
    let model: &web_sys::ResponseInit = response.unchecked_ref();
    web_sys::Response::new_with_opt_readable_stream_and_init(body, model)
}

/// RFC 6750 section 3.1.
fn says_invalid_token(headers: &Headers) -> bool {
    headers.get("www-authenticate").is_some_and(|challenge| {
        // A parameter may be a token or a quoted string (RFC 9110 section 11.2).
        let challenge = challenge.to_ascii_lowercase().replace([' ', '\t', '"'], "");
        challenge.contains("bearer") && challenge.contains("error=invalid_token")
    })
}

/// Nobody reads this answer: the connection is free again.
fn discard(response: &web_sys::Response) {
    if let Some(body) = response.body() {
        let _ = body.cancel();
    }
}
