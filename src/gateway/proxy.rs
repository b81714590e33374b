//! The way to the application and back, as [`super::forward`] decides.

use openidconnect::AccessToken;
use time::OffsetDateTime;

use super::application::Caller;
use super::forward::{self, Recipient};
use super::headers::Headers;
use super::problem::Problem;
use super::reply::{Forwarded, Reply};
use super::request::Incoming;
use super::watch::Watch;
use super::{Gateway, captcha, identity};
use crate::actors::session::message::{Authority, Refresh};
use crate::config::Config;
use crate::config::routes::{Route, Token, Upstream};
use crate::credential::Secret;
use crate::runtime::{Inbound, Outbound, SendError};

impl Gateway {
    /// Sends the request to the application, and its answer back.
    pub(super) async fn proxy(
        &self,
        request: &Incoming<'_>,
        route: &Route,
        caller: Caller,
        cleared_at: Option<OffsetDateTime>,
    ) -> Result<Reply, Problem> {
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
        mut response: Inbound,
    ) -> Result<Reply, Problem> {
        if response.status == 401
            && forward::says_invalid_token(&Headers::read(&response.lines))
            && let Some(renewed) = self.renewed(request, route, &caller).await
        {
            caller = renewed;
            self.applications.discard(response);
            response = self.send(request, route, &caller, cleared_at).await?;
        }
        if forward::asks_for_captcha(&Headers::read(&response.lines))
            && let Some(problem) = captcha::asked_by_application(&self.config, cleared_at, self.now())
        {
            self.applications.discard(response);
            return Err(problem);
        }
        // Nobody asked for another protocol, and the platform would answer with a bare 500.
        if response.status == 101 && !request.is_web_socket {
            return Err(Problem::UpstreamUnavailable);
        }
        Ok(self.forwarded(route, &caller, response))
    }

    async fn send(
        &self,
        request: &Incoming<'_>,
        route: &Route,
        caller: &Caller,
        cleared_at: Option<OffsetDateTime>,
    ) -> Result<Inbound, Problem> {
        let mut onward = forward::request(&self.config, request, route, caller.claims(), cleared_at);
        let authorization = match caller {
            Caller::User { token, .. } if route.token != Token::None => Some(bearer(token).into()),
            Caller::Client { .. } => request.header("authorization").map(Into::into),
            Caller::User { .. } | Caller::Nobody => None,
        };
        onward.set.extend(authorization.map(|authorization| ("authorization", authorization)));
        let sent = self.applications.send(Outbound {
            binding: match &route.upstream {
                Upstream::Origin(_) => None,
                Upstream::Binding(name) => Some(name),
            },
            url: &onward.url,
            method: request.method(),
            no_store: onward.no_store,
            removed: &onward.removed,
            set: &onward.set,
            length: request.header("content-length").and_then(|length| length.parse().ok()),
            within: self.config.upstream_timeout.unsigned_abs(),
        });
        sent.await.map_err(|error| match error {
            SendError::Body => Problem::BadRequest("The request's body cannot be read."),
            SendError::Unreachable => unreachable(&self.config, route),
            SendError::TimedOut => too_slow(&self.config, route),
        })
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
        if !matches!(refreshed, Ok(Ok(_))) || request.body.is_some_and(|body| body.is_there()) {
            return None;
        }
        let renewed = self.user(request, route).await.ok()?;
        let Caller::User { token: new, claims, .. } = &renewed else { return None };
        (new.secret() != token.secret() && identity::meets(claims, &route.require)).then_some(renewed)
    }

    /// The application's answer, an accepted WebSocket included.
    fn forwarded(&self, route: &Route, caller: &Caller, response: Inbound) -> Reply {
        let seen = Headers::read(&response.lines);
        let recipient = if matches!(caller, Caller::Nobody) { Recipient::Nobody } else { Recipient::Known };
        let watch = match caller {
            Caller::User { session, .. } if response.status == 101 || forward::is_event_stream(&seen) => {
                Some(Watch::new(&self.actors, session, self.config.stream_check))
            }
            Caller::User { .. } | Caller::Client { .. } | Caller::Nobody => None,
        };
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        let backward = forward::response(route, recipient, &seen);
        let (removed, cookies) = (owned(backward.removed), backward.cookies.map(owned));
        let cache_control = backward.cache_control;
        Reply::Forwarded(Box::new(Forwarded { response, removed, cache_control, cookies, own_cookie: None, watch }))
    }
}

/// A token in `Authorization` (RFC 6750 section 2.1).
fn bearer(token: &AccessToken) -> String {
    ["Bearer ", token.secret()].concat()
}

/// The application cannot be reached.
pub(super) fn unreachable(config: &Config, route: &Route) -> Problem {
    let (variable, upstream) = (config.upstream_variable(route), &route.upstream);
    Problem::UpstreamUnavailable.explained(format!("{variable}: {upstream} cannot be reached"))
}

/// The application does not answer in time.
pub(super) fn too_slow(config: &Config, route: &Route) -> Problem {
    let (variable, upstream) = (config.upstream_variable(route), &route.upstream);
    let limit = config.upstream_timeout.whole_seconds();
    let why = format!("{variable}: {upstream} did not answer in {limit} s (UPSTREAM_TIMEOUT_SECONDS)");
    Problem::UpstreamTimeout.explained(why)
}
