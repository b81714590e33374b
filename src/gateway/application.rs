//! A request for an application: the rules of its route, and who it comes from. Whoever passes is proxied.
//!
//! ```text
//!   from this site? ──► a machine? ──► whose? ──► may they? ──► proxy
//!   403                 403, captcha   401        403
//! ```

use openidconnect::AccessToken;

use super::bearer;
use super::identity::{self, Claims};
use super::problem::Problem;
use super::request::Incoming;
use super::{Gateway, csrf};
use crate::actors::log;
use crate::actors::session::message::{Credential, Get, Got, Identified, Want};
use crate::config::routes::{Route, SessionRule, Token};
use crate::credential::Secret;

/// Who a request comes from.
pub(super) enum Caller {
    /// Nobody, or nobody that the route wants to know.
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
    pub(super) const fn claims(&self) -> Option<&Claims> {
        match self {
            Self::Nobody => None,
            Self::User { claims, .. } | Self::Client { claims } => Some(claims),
        }
    }
}

impl Gateway {
    /// A request for the application: it is proxied, or its sender is told what is missing.
    pub(super) async fn application(&self, request: &Incoming, route: &Route) -> worker::Result<web_sys::Response> {
        match self.pass(request, route).await {
            Ok(response) => Ok(response),
            Err(problem @ (Problem::LoginRequired | Problem::SessionEnded(_))) if request.is_navigation() => {
                self.send_to_login(request, &problem).into_platform()
            }
            Err(problem @ Problem::CaptchaRequired(_)) if request.is_navigation() => {
                let here = self.return_to(request, request.path_and_query()).unwrap_or_else(|_| "/".to_owned());
                self.challenge(&problem, request, &here).into_platform()
            }
            Err(problem) => self.refuse(request, &problem),
        }
    }

    async fn pass(&self, request: &Incoming, route: &Route) -> Result<web_sys::Response, Problem> {
        // An application that echoes it would show the token to the page (RFC 9110 section 9.3.8).
        if request.method == "TRACE" {
            return Err(Problem::MethodNotAllowed("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
        }
        let jwt = if route.bearer { bearer::token(request) } else { None };
        let origin = origin(request, route, jwt.is_some() && !request.cookies.any)?;
        let cleared_at = if origin == Origin::Own { self.cleared_at(request) } else { None };
        self.check_bot(request, route, cleared_at)?;
        let caller = match jwt {
            Some(jwt) => self.client(jwt, origin).await?,
            None if origin == Origin::Own && route.session != SessionRule::None => self.user(request, route).await?,
            None => Caller::Nobody,
        };
        match caller.claims() {
            None if route.session == SessionRule::Required => Err(Problem::LoginRequired),
            Some(claims) if !identity::meets(claims, &route.require) => Err(self.forbidden(claims, route)),
            _ => self.proxy(request, route, caller, cleared_at).await,
        }
    }

    /// The log says whom the route refused, and for want of what.
    fn forbidden(&self, claims: &Claims, route: &Route) -> Problem {
        let text = |name: &str| claims.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let user = log::user(text("iss"), text("sub"), self.config.log_subject);
        let lacking = identity::lacking(claims, &route.require).join(", ");
        Problem::Forbidden
            .explained(format!("The route requires another value of the claim {lacking} than user {user} has."))
    }

    /// The client whose JWT this is.
    async fn client(&self, jwt: &str, origin: Origin) -> Result<Caller, Problem> {
        match self.bearer_claims(jwt).await {
            Ok(claims) => Ok(Caller::Client { claims }),
            // The JWT was all that spoke for the request.
            Err(Problem::InvalidToken(_)) if origin == Origin::OtherSiteWithJwt => Err(Problem::CsrfRejected),
            Err(problem) => Err(problem),
        }
    }

    /// The user whose session cookie came along; nobody where there is none and the route does not mind.
    pub(super) async fn user(&self, request: &Incoming, route: &Route) -> Result<Caller, Problem> {
        let want = match route.token {
            Token::Id => Want::IdToken,
            _ if route.identity_headers || !route.require.is_empty() => Want::Claims,
            Token::Access | Token::None => Want::AccessToken,
        };
        let is_optional = route.session == SessionRule::Optional;
        // A move may lead through the provider, and so through a login: not where none is needed.
        let navigation_from = if is_optional { None } else { request.navigation_from(request.path_and_query()) };
        let get = |secret: &Secret| Get { secret: secret.clone(), want, navigation_from };
        match self.session_user(request, get).await {
            Err(Problem::LoginRequired | Problem::SessionEnded(_)) if is_optional => Ok(Caller::Nobody),
            caller => caller,
        }
    }

    async fn session_user(&self, request: &Incoming, get: impl Fn(&Secret) -> Get) -> Result<Caller, Problem> {
        let session = request.cookies.session.clone().ok_or(Problem::LoginRequired)?;
        let (token, claims) = match self.ask_session(request, get).await?? {
            Got::AccessToken(token) => (token, Claims::new()),
            Got::Identified(identified) => {
                let Identified { token, claims } = *identified;
                (token, serde_json::from_str(&claims).unwrap_or_default())
            }
            Got::View(_) | Got::Standing => return Err(Problem::StoreUnavailable),
        };
        Ok(Caller::User { session, token, claims })
    }
}

/// Where a request that passes comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// From this site, or it changes nothing: its cookies count.
    Own,
    /// From another site, and the route serves that without our cookies.
    OtherSite,
    /// From another site, without any cookie of ours, and with a JWT that may speak for it.
    OtherSiteWithJwt,
}

/// Refuses a request that another site may have sent in the user's name.
fn origin(request: &Incoming, route: &Route, has_jwt_alone: bool) -> Result<Origin, Problem> {
    let demanded = route.csrf_header.as_deref().filter(|_| !csrf::is_safe(&request.method) && !has_jwt_alone);
    let missing = demanded.filter(|name| request.header(name).is_none());
    match () {
        () if request.is_own() => match missing {
            Some(name) => Err(Problem::CsrfHeaderMissing(name.to_owned())),
            None => Ok(Origin::Own),
        },
        () if missing.is_some() => Err(Problem::CsrfRejected),
        // A handshake is no form: what it opens is read, too.
        () if request.is_web_socket => Err(Problem::CsrfRejected),
        () if route.cross_site => Ok(Origin::OtherSite),
        () if has_jwt_alone => Ok(Origin::OtherSiteWithJwt),
        () => Err(Problem::CsrfRejected),
    }
}
