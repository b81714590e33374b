//! The gateway: a function from request to response. It reads the cookie, picks a route, sends one message, and
//! proxies.
//!
//! Architecture Invariant: no state, no SQL, no token logic. Of a provider it asks the authorization request and what a logout
//! token says, and never redeems a code. What it knows of a session is what an actor answered to this very request.

use std::rc::Rc;

use url::{Url, form_urlencoded};
use worker::{Context, Env};

use self::failed_request::FailedRequest;
use self::problem::Problem;
use self::request::Incoming;
use self::response::{Body, Outgoing};
use self::route::{Endpoint, Host, Route};
use self::way_out::WayOut;
use crate::actors::session::message::{Credential, EndReason};
use crate::ambient;
use crate::config::{Config, Origin, SameSite};
use crate::platform::actors::Stubs;
use crate::platform::timer::Timer;
use crate::runtime::Actors;

mod admin;
mod application;
mod backchannel;
mod bearer;
mod callback;
mod captcha;
pub mod clearance;
pub mod compatible;
pub mod cookie;
pub mod csrf;
pub mod departure;
mod event_stream;
pub mod failed_request;
pub mod headers;
pub mod hygiene;
pub mod identity;
pub mod json;
pub mod jwk;
pub mod jwt;
mod login;
pub mod login_cookie;
mod login_limit;
mod logout;
pub mod look_alike;
pub mod pages;
pub mod path;
mod pipe;
pub mod problem;
mod proxy;
pub mod request;
pub mod response;
pub mod return_cookie;
pub mod route;
mod session;
mod sessions;
mod upstream;
pub mod visitor;
mod watch;
pub mod way_out;
mod web_socket;

/// What every request is served with.
pub struct Gateway {
    config: Rc<Config>,
    env: Env,
    context: Rc<Context>,
    actors: Rc<dyn Actors>,
    /// The same for the request's own task, which has one timer for what it asks one after the other.
    actors_in_turn: Rc<dyn Actors>,
    timer: Rc<Timer>,
}

/// Serves one request.
pub async fn serve(raw: web_sys::Request, env: Env, context: Context) -> worker::Result<web_sys::Response> {
    let address = raw.url();
    let Ok(url) = Url::parse(&address) else {
        let failed = FailedRequest::unreadable(request::ray(raw.headers().get("cf-ray")?.as_deref()));
        return Problem::BadRequest("The request's address is malformed.").response(&failed, false).into_platform();
    };
    match crate::config_of(&env).as_ref() {
        Ok(config) => {
            let timer = Rc::default();
            let gateway = Gateway {
                config: Rc::clone(config),
                actors: Rc::new(Stubs::new(&env)),
                actors_in_turn: Rc::new(Stubs::on_timer(&env, &timer)),
                timer,
                env,
                context: Rc::new(context),
            };
            gateway.serve(raw, &address, route::normalized(url)).await
        }
        // The operator has to do something first: every request says what.
        Err(problems) => turn_away(raw, url, &Problem::ConfigInvalid(problems.clone())),
    }
}

/// Refuses a request for another host than the gateway's, or one that there is no configuration to serve.
fn turn_away(raw: web_sys::Request, url: Url, problem: &Problem) -> worker::Result<web_sys::Response> {
    let origin = Origin::of(&url).unwrap_or(Origin { text: String::new(), host: String::new(), https: true });
    let request = Incoming::new(raw, url, origin, "".into());
    let link = problem.way_out().map(|way| (way, request.path_and_query()));
    let failed = FailedRequest::of(&request, None, problem);
    problem.response_with_link(&failed, request.wants_page(), link).into_platform()
}

impl Gateway {
    async fn serve(&self, raw: web_sys::Request, address: &str, url: Url) -> worker::Result<web_sys::Response> {
        let origin = match route::host(&self.config, &url) {
            Host::Ours(origin) => origin,
            Host::Administration(origin) => return self.administration(raw, address, url, origin).await,
            Host::Insecure(secure) => return Outgoing::redirect(308, &secure).into_platform(),
            Host::Foreign => return turn_away(raw, url, &Problem::ForeignHost),
        };
        if let Some(problem) = route::calls_itself(&self.config, &origin) {
            return turn_away(raw, url, &problem);
        }
        let request = Incoming::new(raw, url, origin, Rc::clone(&self.config.cookie_prefix));
        if let Err(problem) = request.check_size(address) {
            return self.refuse(&request, &problem);
        }
        let response = match route::route(&self.config, address, &request.url) {
            Route::Application(route) => self.application(&request, route).await?,
            Route::Own(Endpoint::Admin) => {
                let answer = self.own(Endpoint::Admin, &request).await;
                admin::apart(answer.unwrap_or_else(|problem| self.refusal(&request, &problem))).into_platform()?
            }
            Route::Own(endpoint) => match self.own(endpoint, &request).await {
                Ok(response) => response.into_platform()?,
                Err(problem) if endpoint == Endpoint::Callback => {
                    self.refuse_callback(&request, &problem, "/").await.into_platform()?
                }
                Err(problem) => self.refuse(&request, &problem)?,
            },
            Route::NotFound => self.refuse(&request, &Problem::NotFound)?,
            Route::Refused(refused) => self.refuse(&request, &Problem::PathRefused(refused))?,
        };
        self.reissue(&request, &response)?;
        Ok(response)
    }

    /// Serves the administrators' own host.
    async fn administration(
        &self,
        raw: web_sys::Request,
        address: &str,
        url: Url,
        origin: Origin,
    ) -> worker::Result<web_sys::Response> {
        let mut request = Incoming::new(raw, url, origin, Rc::clone(&self.config.cookie_prefix));
        // No session is of this host, whatever a neighbour of it may have set.
        request.cookies = cookie::Cookies::default();
        let answer = match (request.check_size(address), route::administration(&self.config, &request.url)) {
            (Err(problem), _) => Err(problem),
            (Ok(()), Route::Own(endpoint)) => self.own(endpoint, &request).await,
            (Ok(()), Route::NotFound | Route::Refused(_) | Route::Application(_)) => Err(Problem::AdministratorsHost),
        };
        // A page has no link: the application is not here.
        let refused = |problem: Problem| problem.response(&self.failed(&request, &problem), request.wants_page());
        admin::apart(answer.unwrap_or_else(refused)).into_platform()
    }

    /// What is told of a request that fails.
    fn failed(&self, request: &Incoming, problem: &Problem) -> FailedRequest {
        FailedRequest::of(request, Some(&self.config), problem)
    }

    /// Tells the browser where its session lives now, as often as it comes with the old cookie.
    fn reissue(&self, request: &Incoming, response: &web_sys::Response) -> worker::Result<()> {
        let moved = request.moved_to.borrow();
        let (Some(to), Some(old)) = (&*moved, &request.cookies.session) else { return Ok(()) };
        let (jar, headers) = (request.jar(), response.headers());
        // A response that ends the session, or begins another, has said so already.
        if response::set_cookies(&headers)?.iter().any(|line| jar.is_session_set_by(line)) {
            return Ok(());
        }
        let session = Credential { actor: to.actor.clone(), secret: old.secret.clone() };
        let life = ambient::between(ambient::now(), to.expires_at).max(time::Duration::ZERO);
        Ok(headers.append("set-cookie", &jar.set_session(to.region, &session, self.config.same_site, life))?)
    }

    async fn own(&self, endpoint: Endpoint, request: &Incoming) -> Result<Outgoing, Problem> {
        // Not even which methods it would answer is said.
        if endpoint == Endpoint::Admin && self.config.admin_token.is_none() {
            return Err(Problem::NotFound);
        }
        // State and nonce protect the callback, which providers post from their own site; its signature the logout token.
        if !matches!(endpoint, Endpoint::Callback | Endpoint::BackchannelLogout) {
            request.check_csrf()?;
        }
        if !endpoint.allows(&request.method) {
            return Err(Problem::MethodNotAllowed(endpoint.methods()));
        }
        match endpoint {
            Endpoint::Login => self.login(request).await,
            Endpoint::Callback => self.callback(request).await,
            Endpoint::Logout => self.logout(request).await,
            Endpoint::LoggedOut => Ok(self.logged_out(request)),
            Endpoint::Session => self.session(request).await,
            Endpoint::Refresh => self.refresh(request).await,
            Endpoint::Sessions => self.sessions(request).await,
            Endpoint::OwnSession => self.end_own_session(request).await,
            Endpoint::BackchannelLogout => self.backchannel_logout(request).await,
            Endpoint::Admin => self.admin(request).await,
            Endpoint::Captcha => self.captcha(request).await,
            Endpoint::Healthz => Ok(Outgoing::new(200, Body::Json(r#"{"status":"ok"}"#.to_owned()))),
        }
    }

    /// A navigation that needs a session goes to log in, and comes back to the same address.
    fn send_to_login(&self, request: &Incoming, problem: &Problem) -> Outgoing {
        // An address that a login could not come back to is not worth an error: the user came to log in.
        let here = self.return_to(request, request.path_and_query()).unwrap_or_else(|_| "/".to_owned());
        // A strict cookie stays away from a navigation that another site began: the same one again, from here, has it.
        let from_elsewhere = request.header("sec-fetch-site").is_some_and(|site| site == "cross-site");
        if self.config.same_site == SameSite::Strict && from_elsewhere && request.cookies.session.is_none() {
            let page = pages::Page {
                title: "One moment",
                detail: "This page is opening …",
                link: Some((&here, "Go on")),
                refresh: Some(&here),
                ..Default::default()
            };
            return pages::page(200, &page);
        }
        let response = Outgoing::redirect(302, &self.endpoint_url("login", &here));
        self.clearing(request, problem, response)
    }

    /// A `return_to` as an address on this site.
    fn return_to(&self, request: &Incoming, return_to: &str) -> Result<String, Problem> {
        route::local_url(&request.origin, &self.config.auth_prefix, return_to)
            .ok_or(Problem::BadRequest("return_to must be an address on this site, such as /path?query."))
    }

    /// One of the gateway's own endpoints, with a `return_to`.
    fn endpoint_url(&self, endpoint: &str, return_to: &str) -> String {
        let return_to: String = form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
        format!("{}/{endpoint}?return_to={return_to}", self.config.auth_prefix)
    }

    fn refuse(&self, request: &Incoming, problem: &Problem) -> worker::Result<web_sys::Response> {
        self.refusal(request, problem).into_platform()
    }

    fn refusal(&self, request: &Incoming, problem: &Problem) -> Outgoing {
        let login = self.endpoint_url("login", "/");
        let link = problem.way_out().map(|way| match way {
            WayOut::LogIn => (way, login.as_str()),
            WayOut::Again if request.method == "GET" => (way, request.path_and_query()),
            WayOut::Again | WayOut::Home => (WayOut::Home, "/"),
        });
        let response = problem.response_with_link(&self.failed(request, problem), request.wants_page(), link);
        self.clearing(request, problem, response)
    }

    /// A login that was to lead to `return_to` failed; it may lie beside a session that lives.
    async fn refuse_callback(&self, request: &Incoming, problem: &Problem, return_to: &str) -> Outgoing {
        self.refuse_login(request, problem, return_to, &self.endpoint_url("login", return_to)).await
    }

    /// The same, where `login` is the address of the login that may follow.
    async fn refuse_login(&self, request: &Incoming, problem: &Problem, return_to: &str, login: &str) -> Outgoing {
        let link = if self.is_live(request).await { (WayOut::Home, return_to) } else { (WayOut::LogIn, login) };
        let failed = self.failed(request, problem);
        // What the provider offers takes the place of what was asked for.
        let others = problem.logins(&self.endpoint_url("login", return_to));
        problem.response_with_links(&failed, request.wants_page(), Some(link), &others)
    }

    /// Whether the browser has a session that lives.
    async fn is_live(&self, request: &Incoming) -> bool {
        request.cookies.session.is_some() && self.session(request).await.is_ok()
    }

    /// Takes a dead cookie away; one that was superseded may have a successor on its way.
    fn clearing(&self, request: &Incoming, problem: &Problem, response: Outgoing) -> Outgoing {
        match problem.plain() {
            Problem::SessionEnded(EndReason::Superseded) => response,
            Problem::SessionEnded(_) => response.cookie(&request.jar().clear_session(self.config.same_site)),
            _ => response,
        }
    }
}
