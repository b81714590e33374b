//! Where a visitor is, as one of the nine regions in which a Durable Object can be asked to live.
//!
//! The regions are the platform's location hints
//! (<https://developers.cloudflare.com/durable-objects/reference/data-location/#provide-a-location-hint>).
//! Pure: the gateway reads `request.cf` and hands its fields over.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A location hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// Western North America.
    Wnam,
    /// Eastern North America.
    Enam,
    /// South America.
    Sam,
    /// Western Europe.
    Weur,
    /// Eastern Europe.
    Eeur,
    /// Asia-Pacific.
    Apac,
    /// Oceania.
    Oc,
    /// Africa.
    Afr,
    /// Middle East.
    Me,
}

/// A place that Durable Objects can be confined to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jurisdiction {
    /// The European Union.
    Eu,
    /// The United States.
    Us,
    /// FedRAMP data centres.
    Fedramp,
}

impl Jurisdiction {
    /// As the platform spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Us => "us",
            Self::Fedramp => "fedramp",
        }
    }
}

/// The text names none of the nine regions.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of wnam, enam, sam, weur, eeur, apac, oc, afr, me")]
pub struct UnknownRegion;

const ALL: [Region; 9] = [
    Region::Wnam,
    Region::Enam,
    Region::Sam,
    Region::Weur,
    Region::Eeur,
    Region::Apac,
    Region::Oc,
    Region::Afr,
    Region::Me,
];

impl Region {
    /// The location hint, as cookies, log lines and JSON spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wnam => "wnam",
            Self::Enam => "enam",
            Self::Sam => "sam",
            Self::Weur => "weur",
            Self::Eeur => "eeur",
            Self::Apac => "apac",
            Self::Oc => "oc",
            Self::Afr => "afr",
            Self::Me => "me",
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, UnknownRegion> {
        ALL.into_iter().find(|region| region.as_str() == text).ok_or(UnknownRegion)
    }
}

/// What the platform knows of a visitor's place (`request.cf`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VisitorPlace {
    /// Two-letter continent code: AF AN AS EU NA OC SA.
    pub continent: Option<String>,
    /// ISO 3166-1 alpha-2, or `T1` for Tor.
    pub country: Option<String>,
    /// Degrees east.
    pub longitude: Option<f64>,
}

/// The countries that count as the Middle East, on whichever continent they are listed.
const MIDDLE_EAST: [&str; 17] =
    ["AE", "BH", "CY", "EG", "IL", "IQ", "IR", "JO", "KW", "LB", "OM", "PS", "QA", "SA", "SY", "TR", "YE"];
/// The countries of Asia whose networks lead to Europe: the Caucasus and Central Asia.
const TOWARDS_EUROPE: [&str; 8] = ["AM", "AZ", "GE", "KG", "KZ", "TJ", "TM", "UZ"];

/// Between the Americas' two halves: about the longitude of Kansas City.
const AMERICA_DIVIDES_AT: f64 = -95.0;
/// Between Europe's two halves: about the longitude of Berlin's eastern border.
const EUROPE_DIVIDES_AT: f64 = 15.0;
/// The part of Russia that is nearer to Japan than to Moscow begins at about the longitude of Irkutsk. Russia is listed in
/// Europe as a whole, and reaches across the date line.
const FAR_EAST: f64 = 100.0;

/// The region of a place; `None` where the continent is not known (Tor, no `cf` at all, Antarctica).
pub fn of(place: &VisitorPlace) -> Option<Region> {
    let country = place.country.as_deref().unwrap_or_default();
    let longitude = place.longitude.unwrap_or_default();
    let continent = place.continent.as_deref()?;
    if MIDDLE_EAST.contains(&country) {
        return Some(Region::Me);
    }
    match continent {
        // The Aleutians reach across the date line, too.
        "NA" if !(AMERICA_DIVIDES_AT..=0.0).contains(&longitude) => Some(Region::Wnam),
        "NA" => Some(Region::Enam),
        "SA" => Some(Region::Sam),
        "EU" if !(-FAR_EAST..FAR_EAST).contains(&longitude) => Some(Region::Apac),
        "EU" if longitude >= EUROPE_DIVIDES_AT => Some(Region::Eeur),
        "EU" => Some(Region::Weur),
        "AS" if TOWARDS_EUROPE.contains(&country) => Some(Region::Eeur),
        "AS" => Some(Region::Apac),
        // Hawaii, where it is not listed in North America: California is nearer than Sydney.
        "OC" if country == "US" => Some(Region::Wnam),
        "OC" => Some(Region::Oc),
        "AF" => Some(Region::Afr),
        _ => None,
    }
}

#[cfg(test)]
#[path = "region_tests.rs"]
mod tests;
