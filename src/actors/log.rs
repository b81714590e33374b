//! What happened, as the ledger keeps it and the log shows it: one JSON object a line.
//!
//! Architecture Invariant: an entry holds no token, code, secret or cookie. `detail` is written by this crate and
//! quotes a provider only where the text was checked to be an error code. A line's may quote it further, cleaned
//! ([`crate::provider::said`]).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use crate::ambient;
use crate::config::LogSubject;
use crate::credential::ActorId;
use crate::region::Region;
use crate::runtime::{DataPoint, Isolate};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A callback arrived.
    Complete,
    /// A request did not pass.
    GetDenied,
    /// The refresh token was presented.
    Refresh,
    /// The session was used from a region.
    Observe,
    /// The grant moved.
    Migrate,
    /// Somebody ended the session.
    Revoke,
    /// The session is over.
    End,
    /// The alarm fired.
    Alarm,
    /// The user's device was bound, or had to prove itself.
    Device,
}

impl Event {
    /// As log lines have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::GetDenied => "get_denied",
            Self::Refresh => "refresh",
            Self::Observe => "observe",
            Self::Migrate => "migrate",
            Self::Revoke => "revoke",
            Self::End => "end",
            Self::Alarm => "alarm",
            Self::Device => "device",
        }
    }
}

/// What made it happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// A request of the user.
    Request,
    /// The actor's own alarm.
    Alarm,
    /// An administrator: the holder of `ADMIN_TOKEN`.
    Admin,
    /// The user's directory.
    Directory,
    /// A logout token.
    Backchannel,
    /// An administrator whom Cloudflare Access let in: `access:` and a name.
    AdminByAccess(String),
}

impl Cause {
    /// As log lines have it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Alarm => "alarm",
            Self::Admin | Self::AdminByAccess(_) => "admin",
            Self::Directory => "directory",
            Self::Backchannel => "backchannel",
        }
    }

    /// Which administrator. None: it was none.
    pub fn by(&self) -> Option<&str> {
        match self {
            Self::Admin => Some("token"),
            Self::AdminByAccess(by) => Some(by),
            Self::Request | Self::Alarm | Self::Directory | Self::Backchannel => None,
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: OffsetDateTime,
    /// What.
    pub event: Event,
    /// `ok`, or what kind of failure.
    pub outcome: String,
    /// Why.
    pub cause: Cause,
    /// Where the actor lives. None: it does not know.
    pub region: Option<Region>,
    /// How long it took.
    pub duration_ms: u32,
    /// In words.
    pub detail: String,
}

/// The JSON line of an entry.
#[derive(Serialize)]
struct LogLine<'a> {
    event: Event,
    actor: &'a str,
    class: &'static str,
    region: Option<Region>,
    outcome: &'a str,
    cause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'a str>,
    duration_ms: u32,
    #[serde(with = "time::serde::rfc3339::option")]
    next_alarm_at: Option<OffsetDateTime>,
    detail: &'a str,
}

/// What a line says beside its entry.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// Whose session it is, as [`user`] names them.
    pub user: Option<&'a str>,
    /// The session's provider, by its name in `PROVIDERS`.
    pub provider: Option<&'a str>,
    /// When the actor's alarm is next.
    pub next_alarm_at: Option<OffsetDateTime>,
    /// What the provider said.
    pub said: Option<&'a str>,
}

/// How lines name a user.
pub fn user(issuer: &str, subject: &str, how: LogSubject) -> String {
    match how {
        LogSubject::Plain => subject.to_owned(),
        LogSubject::Hash => {
            let hash = Sha256::digest(format!("{issuer}\n{subject}"));
            hex::encode(hash.get(..8).unwrap_or_default())
        }
    }
}

impl Entry {
    /// An event that began at `began` and is over `now`.
    pub fn new(
        event: Event,
        outcome: &str,
        cause: Cause,
        (began, now): (OffsetDateTime, OffsetDateTime),
        region: Option<Region>,
        detail: &str,
    ) -> Self {
        Self {
            at: now,
            event,
            outcome: outcome.to_owned(),
            cause,
            region,
            duration_ms: u32::try_from(ambient::between(began, now).whole_milliseconds()).unwrap_or_default(),
            detail: detail.to_owned(),
        }
    }

    /// The log line of an actor of this class.
    pub fn line(&self, class: &'static str, actor: &ActorId, beside: Beside<'_>) -> String {
        let detail = match beside.said {
            Some(said) => Cow::Owned(format!("{}. {said}", self.detail)),
            None => Cow::Borrowed(self.detail.as_str()),
        };
        let line = LogLine {
            event: self.event,
            actor: actor.as_str(),
            class,
            region: self.region,
            outcome: &self.outcome,
            cause: self.cause.as_str(),
            by: self.cause.by(),
            user: beside.user,
            provider: beside.provider,
            duration_ms: self.duration_ms,
            next_alarm_at: beside.next_alarm_at,
            detail: &detail,
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

/// Writes an entry to the log, and counts it.
pub fn tell(isolate: &dyn Isolate, entry: &Entry, class: &'static str, actor: &ActorId, beside: Beside<'_>) {
    isolate.log(&entry.line(class, actor, beside));
    isolate.measure(DataPoint {
        event: entry.event.as_str(),
        outcome: &entry.outcome,
        cause: entry.cause.as_str(),
        region: entry.region.map_or("", Region::as_str),
        class,
        duration_ms: entry.duration_ms,
    });
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
