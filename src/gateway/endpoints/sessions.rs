//! `/sessions`: where the user is logged in, and the end of each of these sessions. Lists come in pages, and the end of all
//! sessions in steps: a directory asks no more sessions at once than one invocation of the platform may make calls.

use crate::actors::directory_message::name::of_user;
use crate::actors::directory_message::{
    self, BATCH, DirectoryAddress, DirectoryError, List, RevokeAll, SessionPage, Sweep, Swept,
};
use crate::actors::end_reason::EndReason;
use crate::actors::log::Cause;
use crate::actors::session::message::{Authority, Denied, Describe, Revoke};
use crate::actors::session::{address, follow};
use crate::actors::{self, AskError};
use crate::credential::ActorId;
use crate::gateway::answer::json;
use crate::gateway::answer::response::{Body, Outgoing};
use crate::gateway::context::Gateway;
use crate::gateway::endpoints::session;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::gateway::request::parameters::Parameters;

/// The most sessions of one page, and the most that are ended before an answer.
const MOST: u32 = 500;
/// How many sessions a page has by default.
const USUAL: u32 = 100;
/// How often one request asks a directory: below the platform's smallest limit for the calls of one invocation.
const STEPS: u32 = 30;
/// How long the end of all sessions may take before the answer.
const WAIT_LIMIT: time::Duration = time::Duration::seconds(60);

/// Which page of a list is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    limit: u32,
    cursor: Option<String>,
}

impl Paging {
    /// What the query says.
    pub(crate) fn of(query: &Parameters) -> Result<Self, Problem> {
        Self::new(query.get("limit"), query.get("cursor"))
    }

    fn new(limit: Option<&str>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = limit.map_or(Some(USUAL), |text| {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|limit| is_number && (1..=MOST).contains(limit))
        });
        let limit = limit.ok_or(Problem::BadRequest("limit must be a whole number, 1 to 500."))?;
        Ok(Self { limit, cursor: cursor.map(str::to_owned) })
    }
}

/// The sessions of the request's user.
pub(crate) async fn serve(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    let paging = Paging::of(&request.query())?;
    let view = session::view(gateway, request).await?;
    let page = page_of(gateway, &view.issuer, &view.subject, paging).await?;
    let current = request.session_actor().ok_or(Problem::LoginRequired)?;
    Ok(Outgoing::new(200, json::sessions(&page, &current)))
}

/// A page of the sessions of a user. If it is shorter than asked for, there may be a next one.
pub(crate) async fn page_of(
    gateway: &Gateway,
    issuer: &str,
    subject: &str,
    paging: Paging,
) -> Result<SessionPage, Problem> {
    let address = directory_of(gateway, issuer, subject)?;
    let Paging { limit, cursor } = paging;
    let mut page = SessionPage { listed: Vec::new(), next: cursor };
    for _ in 0..STEPS {
        let have = u32::try_from(page.listed.len()).unwrap_or(u32::MAX);
        let list = List { cursor: page.next.take(), limit: limit.saturating_sub(have).min(BATCH) };
        let more = actors::ask(&*gateway.actors, &address, list).await??;
        page.listed.extend(more.listed);
        page.next = more.next;
        if page.next.is_none() || page.listed.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            break;
        }
    }
    Ok(page)
}

pub(crate) fn directory_of(gateway: &Gateway, issuer: &str, subject: &str) -> Result<DirectoryAddress, Problem> {
    Ok(directory_message::address(&of_user(issuer, subject), gateway.config.regions.jurisdiction))
}

/// Ends the sessions of a directory. If there are very many, the directory's alarm ends the rest.
pub(crate) async fn end_all(
    gateway: &Gateway,
    address: &DirectoryAddress,
    revoke: RevokeAll,
) -> Result<Result<Swept, DirectoryError>, AskError> {
    let (cause, until) = (revoke.cause.clone(), gateway.now().saturating_add(WAIT_LIMIT));
    let mut swept = match actors::ask(&*gateway.actors, address, revoke).await? {
        Ok(swept) => swept,
        Err(error) => return Ok(Err(error)),
    };
    for _ in 1..STEPS {
        let (Some(after), true) = (swept.last.clone(), swept.left > 0) else { break };
        let at_most = MOST.saturating_sub(swept.revoked).min(BATCH);
        if at_most == 0 || gateway.now() >= until {
            break;
        }
        let more = match actors::ask(&*gateway.actors, address, Sweep { after, at_most, cause: cause.clone() }).await? {
            Ok(more) => more,
            Err(error) => return Ok(Err(error)),
        };
        swept = Swept {
            revoked: swept.revoked.saturating_add(more.revoked),
            unreachable: swept.unreachable.saturating_add(more.unreachable),
            ..more
        };
    }
    Ok(if swept.unreachable > 0 { Err(DirectoryError::Incomplete) } else { Ok(swept) })
}

/// Ends one of them.
pub(crate) async fn end_own(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    let view = session::view(gateway, request).await?;
    let id = request.address.path().rsplit('/').next().unwrap_or_default();
    let id: ActorId = id.parse().map_err(|_| Problem::NotFound)?;
    let described = match actors::ask(&*gateway.actors, &address::existing_session(&id), Describe {}).await {
        Err(AskError::NoSuchActor) => None,
        described => described?,
    };
    let described = described.ok_or(Problem::NotFound)?;
    if described.subject != view.subject || described.issuer != view.issuer {
        return Err(Problem::NotFound);
    }
    revoke(gateway, &id, Cause::Request).await?;
    let response = Outgoing::new(204, Body::Empty);
    let current = request.session_actor();
    Ok(if current == Some(id) {
        response.cookie(&request.jar().clear_session(gateway.config.same_site))
    } else {
        response
    })
}

/// Ends a session wherever it lives. The caller has checked the right to it. A session that has ended stays ended.
pub(crate) async fn revoke(gateway: &Gateway, id: &ActorId, cause: Cause) -> Result<(), Problem> {
    let revoke = || Revoke { authority: Authority::Trusted(cause.clone()), reason: EndReason::Revoked, logout: None };
    match follow::ask(&*gateway.actors, id, revoke).await?.reply {
        Ok(_) | Err(Denied::Ended(_)) => Ok(()),
        Err(Denied::Unknown) => Err(Problem::NotFound),
        Err(denied) => Err(denied.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_1_to_500_sessions_and_100_where_nobody_says() {
        let limit = |text| Paging::new(text, None).map(|paging| paging.limit);
        assert_eq!([None, Some("1"), Some("500")].map(limit), [Ok(100), Ok(1), Ok(500)]);
        for wrong in ["", "0", "501", "-1", "+1", "1.5", "1e2", " 1", "99999999999", "all"] {
            assert!(matches!(limit(Some(wrong)), Err(Problem::BadRequest(_))), "{wrong}");
        }
    }
}
