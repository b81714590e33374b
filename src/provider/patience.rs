//! How long a provider asks to be left alone. Pure.

use openidconnect::http::HeaderMap;
use time::format_description::well_known::Rfc2822;
use time::{Duration, OffsetDateTime};

use crate::ambient;

/// The longest pause that is kept to.
const LONGEST: Duration = Duration::days(1);
/// A number of seconds from here on is a time since the epoch (2001), not a pause.
const EPOCH_SECONDS: i64 = 1_000_000_000;

/// The pause that a response asks for: `Retry-After` (RFC 9110 section 10.2.3), seconds or a date; else, where there were
/// too many requests (429), `X-RateLimit-Reset`: seconds, or a time in seconds since the epoch.
pub fn patience(status: u16, headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let pause = match (text("retry-after"), text("x-ratelimit-reset")) {
        (Some(retry_after), _) => match retry_after.parse::<u32>() {
            Ok(seconds) => Duration::seconds(seconds.into()),
            Err(_) => ambient::between(now, OffsetDateTime::parse(retry_after, &Rfc2822).ok()?),
        },
        (None, Some(reset)) if status == 429 => {
            let pause = match reset.parse::<i64>().ok()? {
                seconds if seconds < EPOCH_SECONDS => Duration::seconds(seconds),
                epoch => ambient::between(now, OffsetDateTime::from_unix_timestamp(epoch).ok()?),
            };
            // It is about whole seconds, and two clocks.
            pause.max(Duration::SECOND)
        }
        (None, _) => return None,
    };
    Some(pause.clamp(Duration::ZERO, LONGEST))
}

#[cfg(test)]
mod tests {
    use openidconnect::http::HeaderName;

    use super::*;

    fn asked(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        answered(429, headers)
    }

    fn answered(status: u16, headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers = headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        patience(status, &headers.collect(), OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_a_day_at_the_most() {
        assert_eq!(asked(&[("retry-after", "7")]), Some(Duration::seconds(7)));
        assert_eq!(asked(&[("retry-after", "4294967295")]), Some(Duration::days(1)));
        assert_eq!(asked(&[("retry-after", "Fri, 15 Jan 2027 08:00:05 GMT")]), Some(Duration::seconds(5)));
        assert_eq!(asked(&[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")]), Some(Duration::ZERO));
        assert_eq!(asked(&[("retry-after", "soon")]), None);
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn a_rate_limit_says_when_it_is_over() {
        assert_eq!(asked(&[("x-ratelimit-reset", "1800000009")]), Some(Duration::seconds(9)));
        assert_eq!(asked(&[("x-ratelimit-reset", "1799999999")]), Some(Duration::SECOND));
        assert_eq!(asked(&[("x-ratelimit-reset", "12")]), Some(Duration::seconds(12)));
        assert_eq!(asked(&[("x-ratelimit-reset", "soon")]), None);
        assert_eq!(answered(503, &[("x-ratelimit-reset", "1800000009")]), None);
        assert_eq!(asked(&[("x-ratelimit-reset", "1800000009"), ("retry-after", "3")]), Some(Duration::seconds(3)));
    }
}
