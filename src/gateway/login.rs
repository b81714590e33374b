//! `/login` and `/callback`: a login begins in a new actor, and comes back to it.

use time::Duration;

use super::Gateway;
use super::cookie::LOGINS_KEPT;
use super::pages::{self, Page};
use super::problem::Problem;
use super::request::{Incoming, Parameters};
use super::response::Outgoing;
use crate::actors;
use crate::actors::session::follow;
use crate::actors::session::message::{
    Authority, Begin, Callback, Complete, Completed, Credential, Denied, EndReason, Get, Occasion, Revoke, UserPlace,
    Want,
};
use crate::ambient;
use crate::config::SameSite;
use crate::credential::Secret;

/// Parameters of `/login` that are handed on to the provider.
const HINTS: [&str; 7] =
    ["prompt", "login_hint", "screen_hint", "organization", "connection", "ui_locales", "domain_hint"];
/// The longest of their values, in characters.
const MAX_HINT: usize = 512;
const MAX_USER_AGENT: usize = 256;

impl Gateway {
    /// Begins a login. Nothing else does.
    pub(super) async fn login(&self, request: &Incoming) -> Result<Outgoing, Problem> {
        let query = request.query();
        let return_to = query.get("return_to").filter(|to| !to.is_empty()).unwrap_or("/");
        let return_to = self.return_to(request, return_to)?;
        let hints = hints(&query)?;
        let asked = hints.iter().any(|(name, _)| name == "prompt");
        // A session that has run out of tokens is renewed without a form where the provider still knows the user.
        let predecessor = request.cookies.session.clone();
        let occasion = if predecessor.is_some() && !asked { self.occasion(request).await } else { Occasion::Asked };
        let attempt = ambient::random().map(u32::from_le_bytes).ok_or(Problem::StoreUnavailable)?;
        let attempt = format!("{attempt:08x}");
        let region = request.region(self.config.regions.default);
        let address = actors::new_session(&self.env, region, self.config.regions.jurisdiction)?;
        let user_agent = request.header("user-agent").map(|text| text.chars().take(MAX_USER_AGENT).collect());
        let begin = Begin {
            origin: request.origin.text.clone(),
            return_to: return_to.clone(),
            attempt: attempt.clone(),
            hints,
            predecessor,
            occasion,
            place: UserPlace { region, country: request.place().country, user_agent },
        };
        let begun = match actors::ask(&address, begin).await {
            Ok(Ok(begun)) => begun,
            // The session is fine where it is.
            Ok(Err(_)) | Err(_) if occasion == Occasion::Move => return Ok(Outgoing::redirect(302, &return_to)),
            Ok(Err(error)) => return Err(error.into()),
            Err(error) => return Err(error.into()),
        };

        let jar = request.jar();
        let login = Credential { actor: address.id, secret: begun.secret };
        let posted = self.config.provider.form_post();
        let mut response = Outgoing::redirect(302, &begun.authorization_url).cookie(&jar.set_login(
            &attempt,
            &login,
            posted,
            self.config.lifetimes.login,
        ));
        let surplus = request.cookies.logins.len().saturating_add(1).saturating_sub(LOGINS_KEPT);
        for (oldest, _) in request.cookies.logins.iter().take(surplus) {
            response = response.cookie(&jar.clear_login(oldest, posted));
        }
        Ok(response)
    }

    /// What a login is for that finds a session.
    async fn occasion(&self, request: &Incoming) -> Occasion {
        let navigation_from = request.navigation_from();
        let get = |secret: &Secret| Get { secret: secret.clone(), want: Want::Standing, navigation_from };
        match self.ask_session(request, get).await {
            Ok(Err(Denied::Reauthenticate)) => Occasion::Renewal,
            Ok(Err(Denied::Relocate)) => Occasion::Move,
            Ok(_) | Err(_) => Occasion::Asked,
        }
    }

    /// A login came back, by GET or (`response_mode=form_post`) by POST.
    pub(super) async fn callback(&self, request: &Incoming) -> Result<Outgoing, Problem> {
        let parameters = if request.method == "POST" { request.form().await? } else { request.query() };
        let callback = callback(&parameters)?;
        request.remark(callback.said());
        let foreign = || Problem::CallbackRejected("it began in another browser, or too long ago".to_owned());
        let attempt = callback.state.split('.').next().unwrap_or_default().to_owned();
        let login = request.cookies.logins.iter().find(|(known, _)| *known == attempt);
        let login = login.and_then(|(_, credential)| credential.as_ref()).ok_or_else(foreign)?;
        let address = actors::existing_session(&self.env, &login.actor).map_err(|_| foreign())?;
        let completed = actors::ask(&address, Complete { secret: login.secret.clone(), callback }).await?;

        let jar = request.jar();
        let clear_login = jar.clear_login(&attempt, self.config.provider.form_post());
        let response = match completed? {
            Completed::SignedIn { secret, region, expires_at, return_to } => {
                self.retire(request, address.id.as_str()).await;
                let session = Credential { actor: address.id, secret };
                let life = ambient::between(ambient::now(), expires_at).max(Duration::ZERO);
                self.go_on(&return_to).cookie(&jar.set_session(region, &session, self.config.same_site, life))
            }
            Completed::NotSignedIn { return_to } | Completed::Kept { return_to } => Outgoing::redirect(303, &return_to),
            Completed::Failed { error, return_to } => self.refuse_callback(request, &error.into(), &return_to).await,
            // Another tab has logged in meanwhile. (A strict cookie does not come along with this request.)
            Completed::LoginNeeded { return_to, predecessor, .. }
                if request.session_actor().is_some_and(|actor| predecessor != Some(actor)) =>
            {
                Outgoing::redirect(303, &return_to)
            }
            Completed::LoginNeeded { return_to, ended, .. } => {
                let login = Outgoing::redirect(303, &self.endpoint_url("login", &return_to));
                // The cookie of a session that has ended would ask for a silent login again.
                if ended { login.cookie(&jar.clear_session(self.config.same_site)) } else { login }
            }
        };
        Ok(response.cookie(&clear_login))
    }

    /// Ends the session whose cookie is about to be replaced; usually the new one has done so already.
    async fn retire(&self, request: &Incoming, successor: &str) {
        let Some(old) = request.cookies.session.as_ref().filter(|old| old.actor.as_str() != successor) else { return };
        let revoke =
            || Revoke { authority: Authority::Cookie(old.secret.clone()), reason: EndReason::Superseded, logout: None };
        let _ = follow::ask(&self.env, &old.actor, revoke).await;
    }

    /// Sends the browser on after a login. A strict cookie is not sent along a redirect that began at the provider,
    /// so that a page of this site has to start the next request.
    fn go_on(&self, return_to: &str) -> Outgoing {
        match self.config.same_site {
            SameSite::Lax => Outgoing::redirect(303, return_to),
            SameSite::Strict => pages::page(
                200,
                &Page {
                    title: "Logged in",
                    detail: "One moment …",
                    link: Some((return_to, "Go on")),
                    refresh: Some(return_to),
                    ..Page::default()
                },
            ),
        }
    }
}

fn hints(query: &Parameters) -> Result<Vec<(String, String)>, Problem> {
    let given = HINTS.into_iter().filter_map(|name| Some((name, query.get(name).filter(|value| !value.is_empty())?)));
    given
        .map(|(name, value)| match value.chars().nth(MAX_HINT) {
            None => Ok((name.to_owned(), value.to_owned())),
            Some(_) => Err(Problem::ParameterTooLong { name, limit: MAX_HINT }),
        })
        .collect()
}

fn callback(parameters: &Parameters) -> Result<Callback, Problem> {
    let text = |name: &str| Ok::<_, Problem>(parameters.only(name)?.map(str::to_owned));
    let state = text("state")?
        .ok_or_else(|| Problem::CallbackRejected("the login provider's answer has no state".to_owned()))?;
    Ok(Callback {
        state,
        code: text("code")?,
        iss: text("iss")?,
        error: text("error")?,
        error_description: text("error_description")?,
    })
}
