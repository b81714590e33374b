//! The first phase of a request: whose host it is for, whether it is well-formed, and which route it takes. Pure.

use std::borrow::Cow;
use std::rc::Rc;

use crate::config::{Config, Configured, Origin, routes};
use crate::gateway::answer::failed_request::FailedRequest;
use crate::gateway::answer::refusal;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::problem::Problem;
use crate::gateway::request::address::Address;
use crate::gateway::request::cookie::Cookies;
use crate::gateway::request::head::Arrived;
use crate::gateway::request::route::{self, Endpoint, Host, Target};
use crate::gateway::request::{self, Incoming};

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

/// What a request is for.
pub fn arrive<'a>(configured: &'a Configured, arrived: Arrived<'a>) -> Arrival<'a> {
    let origins = configured.as_ref().map_or(&[][..], |config| config.public_origins.as_slice());
    let Some(address) = Address::read(arrived.head.address, origins) else {
        let failed = FailedRequest::unreadable(request::ray(arrived.head.headers.get("cf-ray"), arrived.isolate));
        let problem = Problem::BadRequest("The request's address is malformed.");
        return Arrival::Answered(problem.response(&failed, false));
    };
    let config = match configured {
        Ok(config) => &**config,
        // The operator has to mend the configuration. Every answer says what.
        Err(problems) => return turn_away(arrived, address, &Problem::ConfigInvalid(problems.clone())),
    };
    let origin = match route::host(config, &address) {
        Host::Ours(origin) => origin,
        Host::Administration(origin) => return administration(config, arrived, address, origin),
        Host::Insecure(secure) => return Arrival::Answered(Outgoing::redirect(308, &secure)),
        Host::Foreign => return turn_away(arrived, address, &Problem::ForeignHost),
    };
    if let Some(problem) = route::calls_itself(config, &origin) {
        return turn_away(arrived, address, &problem);
    }
    let request = Incoming::new(arrived, address, origin, Rc::clone(&config.cookie_prefix));
    let refused = |problem: Problem| Arrival::Answered(refusal::of(config, &request, &problem));
    if let Err(problem) = request.check_size() {
        return refused(problem);
    }
    match route::route(config, &request.address, request.asked()) {
        Target::Application(route) => Arrival::Application(request, route),
        Target::Own(endpoint) => Arrival::Own(request, endpoint),
        Target::NotFound => refused(Problem::NotFound),
        Target::Refused(what) => refused(Problem::PathRefused(what.to_string())),
    }
}

/// Refuses a request for another host than the gateway's, and every request while the configuration is invalid.
fn turn_away<'a>(arrived: Arrived<'a>, address: Address<'a>, problem: &Problem) -> Arrival<'a> {
    let origin = address.origin.clone();
    let request = Incoming::new(arrived, address, origin, "".into());
    let link = problem.link_target().map(|way| (way, request.path_and_query()));
    let failed = FailedRequest::of(&request, None, problem);
    Arrival::Answered(problem.response_with_link(&failed, request.wants_page(), link))
}

fn administration<'a>(
    config: &Config,
    arrived: Arrived<'a>,
    address: Address<'a>,
    origin: Cow<'a, Origin>,
) -> Arrival<'a> {
    let mut request = Incoming::new(arrived, address, origin, Rc::clone(&config.cookie_prefix));
    // No session belongs to this host, even if a neighbouring host has set a cookie.
    request.cookies = Cookies::default();
    let endpoint = match (request.check_size(), route::administration(config, &request.address)) {
        (Err(problem), _) => Err(problem),
        (Ok(()), Target::Own(endpoint)) => Ok(endpoint),
        (Ok(()), Target::NotFound | Target::Refused(_) | Target::Application(_)) => Err(Problem::AdministratorsHost),
    };
    Arrival::Administration(request, endpoint)
}
