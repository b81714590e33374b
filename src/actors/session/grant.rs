//! What the provider granted: the tokens of a session, and where their refresh stands. Pure.

use openidconnect::{AccessToken, RefreshToken};
use time::{Duration, OffsetDateTime};

use crate::ambient::between;
use crate::provider::tokens::Tokens;

/// The pause after the first series of tries that failed.
const SHORTEST_PAUSE: Duration = Duration::seconds(5);
/// The longest one.
const LONGEST_PAUSE: Duration = Duration::seconds(30);
/// How much earlier than the provider's leeway a token is last presented: the request takes a while, and the clocks of two machines may be apart.
const MARGIN: Duration = Duration::seconds(1);

/// The tokens of a session.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Goes to the application.
    pub access_token: AccessToken,
    /// When it came.
    pub issued_at: OffsetDateTime,
    /// Its end, where the provider says.
    pub expires_at: Option<OffsetDateTime>,
    /// When a session in use gets the next one.
    pub refresh_at: Option<OffsetDateTime>,
    /// What gets the next one.
    pub refresh: Refreshing,
    /// How often all tries to get it were used up, since these came.
    pub failed_series: u8,
}

/// Where the refresh token stands: the write-ahead record of its use.
#[derive(Clone, Debug)]
pub enum Refreshing {
    /// The provider gave none.
    Impossible,
    /// It can be presented.
    Ready {
        /// The token.
        token: RefreshToken,
        /// Not earlier than this: the provider asked to wait.
        not_before: Option<OffsetDateTime>,
    },
    /// It was presented. Its answer is on its way, or was lost with the process.
    Presented {
        /// The token.
        token: RefreshToken,
        /// When it was presented first.
        first_at: OffsetDateTime,
        /// It may be presented again, but not earlier than this: the tries are used up, the leeway is not.
        not_before: Option<OffsetDateTime>,
    },
    /// Whether the provider took it is not known, so that it must not be presented again.
    Lost,
}

impl Refreshing {
    /// Until when the refresh token must not be presented. None: it may be presented now.
    pub fn waits_until(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        match self {
            Self::Ready { not_before, .. } | Self::Presented { not_before, .. } => {
                not_before.filter(|until| now < *until)
            }
            Self::Impossible | Self::Lost => None,
        }
    }
}

/// Whether a refresh token that was presented first at `first_at`, and of which nobody knows what became, may be presented again `at` this
/// time. Without a leeway never, whatever the clock says: it may have gone back, or be another machine's.
pub fn may_present_again(first_at: OffsetDateTime, at: OffsetDateTime, leeway: Duration) -> bool {
    let passed = between(first_at, at);
    passed > MARGIN.saturating_mul(-1) && passed.saturating_add(MARGIN) < leeway
}

impl Grant {
    /// What a token response granted. `jitter` in `0.0..1.0` spreads the refreshes of many sessions over 75–85 % of
    /// the access token's life.
    pub fn new(tokens: Tokens, jitter: f64) -> Self {
        let share = jitter.clamp(0.0, 1.0).mul_add(0.1, 0.75);
        let after = |share: f64| {
            let life = tokens.lifetime?.as_seconds_f64();
            // Whole milliseconds, as clocks and alarms have them.
            let after = Duration::saturating_seconds_f64((life * share * 1000.0).round() / 1000.0);
            Some(tokens.valid_from.saturating_add(after))
        };
        Self {
            issued_at: tokens.valid_from,
            expires_at: after(1.0),
            refresh_at: after(share),
            access_token: tokens.access_token,
            refresh: tokens
                .refresh_token
                .map_or(Refreshing::Impossible, |token| Refreshing::Ready { token, not_before: None }),
            failed_series: 0,
        }
    }

    /// The pause after a series of tries has failed: 5 s, then twice as long each time, at most 30 s.
    pub fn pause(&self) -> Duration {
        let doubled = 1_i32.checked_shl(self.failed_series.into()).unwrap_or(i32::MAX);
        SHORTEST_PAUSE.checked_mul(doubled).map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE))
    }

    /// Whether the access token still serves.
    pub fn is_valid(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_none_or(|expires_at| now < served_until(self.issued_at, expires_at))
    }
}

/// Until when a token serves. One with less than 10 s, or 10 % of its life, left counts as expired.
pub fn served_until(issued_at: OffsetDateTime, expires_at: OffsetDateTime) -> OffsetDateTime {
    let tenth = Duration::saturating_seconds_f64(between(issued_at, expires_at).as_seconds_f64() / 10.0);
    expires_at.saturating_sub(tenth.clamp(Duration::ZERO, Duration::seconds(10)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    #[test]
    fn without_a_leeway_no_clock_lets_a_token_be_presented_again() {
        for milliseconds in [-86_400_000, -3_000, -1, 0, 1, 86_400_000] {
            let at = T0.saturating_add(Duration::milliseconds(milliseconds));
            assert!(!may_present_again(T0, at, Duration::ZERO), "{milliseconds} ms");
        }
    }

    #[test]
    fn a_leeway_ends_a_little_early_and_does_not_hold_for_a_clock_that_went_back() {
        for (milliseconds, expected) in
            [(-60_000, false), (-1_000, false), (-999, true), (0, true), (18_999, true), (19_000, false)]
        {
            let at = T0.saturating_add(Duration::milliseconds(milliseconds));
            assert_eq!(may_present_again(T0, at, Duration::seconds(20)), expected, "{milliseconds} ms");
        }
    }
}
