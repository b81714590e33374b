//! The gateway's cookies: their names, how they are read, and how they are kept from the application. Pure.
//!
//! ```text
//!   __Host-Http-session            <region>.<actor id>.<secret>      the session
//!   __Host-Http-login-<8 hex>      see login_cookie.rs               one login under way, so that tabs don't collide
//!   __Host-Http-return             see return_cookie.rs              where a logout leads
//!   __Host-Http-clearance          see clearance.rs                  a captcha that was solved
//! ```
//!
//! On plain http (loopback only) the names lose their prefix, as browsers refuse it there. Only the names of the
//! origin's own scheme are read. Two cookies of one name count as none: somebody planted one of them.

use cookie::{Cookie, SameSite};
use time::Duration;

use crate::actors::session::message::Credential;
use crate::config::{self, Origin};
use crate::credential::Secret;
use crate::region::Region;

/// How many logins of one browser may be under way.
pub const LOGINS_KEPT: usize = 8;
/// How long a logout may take at the provider.
const RETURN_LIFE: Duration = Duration::minutes(10);
const PREFIX: &str = "__Host-Http-";

/// Names and attributes at one origin.
#[derive(Clone, Copy, Debug)]
pub struct Jar {
    https: bool,
}

/// The gateway's cookies in a request.
#[derive(Debug, Default)]
pub struct Cookies {
    /// The session, where exactly one well-formed cookie names it.
    pub session: Option<Credential>,
    /// The logins under way, in the order in which the browser sends them, oldest first: name and value, where there is one.
    pub logins: Vec<(String, Option<String>)>,
    /// Where a logout leads, where exactly one cookie says so.
    pub way_back: Option<String>,
    /// The clearance, where there is exactly one.
    pub clearance: Option<String>,
    /// Whether there is anything that may be read as a cookie of these names, well-formed or not.
    pub any: bool,
}

impl Jar {
    /// The jar of this origin.
    pub const fn of(origin: &Origin) -> Self {
        Self { https: origin.https }
    }

    fn name(self, name: &str) -> String {
        if self.https { format!("{PREFIX}{name}") } else { name.to_owned() }
    }

    /// What a cookie of this full name is to the gateway, if anything.
    fn ours(self, name: &str) -> Option<&str> {
        let name = if self.https { name.strip_prefix(PREFIX)? } else { name };
        let hex = |attempt: &str| attempt.len() == 8 && attempt.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let ours = matches!(name, "session" | "clearance" | "return") || name.strip_prefix("login-").is_some_and(hex);
        ours.then_some(name)
    }

    /// Reads a `Cookie` header.
    pub fn read(self, header: &str) -> Cookies {
        let mut cookies = Cookies::default();
        let (mut sessions, mut clearances, mut returns) = (Vec::new(), Vec::new(), Vec::new());
        for piece in self.pieces(header) {
            cookies.any |= self.is_read_as_ours(piece);
            let Some((name, value)) = name_and_value(piece) else { continue };
            let Some(name) = self.ours(name) else { continue };
            match name.strip_prefix("login-") {
                Some(attempt) => {
                    let twice = cookies.logins.iter_mut().find(|(known, _)| known == attempt);
                    match twice {
                        Some((_, value)) => *value = None,
                        None => cookies.logins.push((attempt.to_owned(), Some(value.to_owned()))),
                    }
                }
                None if name == "session" => sessions.push(session(value)),
                None if name == "return" => returns.push(value),
                None => clearances.push(value),
            }
        }
        if let [only] = sessions.as_mut_slice() {
            cookies.session = only.take();
        }
        if let [only] = clearances.as_slice() {
            cookies.clearance = Some((*only).to_owned());
        }
        if let [only] = returns.as_slice() {
            cookies.way_back = Some((*only).to_owned());
        }
        cookies
    }

    /// The header without the gateway's cookies, every other byte as it was; none where nothing is left.
    pub fn strip(self, header: &str) -> Option<String> {
        let kept: Vec<&str> = self.pieces(header).filter(|piece| !self.is_read_as_ours(piece)).collect();
        let kept = kept.join(";");
        let kept = kept.trim_start_matches(' ');
        (!kept.is_empty()).then(|| kept.to_owned())
    }

    /// Whether a `Set-Cookie` line of the application sets one of the gateway's cookies.
    pub fn is_set_by(self, line: &str) -> bool {
        self.is_read_as_ours(line.split(';').next().unwrap_or_default())
    }

    /// Whether somebody may take a pair for one of the gateway's cookies. Browsers send one without a name as its bare
    /// value, `=session=x` as `session=x`.
    fn is_read_as_ours(self, pair: &str) -> bool {
        let named = name_and_value(pair.trim_start_matches(['=', ' ', '\t']));
        named.is_some_and(|(name, _)| self.ours(name).is_some())
    }

    /// Whether a `Set-Cookie` line of the gateway sets or removes the session cookie.
    pub fn is_session_set_by(self, line: &str) -> bool {
        name_and_value(line).is_some_and(|(name, _)| self.ours(name) == Some("session"))
    }

    /// Splits at `;`, and at a `,` before one of the gateway's names: that is how two header lines are joined.
    fn pieces(self, header: &str) -> impl Iterator<Item = &str> {
        header.split(';').flat_map(move |piece| {
            let mut rest = Some(piece);
            std::iter::from_fn(move || {
                let whole = rest.take()?;
                let cut = whole.match_indices(',').find(|(at, _)| {
                    let behind = whole.get(at.saturating_add(1)..).unwrap_or_default();
                    // Up to the next comma: what is looked at is looked at once.
                    let next = behind.split(',').next().unwrap_or_default();
                    name_and_value(next).is_some_and(|(name, _)| self.ours(name).is_some())
                });
                let Some((at, _)) = cut else { return Some(whole) };
                rest = whole.get(at.saturating_add(1)..);
                whole.get(..at)
            })
        })
    }

    /// The line that sets the session cookie.
    pub fn set_session(
        self,
        region: Region,
        session: &Credential,
        same_site: config::SameSite,
        life: Duration,
    ) -> String {
        let value = format!("{region}.{}.{}", session.actor, session.secret.expose());
        self.line("session", value, session_same_site(same_site), life)
    }

    /// The line that removes the session cookie.
    pub fn clear_session(self, same_site: config::SameSite) -> String {
        self.line("session", String::new(), session_same_site(same_site), Duration::ZERO)
    }

    /// The line that sets the clearance cookie.
    pub fn set_clearance(self, value: String, life: Duration) -> String {
        self.line("clearance", value, SameSite::Lax, life)
    }

    /// The line that sets a login cookie. A callback that the provider posts needs `SameSite=None`.
    pub fn set_login(self, attempt: &str, value: String, posted: bool, life: Duration) -> String {
        self.line(&format!("login-{attempt}"), value, self.login_same_site(posted), life)
    }

    /// The line that removes a login cookie.
    pub fn clear_login(self, attempt: &str, posted: bool) -> String {
        self.line(&format!("login-{attempt}"), String::new(), self.login_same_site(posted), Duration::ZERO)
    }

    /// The line that sets the return cookie.
    pub fn set_return(self, value: String) -> String {
        self.line("return", value, SameSite::Lax, RETURN_LIFE)
    }

    /// The line that removes the return cookie.
    pub fn clear_return(self) -> String {
        self.line("return", String::new(), SameSite::Lax, Duration::ZERO)
    }

    /// Without `Secure`, browsers refuse `None`.
    const fn login_same_site(self, posted: bool) -> SameSite {
        if posted && self.https { SameSite::None } else { SameSite::Lax }
    }

    fn line(self, name: &str, value: String, same_site: SameSite, life: Duration) -> String {
        Cookie::build((self.name(name), value))
            .path("/")
            .secure(self.https)
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

fn name_and_value(piece: &str) -> Option<(&str, &str)> {
    let (name, value) = piece.split_once('=')?;
    Some((name.trim(), value.trim()))
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HTTPS: Jar = Jar { https: true };
    const HTTP: Jar = Jar { https: false };

    fn value() -> String {
        format!("weur.{}.{}", "a".repeat(64), Secret::from_random([1; 32]).expose())
    }

    #[test]
    fn a_session_cookie_is_read_under_its_schemes_name_alone() {
        let header = format!("x=1; __Host-Http-session={}; y=2", value());
        assert!(HTTPS.read(&header).session.is_some());
        assert!(HTTP.read(&header).session.is_none());
        assert!(!HTTP.read(&header).any);
        assert!(HTTPS.read(&format!("session={}", value())).session.is_none());
    }

    #[test]
    fn two_cookies_of_one_name_count_as_none_even_if_one_is_empty_or_malformed() {
        for other in ["", "weur.x.y", &value()] {
            let header = format!("session={}; session={other}", value());
            let cookies = HTTP.read(&header);
            assert!(cookies.session.is_none() && cookies.any, "{header}");
        }
        assert!(HTTP.read(&format!("session={}, session=x", value())).session.is_none());
        assert!(HTTP.read(&format!("=session={}", value())).any);
        let nameless = HTTP.read(&format!("=session={}; session; session={}", value(), value()));
        assert!(nameless.session.is_some(), "a cookie without a name is not in the way");
        assert_eq!(HTTP.read("clearance=a").clearance.as_deref(), Some("a"));
        assert_eq!(HTTP.read("clearance=a; clearance=").clearance, None);
    }

    #[test]
    fn look_alike_names_are_not_the_gateways() {
        for name in ["Session", "session2", "$Version", "login-1234567", "login-1234567G", "login-ABCDEF01", ""] {
            assert!(!HTTP.read(&format!("{name}={}", value())).any, "{name}");
        }
    }

    #[test]
    fn stripping_leaves_every_other_byte_as_it_was() {
        let header = format!("a=\"1;2\";  b==; session={}; login-0123abcd=x; c=ü,%2C", value());
        assert_eq!(HTTP.strip(&header).as_deref(), Some("a=\"1;2\";  b==; c=ü,%2C"));
        assert_eq!(HTTP.strip(&format!("session={}", value())), None);
        assert_eq!(HTTP.strip(&format!("a=1, session={}", value())).as_deref(), Some("a=1"));
        assert_eq!(HTTP.strip("a=1,b=2").as_deref(), Some("a=1,b=2"));
        assert_eq!(HTTP.strip("a=1,session,b; c").as_deref(), Some("a=1,session,b; c"));
        assert_eq!(HTTP.strip(&format!("=session={}; a=1; =b; ==session=x", value())).as_deref(), Some("a=1; =b"));
    }

    #[test]
    fn what_is_set_has_the_documented_attributes() {
        let credential = credential(&value().replace("weur.", "")).unwrap();
        let line = HTTPS.set_session(Region::Weur, &credential, config::SameSite::Strict, Duration::hours(1));
        assert_eq!(
            line,
            format!("__Host-Http-session={}; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=3600", value())
        );
        let line = HTTP.set_login("0123abcd", "sealed".into(), true, Duration::minutes(10));
        assert!(
            line.starts_with("login-0123abcd=") && line.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=600"),
            "{line}"
        );
        assert!(HTTPS.clear_login("0123abcd", true).contains("SameSite=None; Secure; Path=/; Max-Age=0"));
    }

    #[test]
    fn the_application_cannot_set_the_gateways_cookies() {
        assert!(HTTPS.is_set_by("__Host-Http-session=x; Path=/"));
        assert!(HTTPS.is_set_by(" __Host-Http-login-0123abcd = x"));
        assert!(HTTP.is_set_by("=session=x"));
        assert!(HTTP.is_set_by(" = =session=x"));
        assert!(!HTTPS.is_set_by("session=x"));
        assert!(!HTTPS.is_set_by("other=__Host-Http-session=x"));
    }

    proptest! {
        #[test]
        fn no_header_gets_a_session_cookie_past_strip(before in ".{0,20}", after in ".{0,20}", glue in "[;, =]{1,3}") {
            let header = format!("{before}{glue}session={}{glue}{after}", value());
            if let Some(left) = HTTP.strip(&header) {
                prop_assert!(!HTTP.read(&left).any, "{left}");
            }
        }
    }
}
