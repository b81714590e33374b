//! Who a request for an application comes from: nobody, the user of a session, or a client with a JWT of its own.

use openidconnect::AccessToken;

use crate::actors::session::message::{Credential, GetIdentity, GetTargetToken, GetToken, TokenKind, TokenWithClaims};
use crate::config::routes::{Route, SessionRule, Token};
use crate::config::target::TargetKey;
use crate::credential::Secret;
use crate::gateway::ask_session::ask_session_on;
use crate::gateway::context::Gateway;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::jose::Claims;
use crate::region::Region;

/// Who a request comes from.
pub(crate) enum Caller {
    /// Nobody, or somebody that the route does not ask for.
    Nobody,
    /// The user whose session cookie came along.
    User {
        /// What the cookie says.
        session: Credential,
        /// The token that the route forwards.
        token: AccessToken,
        /// Where the route forwards or requires any.
        claims: Claims,
    },
    /// A client that brought its own JWT.
    Client {
        /// The JWT's.
        claims: Claims,
    },
}

impl Caller {
    /// What is known of them.
    pub(crate) const fn claims(&self) -> Option<&Claims> {
        match self {
            Self::Nobody => None,
            Self::User { claims, .. } | Self::Client { claims } => Some(claims),
        }
    }
}

/// What a route needs of a session.
#[derive(Clone, Copy)]
pub(crate) enum Need<'a> {
    /// The access token.
    Token,
    /// This token and the claims.
    Identity(TokenKind),
    /// The access token for this target, and the claims where the route forwards or requires any.
    Target(&'a TargetKey, bool),
}

impl<'a> Need<'a> {
    /// As a question to the session asks for it: which token beside the claims, and what the access token is for.
    pub(crate) fn asked(self) -> (Option<TokenKind>, Option<&'a TargetKey>) {
        match self {
            Self::Token => (None, None),
            Self::Identity(kind) => (Some(kind), None),
            Self::Target(key, with_claims) => (with_claims.then_some(TokenKind::Access), Some(key)),
        }
    }
}

/// The token that goes upstream with this request. Where the client's own `Authorization` passes, none takes its place.
pub(crate) fn token(request: &Incoming<'_>, route: &Route) -> Token {
    if route.passes_authorization && request.header("authorization").is_some() { Token::None } else { route.token }
}

/// What this route needs of one.
pub(crate) fn need<'a>(request: &Incoming<'_>, route: &'a Route) -> Need<'a> {
    let with_claims = route.identity_headers || route.requires_claims();
    match (token(request, route), &route.target) {
        (Token::Id, _) => Need::Identity(TokenKind::Id),
        (Token::Access, Some(target)) => Need::Target(&target.key, with_claims),
        (Token::Access | Token::None, _) if with_claims => Need::Identity(TokenKind::Access),
        (Token::Access | Token::None, _) => Need::Token,
    }
}

/// The visitor's region. None: the session does not move because of this request.
pub(crate) fn moves_from(request: &Incoming<'_>, route: &Route) -> Option<Region> {
    // A move may lead through the provider, and so through a login. A route that needs no login does not cause one.
    if route.session == SessionRule::Optional { None } else { request.navigation_from(request.path_and_query()) }
}

/// The user whose session cookie came along. If there is none and the route allows that: nobody.
pub(crate) async fn user(gateway: &Gateway, request: &Incoming<'_>, route: &Route) -> Result<Caller, Problem> {
    match session_user(gateway, request, route).await {
        Err(Problem::LoginRequired | Problem::SessionEnded(_)) if route.session == SessionRule::Optional => {
            Ok(Caller::Nobody)
        }
        caller => caller,
    }
}

async fn session_user(gateway: &Gateway, request: &Incoming<'_>, route: &Route) -> Result<Caller, Problem> {
    let session = request.cookies.session.clone().ok_or(Problem::LoginRequired)?;
    let navigation_from = moves_from(request, route);
    let (token, claims) = match need(request, route) {
        Need::Token => {
            let get = |secret: &Secret| GetToken { secret: secret.clone(), navigation_from };
            (ask_session_on(gateway, request, route, get).await??, Claims::new())
        }
        Need::Identity(token) => {
            let get = |secret: &Secret| GetIdentity { secret: secret.clone(), token, navigation_from };
            let TokenWithClaims { token, claims } = *ask_session_on(gateway, request, route, get).await??;
            (token, serde_json::from_str(&claims).unwrap_or_default())
        }
        Need::Target(target, _) => {
            let get =
                |secret: &Secret| GetTargetToken { secret: secret.clone(), target: target.clone(), navigation_from };
            let TokenWithClaims { token, claims } = *ask_session_on(gateway, request, route, get).await??;
            (token, serde_json::from_str(&claims).unwrap_or_default())
        }
    };
    Ok(Caller::User { session, token, claims })
}
