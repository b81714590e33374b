//! Paths that some server could read as others, and so by other rules than the gateway applied. Pure.
//!
//! The application behind a lax route may take `/ADMIN/x`, `/admin%23/x` or `//admin/x` for `/admin/x`, for which there is a
//! strict route. Nobody knows how it reads. So the path is read in every way that servers are known for, alone and
//! together, and is refused where that leads to other rules. What is odd in any case is refused whatever the rules are.
//!
//! ```text
//!   path ──► full-width, overlong ──► %2f ──► ? and # ──► ; ──► dot, space at an end ──► // ──► case ──► a route's rules
//!            each step taken or not, where it changes something
//! ```

use std::borrow::Cow;

use crate::config::pattern::{folded, meaning};
use crate::config::{Config, Origin};
use crate::gateway::request::address::Address;
use crate::gateway::request::compatible::compatible;

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

/// A way in which servers read a path differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reinterpretation {
    /// Full-width and other compatible characters, and overlong UTF-8, become what they stand for.
    #[error("it has full-width characters, or UTF-8 that is longer than it must be")]
    Compatible,
    /// `%2f` becomes a slash.
    #[error("it has an encoded slash (%2f)")]
    Slash,
    /// An encoded `?` or `#` ends the path, or the segment.
    #[error("it has an encoded ? or # (%3f, %23)")]
    End,
    /// What follows a `;` is a parameter, of the path or of the segment.
    #[error("it has a ; (or %3b)")]
    Parameter,
    /// A dot or space at a segment's end is dropped.
    #[error("a segment of it ends in a dot or a space (%20)")]
    DotOrSpace,
    /// Several slashes are one.
    #[error("it has two slashes in a row")]
    Slashes,
    /// Case does not count.
    #[error("its letters' case differs")]
    Case,
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

/// What makes a path, which goes by the route of this number, one that some server could read as a path with other rules.
pub fn other_reading(config: &Config, route: usize, address: &Address<'_>) -> Option<Refused> {
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
    Readings { config, origin: &address.origin, class }.other(&meaning(path), &STEPS, None).map(Refused::Reading)
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

/// What a step makes of a path, where it changes something.
type Reading = fn(&[u8]) -> Option<Vec<u8>>;

/// The ways to read, in the order in which they work on each other's results.
const STEPS: [(Reinterpretation, &[Reading]); 6] = [
    (Reinterpretation::Compatible, &[compatible]),
    (Reinterpretation::Slash, &[slashes_decoded]),
    (Reinterpretation::End, &[|path| cut(path, b"?#"), |path| cut_segments(path, b"?#")]),
    (Reinterpretation::Parameter, &[|path| cut(path, b";"), |path| cut_segments(path, b";")]),
    (Reinterpretation::DotOrSpace, &[ends_trimmed]),
    (Reinterpretation::Slashes, &[slashes_merged]),
];

struct Readings<'a> {
    config: &'a Config,
    origin: &'a Origin,
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
        is_under(path, self.config.auth_prefix.as_bytes())
            || self.is_other(
                self.config
                    .routes
                    .iter()
                    .position(|route| route.pattern.matches_host(self.origin) && route.pattern.matches_path(path)),
            )
    }

    fn differs_folded(&self, path: &[u8]) -> bool {
        let rules = &self.config.rules;
        let matches =
            |pattern: &crate::config::pattern::Pattern| pattern.matches_host(self.origin) && pattern.matches_path(path);
        is_under(path, rules.folded_prefix()) || self.is_other(rules.folded().iter().position(matches))
    }

    /// A path that no route matches meets no rules.
    fn is_other(&self, route: Option<usize>) -> bool {
        route.and_then(|route| self.config.rules.class(route)).is_some_and(|class| class != self.class)
    }
}

fn is_under(path: &[u8], prefix: &[u8]) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

fn changed(path: &[u8], read: Vec<u8>) -> Option<Vec<u8>> {
    (read != path).then_some(read)
}

fn cut(path: &[u8], at: &[u8]) -> Option<Vec<u8>> {
    let end = path.iter().position(|b| at.contains(b))?;
    path.get(..end).map(<[u8]>::to_vec)
}

fn cut_segments(path: &[u8], at: &[u8]) -> Option<Vec<u8>> {
    if !path.iter().any(|b| at.contains(b)) {
        return None;
    }
    let segments: Vec<&[u8]> = path
        .split(|b| *b == b'/')
        .map(|segment| segment.split(|b| at.contains(b)).next().unwrap_or_default())
        .collect();
    Some(segments.join(&b'/'))
}

fn ends_trimmed(path: &[u8]) -> Option<Vec<u8>> {
    let trimmed = |segment: &[u8]| {
        let length = segment.iter().rposition(|b| !matches!(b, b'.' | b' ')).map_or(0, |last| last.saturating_add(1));
        segment.get(..length).unwrap_or_default().to_vec()
    };
    let segments: Vec<Vec<u8>> = path.split(|b| *b == b'/').map(trimmed).collect();
    changed(path, segments.join(&b'/'))
}

fn slashes_merged(path: &[u8]) -> Option<Vec<u8>> {
    let mut merged = path.to_vec();
    merged.dedup_by(|a, b| *a == b'/' && *b == b'/');
    changed(path, merged)
}

/// `%2F` and `%5C`, which [`meaning`] leaves encoded, as slashes.
fn slashes_decoded(path: &[u8]) -> Option<Vec<u8>> {
    if !path.windows(3).any(|code| matches!(code, b"%2F" | b"%5C")) {
        return None;
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((first, behind)) = rest.split_first() {
        rest = match rest {
            [b'%', b'2', b'F', behind @ ..] | [b'%', b'5', b'C', behind @ ..] => {
                decoded.push(b'/');
                behind
            }
            _ => {
                decoded.push(*first);
                behind
            }
        };
    }
    Some(decoded)
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
