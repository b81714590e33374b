use super::*;

fn entry(cause: Cause) -> Entry {
    Entry {
        at: OffsetDateTime::UNIX_EPOCH,
        event: Event::GetDenied,
        outcome: "ended".into(),
        cause,
        region: Some(Region::Oc),
        duration_ms: 3,
        detail: "idle".into(),
    }
}

#[test]
fn a_log_line_is_one_json_object_in_the_documented_shape() {
    let id = "0".repeat(64).parse().unwrap();
    let beside =
        Beside { user: Some("7f83"), provider: None, next_alarm_at: Some(OffsetDateTime::UNIX_EPOCH), said: None };
    assert_eq!(
        entry(Cause::Request).line("SessionActor", &id, beside),
        format!(
            r#"{{"event":"get_denied","actor":"{}","class":"SessionActor","region":"oc","outcome":"ended","cause":"request","user":"7f83","duration_ms":3,"next_alarm_at":"1970-01-01T00:00:00Z","detail":"idle"}}"#,
            "0".repeat(64)
        )
    );
    let of_table = entry(Cause::Request).line("SessionActor", &id, Beside { provider: Some("corp"), ..beside });
    assert!(of_table.contains(r#""user":"7f83","provider":"corp","duration_ms":3"#), "{of_table}");
}

#[test]
fn what_an_administrator_did_says_so_and_a_line_quotes_the_provider_behind_the_gateways_own_words() {
    let id = "0".repeat(64).parse().unwrap();
    let line = |cause, said| entry(cause).line("SessionActor", &id, Beside { said, ..Beside::default() });
    assert!(line(Cause::Admin, None).contains(r#""cause":"admin","by":"token""#));
    assert!(!line(Cause::Request, None).contains("\"by\"") && !line(Cause::Request, None).contains("\"user\""));
    assert!(line(Cause::Alarm, Some("The provider said: no")).ends_with(r#""idle. The provider said: no"}"#));
}

#[test]
fn a_name_is_that_of_the_log_lines() {
    for event in [
        Event::Complete,
        Event::GetDenied,
        Event::Refresh,
        Event::Observe,
        Event::Migrate,
        Event::Revoke,
        Event::End,
        Event::Alarm,
    ] {
        assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
    }
}

#[test]
fn an_administrator_by_access_is_a_cause_like_the_token_and_has_a_name() {
    let ada = Cause::AdminByAccess("access:ada@example.com".into());
    assert_eq!((ada.as_str(), ada.by()), ("admin", Some("access:ada@example.com")));
    let id = "0".repeat(64).parse().unwrap();
    let line = entry(ada).line("SessionActor", &id, Beside::default());
    assert!(line.contains(r#""cause":"admin","by":"access:ada@example.com""#), "{line}");
}

#[test]
fn a_user_is_named_by_a_hash_of_issuer_and_subject_or_by_the_subject() {
    // printf 'https://op.example\nada' | sha256sum | head -c 16
    assert_eq!(user("https://op.example", "ada", LogSubject::Hash), "5ba5c5b74904250b");
    assert_eq!(user("https://op.example", "ada", LogSubject::Plain), "ada");
}
