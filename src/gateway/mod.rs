//! The gateway: a function from request to response. It reads the cookie, picks a route, sends one message, and
//! proxies.
//!
//! Architecture Invariant: it has no state, no SQL and no token logic. It asks a provider for the authorization request and for the
//! meaning of a logout token, and never redeems a code. It knows of a session only what an actor answered to this very request.

use openidconnect::AccessToken;

use crate::actors::session::line;
use crate::actors::session::location::ActorLocation;
use crate::actors::session::message::Credential;
use crate::ambient;
use crate::device::PROOF_LEEWAY;
use crate::gateway::answer::refusal;
use crate::gateway::answer::response::{Body, Outgoing};
use crate::gateway::arrival::Arrival;
use crate::gateway::endpoints::{
    admin, backchannel, callback, captcha, device as device_endpoints, events, failed_login, frontchannel, healthz,
    login, logout, session, sessions,
};
use crate::gateway::forward::reply::{Forwarded, Reply};
use crate::gateway::forward::{access, parking};
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::gateway::request::route::Endpoint;
use crate::runtime::Inbound;

pub mod answer;
pub mod arrival;
mod ask_session;
pub mod bearer;
mod context;
pub mod device;
pub mod endpoints;
pub mod forward;
pub mod parked_form;
pub mod plan;
pub mod problem;
pub mod protected_resource;
pub mod rendered_refusal;
pub mod request;
pub mod step_up;

pub use context::Gateway;

impl Gateway {
    /// Serves a request that may have to wait.
    pub async fn serve(&self, arrival: Arrival<'_>) -> Reply {
        let (request, reply) = match arrival {
            Arrival::Answered(answer) => return answer.into(),
            Arrival::Administration(request, endpoint) => return self.administration(&request, endpoint).await.into(),
            Arrival::Application(request, route) => {
                let reply = access::serve(self, &request, route).await;
                (request, reply)
            }
            Arrival::Own(request, endpoint) => {
                let answered = match endpoint {
                    Endpoint::Events => self.listen(&request).await,
                    _ => self.own(endpoint, &request).await.map(Reply::Own),
                };
                let answer = match answered {
                    Ok(Reply::Own(answer)) => answer,
                    Ok(reply) => return self.finish(&request, reply),
                    Err(problem) if endpoint == Endpoint::Callback => {
                        failed_login::refuse_callback(self, &request, &problem, self.config.home()).await
                    }
                    Err(problem) => refusal::of(&self.config, &request, &problem),
                };
                let answer = if endpoint == Endpoint::Admin { admin::apart(answer) } else { answer };
                (request, answer.into())
            }
        };
        self.finish(&request, reply)
    }

    /// Goes on with the response to a request that [`plan::Planner::judge`] left; `authorization` is what the application was sent.
    pub async fn resume(&self, arrival: Arrival<'_>, response: Inbound, authorization: &str) -> Reply {
        match arrival {
            Arrival::Application(request, route) => {
                let token = AccessToken::new(line::token(authorization).to_owned());
                let reply = access::resume(self, &request, route, token, response).await;
                self.finish(&request, reply)
            }
            Arrival::Answered(answer) => answer.into(),
            Arrival::Own(request, _) | Arrival::Administration(request, _) => {
                refusal::of(&self.config, &request, &Problem::UpstreamUnavailable).into()
            }
        }
    }

    /// Serves the administrators' own host.
    async fn administration(&self, request: &Incoming<'_>, endpoint: Result<Endpoint, Problem>) -> Outgoing {
        let answer = match endpoint {
            Ok(endpoint) => self.own(endpoint, request).await,
            Err(problem) => Err(problem),
        };
        // The page has no link, as the application is not on this host.
        let refused = |problem: Problem| {
            problem.response(&refusal::failed(&self.config, request, &problem), request.wants_page())
        };
        admin::apart(answer.unwrap_or_else(refused))
    }

    /// Puts the headers in that any answer may have: an offer to bind the session; and, as often as the browser comes with the old one,
    /// the cookie of its session's new place, with the device's proof for that.
    fn finish(&self, request: &Incoming<'_>, reply: Reply) -> Reply {
        let moved = request.moved_to.borrow();
        let cookies = match (&*moved, &request.cookies.session) {
            // A response that ends the session, or begins another, sets its own cookie.
            (Some(to), Some(old)) if !sets(&reply, |line| request.jar().is_session_set_by(line)) => {
                self.cookies_of_new_place(request, to, old, !sets(&reply, |line| request.jar().is_bound_set_by(line)))
            }
            _ => Vec::new(),
        };
        let ticket = request.is_ticket_spent.get().then(|| parking::clear_ticket(self, request));
        let cookies = cookies.into_iter().chain(ticket).map(|line| ("set-cookie", line));
        let offer =
            request.offer.take().map(|challenge| (device::REGISTRATION, device::offer(&self.config, &challenge)));
        let mut headers = cookies.chain(offer).peekable();
        match reply {
            Reply::Own(outgoing) => {
                headers.fold(outgoing, |outgoing, (name, value)| outgoing.header(name, &value)).into()
            }
            Reply::Forwarded(mut forwarded) => {
                forwarded.own.extend(headers);
                Reply::Forwarded(forwarded)
            }
            Reply::Accepted(response) if headers.peek().is_some() => {
                Reply::Forwarded(Box::new(Forwarded::with(response, headers.collect())))
            }
            Reply::Accepted(_) => reply,
        }
    }

    /// The proof comes with it where the response brings none: one that has just been renewed lasts longer.
    fn cookies_of_new_place(
        &self,
        request: &Incoming<'_>,
        to: &ActorLocation,
        old: &Credential,
        takes_proof: bool,
    ) -> Vec<String> {
        let (jar, now) = (request.jar(), self.now());
        let session = Credential { actor: to.actor.clone(), secret: old.secret.clone() };
        let life = ambient::between(now, to.expires_at).max(time::Duration::ZERO);
        let line = jar.set_session(to.region, &session, self.config.same_site, life);
        let proven = device::proven(&self.config, request, &old.actor).filter(|_| takes_proof);
        let proof = proven.and_then(|proven| {
            let proof = self.config.device.keys.proof(&to.actor, &proven.thumbprint, proven.expires_at)?;
            let kept_until = proven.expires_at.saturating_sub(PROOF_LEEWAY);
            Some(jar.set_bound(proof, ambient::between(now, kept_until).max(time::Duration::ZERO)))
        });
        std::iter::once(line).chain(proof).collect()
    }

    /// `/events`, whose answer is no response of the gateway's own.
    async fn listen(&self, request: &Incoming<'_>) -> Result<Reply, Problem> {
        Self::check(Endpoint::Events, request)?;
        events::serve(self, request).await
    }

    /// Refuses what is no request of this site's, or none that the endpoint answers.
    fn check(endpoint: Endpoint, request: &Incoming<'_>) -> Result<(), Problem> {
        // Providers post the callback from their own site: state and nonce protect it. A signature protects the logout token.
        // Challenge and signature protect what a browser says of its device.
        if !matches!(
            endpoint,
            Endpoint::Callback | Endpoint::BackchannelLogout | Endpoint::DeviceRegister | Endpoint::DeviceRefresh
        ) {
            request.check_csrf()?;
        }
        if !endpoint.allows(request.method()) {
            return Err(Problem::MethodNotAllowed(endpoint.methods()));
        }
        Ok(())
    }

    async fn own(&self, endpoint: Endpoint, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
        // The answer does not even say which methods there would be.
        if endpoint == Endpoint::Admin && !self.config.has_administrators_at(&request.origin) {
            return Err(Problem::NotFound);
        }
        Self::check(endpoint, request)?;
        match endpoint {
            Endpoint::Login => login::serve(self, request).await,
            Endpoint::Callback => callback::serve(self, request).await,
            Endpoint::Logout => logout::serve(self, request).await,
            Endpoint::LoggedOut => Ok(logout::logged_out(self, request)),
            Endpoint::Session => session::serve(self, request).await,
            Endpoint::Refresh => session::refresh(self, request).await,
            Endpoint::Sessions => sessions::serve(self, request).await,
            Endpoint::OwnSession => sessions::end_own(self, request).await,
            Endpoint::BackchannelLogout => backchannel::serve(self, request).await,
            Endpoint::Admin => admin::serve(self, request).await,
            Endpoint::Captcha => captcha::serve(self, request).await,
            Endpoint::Jwks => Ok(jwks(self)),
            Endpoint::ProtectedResource => protected_resource(self, request),
            Endpoint::FrontchannelLogout => frontchannel::serve(self, request).await,
            Endpoint::DeviceRegister => device_endpoints::register(self, request).await,
            Endpoint::DeviceRefresh => device_endpoints::refresh(self, request).await,
            // It is served before.
            Endpoint::Events => Err(Problem::NotFound),
            Endpoint::Healthz => healthz::serve(self).await,
        }
    }
}

/// Whether a response of the gateway's own sets such a cookie.
fn sets(reply: &Reply, is_it: impl Fn(&str) -> bool) -> bool {
    matches!(reply, Reply::Own(outgoing) if outgoing.set_cookies().any(is_it))
}

/// The public keys that this client's assertions can be checked with (RFC 7517 section 5).
fn jwks(gateway: &Gateway) -> Outgoing {
    let mut keys: Vec<&str> = Vec::new();
    for key in gateway.config.providers.iter().filter_map(|one| one.settings.public_key()) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Outgoing::new(200, Body::Json(format!(r#"{{"keys":[{}]}}"#, keys.join(","))))
}

/// Where clients find the authorization servers whose tokens are accepted here. Pages of any origin may read it.
fn protected_resource(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    let path = request.address.path();
    let metadata = protected_resource::metadata(&gateway.config, &request.origin, path).ok_or(Problem::NotFound)?;
    Ok(Outgoing::new(200, Body::Json(metadata)).header("access-control-allow-origin", "*"))
}
