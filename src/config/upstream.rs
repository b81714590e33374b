//! Where a route leads: `upstream` of a route, and `UPSTREAM`.

use url::{Position, Url};

use super::origin::is_allowed;
use super::reader::Reader;

const WANTED: &str = "must be an https origin, optionally with a path (http on loopback hosts only), or binding:NAME";

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// An origin, optionally with a path prefix, without a trailing slash.
    Origin(String),
    /// A service or assets binding of this name.
    Binding(String),
}

impl Upstream {
    /// The origin, as `Origin` spells it, and the path prefix, which may be empty. A binding has none of its own.
    pub fn origin_and_prefix(&self) -> Option<(&str, &str)> {
        let Self::Origin(url) = self else { return None };
        let host = url.find("://")?.checked_add(3)?;
        let end = url.get(host..)?.find('/').and_then(|at| host.checked_add(at)).unwrap_or(url.len());
        url.split_at_checked(end)
    }
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Origin(origin) => f.write_str(origin),
            Self::Binding(name) => write!(f, "binding:{name}"),
        }
    }
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// `UPSTREAM`, where there is no `ROUTES`.
    pub(super) fn upstream_alone(&mut self) -> Option<Upstream> {
        let Some(text) = self.text("UPSTREAM") else {
            self.problem(
                "UPSTREAM",
                "is missing: the origin of the application behind the gateway, such as https://app.internal; or several in ROUTES",
            );
            return None;
        };
        let upstream = self.upstream(&text);
        if let Err(message) = &upstream {
            self.problem("UPSTREAM", message);
        }
        upstream.ok()
    }

    /// An upstream; the error says what it must be.
    pub(super) fn upstream(&self, text: &str) -> Result<Upstream, String> {
        if let Some(name) = text.strip_prefix("binding:") {
            // The source of the variables says whether a binding is there.
            return match (self.vars)(text) {
                Some(_) => Ok(Upstream::Binding(name.to_owned())),
                None => Err(format!(
                    "names a binding that this Worker does not have: add a service or assets binding called {name:?}"
                )),
            };
        }
        let url = Url::parse(text).map_err(|_| WANTED)?;
        let plain = url[Position::AfterPath..].is_empty() && url.username().is_empty() && url.password().is_none();
        if !is_allowed(&url) || !plain {
            return Err(WANTED.to_owned());
        }
        Ok(Upstream::Origin(url.as_str().trim_end_matches('/').to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_an_origin_and_a_prefix() {
        for (url, expected) in [
            ("https://app.internal", ("https://app.internal", "")),
            ("https://app.internal:8443/base/x", ("https://app.internal:8443", "/base/x")),
            ("http://[::1]:1/b", ("http://[::1]:1", "/b")),
        ] {
            assert_eq!(Upstream::Origin(url.into()).origin_and_prefix(), Some(expected));
        }
        assert_eq!(Upstream::Binding("APP".into()).origin_and_prefix(), None);
    }
}
