//! Clients' JWTs whose signature was found good lately: a client sends the same one with each request. Pure.
//!
//! All bytes of a token are remembered, and for a shorter time than the token and the keys are good for. So a token that is known
//! again needs no further check of its signature.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::jose::Claims;

/// How long a token is remembered. Keys are fetched again every ten minutes.
const SPAN: Duration = Duration::seconds(30);
/// How many.
const MOST: usize = 512;
/// The longest that is remembered.
const LONGEST: usize = 4096;

/// See the module. One for each isolate.
#[derive(Clone, Debug, Default)]
pub struct VerifiedJwts(Rc<RefCell<HashMap<String, Verified>>>);

#[derive(Debug)]
struct Verified {
    since: OffsetDateTime,
    until: OffsetDateTime,
    claims: Rc<Claims>,
}

impl VerifiedJwts {
    /// The claims of a token that is remembered at `now`.
    pub fn claims(&self, jwt: &str, now: OffsetDateTime) -> Option<Rc<Claims>> {
        let known = self.0.borrow();
        let verified = known.get(jwt).filter(|verified| verified.since <= now && now < verified.until)?;
        Some(Rc::clone(&verified.claims))
    }

    /// Forgets all: there are other keys.
    pub fn forget(&self) {
        self.0.borrow_mut().clear();
    }

    /// Remembers a token that was accepted at `now`, claims included.
    pub fn remember(&self, jwt: &str, claims: &Claims, now: OffsetDateTime) {
        if jwt.len() > LONGEST {
            return;
        }
        let seconds = claims.get("exp").and_then(Value::as_f64).unwrap_or_default();
        let ends_at = OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::saturating_seconds_f64(seconds));
        let until = now.saturating_add(SPAN).min(ends_at);
        let mut known = self.0.borrow_mut();
        if known.len() >= MOST {
            known.retain(|_, verified| now < verified.until);
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(jwt.to_owned(), Verified { since: now, until, claims: Rc::new(claims.clone()) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::seconds(seconds))
    }

    fn claims(exp: i64) -> Claims {
        json!({ "sub": "a", "exp": exp }).as_object().unwrap().clone()
    }

    #[test]
    fn a_token_is_remembered_for_half_a_minute_and_not_beyond_its_end() {
        let verified = VerifiedJwts::default();
        verified.remember("long", &claims(5000), at(1000));
        verified.remember("short", &claims(1010), at(1000));
        for (now, long, short) in [(999, false, false), (1000, true, true), (1010, true, false), (1030, false, false)] {
            assert_eq!(verified.claims("long", at(now)).is_some(), long, "{now}");
            assert_eq!(verified.claims("short", at(now)).is_some(), short, "{now}");
        }
        assert!(verified.claims("lon", at(1000)).is_none() && verified.claims("longer", at(1000)).is_none());
        verified.forget();
        assert!(verified.claims("long", at(1000)).is_none());
    }

    #[test]
    fn no_more_are_remembered_than_fit() {
        let verified = VerifiedJwts::default();
        for number in 0..5_000 {
            verified.remember(&number.to_string(), &claims(5000), at(1000));
            assert!(verified.0.borrow().len() <= MOST);
        }
        assert!(verified.claims("4999", at(1000)).is_some());
    }
}
