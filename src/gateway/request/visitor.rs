//! What Cloudflare knows of a visitor (`request.cf`), and the headers that pass it on to an application. Pure.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

use crate::region::VisitorPlace;

/// How many lines a visitor is.
const LINES: usize = 12;
/// The fields of `request.cf` that are read, in the order of their lines, those of `botManagement` last.
pub const FIELDS: [&str; 10] =
    ["city", "postalCode", "region", "regionCode", "country", "continent", "latitude", "longitude", "timezone", "asn"];
/// The fields of `request.cf.botManagement`, which follow.
pub const BOT_FIELDS: [&str; 2] = ["score", "verifiedBot"];
/// The header that carries each line.
const HEADERS: [&str; LINES] = [
    "x-geo-city",
    "x-geo-postal-code",
    "x-geo-region",
    "x-geo-region-code",
    "x-geo-country",
    "x-geo-continent",
    "x-geo-latitude",
    "x-geo-longitude",
    "x-geo-timezone",
    "cf-asn",
    "cf-bot-score",
    "cf-verified-bot",
];
const COUNTRY: usize = 4;
const CONTINENT: usize = 5;
const LONGITUDE: usize = 7;
const ASN: usize = 9;
const SCORE: usize = 10;

/// What header values cannot hold, and what their encoding begins with.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// A visitor, as far as Cloudflare knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Visitor<'a>([&'a str; LINES]);

impl<'a> Visitor<'a> {
    /// Reads the values of [`FIELDS`] and [`BOT_FIELDS`], one a line, empty where there is none. Of another number of lines
    /// nobody knows which is which.
    pub fn read(lines: &'a str) -> Self {
        let mut visitor = [""; LINES];
        let mut rest = lines.split('\n');
        for (place, line) in visitor.iter_mut().zip(&mut rest) {
            *place = line;
        }
        if lines.bytes().filter(|b| *b == b'\n').count() == LINES - 1 { Self(visitor) } else { Self::default() }
    }

    fn line(self, line: usize) -> Option<&'a str> {
        self.0.get(line).copied().filter(|value| !value.is_empty())
    }

    /// The headers whose value is known.
    pub fn headers(self) -> impl Iterator<Item = (&'static str, Cow<'a, str>)> {
        let all = HEADERS.into_iter().zip(self.0).filter(|(_, value)| !value.is_empty());
        all.map(|(header, value)| (header, encoded(value)))
    }

    /// The bot score: 1 is surely a bot, 99 surely none. One that is missing counts as 0.
    pub fn bot_score(self) -> u64 {
        self.line(SCORE).and_then(|score| score.parse().ok()).unwrap_or_default()
    }

    /// The number of the visitor's network; empty where it is not known.
    pub fn network(self) -> &'a str {
        self.line(ASN).unwrap_or_default()
    }

    /// Where the visitor is.
    pub fn place(self) -> VisitorPlace {
        VisitorPlace {
            continent: self.line(CONTINENT).map(str::to_owned),
            country: self.line(COUNTRY).map(str::to_owned),
            longitude: self.line(LONGITUDE).and_then(|degrees| degrees.parse().ok()),
        }
    }
}

/// A scalar as text. None: there is no value.
pub fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => (!text.is_empty()).then_some(Cow::Borrowed(text)),
        Value::Number(_) | Value::Bool(_) => Some(Cow::Owned(value.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A text for a header: `%`, controls and everything beyond ASCII percent-encoded as UTF-8.
pub fn encoded(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, ENCODED).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_carries_its_field_and_one_without_a_value_is_left_out() {
        let lines = "Zürich\n8001\nZurich\nZH\nCH\nEU\n47.37\n8.54\nEurope/Zurich\n13335\n97\nfalse";
        let headers: Vec<_> = Visitor::read(lines).headers().collect();
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_ref());
        assert_eq!(headers.len(), 12);
        assert_eq!(header("x-geo-city"), Some("Z%C3%BCrich"));
        assert_eq!(header("x-geo-longitude"), Some("8.54"));
        assert_eq!(header("cf-asn"), Some("13335"));
        assert_eq!(header("cf-bot-score"), Some("97"));
        assert_eq!(header("cf-verified-bot"), Some("false"));
        let some: Vec<_> = Visitor::read("\n\n\n\nNZ\n\n\n\n\n\n\n").headers().collect();
        assert_eq!(some, [("x-geo-country", "NZ".into())]);
        for other in ["", "Zürich", "\n\n\n\nNZ\n\n\n\n\n\n", "\n\n\n\nNZ\n\n\n\n\n\n\n\n"] {
            assert_eq!(Visitor::read(other).headers().count(), 0, "{other:?}");
        }
    }

    #[test]
    fn values_are_encoded_so_that_they_can_be_decoded() {
        assert_eq!(encoded("50% of\r\nSão Paulo, BR\u{7f}"), "50%25 of%0D%0AS%C3%A3o Paulo, BR%7F");
    }

    #[test]
    fn a_missing_bot_score_counts_as_0() {
        assert_eq!(Visitor::default().bot_score(), 0);
        assert_eq!(Visitor::read("\n\n\n\n\n\n\n\n\n\n\ntrue").bot_score(), 0);
        assert_eq!(Visitor::read("\n\n\n\n\n\n\n\n\n\n30\n").bot_score(), 30);
    }
}
