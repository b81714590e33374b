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
