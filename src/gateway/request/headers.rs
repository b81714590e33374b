//! The headers of a request or a response, read from one text: every call from WebAssembly into JavaScript costs, and a
//! request has some twenty headers. Pure.

/// Headers, names in lower case, values of equal names joined as the platform does.
#[derive(Clone, Debug, Default)]
pub struct Headers<'a> {
    pairs: Vec<(&'a str, &'a str)>,
    length: usize,
}

impl<'a> Headers<'a> {
    /// Headers as `name,value` lines. Neither a name nor a value can hold a line's end, and no name a comma.
    pub fn read(lines: &'a str) -> Self {
        Self::read_front(lines).0
    }

    /// The same up to an empty line, and what stands behind that.
    pub fn read_front(text: &'a str) -> (Self, &'a str) {
        let mut pairs = Vec::with_capacity(24);
        let mut rest = text;
        while let Some((line, behind)) = cut(rest, b'\n').or(Some((rest, ""))).filter(|(line, _)| !line.is_empty()) {
            pairs.push(cut(line, b',').unwrap_or((line, "")));
            rest = behind;
        }
        let length = text.len().saturating_sub(rest.len());
        (Self { pairs, length }, rest.strip_prefix('\n').unwrap_or_default())
    }

    /// A header's value; `name` in lower case.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// The values of a header that is not joined, which `Set-Cookie` alone is.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The names.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().map(|(name, _)| *name)
    }

    /// The length of them all together.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }
}

/// What stands in front of the first such character, and behind it. Headers are short: a loop is faster here than the
/// standard library's search, which gets ready for long texts.
pub fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|b| b == at)?;
    Some((text.get(..place)?, text.get(place.checked_add(1)?..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_found_by_their_whole_name() {
        let headers = Headers::read("accept,text/html, */*;q=0.8\naccept-encoding,gzip\nx-empty,\ncookie,a=1, b=2");
        assert_eq!(headers.get("accept"), Some("text/html, */*;q=0.8"));
        assert_eq!(headers.get("x-empty"), Some(""));
        assert_eq!(headers.get("cookie"), Some("a=1, b=2"));
        assert_eq!(headers.get("accept-"), None);
        assert_eq!(headers.all("cookie").collect::<Vec<_>>(), ["a=1, b=2"]);
        assert_eq!(headers.names().collect::<Vec<_>>(), ["accept", "accept-encoding", "x-empty", "cookie"]);
        assert!(Headers::default().is_empty() && headers.len() > 40);
    }

    #[test]
    fn an_empty_line_ends_them() {
        for (text, names, rest) in [
            ("a,1\nb,2\n\nZürich\nx", vec!["a", "b"], "Zürich\nx"),
            ("\nx\ny", vec![], "x\ny"),
            ("a,1\n", vec!["a"], ""),
            ("", vec![], ""),
            ("a", vec!["a"], ""),
        ] {
            let (headers, behind) = Headers::read_front(text);
            assert_eq!((headers.names().collect::<Vec<_>>(), behind), (names, rest), "{text:?}");
        }
    }
}
