//! Who a request for an application comes from: nobody, the user of a session, or a client with a JWT of its own.

use openidconnect::AccessToken;

use crate::actors::session::message::{Credential, GetIdentity, GetToken, TokenKind, TokenWithClaims};
use crate::config::routes::{Route, SessionRule, Token};
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
pub(crate) enum Need {
    /// The access token.
    Token,
    /// This token and the claims.
    Identity(TokenKind),
}

/// The token that goes upstream with this request. Where the client's own `Authorization` passes, none takes its place.
pub(crate) fn token(request: &Incoming<'_>, route: &Route) -> Token {
    if route.passes_authorization && request.header("authorization").is_some() { Token::None } else { route.token }
}

/// What this route needs of one.
pub(crate) fn need(request: &Incoming<'_>, route: &Route) -> Need {
    match token(request, route) {
        Token::Id => Need::Identity(TokenKind::Id),
        _ if route.identity_headers || !route.require.is_empty() => Need::Identity(TokenKind::Access),
        Token::Access | Token::None => Need::Token,
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
    };
    Ok(Caller::User { session, token, claims })
}
