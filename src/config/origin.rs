//! `PUBLIC_ORIGIN` and `ADMIN_ORIGIN`: the origins that browsers see the gateway under, and which URLs may be called at all.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::reader::Reader;

/// What stands in front of a domain for each of its hosts, one label deep.
const WILDCARD: &str = "*.";

/// An origin that browsers see the gateway under; in `PUBLIC_ORIGIN` also those of all hosts of a domain (`https://*.example.com`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// As in the `Origin` header: `https://app.example.com`.
    pub text: String,
    /// As in the `Host` header: with the port where it is not the scheme's own.
    pub host: String,
    /// Whether the scheme is https, which decides the cookies' names.
    pub https: bool,
}

impl Origin {
    /// Whether both have the same host and port. The case of letters and a final dot do not count.
    pub fn has_host_of(&self, other: &Self) -> bool {
        let (host, port) = self.host_and_own_port();
        let (other_host, other_port) = other.host_and_own_port();
        port == other_port && host.trim_end_matches('.').eq_ignore_ascii_case(other_host.trim_end_matches('.'))
    }

    /// Whether browsers may know the gateway by this host at this origin: a host in small letters, which may lack the port.
    pub(super) fn admits_host(&self, host: &str) -> bool {
        let (name, port) = self.host_and_own_port();
        let (host, host_port) = split_port(host);
        let is_port = host_port.is_none() || host_port == port;
        let name = without_final_dot(name);
        is_port && if self.is_wildcard() { is_under(host, name) } else { name.eq_ignore_ascii_case(host) }
    }

    /// Whether it stands for all hosts of a domain.
    pub fn is_wildcard(&self) -> bool {
        self.host.starts_with(WILDCARD)
    }

    /// This origin at the host that is requested; none where it is another one's.
    pub fn at<'a>(&'a self, requested: &Self) -> Option<Cow<'a, Self>> {
        if self.host.eq_ignore_ascii_case(&requested.host) && !self.is_wildcard() {
            return Some(Cow::Borrowed(self));
        }
        if !self.is_wildcard() {
            return None;
        }
        let ((domain, port), (host, host_port)) = (self.host_and_own_port(), requested.host_and_own_port());
        (port == host_port && is_under(host, domain)).then(|| Cow::Owned(self.with_host(&requested.host)))
    }

    fn with_host(&self, host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        let scheme = if self.https { "https" } else { "http" };
        Self { text: format!("{scheme}://{host}"), host, https: self.https }
    }

    /// The origin of an address that begins with a host of this domain in its plain form, and the rest of the address. What a parser might
    /// change is left to it.
    pub fn cut<'a>(&'a self, address: &'a str) -> Option<(Cow<'a, Self>, &'a str)> {
        let begins = |text: &str| address.strip_prefix(text).filter(|rest| rest.starts_with('/'));
        if !self.is_wildcard() {
            return Some((Cow::Borrowed(self), begins(&self.text)?));
        }
        let behind_scheme = address.strip_prefix(if self.https { "https://" } else { "http://" })?;
        let label = behind_scheme.find('.').and_then(|end| behind_scheme.get(..end))?;
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        // A parser looks into labels that begin like xn--.
        if label.is_empty() || !label.bytes().all(is_plain) || label.contains("--") {
            return None;
        }
        let domain = self.host.strip_prefix('*')?;
        let rest = behind_scheme.strip_prefix(label)?.strip_prefix(domain).filter(|rest| rest.starts_with('/'))?;
        let host = format!("{label}{domain}");
        let text = format!("{}://{host}", if self.https { "https" } else { "http" });
        Some((Cow::Owned(Self { text, host, https: self.https }), rest))
    }

    /// Its host, without a port, and the port that it stands for.
    pub fn host_and_port(&self) -> (&str, u16) {
        let (host, port) = self.host_and_own_port();
        (host, port.unwrap_or(if self.https { 443 } else { 80 }))
    }

    /// The same, without the port of the scheme.
    fn host_and_own_port(&self) -> (&str, Option<u16>) {
        split_port(&self.host)
    }

    /// The origin of an http or https URL.
    pub fn of(url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Some(Self { text: format!("{}://{host}", url.scheme()), host, https: url.scheme() == "https" })
    }
}

/// A host and its port, where it has one.
fn split_port(host: &str) -> (&str, Option<u16>) {
    let split = host.rsplit_once(':').and_then(|(host, port)| Some((host, Some(port.parse().ok()?))));
    split.unwrap_or((host, None))
}

/// Whether a host has one label more than a domain that is written `*.example.com`.
fn is_under(host: &str, wildcard: &str) -> bool {
    let domain = wildcard.strip_prefix('*').unwrap_or(wildcard);
    let label = host.len().checked_sub(domain.len()).and_then(|end| host.split_at_checked(end));
    label.is_some_and(|(label, rest)| {
        rest.eq_ignore_ascii_case(domain) && !label.is_empty() && !label.contains(['.', '*'])
    })
}

/// A host name without the dot that may end it (RFC 1034 section 3.1): the same host to the domain name system.
pub fn without_final_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// Whether a URL names this very machine, where plain http is allowed.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = without_final_dot(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        None => false,
    }
}

/// Whether a URL may be called: https, or http on a loopback host.
pub fn is_allowed(url: &Url) -> bool {
    url.scheme() == "https" && url.has_host() || url.scheme() == "http" && is_loopback(url)
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    pub(super) fn origins(&mut self) -> Vec<Origin> {
        let text = self.text("PUBLIC_ORIGIN").unwrap_or_default();
        let mut origins = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match origin(part).filter(is_domain) {
                Some(origin) => origins.push(origin),
                None => self.problem(
                    "PUBLIC_ORIGIN",
                    "must be an origin such as https://app.example.com, or several, separated by commas (http on loopback hosts only); https://*.example.com \
                     stands for all hosts of a domain, one label deep",
                ),
            }
        }
        origins
    }

    /// An origin that is given with its scheme, or as a host name alone.
    pub(super) fn api_origin(&mut self, variable: &'static str, text: &str, example: &str) -> Option<Url> {
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let origin = Url::parse(&with_scheme).ok().filter(|url| {
            let plain = url.username().is_empty() && url.password().is_none() && url.path() == "/";
            plain && is_allowed(url) && url.query().is_none() && url.fragment().is_none()
        });
        if origin.is_none() {
            let message =
                format!("must be a host name such as {example}, without a path (http on loopback hosts only)");
            self.problem(variable, &message);
        }
        origin
    }

    /// The console's origin. It must not be the application's, whose pages could read what is typed into the console.
    pub(super) fn admin_origin(&mut self, public: &[Origin]) -> Option<Origin> {
        let text = self.text("ADMIN_ORIGIN")?;
        let Some(origin) = origin(&text).filter(|origin| !origin.host.contains('*')) else {
            let message = "must be one origin such as https://admin.example.com (http on loopback hosts only)";
            self.problem("ADMIN_ORIGIN", message);
            return None;
        };
        if public.iter().any(|public| public.has_host_of(&origin)) {
            let message = "is one of PUBLIC_ORIGIN, whose pages could read what is typed into the console: \
                           give the console a host of its own, such as https://admin.example.com";
            self.problem("ADMIN_ORIGIN", message);
        }
        Some(origin)
    }
}

/// Whether a `*` stands where it may: in front of a domain that is somebody's own.
fn is_domain(origin: &Origin) -> bool {
    let (name, _) = split_port(&origin.host);
    let domain = name.strip_prefix(WILDCARD).unwrap_or(name);
    let is_own = !origin.is_wildcard() || domain == "localhost" || domain.trim_end_matches('.').contains('.');
    is_own && !domain.contains('*')
}

/// An origin that may be called. The URL has no path, query or fragment.
fn origin(text: &str) -> Option<Origin> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| is_allowed(url) && url.path() == "/" && url.query().is_none() && url.fragment().is_none())?;
    Origin::of(&url).filter(|_| url.username().is_empty() && url.password().is_none())
}

#[cfg(test)]
#[path = "origin_tests.rs"]
mod tests;
