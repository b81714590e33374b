//! Every text of a page has German words, and none is left over.

use std::collections::BTreeSet;

use super::*;
use crate::actors::end_reason::EndReason;
use crate::provider::user_error::UserError;

/// Where pages' texts stand.
const SOURCES: &[(&str, &str)] = &[
    ("problem.rs", include_str!("../problem.rs")),
    ("causes.rs", include_str!("../problem/causes.rs")),
    ("arrival.rs", include_str!("../arrival.rs")),
    ("error_page.rs", include_str!("error_page.rs")),
    ("captcha_page.rs", include_str!("captcha_page.rs")),
    ("html.rs", include_str!("html.rs")),
    ("refusal.rs", include_str!("refusal.rs")),
    ("access.rs", include_str!("../forward/access.rs")),
    ("captcha.rs", include_str!("../forward/captcha.rs")),
    ("proxy.rs", include_str!("../forward/proxy.rs")),
    ("path.rs", include_str!("../request/path.rs")),
    ("request", include_str!("../request/mod.rs")),
    ("callback.rs", include_str!("../endpoints/callback.rs")),
    ("endpoints/captcha.rs", include_str!("../endpoints/captcha.rs")),
    ("login.rs", include_str!("../endpoints/login.rs")),
    ("login_hints.rs", include_str!("../endpoints/login_hints.rs")),
    ("login_provider.rs", include_str!("../endpoints/login_provider.rs")),
    ("logout.rs", include_str!("../endpoints/logout.rs")),
    ("session.rs", include_str!("../endpoints/session.rs")),
    ("sessions.rs", include_str!("../endpoints/sessions.rs")),
    ("user_error.rs", include_str!("../../provider/user_error.rs")),
];
/// Lower-case texts: reasons, which stand within a sentence.
const REASONS: &[(&str, &str)] = &[("reinterpretation.rs", include_str!("../request/reinterpretation.rs"))];
/// What nobody reads on a page: what a program or the log gets.
const NO_PAGE: &[&str] = &["Bearer error", "The route requires another value", "GET, "];

/// The texts of a file's code, without its tests and comments.
fn literals(source: &str) -> Vec<String> {
    let (code, _) = source.split_once("#[cfg(test)]").unwrap_or((source, ""));
    let code: String =
        code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
    let code = code.replace("'\"'", "");
    let (mut found, mut characters) = (Vec::new(), code.chars().peekable());
    while characters.by_ref().any(|character| character == '"') {
        let mut text = String::new();
        loop {
            match characters.next().unwrap() {
                '"' => break,
                '\\' => match characters.next().unwrap() {
                    // A line that goes on in the next one.
                    '\n' => while characters.next_if(|character| character.is_whitespace()).is_some() {},
                    escaped => text.push(escaped),
                },
                character => text.push(character),
            }
        }
        found.push(text);
    }
    found
}

fn is_sentence(text: &str) -> bool {
    text.starts_with(char::is_uppercase) && text.contains([' '])
        || text.contains(' ') && text.starts_with("return_to must")
}

#[test]
fn every_text_of_a_page_has_german_words() {
    let mut missing = Vec::new();
    for (file, source) in SOURCES {
        let texts: Vec<_> = literals(source).into_iter().filter(|text| is_sentence(text)).collect();
        for text in texts.into_iter().filter(|text| !NO_PAGE.iter().any(|no_page| text.starts_with(no_page))) {
            // Those with something in the middle are written out in `detail`.
            if !text.contains('{') && german(&text).is_none() {
                missing.push(format!("{file}: {text}"));
            }
        }
    }
    for (file, source) in REASONS {
        missing.extend(
            literals(source)
                .into_iter()
                .filter(|text| text.contains(' ') && german(text).is_none())
                .map(|text| format!("{file}: {text}")),
        );
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_test_finds_the_texts() {
    let found: Vec<_> =
        SOURCES.iter().flat_map(|(_, source)| literals(source)).filter(|text| is_sentence(text)).collect();
    for known in [
        "Log in with another account",
        "Before you go on, this site checks that you are not a robot.",
        "One quick check",
    ] {
        assert!(found.iter().any(|text| text == known), "{known}");
    }
    assert!(found.iter().any(|text| text.starts_with("This page continues automatically")
        && text.contains("allow challenges.cloudflare.com in this browser")));
    assert!(found.len() > 90, "{}", found.len());
}

#[test]
fn no_text_is_there_twice_and_none_says_the_same_as_in_english() {
    let mut known = BTreeSet::new();
    for (english, german) in GERMAN {
        assert!(known.insert(english), "{english}");
        assert!(english != german && !german.is_empty());
        assert_eq!(english.ends_with('.'), german.ends_with('.'), "{english}");
        assert_eq!(english.ends_with(':'), german.ends_with(':'), "{english}");
    }
}

#[test]
fn no_problem_speaks_english_on_a_german_page() {
    let cancelled = UserError::of("access_denied").unwrap();
    for (problem, german) in [
        (
            Problem::CallbackRejected("it took too long".into()),
            "Die Anmeldung konnte nicht abgeschlossen werden: Sie dauerte zu lange.",
        ),
        (
            Problem::CallbackRejected("the ID token has another nonce".into()),
            "Die Anmeldung konnte nicht abgeschlossen werden.",
        ),
        (Problem::ProviderRejected("it answered nonsense".into()), "Der Anmeldedienst kann nicht verwendet werden."),
        (
            Problem::UserError(Box::new(cancelled)),
            "Die Anmeldung wurde abgebrochen, oder Ihr Konto darf diese Anwendung nicht benutzen. (access_denied)",
        ),
        (Problem::SessionEnded(EndReason::Idle), "Die Sitzung ist beendet: Sie wurde zu lange nicht benutzt."),
        (Problem::MethodNotAllowed("GET, POST"), "Diese Adresse antwortet nur auf GET, POST."),
        (
            Problem::PathRefused(
                "The path could be read as another one, for which other rules hold: its letters' case differs.".into(),
            ),
            "Der Pfad könnte als ein anderer gelesen werden, für den andere Regeln gelten: Die Groß- und Kleinschreibung ist eine andere.",
        ),
        (
            Problem::PathRefused("The path holds an encoded backslash (%5c).".into()),
            "Der Pfad enthält einen kodierten Backslash (%5c).",
        ),
    ] {
        assert_eq!(detail(Language::German, &problem), german);
        assert_eq!(detail(Language::English, &problem), problem.to_string());
    }
}
