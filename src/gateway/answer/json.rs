//! Sessions as JSON: the shapes that users and administrators get. None of them holds a token, secret or cookie. Pure.

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::serde::rfc3339;

use crate::actors::directory_message::{Listed, SessionPage, Swept};
use crate::actors::log::{Entry, Event};
use crate::actors::session::view::{Inspection, SessionView};
use crate::actors::summary::Summary;
use crate::credential::ActorId;
use crate::gateway::answer::response::Body;
use crate::region::Region;

/// A session as its user sees it: `GET /session`.
#[derive(Serialize)]
struct SessionJson<'a> {
    subject: &'a str,
    issuer: &'a str,
    claims: Value,
    region: Region,
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "rfc3339")]
    idle_expires_at: OffsetDateTime,
    #[serde(with = "rfc3339")]
    expires_at: OffsetDateTime,
    #[serde(with = "rfc3339::option")]
    access_token_expires_at: Option<OffsetDateTime>,
    provider: Option<&'a str>,
}

/// One line of a list of sessions.
#[derive(Serialize)]
struct SessionSummary<'a> {
    id: &'a str,
    region: Region,
    country: Option<&'a str>,
    state: &'a str,
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    #[serde(with = "rfc3339")]
    expires_at: OffsetDateTime,
    user_agent: Option<&'a str>,
    device: Option<DeviceJson>,
    provider: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    current: bool,
}

/// The device that a session is bound to.
#[derive(Serialize)]
struct DeviceJson {
    #[serde(with = "rfc3339")]
    bound_at: OffsetDateTime,
}

/// A page of a list of sessions.
#[derive(Serialize)]
struct Sessions<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    sessions: Vec<SessionSummary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
}

/// How many sessions ended, and how many are still to end.
#[derive(Serialize)]
struct RevokedJson {
    revoked: u32,
    #[serde(skip_serializing_if = "is_zero")]
    pending: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A session as an administrator sees it: `GET /admin/sessions/{id}`.
#[derive(Serialize)]
struct SessionDetail<'a> {
    #[serde(flatten)]
    summary: SessionSummary<'a>,
    subject: Option<&'a str>,
    issuer: Option<&'a str>,
    store: &'static str,
    epoch: u32,
    generation: u64,
    #[serde(with = "rfc3339::option")]
    next_alarm_at: Option<OffsetDateTime>,
    #[serde(with = "rfc3339::option")]
    access_token_expires_at: Option<OffsetDateTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_to: Option<&'a str>,
    ledger: Vec<LedgerEntry<'a>>,
}

/// One event of a session.
#[derive(Serialize)]
struct LedgerEntry<'a> {
    #[serde(with = "rfc3339")]
    at: OffsetDateTime,
    event: Event,
    outcome: &'a str,
    cause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    region: Option<Region>,
    duration_ms: u32,
    detail: &'a str,
}

/// `Session`.
pub fn session(view: &SessionView) -> Body {
    body(&SessionJson {
        subject: &view.subject,
        issuer: &view.issuer,
        claims: serde_json::from_str(&view.claims).unwrap_or_default(),
        region: view.region,
        created_at: view.created_at,
        idle_expires_at: view.idle_expires_at,
        expires_at: view.expires_at,
        access_token_expires_at: view.access_token_expires_at,
        provider: view.provider.as_deref(),
    })
}

/// `{"sessions":[SessionSummary]}`, one of them the `current` one, and `"next"` where there is more.
pub fn sessions(page: &SessionPage, current: &ActorId) -> Body {
    let sessions = summaries(&page.listed, Some(current));
    body(&Sessions { subject: None, issuer: None, sessions, next: page.next.as_deref() })
}

/// `{"subject","issuer","sessions":[SessionSummary]}`, and `"next"` where there is more.
pub fn sessions_of(subject: &str, issuer: &str, page: &SessionPage) -> Body {
    let sessions = summaries(&page.listed, None);
    body(&Sessions { subject: Some(subject), issuer: Some(issuer), sessions, next: page.next.as_deref() })
}

/// `{"revoked":2}`, and `"pending"` where some are still to end.
pub fn revoked(swept: &Swept) -> Body {
    body(&RevokedJson { revoked: swept.revoked, pending: swept.left })
}

/// `SessionDetail`.
pub fn detail(id: &ActorId, inspection: &Inspection) -> Body {
    body(&SessionDetail {
        summary: summary(id, &inspection.summary, false),
        subject: inspection.subject.as_deref(),
        issuer: inspection.issuer.as_deref(),
        store: inspection.store.as_str(),
        epoch: inspection.epoch,
        generation: inspection.generation,
        next_alarm_at: inspection.next_alarm_at,
        access_token_expires_at: inspection.access_token_expires_at,
        moved_to: inspection.moved_to.as_ref().map(ActorId::as_str),
        ledger: inspection.ledger.iter().map(entry).collect(),
    })
}

fn summaries<'a>(listed: &'a [Listed], current: Option<&ActorId>) -> Vec<SessionSummary<'a>> {
    listed.iter().map(|listed| summary(&listed.actor, &listed.summary, current == Some(&listed.actor))).collect()
}

fn summary<'a>(id: &'a ActorId, summary: &'a Summary, current: bool) -> SessionSummary<'a> {
    SessionSummary {
        id: id.as_str(),
        region: summary.region,
        country: summary.country.as_deref(),
        state: summary.state.as_str(),
        created_at: summary.created_at,
        last_used_at: summary.last_used_at,
        expires_at: summary.expires_at,
        user_agent: summary.user_agent.as_deref(),
        device: summary.bound_at.map(|bound_at| DeviceJson { bound_at }),
        provider: summary.provider.as_deref(),
        current,
    }
}

fn entry(entry: &Entry) -> LedgerEntry<'_> {
    LedgerEntry {
        at: entry.at,
        event: entry.event,
        outcome: &entry.outcome,
        cause: entry.cause.as_str(),
        by: entry.cause.by(),
        region: entry.region,
        duration_ms: entry.duration_ms,
        detail: &entry.detail,
    }
}

fn body(value: &impl Serialize) -> Body {
    Body::Json(serde_json::to_string(value).unwrap_or_default())
}
