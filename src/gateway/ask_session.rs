//! Asks the session that a request's cookie names. Where that session is bound to a device, the cookie is not enough; nor is it at a host or
//! on a route of other providers'.

use crate::actors;
use crate::actors::session::address::{self, SessionAddress};
use crate::actors::session::follow::{self, Followed};
use crate::actors::session::message::{Attested, Denied, DeviceDenied, GetView, IsAlive, SessionMessage};
use crate::actors::{AskError, Request};
use crate::config::authentication::Authentication;
use crate::config::routes::Route;
use crate::credential::Secret;
use crate::gateway::context::Gateway;
use crate::gateway::device;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;

/// Asks the session that the request's cookie names, wherever it lives. Where that is elsewhere, the browser gets
/// another cookie.
pub(crate) async fn ask_session<R, T>(
    gateway: &Gateway,
    request: &Incoming<'_>,
    message: impl Fn(&Secret) -> R,
) -> Result<Result<T, Denied>, Problem>
where
    R: Request<Message = SessionMessage, Reply = Result<T, Denied>>,
{
    ask(gateway, request, None, message).await
}

/// The same for a request to an application, whose route may take bound sessions alone.
pub(crate) async fn ask_session_on<R, T>(
    gateway: &Gateway,
    request: &Incoming<'_>,
    route: &Route,
    message: impl Fn(&Secret) -> R,
) -> Result<Result<T, Denied>, Problem>
where
    R: Request<Message = SessionMessage, Reply = Result<T, Denied>>,
{
    ask(gateway, request, Some(route), message).await
}

async fn ask<R, T>(
    gateway: &Gateway,
    request: &Incoming<'_>,
    route: Option<&Route>,
    message: impl Fn(&Secret) -> R,
) -> Result<Result<T, Denied>, Problem>
where
    R: Request<Message = SessionMessage, Reply = Result<T, Denied>>,
{
    let followed = follow_attested(gateway, request, route, message).await?;
    if let Some(to) = followed.moved_to {
        request.moved_to.replace(Some(to));
    }
    Ok(followed.reply)
}

/// Asks it with what the request shows of its device, and leaves the browser's cookies as they are.
async fn follow_attested<R, T>(
    gateway: &Gateway,
    request: &Incoming<'_>,
    route: Option<&Route>,
    message: impl Fn(&Secret) -> R,
) -> Result<Followed<T>, Problem>
where
    R: Request<Message = SessionMessage, Reply = Result<T, Denied>>,
{
    let of_route = route.map(|route| route.providers.as_slice()).unwrap_or_default();
    let let_in = gateway.config.providers.let_in(&request.origin, of_route);
    let session = request.cookies.session.as_ref().ok_or(Problem::LoginRequired)?;
    if !device::is_on(&gateway.config) && let_in.is_none() {
        return Ok(follow::ask(&*gateway.actors_in_turn, &session.actor, || message(&session.secret)).await?);
    }
    let followed =
        follow::follow(&session.actor, async |lives_in| {
            let evidence = device::evidence(&gateway.config, request, route, lives_in, &session.actor);
            let attested = Attested::of(session.secret.clone(), evidence, let_in.clone(), message(&session.secret));
            let attested = attested.map_err(AskError::Refused)?;
            let address = address::existing_session(lives_in);
            match actors::ask(&*gateway.actors_in_turn, &address, attested).await? {
                Ok(reply) => {
                    if reply.offer.is_some() {
                        request.offer.replace(reply.offer.clone());
                    }
                    Ok::<_, Problem>(reply.read::<R>().map_err(AskError::Refused)?)
                }
                // A host of other providers' takes it for none. A route says where to log in.
                Err(DeviceDenied::Other(Denied::OtherProvider)) if !of_route.is_empty() => Err(Problem::OtherProvider
                    .explained(format!("The route takes sessions of {} alone.", of_route.join(", ")))),
                Err(DeviceDenied::Other(denied)) => Ok(Err(denied)),
                Err(DeviceDenied::ProofRequired) if device::is_skipped(request) => Err(Problem::DeviceProofDelayed),
                Err(DeviceDenied::ProofRequired) => Err(Problem::DeviceProofRequired),
                Err(DeviceDenied::DeviceRequired { is_awaited, offer }) => {
                    if offer.is_some() {
                        request.offer.replace(offer);
                    }
                    Err(Problem::DeviceRequired { is_awaited })
                }
            }
        });
    followed.await
}

/// Whether the session that the browser has takes the request for one of its device's. After a move the session's cookie may be the old
/// home's and the proof the new one's, or the other way round: then the session itself says, wherever it lives.
pub(crate) async fn is_proven(gateway: &Gateway, request: &Incoming<'_>) -> bool {
    let Some(session) = &request.cookies.session else { return false };
    if !device::is_on(&gateway.config) || device::proven(&gateway.config, request, &session.actor).is_some() {
        return true;
    }
    let is_alive = |secret: &Secret| IsAlive { secret: secret.clone() };
    // Without a bound cookie nobody has to be asked.
    request.cookies.bound.is_some()
        && follow_attested(gateway, request, None, is_alive).await.is_ok_and(|followed| followed.reply.is_ok())
}

/// Asks it whatever device the request comes from: to end the session its cookie is enough.
pub(crate) async fn ask_by_cookie_alone<R, T>(
    gateway: &Gateway,
    request: &Incoming<'_>,
    message: impl Fn(&Secret) -> R,
) -> Result<Result<T, Denied>, Problem>
where
    R: Request<Message = SessionMessage, Reply = Result<T, Denied>>,
{
    let session = request.cookies.session.as_ref().ok_or(Problem::LoginRequired)?;
    let followed = follow::ask(&*gateway.actors_in_turn, &session.actor, || message(&session.secret)).await?;
    if let Some(to) = followed.moved_to {
        request.moved_to.replace(Some(to));
    }
    Ok(followed.reply)
}

/// Whether the session comes from such a login, as it is asked for by its cookie. None: it does not say.
pub(crate) async fn meets(gateway: &Gateway, request: &Incoming<'_>, wanted: &Authentication) -> Option<bool> {
    let view = ask_session(gateway, request, |secret| GetView { secret: secret.clone() }).await.ok()?.ok()?;
    let claims = serde_json::from_str(&view.claims).unwrap_or_default();
    Some(wanted.is_met(&claims, gateway.now()))
}

/// Whether the login that this session has just begun with took longer than what was asked for allows: a page that asks for it would send
/// the user to log in again, as often as that takes as long.
pub(crate) async fn took_too_long(
    gateway: &Gateway,
    address: &SessionAddress,
    secret: &Secret,
    wanted: &Authentication,
) -> bool {
    if wanted.max_age.is_none() {
        return false;
    }
    match actors::ask(&*gateway.actors, address, GetView { secret: secret.clone() }).await {
        Ok(Ok(view)) => {
            let claims = serde_json::from_str(&view.claims).unwrap_or_default();
            !wanted.is_met_for_a_while(&claims, gateway.now())
        }
        // The page's own request says what is wrong.
        Ok(Err(_)) | Err(_) => false,
    }
}
