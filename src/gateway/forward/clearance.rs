//! The clearance cookie: it remembers that a captcha was solved, without any state here. Pure.
//!
//! ```text
//!   <when, in Unix seconds>.<HMAC-SHA-256 of when, host, network and user agent, in base64url>
//! ```
//!
//! The key is derived from `CAPTCHA_SECRET` (HKDF, RFC 5869). Taken to another host, network or browser it is void.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use time::{Duration, OffsetDateTime};

/// How long a clearance lasts.
pub const LIFE: Duration = Duration::minutes(30);
/// How long after a pass an application that asks for another captcha is ignored.
pub const ASKS_AGAIN_AFTER: Duration = Duration::minutes(1);

/// Separates this key from any other of the same secret.
const PURPOSE: &[u8] = b"edge-oauth-sessions clearance 1";

/// Whom a clearance is for.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// The gateway's host, as this browser sees it.
    pub host: &'a str,
    /// The number of the browser's network.
    pub network: &'a str,
    /// The browser's `User-Agent`.
    pub user_agent: &'a str,
}

impl Bearer<'_> {
    fn mac(&self, secret: &str, passed_at: i64) -> Option<Hmac<Sha256>> {
        let mut key = zeroize::Zeroizing::new([0_u8; 32]);
        Hkdf::<Sha256>::new(None, secret.as_bytes()).expand(PURPOSE, key.as_mut_slice()).ok()?;
        let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(key.as_slice()).ok()?;
        // Only the user agent can hold any characters, and so it stands last.
        mac.update(format!("{passed_at}\n{}\n{}\n{}", self.host, self.network, self.user_agent).as_bytes());
        Some(mac)
    }

    /// The cookie's value for a captcha that was solved at `now`.
    pub fn issue(&self, secret: &str, now: OffsetDateTime) -> Option<String> {
        let passed_at = now.unix_timestamp();
        let mac = self.mac(secret, passed_at)?.finalize().into_bytes();
        Some(format!("{passed_at}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac)))
    }

    /// When the captcha was solved, where the cookie's value is good at `now`.
    pub fn passed_at(&self, secret: &str, value: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let (passed_at, mac) = value.split_once('.')?;
        let seconds: i64 = passed_at.parse().ok()?;
        if seconds.to_string() != passed_at {
            return None;
        }
        let mac = BASE64_URL_SAFE_NO_PAD.decode(mac).ok()?;
        self.mac(secret, seconds)?.verify_slice(&mac).ok()?;
        let passed_at = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
        (now < passed_at.saturating_add(LIFE)).then_some(passed_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEARER: Bearer<'_> = Bearer { host: "app.example", network: "13335", user_agent: "Mozilla/5.0" };
    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    #[test]
    fn a_clearance_is_good_for_its_bearer_until_its_end() {
        let value = BEARER.issue("secret", NOW).unwrap();
        assert_eq!(BEARER.passed_at("secret", &value, NOW), Some(NOW));
        assert!(BEARER.passed_at("secret", &value, NOW.saturating_add(LIFE - Duration::SECOND)).is_some());
        assert_eq!(BEARER.passed_at("secret", &value, NOW.saturating_add(LIFE)), None);
    }

    #[test]
    fn taken_to_another_host_network_browser_or_secret_it_is_void() {
        let value = BEARER.issue("secret", NOW).unwrap();
        for other in [
            Bearer { host: "other.example", ..BEARER },
            Bearer { network: "64496", ..BEARER },
            Bearer { user_agent: "curl", ..BEARER },
            Bearer { host: "app.example\n13335", network: "", ..BEARER },
        ] {
            assert_eq!(other.passed_at("secret", &value, NOW), None, "{other:?}");
        }
        assert_eq!(BEARER.passed_at("other", &value, NOW), None);
    }

    #[test]
    fn whatever_was_not_issued_is_void() {
        let value = BEARER.issue("secret", NOW).unwrap();
        let later = value.replacen("0.", "1.", 1);
        for bad in ["", ".", "0", "0.", "0.AAAA", "x.y", later.as_str(), &format!("{value}A"), &format!("+{value}")] {
            assert_eq!(BEARER.passed_at("secret", bad, NOW), None, "{bad}");
        }
    }
}
