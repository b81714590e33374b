//! Checks the claims of a token: issuer, audience and times (RFC 7519 section 4.1). Pure.

use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::flaw::Flaw;
use crate::ambient;

/// Claims by name.
pub type Claims = Map<String, Value>;

/// How far the issuer's clock may be off.
pub const LEEWAY: Duration = Duration::minutes(1);
/// How old a token may be that comes straight from its issuer.
pub const MAX_AGE: Duration = Duration::minutes(10);
/// The year 10000, in Unix seconds: no honest token lasts that long, and `1e300` is no time at all.
const END_OF_TIME: f64 = 253_402_300_800.0;

/// What `aud` has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience<'a> {
    /// This client. Others that get the token could present it here. So they may stand beside it only where `azp` says that
    /// the token was issued to this client, or, without `azp`, where they are trusted. With `azp` of another client it never is.
    Client {
        /// Its id.
        id: &'a str,
        /// Whom it trusts with its tokens.
        trusted: &'a [String],
    },
    /// This one, maybe among others.
    Among(&'a str),
    /// The same, where it says anything.
    AmongIfAny(&'a str),
}

/// What `iat` has to say, and `exp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issued {
    /// `iat`: a time within the last minutes.
    JustNow,
    /// `iat`: nothing, or a time that is past.
    Before,
    /// `iat` as for [`Issued::JustNow`]. A token without `exp` lasts for this long from then.
    For(Duration),
    /// `iat`: nothing, or a time that is past. `exp` may be missing, and then nothing says how long the token lasts.
    OpenEnded,
}

/// What a token is checked against. What it says of times has to be numbers; each has a leeway.
#[derive(Clone, Copy)]
pub struct Policy<'a> {
    /// Whether `iss` is the issuer's.
    pub is_issuer: &'a dyn Fn(&str) -> bool,
    /// `aud`.
    pub audience: Audience<'a>,
    /// `iat`.
    pub issued: Issued,
}

impl Policy<'_> {
    /// Whether the token is the issuer's, and for this audience.
    pub fn check_parties(&self, claims: &Claims) -> Result<(), Flaw> {
        self.check_issuer(claims)?;
        self.check_audience(claims)
    }

    /// The same of what need not name its issuer or whom it is for: what it says of them holds.
    pub fn check_stated_parties(&self, claims: &Claims) -> Result<(), Flaw> {
        if claims.contains_key("iss") {
            self.check_issuer(claims)?;
        }
        match (claims.contains_key("aud"), self.audience, claims.get("azp")) {
            (true, ..) => self.check_audience(claims),
            (false, Audience::Client { id, .. }, Some(azp)) if azp != id => Err(Flaw::Party),
            (false, ..) => Ok(()),
        }
    }

    fn check_issuer(&self, claims: &Claims) -> Result<(), Flaw> {
        if claims.get("iss").and_then(Value::as_str).is_some_and(self.is_issuer) { Ok(()) } else { Err(Flaw::Issuer) }
    }

    fn check_audience(&self, claims: &Claims) -> Result<(), Flaw> {
        let is_meant = match (self.audience, claims.get("aud")) {
            (Audience::Client { id, trusted }, aud) => return check_client(id, trusted, aud, claims.get("azp")),
            (Audience::AmongIfAny(_), None) => true,
            (Audience::Among(wanted) | Audience::AmongIfAny(wanted), Some(Value::Array(audiences))) => {
                audiences.iter().any(|audience| audience == wanted)
            }
            (Audience::Among(wanted) | Audience::AmongIfAny(wanted), audience) => {
                audience.and_then(Value::as_str) == Some(wanted)
            }
        };
        if is_meant { Ok(()) } else { Err(Flaw::Audience) }
    }

    /// Whether the token is good at `now`.
    pub fn check_times(&self, claims: &Claims, now: OffsetDateTime) -> Result<(), Flaw> {
        let (earliest, latest) = (unix(now.saturating_sub(LEEWAY)), unix(now.saturating_add(LEEWAY)));
        let time = |claim: &str| claims.get(claim).map(Value::as_f64);
        let iat = time("iat").flatten();
        match (time("exp"), self.issued) {
            (Some(Some(exp)), _) if exp > earliest && exp < END_OF_TIME => {}
            (Some(Some(_)), _) => return Err(Flaw::Expired),
            (None, Issued::OpenEnded) => {}
            // Without a leeway: a replayed one is good for so long.
            (None, Issued::For(life)) if iat.is_none_or(|iat| iat >= unix(now.saturating_sub(life))) => {}
            (None, Issued::For(_)) => return Err(Flaw::Expired),
            (Some(None) | None, _) => return Err(Flaw::Endless),
        }
        if time("nbf").is_some_and(|nbf| !nbf.is_some_and(|nbf| nbf <= latest)) {
            return Err(Flaw::NotYet);
        }
        let is_dated = matches!(self.issued, Issued::JustNow | Issued::For(_));
        match time("iat") {
            Some(Some(iat)) if is_dated && iat < unix(now.saturating_sub(MAX_AGE)) => Err(Flaw::Issued),
            Some(Some(iat)) if iat > latest => Err(Flaw::Issued),
            Some(Some(_)) => Ok(()),
            None if !is_dated => Ok(()),
            Some(None) | None => Err(Flaw::Undated),
        }
    }
}

/// [`Audience::Client`].
fn check_client(id: &str, trusted: &[String], aud: Option<&Value>, azp: Option<&Value>) -> Result<(), Flaw> {
    let audiences = match aud {
        Some(Value::Array(audiences)) => audiences.as_slice(),
        Some(audience) => std::slice::from_ref(audience),
        None => &[],
    };
    if !audiences.iter().all(Value::is_string) || !audiences.iter().any(|audience| audience == id) {
        return Err(Flaw::Audience);
    }
    let is_trusted = |audience: &Value| audience == id || trusted.iter().any(|known| audience == known.as_str());
    match azp {
        Some(azp) if azp == id => Ok(()),
        Some(_) => Err(Flaw::Party),
        None if audiences.iter().all(is_trusted) => Ok(()),
        None => Err(Flaw::FurtherAudience),
    }
}

/// Seconds since the epoch, as JWTs have them.
fn unix(at: OffsetDateTime) -> f64 {
    ambient::to_millis(at) / 1000.0
}

#[cfg(test)]
mod tests {
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
        for bad in
            [json!("API"), json!([]), json!(null), json!(["apis"]), json!([["api"]]), json!({"api": 1}), json!(7)]
        {
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
        for bad in
            [json!({"exp": -60}), json!({"exp": null}), json!({"iat": 61}), json!({"iat": null}), json!({"nbf": 61})]
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
}
