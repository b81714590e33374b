//! How long sessions live, how many a user may have, their cookie, and how log lines name a user.

use time::Duration;

use super::reader::Reader;

/// How long the states of a session last.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// `SESSION_IDLE_SECONDS`: without a use.
    pub idle: Duration,
    /// `SESSION_ABSOLUTE_SECONDS`: at the most.
    pub absolute: Duration,
    /// `LOGIN_TIMEOUT_SECONDS`: how long a login may take.
    pub login: Duration,
}

/// The `SameSite` attribute of the session cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Sent with navigations from other sites.
    Lax,
    /// Sent within the site alone.
    Strict,
}

/// How log lines name a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSubject {
    /// By a hash. It names the user only to a reader who knows the user already.
    Hash,
    /// By the subject.
    Plain,
}

/// The highest limit of a user's sessions that makes sense.
const MOST_SESSIONS: u32 = 1_000_000;

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// How many sessions a user may have at once.
    pub(super) fn sessions_per_user(&mut self) -> Option<u32> {
        let limit = self.text("SESSIONS_PER_USER").map_or(Ok(100), |text| text.parse::<u32>());
        match limit {
            Ok(limit) if limit <= MOST_SESSIONS => (limit > 0).then_some(limit),
            _ => {
                let message =
                    format!("must be a whole number, 0 to {MOST_SESSIONS}; the default is 100, and 0 is no limit");
                self.problem("SESSIONS_PER_USER", &message);
                None
            }
        }
    }

    pub(super) fn cookie_prefix(&mut self) -> String {
        let text = self.text("COOKIE_PREFIX").unwrap_or_default();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let name = text.strip_suffix('-').unwrap_or_default();
        // `http-` would make the device cookie's name one of those that browsers don't bind to a device.
        let named = (1..32).contains(&name.len()) && text.bytes().all(plain) && !text.starts_with("http-");
        if !text.is_empty() && !named {
            self.problem(
                "COOKIE_PREFIX",
                "must be lower-case letters, digits and - with a - at the end, 32 at the most, such as shop-; not http-",
            );
        }
        text
    }
}
