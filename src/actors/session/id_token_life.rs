//! How long an ID token may go to the application (`token = "id"`): many end long before the access token beside them. Pure.

use serde::Deserialize;
use time::OffsetDateTime;

use super::grant::{Grant, served_until};
use crate::ambient;
use crate::jose::jwt::payload_as;

/// How a session's ID token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdTokenStanding {
    /// It serves.
    Valid,
    /// It has as little life left as an access token must have more of. The next refresh may bring another.
    Over,
    /// It has been over since before these tokens came: the refresh brought no other, and the next one would not either.
    NotRenewed,
}

/// How this ID token stands, beside these tokens. One that does not say when it ends, as that of a provider without ID tokens, serves.
pub fn standing(id_token: &str, grant: &Grant, now: OffsetDateTime) -> IdTokenStanding {
    match id_token_served_until(id_token) {
        Some(until) if now >= until && grant.issued_at >= until => IdTokenStanding::NotRenewed,
        Some(until) if now >= until => IdTokenStanding::Over,
        Some(_) | None => IdTokenStanding::Valid,
    }
}

/// What an ID token says of its life.
#[derive(Deserialize)]
struct Life {
    iat: f64,
    exp: f64,
}

fn id_token_served_until(id_token: &str) -> Option<OffsetDateTime> {
    let Life { iat, exp } = payload_as(id_token)?;
    let time = |seconds: f64| ambient::from_millis(seconds * 1000.0);
    Some(served_until(time(iat), time(exp)))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use openidconnect::AccessToken;
    use serde_json::{Value, json};
    use time::Duration;

    use super::*;
    use crate::actors::session::grant::Refreshing;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::seconds(seconds))
    }

    fn of(claims: &Value, came_at: i64, now: OffsetDateTime) -> IdTokenStanding {
        let id_token = format!("h.{}.s", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        let grant = Grant {
            access_token: AccessToken::new("t".into()),
            issued_at: at(came_at),
            expires_at: None,
            refresh_at: None,
            refresh: Refreshing::Impossible,
            failed_series: 0,
        };
        standing(&id_token, &grant, now)
    }

    #[test]
    fn an_id_token_is_over_with_as_little_life_left_as_an_access_token_must_have_more_of() {
        for (iat, exp, until) in [(1000, 4600, 4590), (1000, 1100, 1090), (1000, 1050, 1045), (1000, 1010, 1009)] {
            let life = json!({"iat": iat, "exp": exp});
            let just_before = at(until).saturating_sub(Duration::milliseconds(1));
            assert_eq!(of(&life, 1000, just_before), IdTokenStanding::Valid, "{life}");
            assert_eq!(of(&life, 1000, at(until)), IdTokenStanding::Over, "{life}");
            assert_eq!(of(&life, 1000, at(exp + 1000)), IdTokenStanding::Over, "{life}");
        }
    }

    #[test]
    fn an_id_token_that_a_refresh_after_its_end_left_in_place_is_not_renewed_by_the_next_one() {
        let life = json!({"iat": 1000, "exp": 1100});
        assert_eq!(of(&life, 1089, at(1095)), IdTokenStanding::Over, "its end came after the last refresh");
        for came_at in [1090, 1091, 5000] {
            assert_eq!(of(&life, came_at, at(6000)), IdTokenStanding::NotRenewed, "{came_at}");
        }
        assert_eq!(of(&json!({"iat": 1000, "exp": 9000}), 5000, at(6000)), IdTokenStanding::Valid);
    }

    #[test]
    fn a_token_that_does_not_say_when_it_ends_serves() {
        for odd in [json!({}), json!({"exp": 1}), json!({"iat": 1}), json!({"iat": "1", "exp": "2"})] {
            assert_eq!(of(&odd, 0, at(9000)), IdTokenStanding::Valid, "{odd}");
        }
        let (iat, exp) = (-1e300, 1e300);
        assert_eq!(of(&json!({"iat": iat, "exp": exp}), 0, at(9000)), IdTokenStanding::Valid);
    }
}
