//! What `BRAND` takes, and that every colour can be read.

use super::*;
use crate::config::ConfigProblem;

fn read(text: &str) -> (Brand, Vec<ConfigProblem>) {
    let mut reader = Reader { vars: |name: &str| (name == "BRAND").then(|| text.to_owned()), problems: Vec::new() };
    let brand = reader.brand();
    (brand, reader.problems)
}

fn problems(text: &str) -> Vec<String> {
    read(text).1.into_iter().map(|problem| problem.variable.into_owned()).collect()
}

/// WCAG's own formula.
fn exact(one: [f64; 3], other: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let [r, g, b] =
            colour.map(|c| c / 255.0).map(|c| if c <= 0.03928 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn a_brand_has_name_logo_colour_and_language_each_of_them_optional() {
    let (brand, problems) = read(
        r##"{"name":" Acme & Söhne ","logo":"https://cdn.acme.example/logo.svg?v=1","colour":"#7a1fa2","language":"de"}"##,
    );
    assert_eq!(problems, []);
    assert_eq!(brand.name.as_deref(), Some("Acme & Söhne"));
    let logo = brand.logo.unwrap();
    assert_eq!(
        (logo.url.as_str(), logo.origin.as_deref()),
        ("https://cdn.acme.example/logo.svg?v=1", Some("https://cdn.acme.example"))
    );
    assert_eq!(brand.language, Language::German);
    assert!(brand.style.contains("--fill:#7a1fa2;--on-fill:#ffffff;--accent:#7a1fa2"), "{}", brand.style);
    assert_eq!(read("{}"), (Brand::default(), vec![]));
    let (brand, problems) = read(r#"{"logo":"data:image/svg+xml,%3Csvg/%3E","language":"en"}"#);
    assert_eq!((brand.logo.unwrap().origin, problems), (None, vec![]));
}

#[test]
fn what_is_wrong_is_named_by_its_field() {
    for text in ["Acme", "[]", "\"Acme\"", "{"] {
        assert_eq!(problems(text), ["BRAND"], "{text}");
    }
    for (field, values) in [
        ("name", vec!["\"\"".to_owned(), "3".into(), format!("\"{}\"", "a".repeat(61)), "\"a\\u0007b\"".into()]),
        (
            "logo",
            vec![
                "\"http://cdn.example/l.png\"".into(),
                "\"/l.png\"".into(),
                "\"javascript:alert(1)\"".into(),
                "\"data:text/html,x\"".into(),
                "\"https://user:pass@cdn.example/l.png\"".into(),
                format!("\"data:image/png;base64,{}\"", "A".repeat(20_000)),
            ],
        ),
        (
            "colour",
            ["\"purple\"", "\"#12\"", "\"#12345g\"", "\"7a1fa2\"", "null", "\"#fff;}*{color:red\""]
                .map(str::to_owned)
                .to_vec(),
        ),
        ("language", ["\"fr\"", "\"DE\"", "1"].map(str::to_owned).to_vec()),
        ("color", vec!["\"#ffffff\"".into()]),
    ] {
        for value in values {
            assert_eq!(problems(&format!("{{\"{field}\":{value}}}")), [format!("BRAND.{field}")], "{value}");
        }
    }
    assert_eq!(problems(r#"{"language":"fr","colour":"red"}"#).len(), 2, "all at once");
}

#[test]
fn every_colour_can_be_read_on_the_page_and_under_the_words_on_a_button() {
    let steps = [0.0_f32, 51.0, 102.0, 127.0, 153.0, 204.0, 255.0];
    let wide = |colour: [f32; 3]| colour.map(f64::from);
    for r in steps {
        for g in steps {
            for b in steps {
                let given = [r, g, b];
                let light = readable(given, LIGHT, [0.0; 3]);
                let dark = readable(given, DARK, [255.0; 3]);
                assert!(exact(wide(light), wide(LIGHT)) >= 4.5, "{given:?} {light:?}");
                assert!(exact(wide(dark), wide(DARK)) >= 4.5, "{given:?} {dark:?}");
                let on = if style(given).contains("--on-fill:#ffffff") { 255.0 } else { 0.0 };
                assert!(exact(wide(given), [on; 3]) >= 4.5, "{given:?}");
            }
        }
    }
    assert_eq!(readable([122.0, 31.0, 162.0], LIGHT, [0.0; 3]), [122.0, 31.0, 162.0], "what can be read stays");
}
