//! The headers of a request or a response as one text: every call from WebAssembly into JavaScript costs, and a request has
//! some twenty headers. Pure.

/// Headers as `name,value` lines, names in lower case, values of equal names joined as the platform does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a>(&'a str);

impl<'a> Headers<'a> {
    /// Headers in this form. Neither a name nor a value can hold a line's end, and no name a comma.
    pub const fn of(lines: &'a str) -> Self {
        Self(lines)
    }

    /// A header's value; `name` in lower case.
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(','))
    }

    /// The values of a header that is not joined, which `Set-Cookie` alone is.
    pub fn all(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(','))
    }

    /// The names.
    pub fn names(self) -> impl Iterator<Item = &'a str> {
        self.0.lines().filter_map(|line| line.split(',').next())
    }

    /// The length of them all together.
    pub const fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_by_their_whole_name() {
        let headers = Headers::of("accept,text/html, */*;q=0.8\naccept-encoding,gzip\nx-empty,\ncookie,a=1, b=2");
        assert_eq!(headers.get("accept"), Some("text/html, */*;q=0.8"));
        assert_eq!(headers.get("x-empty"), Some(""));
        assert_eq!(headers.get("cookie"), Some("a=1, b=2"));
        assert_eq!(headers.get("accept-"), None);
        assert_eq!(headers.all("cookie").collect::<Vec<_>>(), ["a=1, b=2"]);
        assert_eq!(headers.names().collect::<Vec<_>>(), ["accept", "accept-encoding", "x-empty", "cookie"]);
        assert!(Headers::default().is_empty() && headers.len() > 40);
    }
}
