//! How large a request may be. No honest request is larger.

use std::num::IntErrorKind;

use crate::gateway::problem::Problem;
use crate::gateway::request::cookie::{Cookies, Jar};
use crate::gateway::request::head::Head;
use crate::gateway::request::headers::Headers;

/// The longest address, including scheme and host. Browsers and CDNs take about as much.
const MAX_ADDRESS: usize = 16_000;
/// The longest headers, all together.
const MAX_HEADERS: usize = 64 << 10;
/// The most cookies. Browsers keep no more of one site.
const MAX_COOKIES: usize = 180;

/// The longest body that the platform can count: it counts in 53 bits.
const MAX_CONTENT_LENGTH: u64 = (1 << 53) - 1;

/// Refuses a request whose address or headers are longer than any honest one's, or whose body is longer than can be passed on.
pub fn check(head: &Head<'_>) -> Result<(), Problem> {
    if head.address.len() >= MAX_ADDRESS || !fits(&head.headers) {
        return Err(Problem::HeadersTooLarge);
    }
    let is_too_long = |length: &str| match length.parse::<u64>() {
        Ok(length) => length > MAX_CONTENT_LENGTH,
        Err(error) => *error.kind() == IntErrorKind::PosOverflow,
    };
    // A GET is passed on without a body.
    let has_body = !matches!(head.method, "GET" | "HEAD");
    if has_body && head.headers.get("content-length").is_some_and(is_too_long) {
        Err(Problem::TooLarge)
    } else {
        Ok(())
    }
}

/// Whether the headers are no larger than any honest ones.
fn fits(headers: &Headers<'_>) -> bool {
    let cookies = headers.get("cookie").unwrap_or_default();
    headers.len() <= MAX_HEADERS && cookies.bytes().filter(|b| *b == b';').take(MAX_COOKIES).count() < MAX_COOKIES
}

/// The gateway's cookies. If the headers are too large, none is read.
pub fn cookies(jar: &Jar, headers: &Headers<'_>) -> Cookies {
    headers.get("cookie").filter(|_| fits(headers)).map(|header| jar.read(header)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Origin;
    use crate::credential::Secret;

    fn read(cookie: &str) -> Cookies {
        let origin = Origin { text: "http://localhost".into(), host: "localhost".into(), https: false };
        cookies(&Jar::of(&origin, "".into()), &Headers::read(&format!("cookie,{cookie}")))
    }

    #[test]
    fn what_is_too_large_is_not_read_at_all() {
        let session = format!("edge-session=weur.{}.{}", "a".repeat(64), Secret::from_random([1; 32]).expose());
        let logins = |count: u32, value: &str| -> String {
            (0..count).map(|n| format!("; edge-login-{n:08x}={value}")).collect()
        };
        // As many as browsers keep, and 112 KB of them.
        let fits = read(&format!("{session}{}", logins(100, "x")));
        assert!(fits.session.is_some() && fits.logins.len() == 100);
        for too_large in [logins(5_000, "x"), logins(100, &"x".repeat(1_000)), logins(180, "x")] {
            let cookies = read(&format!("{session}{too_large}"));
            assert!(!cookies.any && cookies.session.is_none() && cookies.logins.is_empty(), "{}", too_large.len());
        }
    }

    #[test]
    fn a_body_that_the_platform_cannot_count_is_too_large() {
        let check =
            |method: &str, length: &str| check(&Head::read(&format!("{method}\n/\ncontent-length,{length}\n\n")));
        for honest in ["0", "12", "9007199254740991", "x", ""] {
            assert_eq!(check("POST", honest), Ok(()), "{honest}");
        }
        for too_long in ["9007199254740992", "18446744073709551616", "99999999999999999999999999"] {
            assert_eq!(check("POST", too_long), Err(Problem::TooLarge), "{too_long}");
            assert_eq!(check("GET", too_long), Ok(()), "{too_long}");
        }
    }
}
