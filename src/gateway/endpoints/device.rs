//! `/device/register` and `/device/refresh`: a browser binds its session to the device, and proves again and again that it is there (W3C
//! Device Bound Session Credentials). Challenge and signature protect both: requests may come without cookies, where a login ends on
//! another site.

use crate::actors::AskError;
use crate::actors::session::device::token::DeviceToken;
use crate::actors::session::follow::{self, Followed};
use crate::actors::session::location::ActorLocation;
use crate::actors::session::message::{BindDevice, Binding, Denied, RenewProof, Renewal};
use crate::credential::{ActorId, Secret};
use crate::device::{ChallengeKind, PROOF_LEEWAY, PROOF_LIFE, Thumbprint};
use crate::gateway::answer::response::{Body, Outgoing};
use crate::gateway::context::Gateway;
use crate::gateway::device;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;

/// Binds the session that the challenge names to the key that comes along.
pub(crate) async fn register(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    check_mode(gateway, request)?;
    let token = request.header(device::RESPONSE).map(device::unquoted);
    let token = token.ok_or(Problem::BadRequest("The header Secure-Session-Response is missing."))?;
    let challenge = match DeviceToken::parse(token) {
        Ok(token) => token.challenge().to_owned(),
        Err(flaw) => return Err(refused(format!("the token cannot be used: {flaw}"))),
    };
    // A forged challenge reaches no actor.
    let keys = &gateway.config.device.keys;
    let id = keys
        .challenged(ChallengeKind::Register, &challenge, gateway.now())
        .ok_or_else(|| refused("the challenge is none of this gateway's, or too old".to_owned()))?;
    let bind = || BindDevice {
        token: token.to_owned(),
        endpoint: endpoint(gateway, request, "register"),
        secret: secret(request),
    };
    let Followed { reply, moved_to } = follow::ask(&*gateway.actors, &id, bind).await?;
    match reply {
        Ok(Binding::Bound { thumbprint, lives }) => {
            request.moved_to.replace(moved_to);
            with_proof(gateway, request, &lives.actor.clone(), thumbprint, &lives)
        }
        Ok(Binding::Refused(refusal)) => Err(refused(refusal.to_string())),
        Err(Denied::Unknown) => Err(refused("it comes with another session's cookie, or for no session".to_owned())),
        Err(Denied::Ended(reason)) => Err(refused(format!("the session has ended: {reason}"))),
        Err(denied) => Err(denied.into()),
    }
}

/// Renews the proof of the session that the browser names.
pub(crate) async fn refresh(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    check_mode(gateway, request)?;
    let named = request.header(device::SESSION_ID).map(|id| device::unquoted(id).parse::<ActorId>());
    let id = match (named, &request.cookies.session) {
        (Some(id), _) => id.ok(),
        (None, Some(session)) => Some(session.actor.clone()),
        (None, None) => None,
    };
    let id = id.ok_or(Problem::BadRequest("The header Sec-Secure-Session-Id names no session."))?;
    let renew = || RenewProof {
        token: request.header(device::RESPONSE).map(|token| device::unquoted(token).to_owned()),
        endpoint: endpoint(gateway, request, "refresh"),
        secret: secret(request),
    };
    let followed = match follow::ask(&*gateway.actors, &id, renew).await {
        Err(AskError::NoSuchActor) => Followed { reply: Err(Denied::Unknown), moved_to: None },
        followed => followed?,
    };
    match followed.reply {
        Ok(Renewal::Challenge(challenge)) => {
            let challenge = device::challenge(&challenge, &id);
            Ok(Outgoing::new(403, Body::Empty).header(device::CHALLENGE, &challenge))
        }
        Ok(Renewal::Renewed { thumbprint, lives }) => {
            request.moved_to.replace(followed.moved_to);
            with_proof(gateway, request, &id, thumbprint, &lives)
        }
        // The cookie of that name may be another session's by now.
        Err(Denied::Unknown | Denied::Ended(_)) => Ok(Outgoing::new(200, Body::Json(device::session_over(&id)))),
        Err(denied) => Err(denied.into()),
    }
}

/// The proof, and what the browser has to do with it. The proof is for the actor that the session lives in, as the browser's cookie is
/// from now on.
fn with_proof(
    gateway: &Gateway,
    request: &Incoming<'_>,
    id: &ActorId,
    thumbprint: Thumbprint,
    lives: &ActorLocation,
) -> Result<Outgoing, Problem> {
    let expires_at = gateway.now().saturating_add(PROOF_LIFE).saturating_add(PROOF_LEEWAY);
    let proof = gateway.config.device.keys.proof(&lives.actor, &thumbprint, expires_at);
    let jar = request.jar();
    let line = jar.set_bound(proof.ok_or(Problem::StoreUnavailable)?, PROOF_LIFE);
    let instructions = device::instructions(&gateway.config, &request.origin, jar, id);
    Ok(Outgoing::new(200, Body::Json(instructions)).cookie(&line))
}

/// A page's own script can send these requests, too, but not in the mode in which a browser does so by itself.
fn check_mode(gateway: &Gateway, request: &Incoming<'_>) -> Result<(), Problem> {
    if !device::is_on(&gateway.config) || !request.origin.https {
        return Err(Problem::NotFound);
    }
    match request.header("sec-fetch-mode") {
        None | Some("no-cors") => Ok(()),
        Some(_) => Err(refused("the browser itself sends this, and no page".to_owned())),
    }
}

fn endpoint(gateway: &Gateway, request: &Incoming<'_>, name: &str) -> String {
    format!("{}{}/device/{name}", request.origin.text, gateway.config.auth_prefix)
}

fn secret(request: &Incoming<'_>) -> Option<Secret> {
    request.cookies.session.as_ref().map(|session| session.secret.clone())
}

/// The log says why.
fn refused(why: String) -> Problem {
    Problem::DeviceRefused.explained(why)
}
