//! Which provider a login goes to: the one that the address names, the route's, the host's, that of the user's e-mail domain, or the one that
//! was used last in this browser. If none of these says, the user chooses on a page.

use url::form_urlencoded;

use crate::config::NamedProvider;
use crate::config::routes::Route;
use crate::gateway::answer::html::{self, Page};
use crate::gateway::answer::refusal;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::context::Gateway;
use crate::gateway::endpoints::login_hints::given;
use crate::gateway::parked_form;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::gateway::request::parameters::Parameters;
use crate::gateway::step_up;

/// What the gateway itself says to `/login`.
const OWN: [&str; 3] = [step_up::PARAMETER, parked_form::PARAMETER, "account"];

/// What is known of a login's provider before any session is asked.
pub(crate) struct Candidates<'a> {
    /// Those that may be chosen, in the order of the table.
    pub(crate) all: Vec<&'a NamedProvider>,
    /// The one where there is but one; the host's, or that of the e-mail domain.
    pub(crate) usual: Option<&'a NamedProvider>,
}

impl<'a> Candidates<'a> {
    /// Of a login that leads to this route.
    pub(crate) fn of(
        gateway: &'a Gateway,
        request: &Incoming<'_>,
        query: &Parameters,
        route: Option<&Route>,
    ) -> Result<Self, Problem> {
        let providers = &gateway.config.providers;
        if let Some(single) = providers.single() {
            return Ok(Self { all: vec![single], usual: Some(single) });
        }
        if let Some(name) = query.get("provider").filter(|name| !name.is_empty()) {
            let is_served = |one: &&NamedProvider| providers.may_serve(one.name.as_deref(), &request.origin);
            let named = providers.named(Some(name)).filter(is_served);
            let named =
                named.ok_or(Problem::BadRequest("provider must be the name of a login provider of this host."))?;
            return Ok(Self { all: vec![named], usual: Some(named) });
        }
        let of_route = route.map(|route| route.providers.as_slice()).unwrap_or_default();
        let is_taken =
            |one: &NamedProvider| of_route.is_empty() || one.name.as_ref().is_some_and(|name| of_route.contains(name));
        let mut all: Vec<&NamedProvider> = providers.serving_at(&request.origin).filter(|one| is_taken(one)).collect();
        if all.is_empty() {
            // The route takes none of this host's. It says so itself to every request there.
            all = providers.serving_at(&request.origin).collect();
        }
        if let [only] = all.as_slice() {
            let usual = Some(*only);
            return Ok(Self { all, usual });
        }
        let may = |found: &&NamedProvider| all.iter().any(|one| one.name == found.name);
        let of_host = providers.of_host(&request.origin).filter(may);
        let of_hint = query.get("login_hint").and_then(|hint| providers.of_address(hint)).filter(may);
        // The chooser would show but one.
        let shown: Vec<&NamedProvider> = all.iter().copied().filter(|one| one.label.is_some()).collect();
        let only_shown = if let [only] = shown.as_slice() { Some(*only) } else { None };
        let usual = of_host.or(of_hint).or(only_shown);
        Ok(Self { all, usual })
    }

    /// Whether the login may go to this provider.
    pub(crate) fn has(&self, provider: &NamedProvider) -> bool {
        self.all.iter().any(|one| one.name == provider.name)
    }
}

/// The page on which a user chooses. Each link is this very login, with the provider's name.
pub(crate) fn chooser(
    gateway: &Gateway,
    query: &Parameters,
    candidates: &[&NamedProvider],
    return_to: &str,
) -> Result<Outgoing, Problem> {
    let login = refusal::endpoint_url(&gateway.config, "login", return_to);
    let choices: Vec<(String, &str)> = candidates
        .iter()
        .filter_map(|one| {
            let label = one.label.as_deref()?;
            let mut url = form_urlencoded::Serializer::new(login.clone());
            url.extend_pairs(one.name.iter().map(|name| ("provider", name)));
            url.extend_pairs(given(query));
            url.extend_pairs(OWN.into_iter().filter_map(|name| Some((name, query.get(name)?))));
            Some((url.finish(), label))
        })
        .collect();
    if choices.is_empty() {
        return Err(Problem::BadRequest(
            "Nothing says where you log in. Open the address that your organization gave you.",
        ));
    }
    let page = Page { title: "Log in", detail: "Where do you want to log in?", choices: &choices, ..Page::default() };
    Ok(html::page(&gateway.config.brand, 200, &page))
}
