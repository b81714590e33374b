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
mod tests {
    use super::*;

    fn place(continent: &str, country: &str, longitude: f64) -> VisitorPlace {
        VisitorPlace { continent: Some(continent.into()), country: Some(country.into()), longitude: Some(longitude) }
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
        for (name, continent, country, longitude, region) in [
            ("Frankfurt", "EU", "DE", 8.68, Region::Weur),
            ("Berlin", "EU", "DE", 13.4, Region::Weur),
            ("London", "EU", "GB", -0.13, Region::Weur),
            ("Lisbon", "EU", "PT", -9.14, Region::Weur),
            ("the Azores", "EU", "PT", -25.67, Region::Weur),
            ("Iceland", "EU", "IS", -21.9, Region::Weur),
            ("the Canaries", "EU", "ES", -15.4, Region::Weur),
            ("Rome", "EU", "IT", 12.5, Region::Weur),
            ("Warsaw", "EU", "PL", 21.0, Region::Eeur),
            ("Helsinki", "EU", "FI", 24.9, Region::Eeur),
            ("Athens", "EU", "GR", 23.7, Region::Eeur),
            ("Kyiv", "EU", "UA", 30.5, Region::Eeur),
            ("Moscow", "EU", "RU", 37.6, Region::Eeur),
            ("Novosibirsk", "EU", "RU", 82.9, Region::Eeur),
            ("Vladivostok", "EU", "RU", 131.9, Region::Apac),
            ("Kamchatka", "EU", "RU", 158.6, Region::Apac),
            ("Chukotka", "EU", "RU", -172.0, Region::Apac),
            ("Tbilisi", "AS", "GE", 44.8, Region::Eeur),
            ("Almaty", "AS", "KZ", 76.9, Region::Eeur),
            ("Istanbul", "AS", "TR", 28.98, Region::Me),
            ("Istanbul, listed in Europe", "EU", "TR", 28.98, Region::Me),
            ("Nicosia", "EU", "CY", 33.4, Region::Me),
            ("Cairo", "AF", "EG", 31.2, Region::Me),
            ("Tel Aviv", "AS", "IL", 34.8, Region::Me),
            ("Dubai", "AS", "AE", 55.3, Region::Me),
            ("Tehran", "AS", "IR", 51.4, Region::Me),
            ("San Francisco", "NA", "US", -122.4, Region::Wnam),
            ("Denver", "NA", "US", -105.0, Region::Wnam),
            ("Hawaii", "NA", "US", -157.9, Region::Wnam),
            ("Hawaii, listed in Oceania", "OC", "US", -157.9, Region::Wnam),
            ("Anchorage", "NA", "US", -149.9, Region::Wnam),
            ("the outer Aleutians", "NA", "US", 173.2, Region::Wnam),
            ("Mexico City", "NA", "MX", -99.1, Region::Wnam),
            ("New York", "NA", "US", -74.0, Region::Enam),
            ("Chicago", "NA", "US", -87.6, Region::Enam),
            ("Toronto", "NA", "CA", -79.4, Region::Enam),
            ("Greenland", "NA", "GL", -51.7, Region::Enam),
            ("Puerto Rico", "NA", "PR", -66.1, Region::Enam),
            ("Panama", "NA", "PA", -79.5, Region::Enam),
            ("Sao Paulo", "SA", "BR", -46.6, Region::Sam),
            ("Cayenne", "SA", "GF", -52.3, Region::Sam),
            ("Easter Island", "SA", "CL", -109.4, Region::Sam),
            ("Mumbai", "AS", "IN", 72.9, Region::Apac),
            ("Tokyo", "AS", "JP", 139.7, Region::Apac),
            ("Singapore", "AS", "SG", 103.8, Region::Apac),
            ("Sydney", "OC", "AU", 151.2, Region::Oc),
            ("Perth", "OC", "AU", 115.9, Region::Oc),
            ("Auckland", "OC", "NZ", 174.8, Region::Oc),
            ("Tahiti", "OC", "PF", -149.6, Region::Oc),
            ("Guam", "OC", "GU", 144.8, Region::Oc),
            ("Lagos", "AF", "NG", 3.4, Region::Afr),
            ("Cape Town", "AF", "ZA", 18.4, Region::Afr),
            ("Reunion", "AF", "RE", 55.5, Region::Afr),
            ("Casablanca", "AF", "MA", -7.6, Region::Afr),
        ] {
            assert_eq!(of(&place(continent, country, longitude)), Some(region), "{name}");
        }
    }

    #[test]
    fn a_place_without_a_longitude_is_in_the_half_of_its_continent_where_more_people_live() {
        let somewhere = |continent: &str| VisitorPlace { continent: Some(continent.into()), ..VisitorPlace::default() };
        assert_eq!(of(&somewhere("NA")), Some(Region::Enam));
        assert_eq!(of(&somewhere("EU")), Some(Region::Weur));
    }

    #[test]
    fn a_place_without_a_continent_has_no_region() {
        assert_eq!(of(&VisitorPlace::default()), None);
        assert_eq!(of(&VisitorPlace { country: Some("T1".into()), ..VisitorPlace::default() }), None);
        assert_eq!(of(&VisitorPlace { country: Some("TR".into()), ..VisitorPlace::default() }), None);
        for continent in ["AN", "T1", "XX", "", "eu"] {
            assert_eq!(of(&place(continent, "XX", 0.0)), None, "{continent}");
        }
    }
}
