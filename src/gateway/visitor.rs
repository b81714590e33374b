//! What Cloudflare knows of a visitor (`request.cf`), and the headers that tell an application. Pure but for the reading.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value};
use wasm_bindgen::JsValue;

use crate::region::Place;

/// The fields of `request.cf` that are read, those of `botManagement` among them.
const FIELDS: [&str; 13] = [
    "city",
    "postalCode",
    "region",
    "regionCode",
    "country",
    "continent",
    "latitude",
    "longitude",
    "timezone",
    "asn",
    "botManagement",
    "score",
    "verifiedBot",
];
/// Headers and the fields that they carry.
const HEADERS: [(&str, &str); 10] = [
    ("x-geo-city", "city"),
    ("x-geo-postal-code", "postalCode"),
    ("x-geo-region", "region"),
    ("x-geo-region-code", "regionCode"),
    ("x-geo-country", "country"),
    ("x-geo-continent", "continent"),
    ("x-geo-latitude", "latitude"),
    ("x-geo-longitude", "longitude"),
    ("x-geo-timezone", "timezone"),
    ("cf-asn", "asn"),
];
const BOT_HEADERS: [(&str, &str); 2] = [("cf-bot-score", "score"), ("cf-verified-bot", "verifiedBot")];

/// What header values cannot hold, and what their encoding begins with.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

thread_local! {
    /// [`FIELDS`] as JSON's serializer wants them: it leaves the others out.
    static ALLOWED: JsValue = FIELDS.iter().map(|field| JsValue::from_str(field)).collect::<js_sys::Array>().into();
}

/// A visitor, as far as Cloudflare knows.
#[derive(Debug, Default)]
pub struct Visitor(Map<String, Value>);

impl Visitor {
    /// Reads `request.cf` in one go.
    pub fn read(request: &web_sys::Request) -> Self {
        let cf = js_sys::Reflect::get(request, &"cf".into()).unwrap_or_default();
        if !cf.is_object() {
            return Self::default();
        }
        let json = ALLOWED.with(|allowed| js_sys::JSON::stringify_with_replacer(&cf, allowed));
        Self::parse(&json.map(String::from).unwrap_or_default())
    }

    /// Reads the JSON of `request.cf`.
    pub fn parse(json: &str) -> Self {
        Self(serde_json::from_str(json).unwrap_or_default())
    }

    /// The headers that there is something to say in.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, String)> {
        let bot = self.bot_management();
        let general = HEADERS.into_iter().filter_map(|(header, field)| Some((header, text(self.0.get(field)?)?)));
        let bots = BOT_HEADERS.into_iter().filter_map(move |(header, field)| Some((header, text(bot?.get(field)?)?)));
        general.chain(bots).map(|(header, value)| (header, encoded(&value).into_owned()))
    }

    /// The bot score: 1 is surely a bot, 99 surely none. One that is missing counts as 0.
    pub fn bot_score(&self) -> u64 {
        self.bot_management().and_then(|bot| bot.get("score")?.as_u64()).unwrap_or_default()
    }

    /// The number of the visitor's network; empty where it is not known.
    pub fn network(&self) -> String {
        self.0.get("asn").and_then(text).map(Cow::into_owned).unwrap_or_default()
    }

    /// Where the visitor is.
    pub fn place(&self) -> Place {
        let field = |name: &str| self.0.get(name).and_then(text).map(Cow::into_owned);
        Place {
            continent: field("continent"),
            country: field("country"),
            longitude: field("longitude").and_then(|degrees| degrees.parse().ok()),
        }
    }

    fn bot_management(&self) -> Option<&Map<String, Value>> {
        self.0.get("botManagement")?.as_object()
    }
}

/// A scalar as text; none where there is nothing to say.
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
        let visitor = Visitor::parse(
            r#"{"city":"Zürich","postalCode":"8001","region":"Zurich","regionCode":"ZH","country":"CH","continent":"EU",
                "latitude":"47.37","longitude":8.54,"timezone":"Europe/Zurich","asn":13335,"colo":"ZRH",
                "botManagement":{"score":97,"verifiedBot":false,"ja3Hash":"x"}}"#,
        );
        let headers: Vec<_> = visitor.headers().collect();
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        assert_eq!(headers.len(), 12);
        assert_eq!(header("x-geo-city"), Some("Z%C3%BCrich"));
        assert_eq!(header("x-geo-longitude"), Some("8.54"));
        assert_eq!(header("cf-asn"), Some("13335"));
        assert_eq!(header("cf-bot-score"), Some("97"));
        assert_eq!(header("cf-verified-bot"), Some("false"));
        assert_eq!(Visitor::parse(r#"{"city":"","region":null,"asn":[1]}"#).headers().count(), 0);
        assert_eq!(Visitor::parse("nonsense").headers().count(), 0);
    }

    #[test]
    fn values_are_encoded_so_that_they_can_be_decoded() {
        assert_eq!(encoded("50% of\r\nSão Paulo, BR\u{7f}"), "50%25 of%0D%0AS%C3%A3o Paulo, BR%7F");
    }

    #[test]
    fn a_missing_bot_score_counts_as_0() {
        assert_eq!(Visitor::default().bot_score(), 0);
        assert_eq!(Visitor::parse(r#"{"botManagement":{"verifiedBot":true}}"#).bot_score(), 0);
        assert_eq!(Visitor::parse(r#"{"botManagement":{"score":30}}"#).bot_score(), 30);
    }
}
