use super::*;

fn lifetime(expires_in: &str) -> Option<Option<Duration>> {
    let answer = format!(r#"{{"access_token":"at","token_type":"bearer","expires_in":{expires_in},"id_token":"x"}}"#);
    let set: TokenSet = serde_json::from_str(&answer).ok()?;
    assert_eq!(set.id_token(), Some("x"));
    let epoch = time::OffsetDateTime::UNIX_EPOCH;
    Some(set.tokens(RoundTrip { asked_at: epoch, received_at: epoch }).ok()?.lifetime)
}

#[test]
fn a_lifetime_may_be_a_number_a_fraction_or_either_as_text() {
    for text in ["3600", "3600.0", "\"3600\"", "\" 3600 \"", "\"3600.0\"", "3.6e3"] {
        assert_eq!(lifetime(text), Some(Some(Duration::hours(1))), "{text}");
    }
    assert_eq!(lifetime("3599.5"), Some(Some(Duration::milliseconds(3_599_500))));
    assert_eq!(lifetime("\"0.5\""), Some(Some(Duration::milliseconds(500))));
    assert_eq!(lifetime("1e300"), Some(Some(Duration::days(3650))));
    assert_eq!(lifetime("null"), Some(None));
    for malformed in [
        "\"soon\"",
        "\"\"",
        "\".\"",
        "\"1.2.3\"",
        "-1",
        "-0.5",
        "\"-1\"",
        "\"+1\"",
        "\"1e3\"",
        "\"inf\"",
        "\"NaN\"",
        "[]",
        "[3600]",
        "{}",
        "true",
        "0",
        "0.0",
        "\"0\"",
    ] {
        assert_eq!(lifetime(malformed), None, "{malformed}");
    }
}

fn read(more: &str) -> Option<TokenSet> {
    serde_json::from_str(&format!(r#"{{"access_token":"at","refresh_token":"rt"{more}}}"#)).ok()
}

fn tokens(more: &str) -> Option<Tokens> {
    let epoch = time::OffsetDateTime::UNIX_EPOCH;
    read(more)?.tokens(RoundTrip { asked_at: epoch, received_at: epoch }).ok()
}

#[test]
fn a_token_type_may_be_missing_and_any_but_bearer_is_refused() {
    for more in ["", r#","token_type":null"#, r#","token_type":"bearer""#, r#","token_type":"Bearer""#] {
        let tokens = tokens(more).unwrap();
        assert_eq!(tokens.refresh_token.unwrap().secret(), "rt", "{more}");
    }
    for bad in ["\"DPoP\"", "\"mac\"", "\"N_A\"", "\"\"", "7", "[\"Bearer\"]", "{}"] {
        assert!(tokens(&format!(r#","token_type":{bad}"#)).is_none(), "{bad}");
    }
}

#[test]
fn a_scope_may_be_text_or_an_array_of_texts_and_nothing_else() {
    let scopes = |scope: &str| {
        let set = read(&format!(r#","scope":{scope}"#))?;
        Some(set.scopes().map(|scopes| scopes.iter().map(|scope| scope.to_string()).collect::<Vec<_>>()))
    };
    for both in [r#""openid email""#, r#"["openid","email"]"#, r#"["openid email"]"#] {
        assert_eq!(scopes(both), Some(Some(vec!["openid".to_owned(), "email".to_owned()])), "{both}");
    }
    assert_eq!(scopes("null"), Some(None));
    assert_eq!(scopes("[]"), Some(Some(Vec::new())));
    for bad in ["{}", r#"{"openid":true}"#, "7", "true", r#"["openid",7]"#, r#"[["openid"]]"#, "[{}]"] {
        assert_eq!(scopes(bad), None, "{bad}");
    }
}

#[test]
fn an_access_token_is_text_and_empty_tokens_beside_it_are_none() {
    let set: TokenSet = serde_json::from_str(r#"{"access_token":"at","refresh_token":"","id_token":""}"#).unwrap();
    assert_eq!((set.granted().is_none(), set.id_token()), (true, None));
    for bad in ["{}", r#"{"access_token":null}"#, r#"{"access_token":7}"#, r#"{"access_token":"at","id_token":{}}"#] {
        assert!(serde_json::from_str::<TokenSet>(bad).is_err(), "{bad}");
    }
    let secret = format!("{:?}", read(r#","id_token":"it""#).unwrap());
    assert!(!secret.contains("at\"") && !secret.contains("it") && !secret.contains("rt"), "{secret}");
}
