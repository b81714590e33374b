//! `/frontchannel-logout`: the provider's logout page opens this in a frame, with what names its session (OpenID Connect Front-Channel
//! Logout 1.0).
//!
//! The frame is another site's, and so has no cookie. What it names is all there is: whoever knows the `sid` of a session can end it, and do
//! nothing else with it.

use crate::actors;
use crate::actors::directory_message::name::of_provider_session;
use crate::actors::directory_message::{self, List, RevokeAll};
use crate::actors::end_reason::EndReason;
use crate::actors::log::Cause;
use crate::gateway::answer::response::{Body, Outgoing};
use crate::gateway::context::Gateway;
use crate::gateway::endpoints::sessions;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::gateway::request::parameters::Parameters;
use crate::provider::Provider;

/// The longest `sid`, in bytes.
const MAX_SID: usize = 1024;

/// Ends the sessions of the provider's session that is named. 200, whatever it names: what there is is nobody's business.
pub(crate) async fn serve(gateway: &Gateway, request: &Incoming<'_>) -> Result<Outgoing, Problem> {
    let query = request.query();
    for directory in directories(gateway, &query) {
        end(gateway, &directory).await?;
    }
    let origins = origins(gateway, query.get("iss")).await.join(" ");
    let framed_by = if origins.is_empty() { "'none'" } else { &origins };
    let policy = format!("default-src 'none'; base-uri 'none'; frame-ancestors {framed_by}");
    Ok(Outgoing::new(200, Body::Html("<!doctype html>\n".to_owned())).header("content-security-policy", &policy))
}

/// Where the page may stand in a frame: at the provider that says whose it is. Of several, one that does not say has no more than its issuer.
async fn origins(gateway: &Gateway, iss: Option<&str>) -> Vec<String> {
    let providers = &gateway.config.providers;
    let named = providers.single().or_else(|| providers.of_issuer(Some(iss?)).next().map(|(one, _)| one));
    if let Some(named) = named {
        return Provider::new(&named.settings, gateway.link.clone()).logout_origins(gateway.now()).await;
    }
    let mut origins: Vec<String> = Vec::new();
    for origin in providers.iter().filter_map(|one| one.settings.issuer_origin()) {
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    origins
}

/// The names of the directories that may know the sessions; none where the parameters name no session that could be there.
fn directories(gateway: &Gateway, query: &Parameters) -> Vec<String> {
    let Some(sid) = query.get("sid").filter(|sid| !sid.is_empty() && sid.len() <= MAX_SID) else { return Vec::new() };
    let mut issuers: Vec<&str> =
        gateway.config.providers.of_issuer(query.get("iss")).map(|(_, issuer)| issuer).collect();
    issuers.sort_unstable();
    issuers.dedup();
    issuers.into_iter().map(|issuer| of_provider_session(issuer, sid)).collect()
}

async fn end(gateway: &Gateway, directory: &str) -> Result<(), Problem> {
    let address = directory_message::address(directory, gateway.config.regions.jurisdiction);
    // Anybody can name a session. A directory that knows none writes nothing unless it is told to end all.
    let known = actors::ask(&*gateway.actors, &address, List { cursor: None, limit: 1 }).await??;
    if known.listed.is_empty() {
        return Ok(());
    }
    let revoke = RevokeAll { counterpart: None, reason: EndReason::Logout, cause: Cause::Request, logout_token: None };
    sessions::end_all(gateway, &address, revoke).await??;
    Ok(())
}
