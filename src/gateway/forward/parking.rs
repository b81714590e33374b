//! Lets a form wait for its user's login, and sends it on when it comes again. See [`crate::gateway::parked_form`].

use crate::actors;
use crate::actors::session::address;
use crate::actors::session::message::{GetView, Park, Parked, TakeParked};
use crate::config::routes::Route;
use crate::credential::Secret;
use crate::gateway::answer::html::{self, Page};
use crate::gateway::answer::refusal;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::ask_session::{ask_by_cookie_alone, ask_session_on};
use crate::gateway::context::Gateway;
use crate::gateway::parked_form::{self, COOKIE, Form, MARK, MAX_FORM, Ticket};
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;

/// Keeps the form, and sends the browser to log in. None: it cannot wait.
pub(crate) async fn park(gateway: &Gateway, request: &Incoming<'_>, problem: &Problem) -> Option<Outgoing> {
    // What stands for a form has been read, and a body is read once.
    if request.is_ticket_spent.get() || !parked_form::may_wait(request, problem) {
        return None;
    }
    let (config, isolate, here) = (&gateway.config, &*gateway.link.isolate, request.path_and_query());
    // A login has to lead back here.
    refusal::return_to(config, request, here).ok().filter(|to| to == here)?;
    let form = Form {
        content_type: request.header("content-type")?.to_owned(),
        body: request.body?.read(MAX_FORM).await.ok()?,
    };
    // It waits already.
    if parked_form::is_mark(&form.body) {
        return None;
    }
    let sealed = parked_form::seal_form(config, &request.origin, here, isolate, &form)?;
    let secret = Secret::from_random(isolate.random_bytes()?);
    let park = |session: &Secret| Park { secret: session.clone(), ticket: secret.hash(), request: sealed.clone() };
    ask_by_cookie_alone(gateway, request, park).await.ok()?.ok()?;
    let id = format!("{:08x}", u32::from_le_bytes(isolate.random_bytes()?));
    let ticket =
        Ticket { id: id.clone(), actor: request.session_actor()?, secret: secret.clone(), address: here.to_owned() };
    let value = parked_form::seal_ticket(config, &request.origin, isolate, &ticket)?;
    Some(refusal::to_log_in(config, request, problem, &id).cookie(&request.jar().set_login(
        COOKIE,
        value,
        posts_callbacks(gateway),
        actors::session::PARKED_FOR,
    )))
}

/// The page that sends the form on that waited for this login; or that says that it waits no longer.
pub(crate) fn page(gateway: &Gateway, request: &Incoming<'_>, return_to: &str, form: Option<&str>) -> Option<Outgoing> {
    let id = form?;
    let page = match parked_form::ticket(&gateway.config, request, return_to).filter(|ticket| ticket.id == id) {
        Some(_) => Page {
            title: "One moment",
            detail: "You are logged in, and your form is being sent …",
            resend: Some((return_to, MARK)),
            ..Page::default()
        },
        None => Page {
            title: "Form not sent",
            detail: "You are logged in. Your form was not sent: another one took its place, or the login took too long.",
            next: "Fill it in again if you want to send it.",
            link: Some((gateway.config.home(), "Back to the application")),
            ..Page::default()
        },
    };
    Some(html::page(&gateway.config.brand, 200, &page))
}

/// The form that a request stands for. None: it stands for itself, with this body.
pub(crate) async fn form(gateway: &Gateway, request: &Incoming<'_>, route: &Route) -> Result<Option<Form>, Problem> {
    if !parked_form::may_come_again(request) {
        return Ok(None);
    }
    let Some(body) = request.body else { return Ok(None) };
    let body = body.read(MAX_FORM).await.map_err(|_| Problem::BadRequest("The request's body cannot be read."))?;
    if !parked_form::is_mark(&body) {
        let content_type = request.header("content-type").unwrap_or_default().to_owned();
        return Ok(Some(Form { content_type, body }));
    }
    // Whatever comes of it, the ticket is of no more use.
    request.is_ticket_spent.set(true);
    let here = request.path_and_query();
    let ticket = parked_form::ticket(&gateway.config, request, here).ok_or(GONE)?;
    let view = ask_session_on(gateway, request, route, |secret| GetView { secret: secret.clone() }).await??;
    let take = TakeParked { ticket: ticket.secret, user: (view.issuer, view.subject) };
    match actors::ask(&*gateway.actors_in_turn, &address::existing_session(&ticket.actor), take).await?? {
        Parked::Taken(sealed) => {
            parked_form::open_form(&gateway.config, &request.origin, here, &sealed).map(Some).ok_or(GONE)
        }
        Parked::OtherUser => Err(Problem::BadRequest(
            "The form was not sent: another user filled it in. Fill it in again if you want to send it.",
        )),
        Parked::Gone => Err(GONE),
    }
}

const GONE: Problem = Problem::BadRequest(
    "The form was not sent: it has been sent already, or the login took too long. Look whether it arrived, else fill it in again.",
);

/// The line that removes the ticket.
pub(crate) fn clear_ticket(gateway: &Gateway, request: &Incoming<'_>) -> String {
    request.jar().clear_login(COOKIE, posts_callbacks(gateway))
}

/// Whether a callback may come as a post from the provider's site. The ticket then has to come along with that.
fn posts_callbacks(gateway: &Gateway) -> bool {
    gateway.config.providers.iter().any(|provider| provider.settings.form_post())
}
