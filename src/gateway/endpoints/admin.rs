//! `/admin/`: the administrators' API to every session, and their console.
//!
//! Architecture Invariant: without `ADMIN_TOKEN` and `ADMIN_ACCESS` there is nothing here, and for anybody but an administrator
//! ([`administrator`]) nothing but pages without data. The console, into which the token is typed, is at `ADMIN_ORIGIN`
//! alone: there, nothing of the application ever answers, so that none of its pages or service workers can read it.

mod administrator;
mod console;

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::actors::directory_message::RevokeAll;
use crate::actors::end_reason::EndReason;
use crate::actors::log::Cause;
use crate::actors::session::message::{Authority, Denied, Destination, Inspect, Migrate, Migrated, Refresh};
use crate::actors::session::{address, follow};
use crate::actors::{self, AskError};
use crate::credential::ActorId;
use crate::gateway::answer::json;
use crate::gateway::answer::response::{Body, Outgoing};
use crate::gateway::context::Gateway;
use crate::gateway::endpoints::sessions::{self, Paging};
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::gateway::request::parameters::Parameters;
use crate::region::Region;

/// What there is under `/admin`.
#[derive(Debug, PartialEq, Eq)]
enum Resource {
    /// `/admin`
    Bare,
    /// `/admin/`
    Console,
    /// `/admin/openapi.json`
    OpenApi,
    /// `/admin/users/{subject}/sessions`
    User(String),
    /// `/admin/sessions/{id}`
    Session(ActorId),
    /// `/admin/sessions/{id}/refresh`
    Refresh(ActorId),
    /// `/admin/sessions/{id}/migrate`
    Migrate(ActorId),
}

impl Resource {
    /// The resource of a path under `/admin`.
    fn of(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.split('/').collect();
        match segments.as_slice() {
            [""] => Some(Self::Bare),
            ["", ""] => Some(Self::Console),
            ["", "openapi.json"] => Some(Self::OpenApi),
            ["", "users", subject, "sessions"] if !subject.is_empty() => {
                Some(Self::User(percent_decode_str(subject).decode_utf8().ok()?.into_owned()))
            }
            ["", "sessions", id] => Some(Self::Session(id.parse().ok()?)),
            ["", "sessions", id, "refresh"] => Some(Self::Refresh(id.parse().ok()?)),
            ["", "sessions", id, "migrate"] => Some(Self::Migrate(id.parse().ok()?)),
            _ => None,
        }
    }

    const fn methods(&self) -> &'static str {
        match self {
            Self::Bare | Self::Console | Self::OpenApi => "GET, HEAD",
            Self::User(_) | Self::Session(_) => "GET, HEAD, DELETE",
            Self::Refresh(_) | Self::Migrate(_) => "POST",
        }
    }

    /// Whether only the administrators' own host has it.
    const fn is_console(&self) -> bool {
        matches!(self, Self::Bare | Self::Console)
    }

    const fn is_open(&self) -> bool {
        matches!(self, Self::Bare | Self::Console | Self::OpenApi)
    }
}

/// What a body gets that is no [`MigrateTo`].
const NO_REGION: &str =
    "The body must be a JSON object with one field, region: one of wnam, enam, sam, weur, eeur, apac, oc, afr, me.";

/// The body of a migration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MigrateTo {
    region: Region,
}

/// Serves what is under `/admin`.
pub(crate) async fn serve(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    let prefix = format!("{}/admin", gateway.config.auth_prefix);
    let resource = Resource::of(request.address.path().strip_prefix(&prefix).unwrap_or_default());
    let at_home = gateway.config.admin_origin.as_ref() == Some(&request.origin);
    if resource.as_ref().is_some_and(Resource::is_console) && !at_home {
        return Err(Problem::NotFound);
    }
    let by = match &resource {
        // Nobody is asked for, and nothing is done.
        Some(open) if open.is_open() => Cause::Request,
        Some(_) | None => administrator::of(gateway, request).await?,
    };
    let resource = resource.ok_or(Problem::NotFound)?;
    if !resource.methods().split(", ").any(|allowed| allowed == request.method()) {
        return Err(Problem::MethodNotAllowed(resource.methods()));
    }
    let deletes = request.method() == "DELETE";
    match resource {
        Resource::Bare => Ok(Outgoing::redirect(308, &format!("{prefix}/"))),
        Resource::Console => {
            Ok(console::page(&gateway.config.brand, gateway.config.access_at(&request.origin).is_some()))
        }
        Resource::OpenApi => Ok(console::openapi(&gateway.config.auth_prefix)),
        Resource::User(subject) if deletes => revoke_user(gateway, request, &subject, by).await,
        Resource::User(subject) => {
            let query = request.query();
            let issuer = issuer(gateway, &query)?;
            let page = sessions::page_of(gateway, issuer, &subject, Paging::of(&query)?).await?;
            Ok(Outgoing::new(200, json::sessions_of(&subject, issuer, &page)))
        }
        Resource::Session(id) if deletes => {
            sessions::revoke(gateway, &id, by).await.map_err(unknown)?;
            Ok(Outgoing::new(204, Body::Empty))
        }
        Resource::Session(id) => detail(gateway, &id).await,
        Resource::Refresh(id) => refresh(gateway, &id, by).await,
        Resource::Migrate(id) => migrate(gateway, request, &id, by).await,
    }
}

/// Whose user is meant.
fn issuer<'a>(gateway: &'a Gateway, query: &'a Parameters) -> Result<&'a str, Problem> {
    let named = query.get("issuer");
    gateway.config.providers.issuer_named(named).ok_or(match named {
        Some(_) => Problem::BadRequest("issuer must be one whose users may log in here."),
        None => Problem::BadRequest(
            "Users of several issuers log in here: say with the parameter issuer whose user is meant.",
        ),
    })
}

async fn revoke_user(gateway: &Gateway, request: &Incoming<'_>, subject: &str, by: Cause) -> Result<Outgoing, Problem> {
    let query = request.query();
    let address = sessions::directory_of(gateway, issuer(gateway, &query)?, subject)?;
    let revoke = RevokeAll { counterpart: None, reason: EndReason::Revoked, cause: by, logout_token: None };
    let swept = sessions::end_all(gateway, &address, revoke).await??;
    Ok(Outgoing::new(if swept.left > 0 { 202 } else { 200 }, json::revoked(&swept)))
}

async fn detail(gateway: &Gateway, id: &ActorId) -> Result<Outgoing, Problem> {
    let inspection = match actors::ask(&*gateway.actors, &address::existing_session(id), Inspect {}).await {
        Err(AskError::NoSuchActor) => None,
        inspection => inspection?,
    };
    let inspection = inspection.ok_or(Problem::NotFound)?;
    Ok(Outgoing::new(200, json::detail(id, &inspection)))
}

async fn refresh(gateway: &Gateway, id: &ActorId, by: Cause) -> Result<Outgoing, Problem> {
    let refresh = || Refresh { authority: Authority::Trusted(by.clone()) };
    let followed = follow::ask(&*gateway.actors, id, refresh).await.map_err(|error| unknown(error.into()))?;
    match followed.reply {
        // Without a refresh token there is no refresh. The ledger says so.
        Ok(_) | Err(Denied::Reauthenticate) => {
            detail(gateway, followed.moved_to.as_ref().map_or(id, |to| &to.actor)).await
        }
        Err(denied) => Err(refused(denied)),
    }
}

async fn migrate(gateway: &Gateway, request: &Incoming<'_>, id: &ActorId, by: Cause) -> Result<Outgoing, Problem> {
    let MigrateTo { region } = request.json().await.map_err(|problem| match problem {
        Problem::BadRequest(_) => Problem::BadRequest(NO_REGION),
        other => other,
    })?;
    if gateway.config.regions.jurisdiction.is_some() {
        return Err(Problem::BadRequest("JURISDICTION keeps all sessions where they are."));
    }
    let migrate = || Migrate { authority: Authority::Trusted(by.clone()), destination: Destination::Region(region) };
    let followed = follow::ask(&*gateway.actors, id, migrate).await.map_err(|error| unknown(error.into()))?;
    match followed.reply {
        Ok(Migrated::Lives(to)) => detail(gateway, &to.actor).await,
        Ok(Migrated::Leaves(_)) => Err(Problem::StoreUnavailable),
        Err(denied) => Err(refused(denied)),
    }
}

/// An answer that pages of other origins cannot reach, even if one opened the other.
pub(crate) fn apart(answer: Outgoing) -> Outgoing {
    answer.header("cross-origin-opener-policy", "same-origin")
}

/// An id that the platform never issued names nothing.
fn unknown(problem: Problem) -> Problem {
    if problem == Problem::LoginRequired { Problem::NotFound } else { problem }
}

fn refused(denied: Denied) -> Problem {
    match denied {
        Denied::Unknown => Problem::NotFound,
        Denied::Ended(reason) => Problem::AlreadyEnded(reason),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_resource_or_nothing() {
        let id = "ab".repeat(32);
        let actor = || id.parse().unwrap();
        for (path, resource) in [
            ("", Some(Resource::Bare)),
            ("/", Some(Resource::Console)),
            ("/openapi.json", Some(Resource::OpenApi)),
            ("/users/auth0%7Cada%2F1/sessions", Some(Resource::User("auth0|ada/1".into()))),
            (&format!("/sessions/{id}"), Some(Resource::Session(actor()))),
            (&format!("/sessions/{id}/refresh"), Some(Resource::Refresh(actor()))),
            (&format!("/sessions/{id}/migrate"), Some(Resource::Migrate(actor()))),
            ("/users//sessions", None),
            ("/users/%ff/sessions", None),
            ("/sessions/short", None),
            (&format!("/sessions/{id}/"), None),
            ("/openapi.json/", None),
        ] {
            assert_eq!(Resource::of(path), resource, "{path}");
        }
    }
}
