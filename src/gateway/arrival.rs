//! The first phase of a request: whose host it is for, whether it is well-formed, and which route it takes. Pure.

use std::rc::Rc;

use url::Url;

use super::cookie::Cookies;
use super::failed_request::FailedRequest;
use super::problem::Problem;
use super::refusal;
use super::request::{self, Head, Incoming};
use super::response::Outgoing;
use super::route::{self, Endpoint, Host, Route};
use crate::Configured;
use crate::config::{Config, Origin, routes};

/// What a request is for.
pub enum Arrival<'a> {
    /// Nobody has to be asked for the answer.
    Answered(Outgoing),
    /// An application, by the rules of this route.
    Application(Incoming<'a>, &'a routes::Route),
    /// One of the gateway's own endpoints.
    Own(Incoming<'a>, Endpoint),
    /// The administrators' own host, and the endpoint there.
    Administration(Incoming<'a>, Result<Endpoint, Problem>),
}

/// What the request with this head is for; `raw` has its body.
pub fn arrive<'a>(configured: &'a Configured, head: Head<'a>, raw: Option<&'a web_sys::Request>) -> Arrival<'a> {
    let Ok(url) = Url::parse(head.address) else {
        let failed = FailedRequest::unreadable(request::ray(head.headers.get("cf-ray")));
        let problem = Problem::BadRequest("The request's address is malformed.");
        return Arrival::Answered(problem.response(&failed, false));
    };
    let config = match configured {
        Ok(config) => &**config,
        // The operator has to do something first: every request says what.
        Err(problems) => return turn_away(head, url, &Problem::ConfigInvalid(problems.clone())),
    };
    let url = route::normalized(url);
    let origin = match route::host(config, &url) {
        Host::Ours(origin) => origin,
        Host::Administration(origin) => return administration(config, head, raw, url, origin),
        Host::Insecure(secure) => return Arrival::Answered(Outgoing::redirect(308, &secure)),
        Host::Foreign => return turn_away(head, url, &Problem::ForeignHost),
    };
    if let Some(problem) = route::calls_itself(config, &origin) {
        return turn_away(head, url, &problem);
    }
    let address = head.address;
    let request = Incoming::new(head, raw, url, origin, Rc::clone(&config.cookie_prefix));
    let refused = |problem: Problem| Arrival::Answered(refusal::of(config, &request, &problem));
    if let Err(problem) = request.check_size() {
        return refused(problem);
    }
    match route::route(config, address, &request.url) {
        Route::Application(route) => Arrival::Application(request, route),
        Route::Own(endpoint) => Arrival::Own(request, endpoint),
        Route::NotFound => refused(Problem::NotFound),
        Route::Refused(what) => refused(Problem::PathRefused(what)),
    }
}

/// Refuses a request for another host than the gateway's, or one that there is no configuration to serve.
fn turn_away<'a>(head: Head<'a>, url: Url, problem: &Problem) -> Arrival<'a> {
    let origin = Origin::of(&url).unwrap_or(Origin { text: String::new(), host: String::new(), https: true });
    let request = Incoming::new(head, None, url, origin, "".into());
    let link = problem.way_out().map(|way| (way, request.path_and_query()));
    let failed = FailedRequest::of(&request, None, problem);
    Arrival::Answered(problem.response_with_link(&failed, request.wants_page(), link))
}

fn administration<'a>(
    config: &Config,
    head: Head<'a>,
    raw: Option<&'a web_sys::Request>,
    url: Url,
    origin: Origin,
) -> Arrival<'a> {
    let mut request = Incoming::new(head, raw, url, origin, Rc::clone(&config.cookie_prefix));
    // No session is of this host, whatever a neighbour of it may have set.
    request.cookies = Cookies::default();
    let endpoint = match (request.check_size(), route::administration(config, &request.url)) {
        (Err(problem), _) => Err(problem),
        (Ok(()), Route::Own(endpoint)) => Ok(endpoint),
        (Ok(()), Route::NotFound | Route::Refused(_) | Route::Application(_)) => Err(Problem::AdministratorsHost),
    };
    Arrival::Administration(request, endpoint)
}
