//! The gateway: a function from request to response. It reads the cookie, picks a route, sends one message, and
//! proxies.
//!
//! Architecture Invariant: no state, no SQL, no token logic. Of a provider it asks the authorization request and what a logout
//! token says, and never redeems a code. What it knows of a session is what an actor answered to this very request.

use std::rc::Rc;

use openidconnect::AccessToken;
use time::OffsetDateTime;

use crate::actors::session::line;
use crate::actors::session::message::Credential;
use crate::ambient;
use crate::config::Config;
use crate::gateway::answer::error_page::WayOut;
use crate::gateway::answer::problem::Problem;
use crate::gateway::answer::refusal;
use crate::gateway::answer::reply::{Forwarded, Reply};
use crate::gateway::answer::response::{Body, Outgoing};
use crate::gateway::arrival::Arrival;
use crate::gateway::bearer::ClientKeys;
use crate::gateway::endpoints::admin;
use crate::gateway::endpoints::backchannel;
use crate::gateway::endpoints::callback;
use crate::gateway::endpoints::captcha;
use crate::gateway::endpoints::login;
use crate::gateway::endpoints::logout;
use crate::gateway::endpoints::session;
use crate::gateway::endpoints::sessions;
use crate::gateway::forward::access;
use crate::gateway::forward::verified::VerifiedJwts;
use crate::gateway::request::Incoming;
use crate::gateway::request::route::Endpoint;
use crate::provider::Link;
use crate::runtime::{Actors, Applications, Inbound, RateLimit};

pub mod answer;
pub mod arrival;
pub mod bearer;
pub mod endpoints;
pub mod forward;
pub mod plan;
pub mod request;

/// What every request is served with.
pub struct Gateway {
    /// What the operator has decided.
    pub config: Rc<Config>,
    /// What a provider is reached with: time, tasks and HTTP among it.
    pub link: Link,
    /// The actors.
    pub actors: Rc<dyn Actors>,
    /// The same for the request's own task, which has one timer for what it asks one after the other.
    pub actors_in_turn: Rc<dyn Actors>,
    /// The applications.
    pub applications: Rc<dyn Applications>,
    /// `LOGIN_LIMIT`.
    pub login_limit: Rc<dyn RateLimit>,
    /// The keys of clients.
    pub client_keys: ClientKeys,
    /// Clients' JWTs that were good a moment ago.
    pub verified: VerifiedJwts,
}

impl Gateway {
    /// Serves a request, with whatever has to be waited for.
    pub async fn serve(&self, arrival: Arrival<'_>) -> Reply {
        let (request, reply) = match arrival {
            Arrival::Answered(answer) => return answer.into(),
            Arrival::Administration(request, endpoint) => return self.administration(&request, endpoint).await.into(),
            Arrival::Application(request, route) => {
                let reply = access::serve(self, &request, route).await;
                (request, reply)
            }
            Arrival::Own(request, endpoint) => {
                let answer = match self.own(endpoint, &request).await {
                    Ok(answer) => answer,
                    Err(problem) if endpoint == Endpoint::Callback => {
                        self.refuse_callback(&request, &problem, "/").await
                    }
                    Err(problem) => refusal::of(&self.config, &request, &problem),
                };
                let answer = if endpoint == Endpoint::Admin { admin::apart(answer) } else { answer };
                (request, answer.into())
            }
        };
        self.reissue(&request, reply)
    }

    /// Goes on with the response to a request that [`plan::Planner::judge`] left; `authorization` is what the application was sent.
    pub async fn resume(&self, arrival: Arrival<'_>, response: Inbound, authorization: &str) -> Reply {
        match arrival {
            Arrival::Application(request, route) => {
                let token = AccessToken::new(line::token(authorization).to_owned());
                let reply = access::resume(self, &request, route, token, response).await;
                self.reissue(&request, reply)
            }
            Arrival::Answered(answer) => answer.into(),
            Arrival::Own(request, _) | Arrival::Administration(request, _) => {
                refusal::of(&self.config, &request, &Problem::UpstreamUnavailable).into()
            }
        }
    }

    fn now(&self) -> OffsetDateTime {
        self.link.isolate.now()
    }

    /// Serves the administrators' own host.
    async fn administration(&self, request: &Incoming<'_>, endpoint: Result<Endpoint, Problem>) -> Outgoing {
        let answer = match endpoint {
            Ok(endpoint) => self.own(endpoint, request).await,
            Err(problem) => Err(problem),
        };
        // A page has no link: the application is not here.
        let refused = |problem: Problem| {
            problem.response(&refusal::failed(&self.config, request, &problem), request.wants_page())
        };
        admin::apart(answer.unwrap_or_else(refused))
    }

    /// Tells the browser where its session lives now, as often as it comes with the old cookie.
    fn reissue(&self, request: &Incoming<'_>, reply: Reply) -> Reply {
        let moved = request.moved_to.borrow();
        let (Some(to), Some(old)) = (&*moved, &request.cookies.session) else { return reply };
        let jar = request.jar();
        let session = Credential { actor: to.actor.clone(), secret: old.secret.clone() };
        let life = ambient::between(self.now(), to.expires_at).max(time::Duration::ZERO);
        let line = jar.set_session(to.region, &session, self.config.same_site, life);
        match reply {
            // One that ends the session, or begins another, has said so already.
            Reply::Own(outgoing) if outgoing.set_cookies().any(|line| jar.is_session_set_by(line)) => outgoing.into(),
            Reply::Own(outgoing) => outgoing.cookie(&line).into(),
            Reply::Forwarded(forwarded) => {
                Reply::Forwarded(Box::new(Forwarded { own_cookie: Some(line), ..*forwarded }))
            }
        }
    }

    async fn own(&self, endpoint: Endpoint, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
        // Not even which methods it would answer is said.
        if endpoint == Endpoint::Admin && self.config.admin_token.is_none() {
            return Err(Problem::NotFound);
        }
        // State and nonce protect the callback, which providers post from their own site; its signature the logout token.
        if !matches!(endpoint, Endpoint::Callback | Endpoint::BackchannelLogout) {
            request.check_csrf()?;
        }
        if !endpoint.allows(request.method()) {
            return Err(Problem::MethodNotAllowed(endpoint.methods()));
        }
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
            Endpoint::Healthz => Ok(Outgoing::new(200, Body::Json(r#"{"status":"ok"}"#.to_owned()))),
        }
    }

    /// A login that was to lead to `return_to` failed; it may lie beside a session that lives.
    async fn refuse_callback(&self, request: &Incoming<'_>, problem: &Problem, return_to: &str) -> Outgoing {
        self.refuse_login(request, problem, return_to, &refusal::endpoint_url(&self.config, "login", return_to)).await
    }

    /// The same, where `login` is the address of the login that may follow.
    async fn refuse_login(&self, request: &Incoming<'_>, problem: &Problem, return_to: &str, login: &str) -> Outgoing {
        let link = if self.is_live(request).await { (WayOut::Home, return_to) } else { (WayOut::LogIn, login) };
        let failed = refusal::failed(&self.config, request, problem);
        // What the provider offers takes the place of what was asked for.
        let others = problem.logins(&refusal::endpoint_url(&self.config, "login", return_to));
        problem.response_with_links(&failed, request.wants_page(), Some(link), &others)
    }

    /// Whether the browser has a session that lives.
    async fn is_live(&self, request: &Incoming<'_>) -> bool {
        request.cookies.session.is_some() && session::serve(self, request).await.is_ok()
    }
}
