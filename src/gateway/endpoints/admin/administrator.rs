//! Who may administer sessions: the holder of `ADMIN_TOKEN`, and at `ADMIN_ORIGIN` whoever Cloudflare Access lets in.
//!
//! Architecture Invariant: what Access sends along is a JWT, and counts only with a signature, an issuer and an audience that fit.
//! The header's presence says nothing: a request that reaches the Worker by another way can have it, too.

use crate::actors::log::Cause;
use crate::config::AdminAccess;
use crate::gateway::bearer::{self, PublishedAt};
use crate::gateway::context::Gateway;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::jose::jwt::Form;
use crate::jose::policy::{Audience, Issued};
use crate::jose::{Flaw, Jwt, Policy};
use crate::provider::said::is_invisible;

/// What Access calls its JWT.
const ASSERTION: &str = "cf-access-jwt-assertion";
/// The algorithm of Access.
const ALGORITHM: &str = "RS256";
const FORM: Form = Form { types: &["jwt"], max_bytes: 16 << 10 };
/// The claims that name a user, or a service.
const NAMES: [&str; 2] = ["email", "common_name"];

/// What stands before it.
const PREFIX: &str = "access:";
/// How many characters a name has at most, `access:` included.
const LONGEST: usize = 100;

/// Which administrator the request is from, as the cause of what it asks for. A bearer token decides alone: one that is wrong is not made
/// up for by Access.
pub(super) async fn of(gateway: &Gateway, request: &Incoming<'_>) -> Result<Cause, Problem> {
    let config = &gateway.config;
    if let Some(given) = bearer::token(request) {
        let is_good = config.admin_token.as_ref().is_some_and(|token| token.is(given));
        return if is_good { Ok(Cause::Admin) } else { Err(NO_ADMINISTRATOR) };
    }
    match (config.access_at(&request.origin), request.header(ASSERTION)) {
        (Some(access), Some(assertion)) => by_access(gateway, request, access, assertion).await,
        (Some(_), None) => Err(NOT_BY_ACCESS),
        (None, _) => Err(NO_ADMINISTRATOR),
    }
}

const NO_ADMINISTRATOR: Problem = Problem::InvalidToken("This needs the administrators' token as a bearer token.");

const NAMELESS: Problem = Problem::InvalidToken("The token names neither a user (email) nor a service (common_name).");
const NOT_BY_ACCESS: Problem =
    Problem::InvalidToken("This needs Cloudflare Access before it, or the administrators' token as a bearer token.");

async fn by_access(
    gateway: &Gateway,
    request: &Incoming<'_>,
    access: &AdminAccess,
    assertion: &str,
) -> Result<Cause, Problem> {
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
    let name = NAMES.iter().filter_map(|claim| jwt.text(claim)).map(clean).find(|name| !name.is_empty());
    name.map(|name| Cause::AdminByAccess(format!("{PREFIX}{name}"))).ok_or(NAMELESS)
}

/// A name without what a reader of the log would not see, or not see as it is.
fn clean(name: &str) -> String {
    name.chars().filter(|c| !is_invisible(*c)).take(LONGEST.saturating_sub(PREFIX.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_short_word_of_what_can_be_seen() {
        for (given, kept) in [
            ("ada@example.com", "ada@example.com"),
            (" ada@example.com\r\n{\"by\":\"token\"}", "ada@example.com{\"by\":\"token\"}"),
            ("ada\u{202e}@\u{200b}example\u{feff}.com\u{0}\u{7f}\u{85}", "ada@example.com"),
            ("jörg@example.com", "jörg@example.com"),
            (" \u{200b}\t", ""),
        ] {
            assert_eq!(clean(given), kept);
        }
        assert_eq!(format!("{PREFIX}{}", clean(&"ä".repeat(500))).chars().count(), LONGEST);
    }
}
