//! The way to the application and back, as [`super::edits`] decides.

use std::borrow::Cow;

use time::OffsetDateTime;

use crate::actors::session::line;
use crate::actors::session::message::{Authority, Refresh};
use crate::config::Config;
use crate::config::routes::{Route, Token, Upstream};
use crate::credential::Secret;
use crate::gateway::ask_session::{ask_session_on, meets};
use crate::gateway::context::Gateway;
use crate::gateway::forward::caller::{self, Caller};
use crate::gateway::forward::edits::{self, Backward, Recipient};
use crate::gateway::forward::reply::{Forwarded, Reply};
use crate::gateway::forward::watch::Watch;
use crate::gateway::forward::{captcha, require};
use crate::gateway::parked_form::Form;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::gateway::request::headers::Headers;
use crate::gateway::step_up;
use crate::runtime::{Inbound, Outbound, SendError};

/// Sends the request to the application, and its answer back.
pub(crate) async fn proxy(
    gateway: &Gateway,
    request: &Incoming<'_>,
    route: &Route,
    caller: Caller,
    cleared_at: Option<OffsetDateTime>,
    form: Option<Form>,
) -> Result<Reply, Problem> {
    let response = send(gateway, request, route, &caller, cleared_at, form.as_ref()).await?;
    settle(gateway, request, route, caller, cleared_at, response).await
}

/// What the browser gets of the application's response. The application may be asked once more, with another token.
pub(crate) async fn settle(
    gateway: &Gateway,
    request: &Incoming<'_>,
    route: &Route,
    mut caller: Caller,
    cleared_at: Option<OffsetDateTime>,
    mut response: Inbound,
) -> Result<Reply, Problem> {
    if response.status == 401
        && edits::says_invalid_token(&Headers::read(&response.lines))
        && let Some(renewed) = renewed(gateway, request, route, &caller).await
    {
        caller = renewed;
        gateway.applications.discard(response);
        response = send(gateway, request, route, &caller, cleared_at, None).await?;
    }
    if response.status == 401
        && let Some(problem) = stepped_up(gateway, request, &caller, &response).await
    {
        gateway.applications.discard(response);
        return Err(problem);
    }
    if edits::asks_for_captcha(&Headers::read(&response.lines))
        && let Some(problem) = captcha::asked_by_application(&gateway.config, cleared_at, gateway.now())
    {
        gateway.applications.discard(response);
        return Err(problem);
    }
    // The browser asked for no other protocol, and the platform would answer with a bare 500.
    if response.status == 101 && !request.is_web_socket {
        return Err(Problem::UpstreamUnavailable);
    }
    Ok(forwarded(gateway, request, route, &caller, response))
}

async fn send(
    gateway: &Gateway,
    request: &Incoming<'_>,
    route: &Route,
    caller: &Caller,
    cleared_at: Option<OffsetDateTime>,
    form: Option<&Form>,
) -> Result<Inbound, Problem> {
    let mut onward = edits::request(&gateway.config, request, route, caller.claims(), cleared_at);
    let authorization = match caller {
        Caller::User { token, .. } if caller::token(request, route) != Token::None => {
            Some(line::authorization(token.secret()).into())
        }
        Caller::Client { .. } => request.header("authorization").map(Into::into),
        Caller::User { .. } | Caller::Nobody => None,
    };
    onward.set.extend(authorization.map(|authorization| ("authorization", authorization)));
    if let Some(form) = form {
        onward.removed.push("content-length");
        onward.set.push(("content-type", form.content_type.as_str().into()));
    }
    let sent = gateway.applications.send(Outbound {
        body: form.map(|form| &*form.body),
        binding: match &route.upstream {
            Upstream::Origin(_) => None,
            Upstream::Binding(name) => Some(name),
        },
        url: &onward.url,
        method: request.method(),
        no_store: onward.no_store,
        removed: &onward.removed,
        set: &onward.set,
        length: request.content_length(),
        within: gateway.config.upstream_timeout.unsigned_abs(),
    });
    sent.await.map_err(|error| match error {
        SendError::Body => unreadable_body(),
        SendError::Unreachable => unreachable(&gateway.config, route),
        SendError::TimedOut => too_slow(&gateway.config, route),
    })
}

/// The request's body cannot be read.
pub(crate) const fn unreadable_body() -> Problem {
    Problem::BadRequest("The request's body cannot be read.")
}

/// The application does not accept the token. This gets the same user with a new token, if there is one and the request can be
/// sent again. A token that has just been renewed is not renewed again, so that there is no loop.
async fn renewed(gateway: &Gateway, request: &Incoming<'_>, route: &Route, caller: &Caller) -> Option<Caller> {
    let Caller::User { token, .. } = caller else { return None };
    if caller::token(request, route) == Token::None {
        return None;
    }
    let refresh = |secret: &Secret| Refresh { authority: Authority::Cookie(secret.clone()) };
    let refreshed = ask_session_on(gateway, request, route, refresh).await;
    if !matches!(refreshed, Ok(Ok(_))) || request.body.is_some_and(|body| body.is_there()) {
        return None;
    }
    let renewed = caller::user(gateway, request, route).await.ok()?;
    let Caller::User { token: new, claims, .. } = &renewed else { return None };
    (new.secret() != token.secret() && require::meets(claims, route)).then_some(renewed)
}

/// The problem of an application's response that asks for another login of the user who opens a page (RFC 9470). None: the user
/// has logged in like that, and the application refuses for another reason.
async fn stepped_up(gateway: &Gateway, request: &Incoming<'_>, caller: &Caller, response: &Inbound) -> Option<Problem> {
    let Caller::User { .. } = caller else { return None };
    let wanted = step_up::asked_by_application(&Headers::read(&response.lines)).filter(|_| request.is_navigation())?;
    (!meets(gateway, request, &wanted).await?).then_some(Problem::AuthenticationInsufficient(wanted))
}

/// The application's answer, an accepted WebSocket included.
fn forwarded(gateway: &Gateway, request: &Incoming<'_>, route: &Route, caller: &Caller, response: Inbound) -> Reply {
    let seen = Headers::read(&response.lines);
    let recipient = if matches!(caller, Caller::Nobody) { Recipient::Nobody } else { Recipient::Known };
    let watch = match caller {
        Caller::User { session, .. } if response.status == 101 || edits::is_event_stream(&seen) => {
            Some(Watch::new(&gateway.link.isolate, &gateway.actors, session, gateway.config.stream_check))
        }
        Caller::User { .. } | Caller::Client { .. } | Caller::Nobody => None,
    };
    let Backward { cache_control, removed, set, cookies } = edits::response(&request.origin, route, recipient, &seen);
    let removed = removed.into_iter().map(str::to_owned).collect();
    let cookies = cookies.map(|lines| lines.into_iter().map(Cow::into_owned).collect());
    Reply::Forwarded(Box::new(Forwarded { removed, set, cache_control, cookies, own: Vec::new(), watch, response }))
}

/// The application cannot be reached.
pub(crate) fn unreachable(config: &Config, route: &Route) -> Problem {
    let (variable, upstream) = (config.upstream_variable(route), &route.upstream);
    Problem::UpstreamUnavailable.explained(format!("{variable}: {upstream} cannot be reached"))
}

/// The application does not answer in time.
pub(crate) fn too_slow(config: &Config, route: &Route) -> Problem {
    let (variable, upstream) = (config.upstream_variable(route), &route.upstream);
    let limit = config.upstream_timeout.whole_seconds();
    let why = format!("{variable}: {upstream} did not answer in {limit} s (UPSTREAM_TIMEOUT_SECONDS)");
    Problem::UpstreamTimeout.explained(why)
}
