//! Where a request goes: to one of the gateway's own endpoints, or to the application. Pure.

use std::borrow::Cow;

use url::{Position, Url};

use crate::config::routes::Asked;
use crate::config::{self, Config, Origin, hosts, routes};
use crate::gateway::problem::Problem;
use crate::gateway::protected_resource;
use crate::gateway::request::address::{Address, normalized};
use crate::gateway::request::path::{self, Refused};

/// The gateway's own endpoints, under `AUTH_PREFIX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/login`
    Login,
    /// `/callback`
    Callback,
    /// `/logout`
    Logout,
    /// `/logged-out`
    LoggedOut,
    /// `/session`
    Session,
    /// `/refresh`
    Refresh,
    /// `/sessions`
    Sessions,
    /// `/sessions/{id}`
    OwnSession,
    /// `/backchannel-logout`
    BackchannelLogout,
    /// `/admin/` and what is under it
    Admin,
    /// `/healthz`
    Healthz,
    /// `/captcha`
    Captcha,
    /// `/jwks.json`
    Jwks,
    /// `/frontchannel-logout`
    FrontchannelLogout,
    /// `/device/register`
    DeviceRegister,
    /// `/device/refresh`
    DeviceRefresh,
    /// `/events`
    Events,
    /// `/.well-known/oauth-protected-resource` and what is under it, outside of the prefix
    ProtectedResource,
}

impl Endpoint {
    /// The endpoint of a path under the prefix.
    fn of(path: &str) -> Option<Self> {
        match path {
            "/login" => Some(Self::Login),
            "/callback" => Some(Self::Callback),
            "/logout" => Some(Self::Logout),
            "/logged-out" => Some(Self::LoggedOut),
            "/session" => Some(Self::Session),
            "/refresh" => Some(Self::Refresh),
            "/sessions" => Some(Self::Sessions),
            "/backchannel-logout" => Some(Self::BackchannelLogout),
            "/admin" => Some(Self::Admin),
            "/healthz" => Some(Self::Healthz),
            "/captcha" => Some(Self::Captcha),
            "/jwks.json" => Some(Self::Jwks),
            "/frontchannel-logout" => Some(Self::FrontchannelLogout),
            "/device/register" => Some(Self::DeviceRegister),
            "/device/refresh" => Some(Self::DeviceRefresh),
            "/events" => Some(Self::Events),
            _ if path.strip_prefix("/callback/").is_some_and(|name| !name.contains('/')) => Some(Self::Callback),
            _ if path.starts_with("/admin/") => Some(Self::Admin),
            _ if path.strip_prefix("/sessions/").is_some_and(|id| !id.contains('/')) => Some(Self::OwnSession),
            _ => None,
        }
    }

    /// Its address under the prefix. Variable parts stand there by name.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Login => "/login",
            Self::Callback => "/callback",
            Self::Logout => "/logout",
            Self::LoggedOut => "/logged-out",
            Self::Session => "/session",
            Self::Refresh => "/refresh",
            Self::Sessions => "/sessions",
            Self::OwnSession => "/sessions/{id}",
            Self::BackchannelLogout => "/backchannel-logout",
            Self::Admin => "/admin/",
            Self::Healthz => "/healthz",
            Self::Captcha => "/captcha",
            Self::Jwks => "/jwks.json",
            Self::FrontchannelLogout => "/frontchannel-logout",
            Self::DeviceRegister => "/device/register",
            Self::DeviceRefresh => "/device/refresh",
            Self::Events => "/events",
            Self::ProtectedResource => protected_resource::PATH,
        }
    }

    /// The methods that it answers, as `Allow` spells them.
    pub const fn methods(self) -> &'static str {
        match self {
            Self::LoggedOut | Self::Session | Self::Sessions | Self::Healthz | Self::Jwks | Self::ProtectedResource => {
                "GET, HEAD"
            }
            Self::OwnSession => "DELETE",
            Self::Admin => "GET, HEAD, POST, DELETE",
            Self::Login | Self::FrontchannelLogout | Self::Events => "GET",
            Self::Callback | Self::Logout => "GET, POST",
            Self::Refresh | Self::Captcha | Self::BackchannelLogout | Self::DeviceRegister | Self::DeviceRefresh => {
                "POST"
            }
        }
    }

    /// Whether it answers this method.
    pub fn allows(self, method: &str) -> bool {
        // Each of an administrator's resources has methods of its own, and says so.
        self == Self::Admin || self.methods().split(", ").any(|allowed| allowed == method)
    }
}

/// What a path asks for.
#[derive(Debug, PartialEq)]
pub enum Target<'a> {
    /// One of the gateway's own endpoints.
    Own(Endpoint),
    /// Nothing that there is.
    NotFound,
    /// An application, and the rules of the way to it.
    Application(&'a routes::Route),
    /// A path that hides what it asks for.
    Refused(Refused),
}

/// What there is on the administrators' own host: their endpoint, and nothing of the application. So no page, script or
/// service worker of the application's is ever of the console's origin.
pub fn administration(config: &Config, address: &Address<'_>) -> Target<'static> {
    match address.path().strip_prefix(config.auth_prefix.as_str()).and_then(Endpoint::of) {
        Some(Endpoint::Admin) => Target::Own(Endpoint::Admin),
        _ => Target::NotFound,
    }
}

/// The route of a request for this address.
pub fn route<'a>(config: &'a Config, address: &Address<'_>, asked: Asked<'_>) -> Target<'a> {
    let under_prefix = address.path().strip_prefix(config.auth_prefix.as_str());
    let under_prefix = under_prefix.filter(|rest| rest.is_empty() || rest.starts_with('/'));
    if let Some(path) = under_prefix {
        return Endpoint::of(path).map_or(Target::NotFound, Target::Own);
    }
    // It says where to get the tokens that some route takes.
    if protected_resource::is_ours(config, &address.origin, address.path()) {
        return Target::Own(Endpoint::ProtectedResource);
    }
    let path = address.raw_path();
    if let Some(refused) = path::refused(path) {
        return Target::Refused(refused);
    }
    let matches = |route: &routes::Route| route.takes(asked) && route.pattern.matches(&address.origin, address.path());
    let found = config.routes.iter().enumerate().find(|(_, route)| matches(route));
    if !found.is_some_and(|(_, route)| route.encoded_slashes) && path.split('%').skip(1).any(is_slash) {
        return Target::Refused(Refused::Slash);
    }
    let Some((number, found)) = found else { return Target::NotFound };
    path::other_reading(config, number, address, asked).map_or(Target::Application(found), Target::Refused)
}

/// The application's route that a login leads to: that of a page, or where a form waits, that of the form.
pub fn of_login<'a>(config: &'a Config, origin: &Origin, return_to: &str, has_form: bool) -> Option<&'a routes::Route> {
    let url = [origin.text.as_str(), return_to].concat();
    let address = Address::read(&url, &config.public_origins)?;
    let methods = if has_form { ["POST", "GET"] } else { ["GET", "POST"] };
    methods.into_iter().find_map(|method| match route(config, &address, Asked::plainly(method)) {
        Target::Application(route) => Some(route),
        Target::Own(_) | Target::NotFound | Target::Refused(_) => None,
    })
}

/// Whether what stands behind a `%` encodes a slash.
fn is_slash(code: &str) -> bool {
    code.starts_with("2f") || code.starts_with("2F")
}

/// Whether the request's host is the gateway's.
#[derive(Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// It is, at this origin.
    Ours(Cow<'a, Origin>),
    /// It is, but the scheme must be https: the URL to go to.
    Insecure(String),
    /// It is the administrators' own (`ADMIN_ORIGIN`).
    Administration(Cow<'a, Origin>),
    /// It is not.
    Foreign,
}

/// Compares the request's address with `PUBLIC_ORIGIN` and `ADMIN_ORIGIN`. Without the former the request's own origin is the gateway's.
pub fn host<'a>(config: &'a Config, address: &Address<'a>) -> Host<'a> {
    let requested = &address.origin;
    let administration = config.admin_origin.as_ref().filter(|origin| origin.has_host_of(requested));
    let origin = if let Some(origin) = administration {
        Cow::Borrowed(origin)
    } else if config.public_origins.is_empty() {
        requested.clone()
    } else {
        match config.public_origins.iter().find_map(|origin| origin.at(requested)) {
            Some(origin) => origin,
            None => return Host::Foreign,
        }
    };
    if address.is_insecure {
        return Host::Insecure(["https://", &requested.host, address.path_and_query()].concat());
    }
    if administration.is_some() { Host::Administration(origin) } else { Host::Ours(origin) }
}

/// The problem of a route that leads back to the origin of the request. With `PUBLIC_ORIGIN` that was found out at once; without
/// it the gateway learns its origin from each request, and would go on calling itself.
pub fn calls_itself(config: &Config, origin: &Origin) -> Option<Problem> {
    if !config.public_origins.is_empty() {
        return None;
    }
    let problems = hosts::upstreams_on(&config.routes, std::slice::from_ref(origin), config.has_route_table);
    (!problems.is_empty()).then_some(Problem::ConfigInvalid(problems))
}

/// The longest `return_to`: URLs beyond it do not come through everywhere.
const MAX_RETURN_TO: usize = 8192;

/// A `return_to` as a path and query on this origin; none where it leads elsewhere.
pub fn local_url(origin: &Origin, auth_prefix: &str, return_to: &str) -> Option<String> {
    // What a URL parser skips or turns into a slash is refused, not interpreted.
    let path = return_to.split(['?', '#']).next().unwrap_or_default();
    let odd = return_to.chars().any(char::is_control) || return_to.trim() != return_to || path.contains('\\');
    if odd || return_to.len() > MAX_RETURN_TO {
        return None;
    }
    let base = Url::parse(&origin.text).ok()?;
    let relative = return_to.starts_with('/') && !return_to.starts_with("//");
    let absolute = return_to.starts_with(&format!("{}/", origin.text));
    if !relative && !absolute {
        return None;
    }
    // As a request for it will be read.
    let url = normalized(base.join(return_to).ok()?);
    if url.origin() != base.origin()
        || !url.username().is_empty()
        || url.password().is_some()
        || url.path().starts_with("//")
    {
        return None;
    }
    // These would begin another login, or end the session that just began.
    let own = url.path().strip_prefix(auth_prefix).and_then(Endpoint::of);
    if matches!(own, Some(Endpoint::Login | Endpoint::Callback | Endpoint::Logout)) {
        return Some(config::home(auth_prefix).to_owned());
    }
    Some(url[Position::BeforePath..].to_owned())
}

#[cfg(test)]
#[path = "route_tests.rs"]
mod tests;
