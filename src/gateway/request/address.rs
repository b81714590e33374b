//! A request's address in the form in which it is matched and forwarded. Pure.
//!
//! A URL parser costs more than all the rest of the hot path decides. Most addresses begin with an origin that the configuration
//! names, and hold nothing that a parser would change. Those are only cut. A property test compares the results of both ways.

use std::borrow::Cow;

use url::{Position, Url};

use crate::config::pattern::normalized_path;
use crate::config::{Origin, is_loopback};

/// An absolute http or https URL, its path normalized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// As it came.
    raw: &'a str,
    /// Its scheme, host and port.
    pub origin: Cow<'a, Origin>,
    /// Whether it is plain http and leads to another machine.
    pub is_insecure: bool,
    path_and_query: Cow<'a, str>,
    /// How long the path is.
    path: usize,
}

impl<'a> Address<'a> {
    /// Reads an address, which may be of one of these `origins`; none where it is malformed.
    pub fn read(raw: &'a str, origins: &'a [Origin]) -> Option<Self> {
        Self::cut(raw, origins).or_else(|| Self::parse(raw))
    }

    fn cut(raw: &'a str, origins: &'a [Origin]) -> Option<Self> {
        let (origin, rest) = origins.iter().find_map(|origin| origin.cut(raw))?;
        let path = plain_path(rest.as_bytes())?;
        let query = rest.as_bytes().get(path..)?;
        query.iter().all(|b| is_plain_in_query(*b)).then_some(Self {
            raw,
            origin,
            // The configuration has no such origin.
            is_insecure: false,
            path_and_query: Cow::Borrowed(rest),
            path,
        })
    }

    fn parse(raw: &'a str) -> Option<Self> {
        let url = normalized(Url::parse(raw).ok()?);
        Some(Self {
            raw,
            origin: Cow::Owned(Origin::of(&url)?),
            is_insecure: url.scheme() == "http" && !is_loopback(&url),
            path_and_query: Cow::Owned(url[Position::BeforePath..Position::AfterQuery].to_owned()),
            path: url.path().len(),
        })
    }

    /// The path.
    pub fn path(&self) -> &str {
        self.path_and_query.get(..self.path).unwrap_or_default()
    }

    /// The path and the query.
    pub fn path_and_query(&self) -> &str {
        &self.path_and_query
    }

    /// The query.
    pub fn query(&self) -> &str {
        self.path_and_query.get(self.path..).and_then(|query| query.strip_prefix('?')).unwrap_or_default()
    }

    /// The path as it came, before anything was resolved in it.
    pub fn raw_path(&self) -> &str {
        if matches!(self.path_and_query, Cow::Borrowed(_)) {
            return self.path();
        }
        let behind_scheme = self.raw.split_once("://").map_or(self.raw, |(_, rest)| rest);
        // A parser takes each of these for the end of the host, and a Host header may hold a backslash.
        let path = behind_scheme.find(['/', '\\', '?', '#']).and_then(|at| behind_scheme.get(at..)).unwrap_or("/");
        path.split(['?', '#']).next().unwrap_or(path)
    }
}

/// The URL in the form in which it is matched and forwarded.
pub fn normalized(url: Url) -> Url {
    match normalized_path(url.path()) {
        Cow::Borrowed(_) => url,
        Cow::Owned(path) if path == url.path() => url,
        Cow::Owned(path) => {
            let text = format!("{}{path}{}", &url[..Position::BeforePath], &url[Position::AfterPath..]);
            Url::parse(&text).unwrap_or(url)
        }
    }
}

/// The length of a path in which a parser changes nothing.
fn plain_path(bytes: &[u8]) -> Option<usize> {
    let mut before = 0;
    for (at, b) in bytes.iter().enumerate() {
        match b {
            b'?' => return Some(at),
            // It may begin a dot segment.
            b'.' if before == b'/' => return None,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {}
            b'/' | b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':'
            | b'@' => {}
            _ => return None,
        }
        before = *b;
    }
    Some(bytes.len())
}

const fn is_plain_in_query(b: u8) -> bool {
    b.is_ascii_graphic() && !matches!(b, b'"' | b'#' | b'<' | b'>' | b'\'')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORIGINS: [&str; 6] = [
        "https://app.example",
        "http://localhost:8787",
        "https://app.example:8443",
        "http://[::1]",
        "https://*.apps.example",
        "http://*.localhost:8787",
    ];

    fn origins() -> Vec<Origin> {
        ORIGINS.iter().map(|text| Origin::of(&Url::parse(text).unwrap()).unwrap()).collect()
    }

    #[test]
    fn an_everyday_address_is_cut_and_any_other_one_parsed() {
        let origins = origins();
        for plain in [
            "https://app.example/",
            "https://app.example/api/x.json?a=b%20c&d=/../e",
            "https://app.example:8443/a/b-c_d/@e?",
            "http://localhost:8787//a",
            "http://[::1]/",
            "https://tenant-a.apps.example/x",
            "http://a.localhost:8787/",
        ] {
            assert!(Address::cut(plain, &origins).is_some(), "{plain}");
        }
        for other in [
            "https://app.example",
            "https://app.example:443/",
            "https://app.example.org/",
            "https://app.example:84430/",
            "https://APP.example/",
            "http://app.example/",
            "https://app.example/a/../b",
            "https://app.example/.well-known/x",
            "https://app.example/%61",
            "https://app.example/a;b",
            "https://app.example/a\\b",
            "https://app.example/?a#b",
            "https://app.example/?a'b",
            "https://app.example/?ü",
            "https://apps.example/",
            "https://.apps.example/",
            "https://*.apps.example/",
            "https://a.b.apps.example/",
            "https://A.apps.example/",
            "https://xn--a.apps.example/",
            "https://a.apps.example.evil.example/",
        ] {
            assert!(Address::cut(other, &origins).is_none(), "{other}");
        }
    }

    #[test]
    fn an_address_is_insecure_that_leads_to_another_machine_in_clear() {
        let is_insecure = |raw| Address::read(raw, &[]).unwrap().is_insecure;
        assert!(is_insecure("http://app.example/"));
        assert!(!is_insecure("https://app.example/") && !is_insecure("http://localhost:1/"));
        assert_eq!(Address::read("nonsense", &[]), None);
    }

    proptest! {
        #[test]
        fn an_address_that_is_cut_is_what_a_parser_makes_of_it(
            origin in 0..ORIGINS.len(),
            rest in "(/|\\.|\\?|#|%|2e|2f|;|:|@|[!-~]|[ -~]|\\t|é|[a-z]{1,3}){0,16}",
            port in "(|:1|:443|:80)",
            label in "[a-zA-Z0-9_.*-]{0,6}|xn--[a-z0-9]{0,4}|ü",
        ) {
            let origins = origins();
            let raw = format!("{}{port}/{rest}", ORIGINS[origin].replace('*', &label));
            if let Some(cut) = Address::cut(&raw, &origins) {
                let parsed = Address::parse(&raw).unwrap();
                prop_assert_eq!(cut.raw_path(), parsed.raw_path());
                prop_assert_eq!(cut, parsed);
            }
        }
    }
}
