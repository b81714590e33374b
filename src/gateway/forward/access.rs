//! A request for an application: the rules of its route, and who it comes from. A request that passes is proxied.
//!
//! ```text
//!   from this site? ──► a machine? ──► whose? ──► may they? ──► proxy
//!   403                 403, captcha   401        403
//! ```

use openidconnect::AccessToken;
use time::OffsetDateTime;

use crate::actors::log;
use crate::actors::session::message::Credential;
use crate::config::Config;
use crate::config::routes::{Route, SessionRule};
use crate::gateway::answer::refusal;
use crate::gateway::bearer;
use crate::gateway::context::Gateway;
use crate::gateway::forward::caller::{Caller, Need, moves_from, need, user};
use crate::gateway::forward::reply::Reply;
use crate::gateway::forward::{captcha, parking, proxy, require};
use crate::gateway::problem::Problem;
use crate::gateway::request::{Incoming, csrf};
use crate::jose::Claims;
use crate::region::Region;
use crate::runtime::Inbound;

/// A request that the rules of its route let in. Whose it is, is not known yet.
pub(crate) struct Admitted<'a> {
    /// Who speaks for it.
    pub(crate) claimant: Claimant<'a>,
    /// When a captcha was solved.
    pub(crate) cleared_at: Option<OffsetDateTime>,
}

/// Who speaks for a request.
pub(crate) enum Claimant<'a> {
    /// Nobody, and the route does not mind.
    Nobody,
    /// The session of this cookie, and what it is asked for.
    Session(&'a Credential, Need<'a>, Option<Region>),
    /// A client's JWT.
    Client(&'a str, Sender),
}

/// Lets a request in, or says what is missing. Pure.
pub(crate) fn admit<'a>(config: &Config, request: &'a Incoming<'_>, route: &'a Route) -> Result<Admitted<'a>, Problem> {
    admit_with(config, request, route, |cleared_at| captcha::check_bot(request, route, cleared_at))
}

/// The same for a request that was let in before: its clearance may have run out since.
pub(crate) fn admit_again<'a>(
    config: &Config,
    request: &'a Incoming<'_>,
    route: &'a Route,
) -> Result<Admitted<'a>, Problem> {
    admit_with(config, request, route, |_| Ok(()))
}

fn admit_with<'a>(
    config: &Config,
    request: &'a Incoming<'_>,
    route: &'a Route,
    check_bot: impl FnOnce(Option<OffsetDateTime>) -> Result<(), Problem>,
) -> Result<Admitted<'a>, Problem> {
    // An application that echoes it would show the token to the page (RFC 9110 section 9.3.8).
    if request.method() == "TRACE" {
        return Err(Problem::MethodNotAllowed("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    }
    // A browser asks whether it may send a request of another origin, and says nothing of who sends it. Nothing of whom it may be
    // goes upstream, and the request itself has to bring its JWT.
    if route.bearer && request.preflight_for().is_some() {
        check_bot(None)?;
        return Ok(Admitted { claimant: Claimant::Nobody, cleared_at: None });
    }
    let jwt = if route.bearer { bearer::token(request) } else { None };
    let sender = sender(request, route, jwt.is_some() && !request.cookies.any)?;
    let cleared_at = if sender == Sender::Own { captcha::cleared_at(config, request) } else { None };
    check_bot(cleared_at)?;
    let session = request.cookies.session.as_ref().filter(|_| sender == Sender::Own);
    let claimant = match (jwt, session, route.session) {
        // No device is behind a client's own token.
        (Some(_), ..) if route.requires_device => return Err(Problem::DeviceRequired { is_awaited: false }),
        (Some(jwt), ..) => Claimant::Client(jwt, sender),
        (None, Some(session), SessionRule::Required | SessionRule::Optional) => {
            Claimant::Session(session, need(request, route), moves_from(request, route))
        }
        (None, None, SessionRule::Required) => return Err(Problem::LoginRequired),
        (None, None, SessionRule::Optional) | (None, _, SessionRule::None) => Claimant::Nobody,
    };
    Ok(Admitted { claimant, cleared_at })
}

/// Refuses a user or a client that lacks what the route requires. The log says who, and which claims.
pub(crate) fn check_required(
    config: &Config,
    claims: &Claims,
    route: &Route,
    now: OffsetDateTime,
) -> Result<(), Problem> {
    if require::meets(claims, route) {
        return match &route.authentication {
            Some(wanted) if !wanted.is_met(claims, now) => Err(Problem::AuthenticationInsufficient(wanted.clone())),
            Some(_) | None => Ok(()),
        };
    }
    let text = |name: &str| claims.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let user = log::user(text("iss"), text("sub"), config.log_subject);
    let lacking = require::lacking(claims, route).join(", ");
    Err(Problem::Forbidden
        .explained(format!("The route requires another value of the claim {lacking} than user {user} has.")))
}

/// Proxies a request for the application, or says what is missing.
pub(crate) async fn serve(gateway: &Gateway, request: &Incoming<'_>, route: &Route) -> Reply {
    let problem = match pass(gateway, request, route).await {
        Ok(reply) => return reply,
        Err(problem) => problem,
    };
    let waits = parking::park(gateway, request, &problem).await;
    waits.unwrap_or_else(|| refusal::of_application(&gateway.config, request, route, &problem)).into()
}

async fn pass(gateway: &Gateway, request: &Incoming<'_>, route: &Route) -> Result<Reply, Problem> {
    let Admitted { claimant, cleared_at } = admit(&gateway.config, request, route)?;
    let caller = match claimant {
        Claimant::Nobody => Caller::Nobody,
        Claimant::Session(..) => user(gateway, request, route).await?,
        Claimant::Client(jwt, sender) => client(gateway, jwt, sender).await?,
    };
    if let Some(claims) = caller.claims() {
        check_required(&gateway.config, claims, route, gateway.now())?;
    }
    let form = if matches!(caller, Caller::User { .. }) { parking::form(gateway, request, route).await? } else { None };
    proxy::proxy(gateway, request, route, caller, cleared_at, form).await
}

/// Goes on with a response of the application that [`crate::gateway::plan`] left to this. The application got the user's `token`.
pub(crate) async fn resume(
    gateway: &Gateway,
    request: &Incoming<'_>,
    route: &Route,
    token: AccessToken,
    response: Inbound,
) -> Reply {
    let settled = match admit_again(&gateway.config, request, route) {
        Ok(Admitted { claimant, cleared_at }) => {
            let claims = Claims::new();
            let caller = match claimant {
                Claimant::Session(session, ..) => Caller::User { session: session.clone(), token, claims },
                Claimant::Client(..) => Caller::Client { claims },
                Claimant::Nobody => Caller::Nobody,
            };
            proxy::settle(gateway, request, route, caller, cleared_at, response).await
        }
        Err(problem) => Err(problem),
    };
    settled.unwrap_or_else(|problem| refusal::of_application(&gateway.config, request, route, &problem).into())
}

/// The client whose JWT this is.
async fn client(gateway: &Gateway, jwt: &str, sender: Sender) -> Result<Caller, Problem> {
    let Gateway { config, link, client_keys, verified, .. } = gateway;
    match bearer::claims(config, link, client_keys, verified, jwt).await {
        Ok(claims) => {
            verified.remember(jwt, &claims, gateway.now());
            Ok(Caller::Client { claims })
        }
        // The JWT was all that spoke for the request.
        Err(Problem::InvalidToken(_)) if sender == Sender::OtherSiteWithJwt => Err(Problem::CsrfRejected),
        Err(problem) => Err(problem),
    }
}

/// Where a request that passes comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// From this site, or the request changes nothing. Its cookies count.
    Own,
    /// From another site, and the route serves that without our cookies.
    OtherSite,
    /// From another site, without any cookie of ours, and with a JWT that may speak for it.
    OtherSiteWithJwt,
}

/// Refuses a request that another site may have sent in the user's name.
fn sender(request: &Incoming<'_>, route: &Route, has_jwt_alone: bool) -> Result<Sender, Problem> {
    let demanded = route.csrf_header.as_deref().filter(|_| !csrf::is_safe(request.method()) && !has_jwt_alone);
    let missing = demanded.filter(|name| request.header(name).is_none());
    match () {
        () if request.is_own() => match missing {
            Some(name) => Err(Problem::CsrfHeaderMissing(name.to_owned())),
            None => Ok(Sender::Own),
        },
        () if missing.is_some() => Err(Problem::CsrfRejected),
        // A handshake is more than a form post: its sender reads what it opens.
        () if request.is_web_socket => Err(Problem::CsrfRejected),
        () if route.cross_site => Ok(Sender::OtherSite),
        () if has_jwt_alone => Ok(Sender::OtherSiteWithJwt),
        () => Err(Problem::CsrfRejected),
    }
}
