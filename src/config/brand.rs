//! `BRAND`: how the gateway's own pages look and which language they speak.
//!
//! The colour fills buttons as it is, under black or white, whichever can be read better. Where it is the colour of text and frames it
//! is darkened, and in the dark scheme lightened, until the contrast is the 4.5 that WCAG asks for. So no colour has to be refused.

use serde_json::Value;
use url::Url;

use super::reader::Reader;

/// The longest name, in characters, and the longest logo, in bytes.
const MAX_NAME: usize = 60;
const MAX_LOGO: usize = 16_384;
/// The pages' ground where it is light, and their cards where it is dark (`base.css`).
const LIGHT: [f32; 3] = [244.0, 245.0, 247.0];
const DARK: [f32; 3] = [28.0, 32.0, 40.0];
/// WCAG 2.2, 1.4.3 asks for 4.5; the rest is what the luminance below is off by.
const CONTRAST: f32 = 4.7;

/// The language of pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

/// An image, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    /// Its URL.
    pub url: String,
    /// What a content security policy has to let in: an origin, or none, as `data:` is always let in.
    pub origin: Option<String>,
}

/// How the gateway's own pages look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brand {
    /// `name`: stands above each page.
    pub name: Option<String>,
    /// `logo`: stands in front of it.
    pub logo: Option<Logo>,
    /// `colour`: a style that goes behind the pages' own. Empty: theirs counts.
    pub style: String,
    /// `language`.
    pub language: Language,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    pub(super) fn brand(&mut self) -> Brand {
        let mut brand = Brand::default();
        let Some(text) = self.text("BRAND") else { return brand };
        let Ok(Value::Object(fields)) = serde_json::from_str(&text) else {
            self.problem(
                "BRAND",
                r##"must be a JSON object such as {"name":"Acme","colour":"#7a1fa2","language":"de"}"##,
            );
            return brand;
        };
        for (field, value) in &fields {
            let value = value.as_str().unwrap_or_default().trim();
            let wrong = match field.as_str() {
                "name"
                    if !value.is_empty() && value.chars().count() <= MAX_NAME && !value.contains(char::is_control) =>
                {
                    brand.name = Some(value.to_owned());
                    continue;
                }
                "name" => "must be a text of 1 to 60 characters",
                "logo" => match logo(value) {
                    Some(logo) => {
                        brand.logo = Some(logo);
                        continue;
                    }
                    None => "must be an https URL, or a data URL of an image of at most 16,384 characters",
                },
                "colour" => match colour(value) {
                    Some(colour) => {
                        brand.style = style(colour);
                        continue;
                    }
                    None => "must be a colour such as #7a1fa2",
                },
                "language" => match value {
                    "en" => continue,
                    "de" => {
                        brand.language = Language::German;
                        continue;
                    }
                    _ => "must be one of: en, de",
                },
                _ => "is unknown: the fields are name, logo, colour, language",
            };
            self.problem(format!("BRAND.{field}"), wrong);
        }
        brand
    }
}

fn logo(text: &str) -> Option<Logo> {
    let url = Url::parse(text).ok().filter(|url| url.as_str().len() <= MAX_LOGO)?;
    // The origin goes into the content security policy, in which other characters have a meaning.
    let is_name = |host: &str| host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    let is_plain = url.username().is_empty() && url.password().is_none() && url.host_str().is_some_and(is_name);
    let origin = match url.scheme() {
        "https" if is_plain => Some(url.origin().ascii_serialization()),
        "data" if url.path().starts_with("image/") => None,
        _ => return None,
    };
    Some(Logo { url: url.into(), origin })
}

/// A colour in hexadecimal digits, six or three.
fn colour(text: &str) -> Option<[f32; 3]> {
    let digits: Vec<u8> =
        text.strip_prefix('#')?.chars().map(|c| c.to_digit(16)?.try_into().ok()).collect::<Option<_>>()?;
    let of = |high: u8, low: u8| f32::from(high) * 16.0 + f32::from(low);
    match *digits.as_slice() {
        [r, s, g, h, b, c] => Some([of(r, s), of(g, h), of(b, c)]),
        [r, g, b] => Some([of(r, r), of(g, g), of(b, b)]),
        _ => None,
    }
}

/// The style that a colour makes.
fn style(colour: [f32; 3]) -> String {
    let (black, white) = ([0.0; 3], [255.0; 3]);
    let on = if contrast(colour, white) >= contrast(colour, black) { white } else { black };
    let [fill, on, light, dark] =
        [colour, on, readable(colour, LIGHT, black), readable(colour, DARK, white)].map(hexadecimal);
    format!(
        ":root{{--fill:{fill};--on-fill:{on};--accent:{light}}}@media(prefers-color-scheme:dark){{:root{{--accent:{dark}}}}}"
    )
}

/// The colour, as near to `towards` as it takes to be read on `ground`.
fn readable(colour: [f32; 3], ground: [f32; 3], towards: [f32; 3]) -> [f32; 3] {
    let mut mixed = colour;
    let mut share = 0.0;
    while contrast(mixed, ground) < CONTRAST && share < 1.0 {
        share += 0.05;
        let [[r, g, b], [x, y, z]] = [colour, towards];
        mixed = [(r, x), (g, y), (b, z)].map(|(from, to)| (from + (to - from) * share).round());
    }
    mixed
}

/// The contrast of two colours (WCAG 2.2).
fn contrast(one: [f32; 3], other: [f32; 3]) -> f32 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Relative luminance. The curve of sRGB is taken as a polynomial, which is a little too bright in the dark and needs no power function.
fn luminance(colour: [f32; 3]) -> f32 {
    let [r, g, b] = colour.map(|channel| {
        let c = channel / 255.0;
        c * (c * (c * 0.305_306 + 0.682_171) + 0.012_523)
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn hexadecimal(colour: [f32; 3]) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
    let [r, g, b] = colour.map(|channel| channel as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
#[path = "brand_tests.rs"]
mod tests;
