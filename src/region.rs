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
pub struct Place {
    /// Two-letter continent code: AF AN AS EU NA OC SA.
    pub continent: Option<String>,
    /// ISO 3166-1 alpha-2, or `T1` for Tor.
    pub country: Option<String>,
    /// Degrees east.
    pub longitude: Option<f64>,
}

/// The countries that count as the Middle East.
const MIDDLE_EAST: [&str; 17] =
    ["AE", "BH", "CY", "EG", "IL", "IQ", "IR", "JO", "KW", "LB", "OM", "PS", "QA", "SA", "SY", "TR", "YE"];

/// Between the Americas' two halves: about the longitude of Kansas City.
const AMERICA_DIVIDES_AT: f64 = -95.0;

/// Between Europe's two halves: about the longitude of Berlin's eastern border.
const EUROPE_DIVIDES_AT: f64 = 15.0;

/// The region of a place; `None` where the continent is not known (Tor, no `cf` at all, Antarctica).
pub fn of(place: &Place) -> Option<Region> {
    let country = place.country.as_deref().unwrap_or_default();
    if MIDDLE_EAST.contains(&country) {
        return Some(Region::Me);
    }
    match place.continent.as_deref()? {
        "NA" if place.longitude.is_some_and(|degrees| degrees < AMERICA_DIVIDES_AT) => Some(Region::Wnam),
        "NA" => Some(Region::Enam),
        "SA" => Some(Region::Sam),
        "EU" if place.longitude.is_some_and(|degrees| degrees >= EUROPE_DIVIDES_AT) => Some(Region::Eeur),
        "EU" => Some(Region::Weur),
        "AS" => Some(Region::Apac),
        "OC" => Some(Region::Oc),
        "AF" => Some(Region::Afr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(continent: &str, country: &str, longitude: f64) -> Place {
        Place { continent: Some(continent.into()), country: Some(country.into()), longitude: Some(longitude) }
    }

    #[test]
    fn a_region_survives_its_text_form() {
        let names = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"];
        for (region, name) in ALL.into_iter().zip(names) {
            assert_eq!(name.parse(), Ok(region));
            assert_eq!(region.to_string(), name);
        }
        assert_eq!("WEUR".parse::<Region>(), Err(UnknownRegion));
    }

    #[test]
    fn a_place_maps_to_the_region_that_serves_it() {
        assert_eq!(of(&place("EU", "DE", 8.68)), Some(Region::Weur));
        assert_eq!(of(&place("EU", "PL", 21.0)), Some(Region::Eeur));
        assert_eq!(of(&place("NA", "US", -122.4)), Some(Region::Wnam));
        assert_eq!(of(&place("NA", "US", -74.0)), Some(Region::Enam));
        assert_eq!(of(&place("OC", "AU", 151.2)), Some(Region::Oc));
        assert_eq!(of(&place("AS", "AE", 55.3)), Some(Region::Me));
    }

    #[test]
    fn a_place_without_a_continent_has_no_region() {
        assert_eq!(of(&Place::default()), None);
        assert_eq!(of(&Place { country: Some("T1".into()), ..Place::default() }), None);
    }
}
