//! How long a provider asks to wait. Pure.

use openidconnect::http::HeaderMap;
use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};

use crate::ambient;

/// The longest pause that is kept to.
const LONGEST: Duration = Duration::minutes(5);
/// A number of seconds from here on is a time since the epoch (2001), not a pause.
const EPOCH_SECONDS: i64 = 1_000_000_000;

/// The pause that a response asks for: `Retry-After` (RFC 9110 section 10.2.3), seconds or a date; else `X-RateLimit-Reset`,
/// seconds or a time in seconds since the epoch, unless `X-RateLimit-Remaining` says that the limit is not reached.
pub fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let pause = match (text("retry-after"), text("x-ratelimit-reset")) {
        (Some(retry_after), _) => match whole_seconds(retry_after) {
            Some(seconds) => Duration::seconds(seconds),
            None => ambient::between(now, OffsetDateTime::parse(retry_after, &Rfc2822).ok()?),
        },
        (None, Some(reset)) if text("x-ratelimit-remaining").is_none_or(|left| left == "0") => {
            let pause = match whole_seconds(reset)? {
                seconds if seconds < EPOCH_SECONDS => Duration::seconds(seconds),
                epoch => Duration::seconds(epoch.saturating_sub(now.unix_timestamp())),
            };
            // It is about whole seconds, and two clocks.
            pause.max(Duration::SECOND)
        }
        (None, _) => return None,
    };
    Some(pause.clamp(Duration::ZERO, LONGEST))
}

/// Digits, however many.
fn whole_seconds(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use openidconnect::http::HeaderName;

    use super::*;

    fn asked(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        retry_after(&headers.collect(), OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_five_minutes_at_the_most() {
        assert_eq!(asked(&[("retry-after", "7")]), Some(Duration::seconds(7)));
        for long in ["301", "3600", "4294967296", "99999999999999999999", "Fri, 15 Jan 2027 09:00:00 GMT"] {
            assert_eq!(asked(&[("retry-after", long)]), Some(Duration::seconds(300)), "{long}");
        }
        assert_eq!(asked(&[("retry-after", "Fri, 15 Jan 2027 08:00:05 GMT")]), Some(Duration::seconds(5)));
        assert_eq!(asked(&[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")]), Some(Duration::ZERO));
        for odd in ["soon", "", "-5", "1.5"] {
            assert_eq!(asked(&[("retry-after", odd)]), None, "{odd}");
        }
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn a_rate_limit_says_when_it_is_over_in_seconds_to_go_or_since_1970() {
        let reset = |text: &'static str| asked(&[("x-ratelimit-reset", text)]);
        assert_eq!(reset("1800000009"), Some(Duration::seconds(9)));
        assert_eq!(reset("1799999999"), Some(Duration::SECOND));
        assert_eq!(reset("1000000000"), Some(Duration::SECOND), "in 2001");
        assert_eq!(reset("12"), Some(Duration::seconds(12)));
        // Seconds to go, days to go, milliseconds since 1970, a date beyond any calendar.
        for long in ["999999999", "1800100000", "1800000009000", "99999999999999999999"] {
            assert_eq!(reset(long), Some(Duration::seconds(300)), "{long}");
        }
        assert_eq!(reset("soon"), None);
        assert_eq!(asked(&[("x-ratelimit-reset", "1800000009"), ("retry-after", "3")]), Some(Duration::seconds(3)));
        let with_left = |left: &'static str| asked(&[("x-ratelimit-reset", "60"), ("x-ratelimit-remaining", left)]);
        assert_eq!(with_left("0"), Some(Duration::seconds(60)));
        assert_eq!(with_left("99"), None, "something else is wrong than the limit");
    }
}
