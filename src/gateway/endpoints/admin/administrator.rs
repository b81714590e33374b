//! Who may administer sessions: the holder of `ADMIN_TOKEN`, and at `ADMIN_ORIGIN` whoever Cloudflare Access lets in.
//!
//! Architecture Invariant: what Access sends along is a JWT, and counts only with a signature, an issuer and an audience that fit.
//! The header's presence says nothing: a request that reaches the Worker by another way can have it, too.

use crate::config::AdminAccess;
use crate::gateway::bearer::{self, PublishedAt};
use crate::gateway::context::Gateway;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::jose::jwt::Form;
use crate::jose::policy::{Audience, Issued};
use crate::jose::{Flaw, Jwt, Policy};

/// What Access calls its JWT.
const ASSERTION: &str = "cf-access-jwt-assertion";
/// The algorithm of Access.
const ALGORITHM: &str = "RS256";
const FORM: Form = Form { types: &["jwt"], max_bytes: 16 << 10 };
/// The claims that name a user, or a service.
const NAMES: [&str; 2] = ["email", "common_name"];

/// Refuses whoever is no administrator. A bearer token decides alone: one that is wrong is not made up for by Access.
pub(super) async fn check(gateway: &Gateway, request: &Incoming<'_>) -> Result<(), Problem> {
    let config = &gateway.config;
    if let Some(given) = bearer::token(request) {
        let is_good = config.admin_token.as_ref().is_some_and(|token| token.is(given));
        return if is_good { Ok(()) } else { Err(NO_ADMINISTRATOR) };
    }
    match (config.access_at(&request.origin), request.header(ASSERTION)) {
        (Some(access), Some(assertion)) => by_access(gateway, request, access, assertion).await,
        (Some(_), None) => Err(NOT_BY_ACCESS),
        (None, _) => Err(NO_ADMINISTRATOR),
    }
}

const NO_ADMINISTRATOR: Problem = Problem::InvalidToken("This needs the administrators' token as a bearer token.");

const NOT_BY_ACCESS: Problem =
    Problem::InvalidToken("This needs Cloudflare Access before it, or the administrators' token as a bearer token.");

async fn by_access(
    gateway: &Gateway,
    request: &Incoming<'_>,
    access: &AdminAccess,
    assertion: &str,
) -> Result<(), Problem> {
    // Access lets a browser in by a cookie, which the browser sends along for any site.
    if !request.is_by_own_page() {
        return Err(Problem::CsrfRejected);
    }
    let jwt = Jwt::parse(assertion, FORM)?;
    if !jwt.algorithm.is_named(ALGORITHM) {
        return Err(Flaw::Algorithm.into());
    }
    let policy = Policy {
        is_issuer: &|iss| iss == access.issuer,
        audience: Audience::Among(&access.audience),
        issued: Issued::Before,
    };
    policy.check_times(&jwt.claims, gateway.now()).and_then(|()| policy.check_parties(&jwt.claims))?;
    let published = PublishedAt { variable: "ADMIN_ACCESS", uri: access.certs.as_str() };
    gateway.client_keys.check(&jwt, published, &gateway.link, &gateway.verified).await?;
    let name = NAMES.iter().find_map(|claim| jwt.text(claim).filter(|name| !name.is_empty()));
    name.map(|_| ()).ok_or(Problem::InvalidToken("The token names neither a user (email) nor a service (common_name)."))
}
