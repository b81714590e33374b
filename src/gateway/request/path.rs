//! Refuses paths that some server could read as other paths, with other rules than the gateway applied. Pure.
//!
//! The application behind a lax route may take `/ADMIN/x`, `/admin%23/x` or `//admin/x` for `/admin/x`, for which there is a
//! strict route. Nobody knows how it reads. So the path is read in every way that servers are known for, alone and
//! together, and is refused if that leads to other rules. Some oddities are refused whatever the rules are.
//!
//! ```text
//!   path ──► full-width, overlong ──► %2f ──► ? and # ──► ; ──► dot, space at an end ──► // ──► case ──► a route's rules
//!            each step taken or not, where it changes something
//! ```

use std::borrow::Cow;

use crate::config::pattern::{Pattern, folded, meaning};
use crate::config::routes::{Asked, Route};
use crate::config::{Config, Origin};
use crate::gateway::request::address::Address;
use crate::gateway::request::compatible::compatible;
use crate::gateway::request::reinterpretation::{Reading, Reinterpretation, STEPS, slashes_decoded};

/// What in a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// `%5c`.
    #[error("The path holds an encoded backslash (%5c).")]
    Backslash,
    /// `%00` to `%1f`, `%7f`, and what overlong UTF-8 makes of them.
    #[error("The path holds an encoded control character (%00 to %1f, or %7f).")]
    Control,
    /// `%2f`.
    #[error("The path holds an encoded slash (%2f), which is not let through here.")]
    Slash,
    /// `.` or `..` that is not in clear.
    #[error("The path holds a hidden dot segment: . or .. that is encoded, or has something behind it.")]
    DotSegment,
    /// A server could read it as a path with other rules.
    #[error("The path could be read as another one, for which other rules hold: {0}.")]
    Reading(Reinterpretation),
}

/// What is refused in a path whatever route it leads to. `raw` is the path as it came: what stands there in clear and
/// alone, `/../`, is resolved before anything is matched, and hides nothing.
pub fn refused(raw: &str) -> Option<Refused> {
    let bytes = raw.as_bytes();
    let plain = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'%' | b';');
    if bytes.iter().all(plain) {
        return None;
    }
    for code in raw.split('%').skip(1) {
        match code.as_bytes() {
            [b'5', b'c' | b'C', ..] => return Some(Refused::Backslash),
            [b'0' | b'1', second, ..] if second.is_ascii_hexdigit() => return Some(Refused::Control),
            [b'7', b'f' | b'F', ..] => return Some(Refused::Control),
            _ => {}
        }
    }
    raw.split(['/', '\\']).find_map(|segment| {
        if segment.bytes().all(|b| plain(&b)) {
            return None;
        }
        let meaning = meaning(segment);
        let read = compatible(&meaning).map_or(meaning, Cow::Owned);
        if read.iter().any(u8::is_ascii_control) {
            return Some(Refused::Control);
        }
        let read = slashes_decoded(&read).map_or(read, Cow::Owned);
        read.split(|b| *b == b'/').any(is_dot_segment).then_some(Refused::DotSegment)
    })
}

fn is_dot_segment(segment: &[u8]) -> bool {
    let name = segment.split(|b| matches!(b, b';' | b'?' | b'#')).next().unwrap_or_default();
    matches!(name.trim_ascii_end(), b"." | b"..")
}

/// Why some server could read a path that takes this route as a path with other rules. None: no server could.
pub fn other_reading(config: &Config, route: usize, address: &Address<'_>, asked: Asked<'_>) -> Option<Refused> {
    let path = address.path();
    let rules = &config.rules;
    let may_differ = if rules.is_uniform {
        rules.is_cased || may_be_own(path.as_bytes(), &config.auth_prefix)
    } else {
        rules.is_cased || is_odd(path.as_bytes())
    };
    if !may_differ {
        return None;
    }
    let class = rules.class(route)?;
    Readings { config, origin: &address.origin, asked, class }.other(&meaning(path), &STEPS, None).map(Refused::Reading)
}

/// Whether a path has a reading beside itself.
fn is_odd(path: &[u8]) -> bool {
    let odd = |b: &u8| b.is_ascii_uppercase() || matches!(b, b'%' | b';' | b' ') || !b.is_ascii();
    path.iter().any(odd) || path.ends_with(b".") || path.windows(2).any(|pair| matches!(pair, b"//" | b"./"))
}

/// Whether a path may be read as the address of an endpoint of the gateway. A letter that differs stays different in every reading.
fn may_be_own(path: &[u8], prefix: &str) -> bool {
    let mut rest = path.iter().skip_while(|b| **b == b'/');
    for own in prefix.bytes().skip(1) {
        match rest.next() {
            Some(b) if b.eq_ignore_ascii_case(&own) => {}
            Some(b) => return !b.is_ascii_alphanumeric(),
            None => return false,
        }
    }
    rest.next().is_none_or(|b| !b.is_ascii_alphanumeric())
}

struct Readings<'a> {
    config: &'a Config,
    origin: &'a Origin,
    asked: Asked<'a>,
    class: usize,
}

impl Readings<'_> {
    /// The first step on the way to a reading of this path that has other rules.
    fn other(
        &self,
        path: &[u8],
        steps: &[(Reinterpretation, &[Reading])],
        first: Option<Reinterpretation>,
    ) -> Option<Reinterpretation> {
        if let Some(first) = first.filter(|_| self.differs(path)) {
            return Some(first);
        }
        if self.differs_folded(&folded(path)) {
            return Some(first.unwrap_or(Reinterpretation::Case));
        }
        let mut rest = steps.iter();
        while let Some((step, readings)) = rest.next() {
            for read in *readings {
                let other = read(path).and_then(|read| self.other(&read, rest.as_slice(), first.or(Some(*step))));
                if other.is_some() {
                    return other;
                }
            }
        }
        None
    }

    fn differs(&self, path: &[u8]) -> bool {
        let patterns = self.config.routes.iter().map(|route| &route.pattern);
        is_under(path, self.config.auth_prefix.as_bytes()) || self.is_other(path, patterns)
    }

    fn differs_folded(&self, path: &[u8]) -> bool {
        let rules = &self.config.rules;
        is_under(path, rules.folded_prefix()) || self.is_other(path, rules.folded().iter())
    }

    /// Whether this path meets other rules, the routes having these patterns. One that no route matches meets none.
    fn is_other<'p>(&self, path: &[u8], mut patterns: impl Iterator<Item = &'p Pattern>) -> bool {
        let takes = |route: &Route| route.takes(self.asked);
        let mut routes = self.config.routes.iter();
        let met = patterns.position(|pattern| {
            routes.next().is_some_and(takes) && pattern.matches_host(self.origin) && pattern.matches_path(path)
        });
        met.and_then(|route| self.config.rules.class(route)).is_some_and(|class| class != self.class)
    }
}

fn is_under(path: &[u8], prefix: &[u8]) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
