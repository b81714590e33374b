use serde_json::json;

use super::*;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const ISSUER: &str = "https://login.example";

fn policy<'a>(audience: Audience<'a>, issued: Issued) -> Policy<'a> {
    Policy { is_issuer: &|iss| iss == ISSUER, audience, issued }
}

fn object(claims: &Value) -> &Claims {
    claims.as_object().unwrap()
}

fn parties(audience: Audience<'_>, claims: &Value) -> Result<(), Flaw> {
    policy(audience, Issued::Before).check_parties(object(claims))
}

fn times(issued: Issued, claims: &Value) -> Result<(), Flaw> {
    policy(Audience::Among("api"), issued).check_times(object(claims), NOW)
}

#[test]
fn the_issuer_is_exactly_the_expected_one() {
    let with = |iss: Value| parties(Audience::Among("api"), &json!({"iss": iss, "aud": "api"}));
    assert_eq!(with(json!(ISSUER)), Ok(()));
    for bad in [json!("https://login.example/"), json!(null), json!([ISSUER]), json!(""), json!(7)] {
        assert_eq!(with(bad.clone()), Err(Flaw::Issuer), "{bad}");
    }
    assert_eq!(parties(Audience::Among("api"), &json!({"aud": "api"})), Err(Flaw::Issuer));
}

#[test]
fn the_audience_is_this_client_or_among_others_or_may_be_missing_as_the_kind_of_token_says() {
    let client = Audience::Client { id: "api", trusted: &[] };
    let kinds = [client, Audience::Among("api"), Audience::AmongIfAny("api")];
    let passing = |aud: Option<Value>| {
        let mut claims = json!({"iss": ISSUER});
        if let Some(aud) = aud {
            claims["aud"] = aud;
        }
        kinds.map(|kind| parties(kind, &claims).is_ok())
    };
    assert_eq!(passing(Some(json!("api"))), [true, true, true]);
    assert_eq!(passing(Some(json!(["api"]))), [true, true, true]);
    assert_eq!(passing(Some(json!(["other", "api"]))), [false, true, true]);
    assert_eq!(passing(None), [false, false, true]);
    for bad in [json!("API"), json!([]), json!(null), json!(["apis"]), json!([["api"]]), json!({"api": 1}), json!(7)] {
        assert_eq!(passing(Some(bad.clone())), [false, false, false], "{bad}");
    }
}

#[test]
fn times_have_a_leeway_of_a_minute_and_are_numbers() {
    for issued in [Issued::Before, Issued::JustNow] {
        assert_eq!(times(issued, &json!({"exp": 1, "iat": 0})), Ok(()));
        assert_eq!(times(issued, &json!({"exp": -59.5, "nbf": 60, "iat": 60})), Ok(()));
        for (bad, flaw) in [
            (json!({"exp": -60, "iat": 0}), Flaw::Expired),
            (json!({"exp": -1e300, "iat": 0}), Flaw::Expired),
            (json!({"exp": 1e300, "iat": 0}), Flaw::Expired),
            (json!({"exp": "9999999999", "iat": 0}), Flaw::Endless),
            (json!({"exp": null, "iat": 0}), Flaw::Endless),
            (json!({"iat": 0}), Flaw::Endless),
            (json!({"exp": 1, "iat": 0, "nbf": 61}), Flaw::NotYet),
            (json!({"exp": 1, "iat": 0, "nbf": 1e300}), Flaw::NotYet),
            (json!({"exp": 1, "iat": 0, "nbf": "0"}), Flaw::NotYet),
            (json!({"exp": 1, "iat": 0, "nbf": null}), Flaw::NotYet),
            (json!({"exp": 1, "iat": 61}), Flaw::Issued),
            (json!({"exp": 1, "iat": 1e300}), Flaw::Issued),
            (json!({"exp": 1, "iat": true}), Flaw::Undated),
            (json!({"exp": 1, "iat": null}), Flaw::Undated),
        ] {
            assert_eq!(times(issued, &bad), Err(flaw), "{bad}");
        }
    }
}

#[test]
fn a_token_straight_from_its_issuer_says_that_it_was_issued_within_ten_minutes() {
    assert_eq!(times(Issued::JustNow, &json!({"exp": 1, "iat": -600})), Ok(()));
    assert_eq!(times(Issued::JustNow, &json!({"exp": 1, "iat": -600.5})), Err(Flaw::Issued));
    assert_eq!(times(Issued::JustNow, &json!({"exp": 1})), Err(Flaw::Undated));
    assert_eq!(times(Issued::Before, &json!({"exp": 1, "iat": -1e9})), Ok(()));
    assert_eq!(times(Issued::Before, &json!({"exp": 1})), Ok(()));
}

#[test]
fn what_need_not_name_its_parties_names_the_right_ones_where_it_does() {
    let client = Audience::Client { id: "gateway", trusted: &[] };
    let stated = |claims: &Value| policy(client, Issued::OpenEnded).check_stated_parties(object(claims));
    for good in [
        json!({}),
        json!({"iss": ISSUER}),
        json!({"aud": "gateway"}),
        json!({"azp": "gateway"}),
        json!({"iss": ISSUER, "aud": ["gateway", "other"], "azp": "gateway"}),
    ] {
        assert_eq!(stated(&good), Ok(()), "{good}");
    }
    for (bad, flaw) in [
        (json!({"iss": "https://evil.example"}), Flaw::Issuer),
        (json!({"iss": null}), Flaw::Issuer),
        (json!({"iss": "https://evil.example", "aud": "gateway"}), Flaw::Issuer),
        (json!({"aud": "other"}), Flaw::Audience),
        (json!({"aud": null}), Flaw::Audience),
        (json!({"aud": []}), Flaw::Audience),
        (json!({"aud": ["gateway", "other"]}), Flaw::FurtherAudience),
        (json!({"aud": "gateway", "azp": "other"}), Flaw::Party),
        (json!({"azp": "other"}), Flaw::Party),
        (json!({"azp": null}), Flaw::Party),
    ] {
        assert_eq!(stated(&bad), Err(flaw), "{bad}");
    }
}

#[test]
fn a_token_without_an_end_lasts_for_as_long_as_its_kind_says_from_when_it_was_issued() {
    let kind = Issued::For(Duration::minutes(2));
    for good in [json!({"iat": 0}), json!({"iat": -120}), json!({"iat": 60}), json!({"iat": -600, "exp": 1})] {
        assert_eq!(times(kind, &good), Ok(()), "{good}");
    }
    for (bad, flaw) in [
        (json!({"iat": -120.5}), Flaw::Expired),
        (json!({"iat": -1e300}), Flaw::Expired),
        (json!({"iat": 61}), Flaw::Issued),
        (json!({"iat": 1e300}), Flaw::Issued),
        (json!({"iat": "0"}), Flaw::Undated),
        (json!({"iat": null}), Flaw::Undated),
        (json!({}), Flaw::Undated),
        // An end that cannot be read is not a missing one.
        (json!({"iat": 0, "exp": null}), Flaw::Endless),
        (json!({"iat": 0, "exp": "soon"}), Flaw::Endless),
        (json!({"iat": 0, "exp": -60}), Flaw::Expired),
        (json!({"iat": -601, "exp": 1}), Flaw::Issued),
    ] {
        assert_eq!(times(kind, &bad), Err(flaw), "{bad}");
    }
    assert_eq!(times(Issued::JustNow, &json!({"iat": 0})), Err(Flaw::Endless));
    assert_eq!(times(Issued::Before, &json!({"iat": 0})), Err(Flaw::Endless));
}

#[test]
fn what_is_open_ended_may_lack_its_times_and_what_it_says_of_them_holds() {
    for good in [json!({}), json!({"iat": -1e9}), json!({"exp": 1}), json!({"iat": 0, "exp": 1, "nbf": 0})] {
        assert_eq!(times(Issued::OpenEnded, &good), Ok(()), "{good}");
    }
    for bad in [json!({"exp": -60}), json!({"exp": null}), json!({"iat": 61}), json!({"iat": null}), json!({"nbf": 61})]
    {
        assert!(times(Issued::OpenEnded, &bad).is_err(), "{bad}");
    }
}

#[test]
fn several_audiences_are_accepted_with_azp_of_this_client_or_where_the_others_are_trusted() {
    let trusted = ["project".to_owned(), "console".to_owned()];
    let check = |aud: Value, azp: Option<Value>, trusted: &[String]| {
        let mut claims = json!({"iss": ISSUER, "aud": aud});
        if let Some(azp) = azp {
            claims["azp"] = azp;
        }
        parties(Audience::Client { id: "gateway", trusted }, &claims)
    };
    let both = || json!(["gateway", "project"]);
    let ours = || Some(json!("gateway"));
    for aud in [both(), json!("gateway"), json!(["gateway", "gateway"]), json!(["a", "b", "gateway"])] {
        assert_eq!(check(aud.clone(), ours(), &[]), Ok(()), "{aud}");
    }
    assert_eq!(check(both(), None, &trusted), Ok(()));
    assert_eq!(check(json!(["gateway", "project", "console"]), None, &trusted), Ok(()));
    for (aud, azp, flaw) in [
        (both(), None, Flaw::FurtherAudience),
        (both(), Some(json!("project")), Flaw::Party),
        (json!("gateway"), Some(json!("project")), Flaw::Party),
        (json!(["project"]), ours(), Flaw::Audience),
        (json!([]), ours(), Flaw::Audience),
        (json!(["gateway", 7]), ours(), Flaw::Audience),
        (json!(["gateway", null]), ours(), Flaw::Audience),
    ] {
        assert_eq!(check(aud.clone(), azp.clone(), &[]), Err(flaw), "{aud} {azp:?}");
    }
    // Being trusted as an audience makes nobody the party that the token was issued to, and it is not this client.
    assert_eq!(check(both(), Some(json!("project")), &trusted), Err(Flaw::Party));
    assert_eq!(check(json!(["project", "console"]), None, &trusted), Err(Flaw::Audience));
    assert_eq!(check(json!("project"), None, &trusted), Err(Flaw::Audience));
    assert_eq!(check(json!(["gateway", "project", "other"]), None, &trusted), Err(Flaw::FurtherAudience));
    for azp in [json!(["gateway"]), json!(null), json!(""), json!(7)] {
        assert_eq!(check(json!("gateway"), Some(azp.clone()), &trusted), Err(Flaw::Party), "{azp}");
    }
}
