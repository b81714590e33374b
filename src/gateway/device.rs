//! Device Bound Session Credentials at the gateway: what a request shows of its device, and the headers and cookies of the protocol. It
//! remembers nothing: a proof and a challenge say themselves whose they are. Pure.

use serde::Serialize;

use crate::actors::session::device::Shown;
use crate::actors::session::device::token::ALGORITHM;
use crate::actors::session::message::{Consequence, DeviceEvidence};
use crate::config::routes::Route;
use crate::config::{Config, DevicePolicy, Origin};
use crate::credential::ActorId;
use crate::device::{Challenge, Proof, Proven};
use crate::gateway::request::Incoming;
use crate::gateway::request::cookie::{BOUND_ATTRIBUTES, Jar};
use crate::provider::said::is_invisible;
use crate::region;

/// The offer to bind a session.
pub const REGISTRATION: &str = "secure-session-registration";
/// What a device has to sign.
pub const CHALLENGE: &str = "secure-session-challenge";
/// What it has signed.
pub const RESPONSE: &str = "secure-session-response";
/// Which of its sessions a browser proves.
pub const SESSION_ID: &str = "sec-secure-session-id";
/// Why a browser does not.
const SKIPPED: &str = "secure-session-skipped";

/// The endpoints that need no proof: those of the protocol itself, those of a login and a logout, and those of nobody's session. A
/// browser holds no request back that is for one of them.
const EXEMPT: [&str; 7] =
    ["/device/", "/login", "/callback", "/logout", "/logged-out", "/frontchannel-logout", "/admin"];
/// The longest part of a `User-Agent` that the ledger gets, in characters.
const MAX_USER_AGENT: usize = 120;

/// Whether sessions are bound to devices.
pub fn is_on(config: &Config) -> bool {
    config.device.policy != DevicePolicy::Off
}

/// What the bound cookie proves of this actor's session.
pub fn proven(config: &Config, request: &Incoming<'_>, actor: &ActorId) -> Option<Proven> {
    config.device.keys.proven(actor, request.cookies.bound.as_deref()?, request.now())
}

/// Whether the answer can carry an offer: the browser keeps to https, and only a document of this origin's own is sure to be the user's.
pub fn takes_offer(config: &Config, request: &Incoming<'_>) -> bool {
    request.origin.https
        && is_on(config)
        && request.header("sec-fetch-dest") == Some("document")
        && request.header("sec-fetch-site") == Some("same-origin")
        && request.is_navigation()
}

/// Whether the browser says that it could not renew its proof just now.
pub fn is_skipped(request: &Incoming<'_>) -> bool {
    request.header(SKIPPED).is_some()
}

/// Whether a link on another site led here. Browsers renew the proof only when this site opens the page again.
pub fn is_from_elsewhere(request: &Incoming<'_>) -> bool {
    request.is_navigation() && matches!(request.header("sec-fetch-site"), Some("cross-site" | "same-site"))
}

/// What the request shows to the session of this actor. `also` is another actor that the session lived in.
pub fn evidence(
    config: &Config,
    request: &Incoming<'_>,
    route: Option<&Route>,
    actor: &ActorId,
    also: &ActorId,
) -> DeviceEvidence {
    let is_proven = proven(config, request, actor).or_else(|| proven(config, request, also)).is_some();
    if is_proven {
        return DeviceEvidence { shown: Shown { is_proven, ..Shown::default() }, ..DeviceEvidence::default() };
    }
    let is_exempt = is_exempt(config, request);
    let consequence = match () {
        () if is_exempt || is_from_elsewhere(request) => Consequence::Nothing,
        () if is_skipped(request) => Consequence::Refused,
        () => Consequence::Final,
    };
    let plain = |c: &char| !is_invisible(*c);
    DeviceEvidence {
        shown: Shown {
            is_proven,
            is_demanded: route.is_some_and(|route| route.requires_device),
            takes_offer: !is_exempt && takes_offer(config, request),
        },
        proof: request.cookies.bound.clone().map(Proof::from),
        consequence,
        region: region::of(&request.place()),
        user_agent: request.header("user-agent").map(|text| text.chars().filter(plain).take(MAX_USER_AGENT).collect()),
    }
}

fn is_exempt(config: &Config, request: &Incoming<'_>) -> bool {
    let path = request.address.path().strip_prefix(config.auth_prefix.as_str());
    path.is_some_and(|path| EXEMPT.iter().any(|exempt| path.starts_with(exempt)))
}

/// The value of [`REGISTRATION`] for this challenge.
pub fn offer(config: &Config, challenge: &Challenge) -> String {
    format!("({ALGORITHM});path=\"{}/device/register\";challenge=\"{}\"", config.auth_prefix, challenge.as_str())
}

/// The value of [`CHALLENGE`] for this challenge.
pub fn challenge(challenge: &Challenge, id: &ActorId) -> String {
    format!("\"{}\";id=\"{id}\"", challenge.as_str())
}

/// The value of a header of the protocol, which is a bare token or a string (RFC 9651).
pub fn unquoted(value: &str) -> &str {
    let value = value.trim_matches([' ', '\t']);
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// What a browser is told of its session: which cookie proves it, where, and how it is renewed.
#[derive(Serialize)]
struct Instructions<'a> {
    session_identifier: &'a str,
    refresh_url: String,
    scope: Scope<'a>,
    credentials: [CookieCredential<'a>; 1],
    // Otherwise a link on another site would lead to a page that the browser sends no proof with.
    allowed_refresh_initiators: [&'static str; 1],
}

#[derive(Serialize)]
struct Scope<'a> {
    origin: &'a str,
    include_site: bool,
    scope_specification: Vec<Excluded<'a>>,
}

#[derive(Serialize)]
struct Excluded<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    domain: &'a str,
    path: String,
}

#[derive(Serialize)]
struct CookieCredential<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    attributes: &'static str,
}

/// The session that the browser knows by this id goes on.
pub fn instructions(config: &Config, origin: &Origin, jar: &Jar, id: &ActorId) -> String {
    let (domain, _) = origin.host_and_port();
    let prefix = &config.auth_prefix;
    let excluded =
        |path: &&str| Excluded { kind: "exclude", domain, path: format!("{prefix}{}", path.trim_end_matches('/')) };
    let instructions = Instructions {
        session_identifier: id.as_str(),
        refresh_url: format!("{prefix}/device/refresh"),
        scope: Scope {
            origin: &origin.text,
            include_site: false,
            scope_specification: EXEMPT.iter().map(excluded).collect(),
        },
        credentials: [CookieCredential { kind: "cookie", name: &jar.bound_name(), attributes: BOUND_ATTRIBUTES }],
        allowed_refresh_initiators: ["*"],
    };
    serde_json::to_string(&instructions).unwrap_or_default()
}

/// The session that the browser knows by this id is over, or was never bound.
pub fn session_over(id: &ActorId) -> String {
    format!(r#"{{"session_identifier":"{id}","continue":false}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_names_every_endpoint_that_needs_no_proof() {
        let page = include_str!("../../docs/devices.md");
        let (_, list) = page.split_once("These addresses need no proof").unwrap();
        let named: Vec<_> = list.split("\n\n").next().unwrap().split('`').skip(1).step_by(2).collect();
        let exempt = EXEMPT.map(|path| format!("/auth{path}{}", if path.ends_with('/') { "*" } else { "" }));
        assert_eq!(named, exempt);
    }
}
