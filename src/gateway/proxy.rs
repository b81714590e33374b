//! The way to the application and back: streamed, as [`super::forward`] decides.

use time::OffsetDateTime;
use wasm_bindgen::prelude::*;

use super::application::Caller;
use super::forward::{self, Recipient};
use super::headers::Headers;
use super::pipe::Upload;
use super::problem::Problem;
use super::request::Incoming;
use super::watch::Watch;
use super::{Gateway, captcha, identity};
use crate::actors::session::message::{Authority, Refresh};
use crate::ambient;
use crate::config::routes::{Route, Token};
use crate::credential::Secret;

impl Gateway {
    /// Sends the request to the application, and its answer back.
    pub(super) async fn proxy(
        &self,
        request: &Incoming<'_>,
        route: &Route,
        caller: Caller,
        cleared_at: Option<OffsetDateTime>,
    ) -> Result<web_sys::Response, Problem> {
        let response = self.send(request, route, &caller, cleared_at).await?;
        self.settle(request, route, caller, cleared_at, response).await
    }

    /// What the browser gets of the application's response. It may be asked once more, with another token.
    pub(super) async fn settle(
        &self,
        request: &Incoming<'_>,
        route: &Route,
        mut caller: Caller,
        cleared_at: Option<OffsetDateTime>,
        mut response: web_sys::Response,
    ) -> Result<web_sys::Response, Problem> {
        let mut lines = lines(&response.headers());
        if response.status() == 401
            && forward::says_invalid_token(&Headers::read(&lines))
            && let Some(renewed) = self.renewed(request, route, &caller).await
        {
            caller = renewed;
            discard(&response);
            response = self.send(request, route, &caller, cleared_at).await?;
            lines = self::lines(&response.headers());
        }
        let seen = &Headers::read(&lines);
        if forward::asks_for_captcha(seen)
            && let Some(problem) = captcha::asked_by_application(&self.config, cleared_at, ambient::now())
        {
            discard(&response);
            return Err(problem);
        }
        // Nobody asked for another protocol, and the platform would answer with a bare 500.
        if response.status() == 101 && !request.is_web_socket {
            return Err(Problem::UpstreamUnavailable);
        }
        self.answer(route, &caller, &response, seen).map_err(|_| Problem::UpstreamUnavailable)
    }

    async fn send(
        &self,
        request: &Incoming<'_>,
        route: &Route,
        caller: &Caller,
        cleared_at: Option<OffsetDateTime>,
    ) -> Result<web_sys::Response, Problem> {
        let onward = forward::request(&self.config, request, route, caller.claims(), cleared_at);
        let authorization = match caller {
            Caller::User { token, .. } if route.token != Token::None => Some(format!("Bearer {}", token.secret())),
            Caller::Client { .. } => request.header("authorization").map(str::to_owned),
            Caller::User { .. } | Caller::Nobody => None,
        };
        let raw = request.raw.ok_or(Problem::UpstreamUnavailable)?;
        let headers = || {
            let headers = web_sys::Headers::new_with_headers(&raw.headers())?;
            for name in &onward.removed {
                headers.delete(name)?;
            }
            for (name, value) in &onward.set {
                headers.set(name, value)?;
            }
            if let Some(authorization) = &authorization {
                headers.set("authorization", authorization)?;
            }
            Ok(headers)
        };
        let init = web_sys::RequestInit::new();
        init.set_method(request.method());
        init.set_headers(headers().map_err(|_: JsValue| Problem::UpstreamUnavailable)?.as_ref());
        init.set_redirect(web_sys::RequestRedirect::Manual);
        if onward.no_store {
            init.set_cache(web_sys::RequestCache::NoStore);
        }
        let upload = Upload::of(request).map_err(|_| Problem::BadRequest("The request's body cannot be read."))?;
        if let Some(upload) = &upload {
            init.set_body(&upload.body);
        }
        self.fetch(&onward.url, route, &init, upload.map(|upload| upload.sent)).await
    }

    /// The application does not take the token: the same user with a new one, where there is one and the request can be
    /// sent again. A token that has just been renewed is not renewed again, so that nobody goes in circles.
    async fn renewed(&self, request: &Incoming<'_>, route: &Route, caller: &Caller) -> Option<Caller> {
        let Caller::User { token, .. } = caller else { return None };
        if route.token == Token::None {
            return None;
        }
        let refresh = |secret: &Secret| Refresh { authority: Authority::Cookie(secret.clone()) };
        let refreshed = self.ask_session(request, refresh).await;
        if !matches!(refreshed, Ok(Ok(_))) || request.raw.is_none_or(|raw| raw.body().is_some()) {
            return None;
        }
        let renewed = self.user(request, route).await.ok()?;
        let Caller::User { token: new, claims, .. } = &renewed else { return None };
        (new.secret() != token.secret() && identity::meets(claims, &route.require)).then_some(renewed)
    }

    /// The application's answer, an accepted WebSocket included.
    fn answer(
        &self,
        route: &Route,
        caller: &Caller,
        response: &web_sys::Response,
        seen: &Headers<'_>,
    ) -> Result<web_sys::Response, JsValue> {
        let (answer, recipient) = match caller {
            Caller::User { session, .. } => {
                let watch = Watch::new(&self.env, session, self.config.stream_check);
                (watch.over(response, seen, &self.context)?, Recipient::Known)
            }
            Caller::Client { .. } => (copy(response, response.body().as_ref())?, Recipient::Known),
            Caller::Nobody => (copy(response, response.body().as_ref())?, Recipient::Nobody),
        };
        let (backward, headers) = (forward::response(route, recipient, seen), answer.headers());
        for name in backward.removed {
            headers.delete(name)?;
        }
        if let Some(cache) = backward.cache_control {
            headers.set("cache-control", cache)?;
        }
        if let Some(cookies) = backward.cookies {
            headers.delete("set-cookie")?;
            for line in cookies {
                headers.append("set-cookie", line)?;
            }
        }
        Ok(answer)
    }
}

/// Headers as [`Headers`] has them, in one look.
fn lines(headers: &web_sys::Headers) -> String {
    js_sys::Array::from(headers).join("\n").into()
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

/// Nobody reads this answer: the connection is free again.
fn discard(response: &web_sys::Response) {
    if let Some(body) = response.body() {
        let _ = body.cancel();
    }
}
