//! Addresses on both sides of the gateway: the browser knows the public origin, the application its own. Pure.
//!
//! ```text
//!   browser ── Origin, Referer ──────────────────────────────────────► application     (`origin`)
//!           ◄─ Location, Content-Location, Refresh, Set-Cookie Domain ─                (`rewrite_redirects`)
//! ```
//!
//! Only an address that is exactly on one side becomes one of the other side. Any other one stays as it is: the application goes on
//! refusing a foreign `Origin`, and the browser goes where the application sends it.

use url::{Position, Url};

use crate::config::Origin;
use crate::config::routes::Upstream;

/// Headers of a response that hold an address.
pub const ADDRESSES: [&str; 3] = ["location", "content-location", "refresh"];

/// What follows the origin `own` in the address of a page, if it is there.
pub fn page_at<'a>(own: &str, page: &'a str) -> Option<&'a str> {
    page.strip_prefix(own).filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// The two sides of a route.
pub struct Seam<'a> {
    public: &'a str,
    application: Url,
    prefix: &'a str,
}

impl<'a> Seam<'a> {
    /// Between the gateway at `public` and an application. A binding has no address of its own.
    pub fn of(public: &'a Origin, upstream: &'a Upstream) -> Option<Self> {
        let (origin, prefix) = upstream.origin_and_prefix()?;
        Some(Self { public: &public.text, application: Url::parse(origin).ok()?, prefix })
    }

    /// The value of a header of [`ADDRESSES`] as the browser gets it, if that is another.
    pub fn header(&self, name: &str, value: &str) -> Option<String> {
        if name == "refresh" { self.refresh(value) } else { self.address(value) }
    }

    /// A `Set-Cookie` line without a `Domain` that is the application's host, which browsers refuse here.
    pub fn cookie(&self, line: &str) -> Option<String> {
        let host = self.application.host_str()?;
        let is_host = |attribute: &&str| {
            attribute.split_once('=').is_some_and(|(name, domain)| {
                let domain = domain.trim_matches([' ', '\t']);
                name.trim_matches([' ', '\t']).eq_ignore_ascii_case("domain")
                    && domain.strip_prefix('.').unwrap_or(domain).eq_ignore_ascii_case(host)
            })
        };
        let (pair, attributes) = line.split_once(';')?;
        attributes.split(';').any(|attribute| is_host(&attribute)).then(|| {
            let kept = attributes.split(';').filter(|attribute| !is_host(attribute));
            std::iter::once(pair).chain(kept).collect::<Vec<_>>().join(";")
        })
    }

    /// An address of the application as the browser reaches it. A path alone is one only where the application has a prefix:
    /// elsewhere it means the same on both sides.
    fn address(&self, value: &str) -> Option<String> {
        let value = value.trim_matches([' ', '\t']);
        let has_host = value.starts_with("//") || !value.starts_with('/');
        let url = match Url::parse(value) {
            Ok(url) => url,
            Err(_) if value.starts_with('/') => self.application.join(value).ok()?,
            Err(_) => return None,
        };
        let is_application = url.origin() == self.application.origin() && url.username().is_empty();
        if !is_application || url.password().is_some() || !has_host && self.prefix.is_empty() {
            return None;
        }
        let rest = url[Position::BeforePath..].strip_prefix(self.prefix)?;
        if !(rest.is_empty() || rest.starts_with(['/', '?', '#'])) {
            return None;
        }
        let slash = if rest.starts_with('/') { "" } else { "/" };
        // Two slashes at the beginning of a path alone would name a host.
        let origin = if has_host || rest.starts_with("//") { self.public } else { "" };
        Some([origin, slash, rest].concat())
    }

    /// `Refresh: 5; url=…`, as browsers read it (HTML section 4.2.5.3).
    fn refresh(&self, value: &str) -> Option<String> {
        let space = [' ', '\t', '\x0c'];
        let time = value.trim_start_matches(space);
        let behind = time.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        if behind.len() == time.len() || !behind.starts_with([';', ',', ' ', '\t', '\x0c']) {
            return None;
        }
        let behind = behind.trim_start_matches(space);
        let behind = behind.strip_prefix([';', ',']).unwrap_or(behind).trim_start_matches(space);
        let named = behind.get(..3).filter(|name| name.eq_ignore_ascii_case("url")).and_then(|_| behind.get(3..));
        let named = named.and_then(|rest| rest.trim_start_matches(space).strip_prefix('='));
        let address = named.map_or(behind, |rest| rest.trim_start_matches(space));
        let (address, end) = match address.strip_prefix(['"', '\'']) {
            Some(inner) => (inner, inner.find(if address.starts_with('"') { '"' } else { '\'' })),
            None => (address, None),
        };
        let start = value.len().checked_sub(address.len())?;
        let (address, rest) = address.split_at_checked(end.unwrap_or(address.len()))?;
        Some([value.get(..start)?, &self.address(address)?, rest].concat())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn public() -> Origin {
        Origin::of(&Url::parse("https://app.example").unwrap()).unwrap()
    }

    fn of(upstream: &str, name: &str, value: &str) -> Option<String> {
        Seam::of(&public(), &Upstream::Origin(upstream.into())).unwrap().header(name, value)
    }

    #[test]
    fn a_page_of_an_origin_is_recognized_by_the_whole_origin() {
        let own = "https://app.example";
        assert_eq!(page_at(own, "https://app.example/a?b"), Some("/a?b"));
        assert_eq!(page_at(own, "https://app.example"), Some(""));
        for other in [
            "https://app.example.evil/",
            "https://app.example:444/",
            "http://app.example/",
            "https://app.example@evil/",
            "/a",
        ] {
            assert_eq!(page_at(own, other), None, "{other}");
        }
    }

    #[test]
    fn the_applications_own_address_becomes_the_public_one_and_no_other_does() {
        let plain = |value: &str| of("https://app.internal", "location", value);
        for (value, expected) in [
            ("https://app.internal/a?b=https://app.internal#c", "https://app.example/a?b=https://app.internal#c"),
            ("https://APP.internal:443/", "https://app.example/"),
            ("https://app.internal", "https://app.example/"),
            ("//app.internal/a", "https://app.example/a"),
            ("https://app.internal//evil.example/", "https://app.example//evil.example/"),
        ] {
            assert_eq!(plain(value).as_deref(), Some(expected), "{value}");
        }
        for value in [
            "/a",
            "a",
            "?a",
            "",
            "//evil.example/a",
            "https://evil.example/https://app.internal/",
            "https://app.internal.evil.example/",
            "https://app.internal:8443/",
            "http://app.internal/",
            "https://app.internal@evil.example/",
            "https://user@app.internal/",
            "https://user:password@app.internal/",
            "https:///",
            "javascript:alert(1)",
            "data:,https://app.internal/",
        ] {
            assert_eq!(plain(value), None, "{value}");
        }
    }

    #[test]
    fn a_path_prefix_of_the_application_is_taken_off() {
        let based = |value: &str| of("http://127.0.0.1:9000/base", "content-location", value);
        for (value, expected) in [
            ("http://127.0.0.1:9000/base/a", "https://app.example/a"),
            ("http://127.0.0.1:9000/base", "https://app.example/"),
            ("http://127.0.0.1:9000/base?q#f", "https://app.example/?q#f"),
            ("/base/a?b", "/a?b"),
            ("/base", "/"),
            ("/base/x/../a", "/a"),
            // These would name a host as a path alone.
            ("/base//evil.example/", "https://app.example//evil.example/"),
            ("/base/\\evil.example", "https://app.example//evil.example"),
            ("/base/x/..//evil.example", "https://app.example//evil.example"),
        ] {
            assert_eq!(based(value).as_deref(), Some(expected), "{value}");
        }
        for value in [
            "/other",
            "/basement",
            "/base/../other",
            "http://127.0.0.1:9000/other",
            "http://127.0.0.1/base/a",
            "base/a",
        ] {
            assert_eq!(based(value), None, "{value}");
        }
    }

    #[test]
    fn a_refresh_keeps_its_time_and_its_form() {
        let refresh = |value: &str| of("https://app.internal/b", "refresh", value);
        for (value, expected) in [
            ("5; url=https://app.internal/b/a", "5; url=https://app.example/a"),
            ("0;URL = 'https://app.internal/b/a'", "0;URL = 'https://app.example/a'"),
            ("5, \"/b/a\"", "5, \"/a\""),
            ("5;/b/a", "5;/a"),
            ("0 url=https://app.internal/b/a", "0 url=https://app.example/a"),
            (" 1.5 , /b/a", " 1.5 , /a"),
            ("5; url=\"/b/a\" x", "5; url=\"/a\" x"),
        ] {
            assert_eq!(refresh(value).as_deref(), Some(expected), "{value}");
        }
        for value in [
            "5",
            "5;",
            "5; url=",
            "5; url=a",
            "5; url=https://evil.example/",
            "url=https://app.internal/b/a",
            "5; ü",
            "x; /b/a",
            "5x /b/a",
        ] {
            assert_eq!(refresh(value), None, "{value}");
        }
    }

    #[test]
    fn a_cookie_loses_the_applications_host_as_its_domain_and_no_other() {
        let (public, upstream) = (public(), Upstream::Origin("https://app.internal:8443".into()));
        let cookie = |line: &str| Seam::of(&public, &upstream).unwrap().cookie(line);
        for (line, expected) in [
            ("a=1; Domain=app.internal; Path=/", "a=1; Path=/"),
            ("a=1; path=/;DOMAIN = .APP.internal", "a=1; path=/"),
            ("domain=app.internal; domain=app.internal", "domain=app.internal"),
        ] {
            assert_eq!(cookie(line).as_deref(), Some(expected), "{line}");
        }
        for line in [
            "a=1",
            "domain=app.internal",
            "a=1; Domain=internal",
            "a=1; Domain=x.app.internal",
            "a=1; Domain=app.example",
            "a=1; Path=/;x=Domain=app.internal",
        ] {
            assert_eq!(cookie(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_path_of_the_application_becomes_an_address_on_another_host(rest in "(/|\\\\|\\.\\.|\\.|%2f|@|:|evil\\.example|base|\\?|#|;| |\\t){0,8}") {
            let browser = Url::parse("https://app.example/x/y").unwrap();
            for value in [format!("/base{rest}"), format!("http://127.0.0.1:9000/base{rest}"), format!("/base/{rest}")] {
                if let Some(rewritten) = of("http://127.0.0.1:9000/base", "location", &value) {
                    prop_assert_eq!(browser.join(&rewritten).unwrap().origin(), browser.origin(), "{} is {}", value, rewritten);
                }
            }
        }
    }
}
