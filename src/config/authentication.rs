//! `acr` and `max_age` of a route: how its user must have logged in, and how recently (RFC 9470). Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use crate::ambient::between;

/// The longest list of `acr` values, in characters: the login cookie carries it.
pub const MAX_ACR: usize = 128;
/// The most by which the clocks of the provider and of this machine may differ.
const CLOCK_SKEW: Duration = Duration::seconds(10);

/// What an authentication has to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// `acr`: one of these authentication contexts. Empty: any.
    pub acr: Vec<String>,
    /// `max_age`: seconds. None: however old.
    pub max_age: Option<u32>,
}

/// Why a login is not what was asked for. The text ends a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationFlaw {
    /// Another `acr`, or none.
    #[error("the login provider logged the user in another way than this site requires (acr)")]
    Acr,
    /// No `auth_time`.
    #[error("the login provider does not say when the user logged in, which this site requires (auth_time)")]
    NoAuthTime,
    /// Too long ago.
    #[error("the login provider logged the user in longer ago than this site allows (auth_time)")]
    TooOld,
}

impl Authentication {
    /// As RFC 9470 and OpenID Connect write the list.
    pub fn acr_values(&self) -> String {
        self.acr.join(" ")
    }

    /// Whether a user with these claims has logged in like that.
    pub fn is_met(&self, claims: &Map<String, Value>, now: OffsetDateTime) -> bool {
        // Of a short time a tenth, as with an access token.
        let margin = |age: Duration| Duration::saturating_seconds_f64(age.as_seconds_f64() / 10.0).min(CLOCK_SKEW);
        self.flaw_since(claims, |age| now.saturating_sub(age).saturating_sub(margin(age))).is_none()
    }

    /// Whether they have, and [`Self::is_met`] says so long enough for the browser to open a page.
    pub fn is_met_for_a_while(&self, claims: &Map<String, Value>, now: OffsetDateTime) -> bool {
        self.flaw_since(claims, |age| now.saturating_sub(age)).is_none()
    }

    /// What is wrong with the login that was asked for at `began_at` and came back with these claims.
    pub fn flaw(&self, claims: &Map<String, Value>, began_at: OffsetDateTime) -> Option<AuthenticationFlaw> {
        self.flaw_since(claims, |age| began_at.saturating_sub(age).saturating_sub(CLOCK_SKEW))
    }

    fn flaw_since(
        &self,
        claims: &Map<String, Value>,
        earliest: impl FnOnce(Duration) -> OffsetDateTime,
    ) -> Option<AuthenticationFlaw> {
        let acr = claims.get("acr").and_then(Value::as_str);
        if !self.acr.is_empty() && !acr.is_some_and(|acr| self.acr.iter().any(|wanted| wanted == acr)) {
            return Some(AuthenticationFlaw::Acr);
        }
        let age = Duration::seconds(self.max_age?.into());
        let Some(auth_time) = claims.get("auth_time").and_then(Value::as_f64) else {
            return Some(AuthenticationFlaw::NoAuthTime);
        };
        let at = OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::saturating_seconds_f64(auth_time));
        between(earliest(age), at).is_negative().then_some(AuthenticationFlaw::TooOld)
    }

    /// Both: the `acr` that both name, or else this one's if it names any; the shorter `max_age`.
    pub fn and(self, other: Self) -> Self {
        let both: Vec<String> = self.acr.iter().filter(|acr| other.acr.contains(acr)).cloned().collect();
        let own = if self.acr.is_empty() { other.acr } else { self.acr };
        Self {
            acr: if both.is_empty() { own } else { both },
            max_age: self.max_age.into_iter().chain(other.max_age).min(),
        }
    }

    /// Of the values that an application's challenge, or a route, names. None: it names none, or what no parameter could carry.
    pub fn of(acr: &[&str], max_age: Option<u32>) -> Option<Self> {
        let is_value =
            |acr: &&str| !acr.is_empty() && acr.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
        let is_short = acr.iter().map(|value| value.len().saturating_add(1)).sum::<usize>() <= MAX_ACR;
        // An application that says 0 means a new login. None is younger than a second when it is back.
        let max_age = max_age.map(|age| age.max(1));
        let authentication = Self { acr: acr.iter().map(|value| (*value).to_owned()).collect(), max_age };
        (acr.iter().all(is_value) && is_short && authentication != Self::default()).then_some(authentication)
    }

    /// Reads `acr` and `max_age` of a route's table; the fields that are wrong, and what to put there.
    pub(super) fn read(fields: &Map<String, Value>) -> Result<Option<Self>, Vec<(&'static str, &'static str)>> {
        let acr = match fields.get("acr") {
            None => Some(Vec::new()),
            Some(Value::String(value)) => Some(vec![value.as_str()]),
            Some(Value::Array(values)) if !values.is_empty() => values.iter().map(Value::as_str).collect(),
            Some(_) => None,
        };
        let acr = acr.filter(|acr| acr.is_empty() || Self::of(acr, None).is_some());
        let max_age = match fields.get("max_age") {
            None => Some(None),
            Some(value) => value.as_u64().and_then(|age| u32::try_from(age).ok()).filter(|age| *age > 0).map(Some),
        };
        match (acr, max_age) {
            (Some(acr), Some(max_age)) => Ok(Self::of(&acr, max_age)),
            (acr, max_age) => {
                let what = "must be an authentication context as the provider names it, such as \"mfa\", or an array of them, without spaces";
                let acr = acr.is_none().then_some(("acr", what));
                let age = ("max_age", "must be a number of seconds, 1 or more");
                Err(acr.into_iter().chain(max_age.is_none().then_some(age)).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(seconds: f64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::seconds_f64(seconds))
    }

    fn read(table: Value) -> Result<Option<Authentication>, Vec<(&'static str, &'static str)>> {
        Authentication::read(table.as_object().unwrap())
    }

    fn is_met(table: Value, claims: Value, now: f64) -> bool {
        read(table).unwrap().unwrap().is_met(claims.as_object().unwrap(), at(now))
    }

    #[test]
    fn one_of_the_authentication_contexts_is_enough_and_another_is_not() {
        assert!(is_met(json!({"acr": "mfa"}), json!({"acr": "mfa"}), 0.0));
        assert!(is_met(json!({"acr": ["mfa", "phr"]}), json!({"acr": "phr"}), 0.0));
        for claims in
            [json!({}), json!({"acr": "pwd"}), json!({"acr": ["mfa"]}), json!({"acr": "MFA"}), json!({"acr": 1})]
        {
            assert!(!is_met(json!({"acr": "mfa"}), claims.clone(), 0.0), "{claims}");
        }
    }

    #[test]
    fn a_login_is_too_old_after_its_time_and_a_tenth_or_ten_seconds_more() {
        for (max_age, last) in [(2, 2.2), (60, 66.0), (300, 310.0)] {
            let claims = json!({"auth_time": 1000});
            assert!(is_met(json!({ "max_age": max_age }), claims.clone(), 1000.0 + last), "{max_age}");
            assert!(!is_met(json!({ "max_age": max_age }), claims, 1000.0 + last + 0.1), "{max_age}");
        }
        for claims in [json!({}), json!({"auth_time": "1000"}), json!({"auth_time": null})] {
            assert!(!is_met(json!({"max_age": 60}), claims.clone(), 1000.0), "{claims}");
        }
        assert!(is_met(json!({"max_age": 60}), json!({"auth_time": 1005}), 1000.0), "the provider's clock is ahead");
    }

    #[test]
    fn a_login_that_is_met_for_a_while_is_met_when_the_page_opens() {
        let wanted = read(json!({"max_age": 5})).unwrap().unwrap();
        let claims = json!({"auth_time": 1000});
        let claims = claims.as_object().unwrap();
        assert!(wanted.is_met_for_a_while(claims, at(1005.0)) && wanted.is_met(claims, at(1005.4)));
        assert!(!wanted.is_met_for_a_while(claims, at(1005.1)));
    }

    #[test]
    fn a_login_that_comes_back_is_judged_by_when_it_was_asked_for() {
        let wanted = read(json!({"acr": "mfa", "max_age": 5})).unwrap().unwrap();
        let flaw = |claims: Value| wanted.flaw(claims.as_object().unwrap(), at(1000.0));
        assert_eq!(flaw(json!({"acr": "mfa", "auth_time": 985})), None);
        assert_eq!(flaw(json!({"acr": "mfa", "auth_time": 984})), Some(AuthenticationFlaw::TooOld));
        assert_eq!(flaw(json!({"acr": "mfa"})), Some(AuthenticationFlaw::NoAuthTime));
        assert_eq!(flaw(json!({"acr": "pwd", "auth_time": 1000})), Some(AuthenticationFlaw::Acr));
    }

    #[test]
    fn a_field_that_is_wrong_is_named() {
        assert_eq!(read(json!({"match": "/*"})), Ok(None));
        for (table, expected) in [
            (json!({"acr": ""}), vec!["acr"]),
            (json!({"acr": []}), vec!["acr"]),
            (json!({"acr": "two words"}), vec!["acr"]),
            (json!({"acr": "a\"b"}), vec!["acr"]),
            (json!({"acr": "x".repeat(MAX_ACR)}), vec!["acr"]),
            (json!({"max_age": 0}), vec!["max_age"]),
            (json!({"max_age": "300"}), vec!["max_age"]),
            (json!({"max_age": 1.5}), vec!["max_age"]),
            (json!({"acr": 1, "max_age": -1}), vec!["acr", "max_age"]),
        ] {
            let wrong = read(table.clone()).unwrap_err();
            assert_eq!(wrong.iter().map(|(field, _)| *field).collect::<Vec<_>>(), expected, "{table}");
        }
    }

    #[test]
    fn of_two_demands_both_hold() {
        let of = |acr: &[&str], max_age| Authentication::of(acr, max_age).unwrap();
        assert_eq!(of(&["mfa"], Some(300)).and(of(&["pwd"], Some(60))), of(&["mfa"], Some(60)));
        assert_eq!(of(&["pwd", "phr"], None).and(of(&["mfa", "phr"], None)), of(&["phr"], None));
        assert_eq!(of(&["mfa"], None).and(of(&[], Some(60))), of(&["mfa"], Some(60)));
        assert_eq!(of(&[], Some(60)).and(of(&["mfa"], None)), of(&["mfa"], Some(60)));
    }
}
