//! The gateway's cookies: their names, how they are read, and how they are kept from the application. Pure.
//!
//! ```text
//!   __Host-Http-session            <region>.<actor id>.<secret>      the session
//!   __Host-Http-login-<8 hex>      see login_cookie.rs               one login under way, so that tabs don't collide
//!   __Host-Http-return             see return_cookie.rs              where a logout leads
//!   __Host-Http-clearance          see clearance.rs                  a captcha that was solved
//!   __Host-session-bound           see crate::device                 the session's device was there just now
//! ```
//!
//! Browsers bind no cookie of a name with `__Host-Http-` to a device, and none over plain http.
//!
//! On plain http (loopback only) the names begin with `edge-`, as browsers refuse the prefix there. `COOKIE_PREFIX` stands
//! between both. Only the names of the origin's own scheme and of the own prefix are read. Two cookies of one name count
//! as none: somebody planted one of them.
//!
//! There are two readings, and they share nothing. [`Jar::read`] is strict, as a credential comes out of it: a sibling host
//! can plant any cookie that doesn't have exactly one of these names, as the browser sees names, so no other spelling may
//! count, be it as a credential or as a second cookie of the name. What is kept away is recognized by [`look_alike`].

use std::collections::BTreeMap;
use std::rc::Rc;

use cookie::{Cookie, SameSite};
use time::Duration;

use crate::actors::session::message::Credential;
use crate::config::{self, Origin};
use crate::credential::Secret;
use crate::gateway::request::look_alike;
use crate::region::Region;

/// How many logins of one browser may be under way.
pub const LOGINS_KEPT: usize = 8;
/// How long a logout may take at the provider.
const RETURN_LIFE: Duration = Duration::minutes(10);
/// What the names begin with: over https, and over plain http.
const SECURE: &str = "__Host-Http-";
const PLAIN: &str = "edge-";
/// What the name of the bound cookie begins with.
const BINDABLE: &str = "__Host-";
/// The attributes of the bound cookie, as browsers are told to expect them.
pub const BOUND_ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// Names and attributes at one origin.
#[derive(Clone, Debug)]
pub struct Jar {
    https: bool,
    prefix: Rc<str>,
}

/// The gateway's cookies in a request.
#[derive(Default)]
pub struct Cookies {
    /// The session, if exactly one well-formed cookie names it.
    pub session: Option<Credential>,
    /// The logins under way, in the order in which the browser sends them, oldest first: name and value, where there is one.
    pub logins: Vec<(String, Option<String>)>,
    /// Where a logout leads, if exactly one cookie says so.
    pub way_back: Option<String>,
    /// The clearance, where there is exactly one.
    pub clearance: Option<String>,
    /// The proof of the session's device, where there is exactly one.
    pub bound: Option<String>,
    /// Whether there is anything that may be read as a cookie of these names, well-formed or not. This is the lenient
    /// reading: where it is true, a request is refused or loses its cookies. It is true for every cookie that the strict reading
    /// takes for the gateway's, and for more, so that it errs on the side that refuses.
    pub any: bool,
}

impl Jar {
    /// The jar of this origin; `prefix` is `COOKIE_PREFIX`.
    pub const fn of(origin: &Origin, prefix: Rc<str>) -> Self {
        Self { https: origin.https, prefix }
    }

    fn name(&self, name: &str) -> String {
        format!("{}{}{name}", if self.https { SECURE } else { PLAIN }, self.prefix)
    }

    /// What a cookie of exactly this name is to the gateway, if anything.
    fn own<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(if self.https { SECURE } else { PLAIN })?.strip_prefix(&*self.prefix)
    }

    /// The name of the bound cookie.
    pub fn bound_name(&self) -> String {
        format!("{BINDABLE}{}session-bound", self.prefix)
    }

    fn is_bound(&self, name: &str) -> bool {
        let rest = name.strip_prefix(BINDABLE).and_then(|rest| rest.strip_prefix(&*self.prefix));
        self.https && rest == Some("session-bound")
    }

    /// Reads a `Cookie` header: split at `;` alone, spaces and tabs trimmed and nothing else, names compared exactly. Each
    /// piece is looked at once.
    pub fn read(&self, header: &str) -> Cookies {
        let mut cookies = Cookies::default();
        let (mut sessions, mut clearances, mut returns) = (Once::default(), Once::default(), Once::default());
        let mut proofs = Once::default();
        let mut places = BTreeMap::new();
        for piece in header.split(';') {
            let Some((name, value)) = name_and_value(piece) else {
                cookies.any |= look_alike::is_in(piece);
                continue;
            };
            match self.own(name) {
                Some("session") => sessions.add(value),
                Some("clearance") => clearances.add(value),
                Some("return") => returns.add(value),
                None if self.is_bound(name) => proofs.add(value),
                own => {
                    let attempt = own.and_then(|own| own.strip_prefix("login-"));
                    if let Some(attempt) = attempt.filter(|attempt| look_alike::is_attempt(attempt)) {
                        let place = *places.entry(attempt).or_insert(cookies.logins.len());
                        match cookies.logins.get_mut(place) {
                            Some((_, twice)) => *twice = None,
                            None => cookies.logins.push((attempt.to_owned(), Some(value.to_owned()))),
                        }
                    } else {
                        cookies.any |= look_alike::is_in(piece);
                        continue;
                    }
                }
            }
            cookies.any = true;
        }
        cookies.session = sessions.only().and_then(session);
        cookies.clearance = clearances.only().map(str::to_owned);
        cookies.bound = proofs.only().map(str::to_owned);
        cookies.way_back = returns.only().map(str::to_owned);
        cookies
    }

    /// A `Cookie` header without what some server may take for a gateway's cookie, whole pairs, every other byte as it was;
    /// none where nothing is left.
    pub fn strip(header: &str) -> Option<String> {
        let kept: Vec<&str> = header.split(';').filter(|pair| !look_alike::is_in(pair)).collect();
        let kept = kept.join(";");
        let kept = kept.trim_start_matches(' ');
        (!kept.is_empty()).then(|| kept.to_owned())
    }

    /// Whether a `Set-Cookie` line of the application sets what somebody may take for a gateway's cookie. Lines that were
    /// joined with a comma hold another cookie behind the first one's attributes.
    pub fn is_kept_from(line: &str) -> bool {
        line.split(';').any(look_alike::is_in)
    }

    /// Whether a `Set-Cookie` line of the gateway sets or removes the session cookie.
    pub fn is_session_set_by(&self, line: &str) -> bool {
        name_and_value(line).is_some_and(|(name, _)| self.own(name) == Some("session"))
    }

    /// Whether one sets or removes the bound cookie.
    pub fn is_bound_set_by(&self, line: &str) -> bool {
        name_and_value(line).is_some_and(|(name, _)| name == self.bound_name())
    }

    /// The line that sets the session cookie.
    pub fn set_session(
        &self,
        region: Region,
        session: &Credential,
        same_site: config::SameSite,
        life: Duration,
    ) -> String {
        let value = format!("{region}.{}.{}", session.actor, session.secret.expose());
        self.line("session", value, session_same_site(same_site), life)
    }

    /// The line that removes the session cookie.
    pub fn clear_session(&self, same_site: config::SameSite) -> String {
        self.line("session", String::new(), session_same_site(same_site), Duration::ZERO)
    }

    /// The line that sets the clearance cookie.
    pub fn set_clearance(&self, value: String, life: Duration) -> String {
        self.line("clearance", value, SameSite::Lax, life)
    }

    /// The line that sets the bound cookie.
    pub fn set_bound(&self, proof: String, life: Duration) -> String {
        Self::line_of((self.bound_name(), proof), true, SameSite::Lax, life)
    }

    /// The line that removes the bound cookie: the browser renews the proof before its next request.
    pub fn clear_bound(&self) -> String {
        self.set_bound(String::new(), Duration::ZERO)
    }

    /// The line that sets a login cookie. A callback that the provider posts needs `SameSite=None`.
    pub fn set_login(&self, attempt: &str, value: String, posted: bool, life: Duration) -> String {
        self.line(&format!("login-{attempt}"), value, self.login_same_site(posted), life)
    }

    /// The line that removes a login cookie.
    pub fn clear_login(&self, attempt: &str, posted: bool) -> String {
        self.line(&format!("login-{attempt}"), String::new(), self.login_same_site(posted), Duration::ZERO)
    }

    /// The line that sets the return cookie.
    pub fn set_return(&self, value: String) -> String {
        self.line("return", value, SameSite::Lax, RETURN_LIFE)
    }

    /// The line that removes the return cookie.
    pub fn clear_return(&self) -> String {
        self.line("return", String::new(), SameSite::Lax, Duration::ZERO)
    }

    /// Without `Secure`, browsers refuse `None`.
    const fn login_same_site(&self, posted: bool) -> SameSite {
        if posted && self.https { SameSite::None } else { SameSite::Lax }
    }

    fn line(&self, name: &str, value: String, same_site: SameSite, life: Duration) -> String {
        Self::line_of((self.name(name), value), self.https, same_site, life)
    }

    fn line_of(name_and_value: (String, String), secure: bool, same_site: SameSite, life: Duration) -> String {
        Cookie::build(name_and_value)
            .path("/")
            .secure(secure)
            .http_only(true)
            .same_site(same_site)
            .max_age(Duration::seconds(life.whole_seconds()))
            .build()
            .to_string()
    }
}

const fn session_same_site(same_site: config::SameSite) -> SameSite {
    match same_site {
        config::SameSite::Lax => SameSite::Lax,
        config::SameSite::Strict => SameSite::Strict,
    }
}

/// A name and a value as browsers send them (RFC 6265 section 5.2): no other space is none of either's.
fn name_and_value(piece: &str) -> Option<(&str, &str)> {
    let (name, value) = piece.split_once('=')?;
    Some((name.trim_matches([' ', '\t']), value.trim_matches([' ', '\t'])))
}

/// The value of a cookie that must be there once.
#[derive(Default)]
struct Once<'a> {
    value: Option<&'a str>,
    twice: bool,
}

impl<'a> Once<'a> {
    const fn add(&mut self, value: &'a str) {
        self.twice |= self.value.is_some();
        self.value = Some(value);
    }

    fn only(self) -> Option<&'a str> {
        self.value.filter(|_| !self.twice)
    }
}

fn session(value: &str) -> Option<Credential> {
    let (region, rest) = value.split_once('.')?;
    region.parse::<Region>().ok()?;
    credential(rest)
}

fn credential(value: &str) -> Option<Credential> {
    let (actor, secret) = value.split_once('.')?;
    Some(Credential { actor: actor.parse().ok()?, secret: Secret::parse(secret)? })
}

#[cfg(test)]
#[path = "cookie_tests.rs"]
mod tests;
