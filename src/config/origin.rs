//! `PUBLIC_ORIGIN` and `ADMIN_ORIGIN`: the origins that browsers see the gateway under, and which URLs may be called at all.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::reader::Reader;

/// An origin that browsers see the gateway under.
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
        let own = self.host.to_ascii_lowercase();
        own == host || without_final_dot(self.host_and_port().0).eq_ignore_ascii_case(host)
    }

    /// Its host, without a port, and the port that it stands for.
    pub fn host_and_port(&self) -> (&str, u16) {
        let (host, port) = self.host_and_own_port();
        (host, port.unwrap_or(if self.https { 443 } else { 80 }))
    }

    /// The same, without the port of the scheme.
    fn host_and_own_port(&self) -> (&str, Option<u16>) {
        let split = self.host.rsplit_once(':').and_then(|(host, port)| Some((host, Some(port.parse().ok()?))));
        split.unwrap_or((&self.host, None))
    }

    /// The origin of an http or https URL.
    pub fn of(url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Some(Self { text: format!("{}://{host}", url.scheme()), host, https: url.scheme() == "https" })
    }
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
            match origin(part) {
                Some(origin) => origins.push(origin),
                None => self.problem(
                    "PUBLIC_ORIGIN",
                    "must be an origin such as https://app.example.com, or several, separated by commas (http on loopback hosts only)",
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
        let Some(origin) = origin(&text) else {
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

/// An origin that may be called. The URL has no path, query or fragment.
fn origin(text: &str) -> Option<Origin> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| is_allowed(url) && url.path() == "/" && url.query().is_none() && url.fragment().is_none())?;
    Origin::of(&url).filter(|_| url.username().is_empty() && url.password().is_none())
}
