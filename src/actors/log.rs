//! What happened, as the ledger keeps it and the log shows it: one JSON object a line.
//!
//! Architecture Invariant: an entry holds no token, code, secret or cookie. `detail` is written by this crate and
//! quotes a provider only where the text was checked to be an error code.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::ambient;
use crate::credential::ActorId;
use crate::region::Region;

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
}

/// What made it happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A request of the user.
    Request,
    /// The actor's own alarm.
    Alarm,
    /// An administrator.
    Admin,
    /// The user's directory.
    Directory,
    /// A logout token.
    Backchannel,
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
    /// Where the actor lives; none where it cannot tell.
    pub region: Option<Region>,
    /// How long it took.
    pub duration_ms: u32,
    /// In words.
    pub detail: String,
}

/// The JSON line of an entry.
#[derive(Serialize)]
struct Line<'a> {
    event: Event,
    actor: &'a str,
    class: &'static str,
    region: Option<Region>,
    outcome: &'a str,
    cause: Cause,
    duration_ms: u32,
    #[serde(with = "time::serde::rfc3339::option")]
    next_alarm_at: Option<OffsetDateTime>,
    detail: &'a str,
}

impl Entry {
    /// An event that began at `began` and is over now.
    pub fn new(
        event: Event,
        outcome: &str,
        cause: Cause,
        began: OffsetDateTime,
        region: Option<Region>,
        detail: &str,
    ) -> Self {
        let now = ambient::now();
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
    pub fn line(&self, class: &'static str, actor: &ActorId, next_alarm_at: Option<OffsetDateTime>) -> String {
        let line = Line {
            event: self.event,
            actor: actor.as_str(),
            class,
            region: self.region,
            outcome: &self.outcome,
            cause: self.cause,
            duration_ms: self.duration_ms,
            next_alarm_at,
            detail: &self.detail,
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_is_one_json_object_in_the_documented_shape() {
        let entry = Entry {
            at: OffsetDateTime::UNIX_EPOCH,
            event: Event::GetDenied,
            outcome: "ended".into(),
            cause: Cause::Request,
            region: Some(Region::Oc),
            duration_ms: 3,
            detail: "idle".into(),
        };
        let id = "0".repeat(64).parse().unwrap();
        assert_eq!(
            entry.line("SessionActor", &id, Some(OffsetDateTime::UNIX_EPOCH)),
            format!(
                r#"{{"event":"get_denied","actor":"{}","class":"SessionActor","region":"oc","outcome":"ended","cause":"request","duration_ms":3,"next_alarm_at":"1970-01-01T00:00:00Z","detail":"idle"}}"#,
                "0".repeat(64)
            )
        );
    }
}
