//! `match` of a route: `[host]/path`, a trailing `*` for the rest. Pure.
//!
//! Both sides are compared by what servers read in them ([`meaning`]): `/%40dmin` is `/@dmin` to almost
//! every server, and must be so here.

use std::borrow::Cow;

use url::{Position, Url};

use super::origin::{Origin, without_final_dot};

/// The requests of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The host and, where the pattern names one, the port.
    host: Option<(String, Option<u16>)>,
    path: PathPattern,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathPattern {
    Exactly(Cow<'static, [u8]>),
    BeginsWith(Cow<'static, [u8]>),
}

impl Pattern {
    /// `/*`.
    pub const fn everything() -> Self {
        Self { host: None, path: PathPattern::BeginsWith(Cow::Borrowed(b"/")) }
    }

    /// Reads a pattern; the error says what it must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wanted = "must be a path such as /api/*, with a host in front where that matters: app.example.com/api/*";
        if text.contains("://") {
            return Err(format!("{wanted}; leave the scheme out"));
        }
        let at = text.find('/').ok_or(wanted)?;
        let (host, path) = text.split_at_checked(at).ok_or(wanted)?;
        let (prefix, rest) = path.strip_suffix('*').map_or((path, false), |prefix| (prefix, true));
        if prefix.contains('*') {
            return Err("may have a * at its end alone".to_owned());
        }
        let url = Url::parse(&format!("http://host{prefix}")).map_err(|_| wanted)?;
        if !url[Position::AfterPath..].is_empty() {
            return Err("must be a path without ? and #: routes do not look at the query".to_owned());
        }
        let path = Cow::Owned(meaning(url.path()).into_owned());
        let path = if rest { PathPattern::BeginsWith(path) } else { PathPattern::Exactly(path) };
        Ok(Self { host: host_and_port(host)?, path })
    }

    /// Whether a request for this normalized path at this origin goes this way.
    pub fn matches(&self, origin: &Origin, path: &str) -> bool {
        self.matches_host(origin) && self.matches_path(&meaning(path))
    }

    /// Whether the host fits. A host without a port stands for every port.
    pub fn matches_host(&self, origin: &Origin) -> bool {
        self.host.as_ref().is_none_or(|(host, port)| {
            let (requested, requested_port) = origin.host_and_port();
            without_final_dot(requested) == host && port.is_none_or(|port| requested_port == port)
        })
    }

    /// Whether the [`meaning`] of the path fits.
    pub fn matches_path(&self, path: &[u8]) -> bool {
        match &self.path {
            PathPattern::Exactly(exactly) => path == &**exactly,
            PathPattern::BeginsWith(prefix) => path.starts_with(prefix),
        }
    }

    /// The same pattern for a server that doesn't tell case apart, which [`folded`] paths are compared with.
    pub fn folded(&self) -> Self {
        let fold = |path: &[u8]| Cow::Owned(folded(path));
        let path = match &self.path {
            PathPattern::Exactly(path) => PathPattern::Exactly(fold(path)),
            PathPattern::BeginsWith(path) => PathPattern::BeginsWith(fold(path)),
        };
        Self { host: self.host.clone(), path }
    }

    /// Whether it names a host.
    pub const fn has_host(&self) -> bool {
        self.host.is_some()
    }
}

/// A path as a server reads it that ignores case. Some servers compare small letters, others capital ones. This is for both.
pub fn folded(path: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(path) {
        Ok(text) if !text.is_ascii() => text.to_uppercase().to_lowercase().into_bytes(),
        _ => path.to_ascii_lowercase(),
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.host {
            Some((host, Some(port))) => write!(f, "{host}:{port}")?,
            Some((host, None)) => f.write_str(host)?,
            None => {}
        }
        match &self.path {
            PathPattern::Exactly(path) => f.write_str(&String::from_utf8_lossy(path)),
            PathPattern::BeginsWith(path) => write!(f, "{}*", String::from_utf8_lossy(path)),
        }
    }
}

fn host_and_port(text: &str) -> Result<Option<(String, Option<u16>)>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || format!("names no host that there can be: {text:?}. One without wildcards, such as app.example.com");
    let url = Url::parse(&format!("http://{text}/")).map_err(|_| wrong())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.path() == "/" && !text.contains('*');
    let host = url.host_str().filter(|_| plain).ok_or_else(wrong)?;
    // As a host it would match nothing, and the next route would get the requests of this one.
    if !text.contains(['.', ':']) && host != "localhost" {
        return Err(format!(
            "must begin with a slash, as in /{text}/*; {text:?} in front of it would be a host, without a dot"
        ));
    }
    // The URL leaves 80 out, but the operator wrote it.
    let port = url.port().or_else(|| text.ends_with(":80").then_some(80));
    Ok(Some((without_final_dot(host).to_owned(), port)))
}

/// What servers read in a path, a `%` that encodes nothing as itself: everything decoded but slashes, backslashes and `%`, whose encodings mean themselves.
pub fn meaning(path: &str) -> Cow<'_, [u8]> {
    if !path.contains('%') {
        return Cow::Borrowed(path.as_bytes());
    }
    let mut pieces = path.split('%');
    let mut meaning = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        match (escaped(piece), piece.as_bytes().get(2..)) {
            (Some(byte), Some(rest)) if !b"/\\%".contains(&byte) => {
                meaning.push(byte);
                meaning.extend(rest);
            }
            (Some(_), Some(rest)) => {
                meaning.push(b'%');
                meaning.extend(piece.as_bytes().get(..2).unwrap_or_default().to_ascii_uppercase());
                meaning.extend(rest);
            }
            _ => {
                meaning.extend(b"%25");
                meaning.extend(piece.as_bytes());
            }
        }
    }
    Cow::Owned(meaning)
}

/// The byte that stands behind a `%`, where one does.
fn escaped(piece: &str) -> Option<u8> {
    let digits = piece.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u8::from_str_radix(digits, 16).ok()
}

/// A path with unreserved characters in clear (RFC 3986 section 6.2.2.2): their encoding means nothing, and no
/// route may depend on it. A `%` that encodes nothing stays as it came, and so does the encoding of a digit behind it,
/// which in clear would make an encoding of both.
pub fn normalized_path(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut pieces = path.split('%');
    let mut normal = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match (escaped(piece).map(char::from), piece.get(2..)) {
            (Some(plain), Some(rest))
                if (plain.is_ascii_alphanumeric() || "-._~".contains(plain))
                    && !(plain.is_ascii_hexdigit() && is_half_encoded(normal.as_bytes())) =>
            {
                normal.push(plain);
                normal.push_str(rest);
            }
            _ => {
                normal.push('%');
                normal.push_str(piece);
            }
        }
    }
    Cow::Owned(normal)
}

/// Whether a path ends in the beginning of an encoding that a further digit would go on with.
fn is_half_encoded(path: &[u8]) -> bool {
    // `%4` at the end is one only where its `%` is not itself the last digit's: no encoding ends in `%`.
    matches!(path, [.., b'%'] | [.., b'%', b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F'])
}

#[cfg(test)]
#[path = "pattern_tests.rs"]
mod tests;
