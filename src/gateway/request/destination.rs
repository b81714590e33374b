//! Where a login leads: the route that the browser meets when it is back. Pure.

use crate::config::routes::{Asked, Route};
use crate::config::{Config, Origin};
use crate::gateway::request::address::Address;
use crate::gateway::request::route::{self, Target};

/// The route of the request that follows a login. `has_form`: that is a form which waits for the login, and else a page.
pub fn of_login<'a>(config: &'a Config, origin: &Origin, return_to: &str, has_form: bool) -> Option<&'a Route> {
    let url = [origin.text.as_str(), return_to].concat();
    let address = Address::read(&url, &config.public_origins)?;
    let method = if has_form { "POST" } else { "GET" };
    match route::route(config, &address, Asked::plainly(method)) {
        Target::Application(route) => Some(route),
        Target::Own(_) | Target::NotFound | Target::Refused(_) => None,
    }
}
