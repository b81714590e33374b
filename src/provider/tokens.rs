//! The tokens that a provider gives.

use openidconnect::{AccessToken, RefreshToken};
use time::{Duration, OffsetDateTime};

use crate::ambient::between;

/// The tokens of a token response.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// What goes to the application.
    pub access_token: AccessToken,
    /// How long it lasts, where the provider says.
    pub lifetime: Option<Duration>,
    /// What gets the next one.
    pub refresh_token: Option<RefreshToken>,
    /// The start of their life ([`RoundTrip::valid_from`]).
    pub valid_from: OffsetDateTime,
}

/// A call of the token endpoint.
#[derive(Clone, Copy, Debug)]
pub struct RoundTrip {
    /// When the request was sent.
    pub asked_at: OffsetDateTime,
    /// When the answer was complete.
    pub received_at: OffsetDateTime,
}

impl RoundTrip {
    /// Where a token's life begins. It begins when the answer is generated (RFC 6749 section 5.1), which is not known: counted from
    /// the request, no token that has expired is sent. Where the answer took more than half of the life, too little would be left
    /// of it, and the life is counted from the answer.
    pub fn valid_from(self, life: Option<Duration>) -> OffsetDateTime {
        let took = between(self.asked_at, self.received_at);
        if life.is_some_and(|life| took.saturating_mul(2) > life) { self.received_at } else { self.asked_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_counted_from_the_request_unless_the_answer_took_more_than_half_of_it() {
        let asked_at = OffsetDateTime::UNIX_EPOCH;
        let round_trip = RoundTrip { asked_at, received_at: asked_at.saturating_add(Duration::seconds(3)) };
        for (life, expected) in [(None, 0), (Some(3), 3), (Some(5), 3), (Some(6), 0), (Some(300), 0)] {
            let valid_from = round_trip.valid_from(life.map(Duration::seconds));
            assert_eq!(between(asked_at, valid_from), Duration::seconds(expected), "{life:?}");
        }
    }
}
