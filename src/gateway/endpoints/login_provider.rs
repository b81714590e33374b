//! Which provider a login goes to: the one that the address names, the route's, the host's, that of the user's e-mail domain, or the one that
//! was used last in this browser. If none of these says, the user chooses on a page.

use url::form_urlencoded;

use crate::config::NamedProvider;
use crate::config::routes::Asked;
use crate::gateway::answer::html::{self, Page};
use crate::gateway::answer::refusal;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::context::Gateway;
use crate::gateway::endpoints::login_hints::given;
use crate::gateway::parked_form;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::gateway::request::address::Address;
use crate::gateway::request::parameters::Parameters;
use crate::gateway::request::route::{self, Target};
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
    /// Of a login that leads to `return_to`.
    pub(crate) fn of(
        gateway: &'a Gateway,
        request: &Incoming<'_>,
        query: &Parameters,
        return_to: &str,
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
        let of_route = of_route(gateway, request, return_to);
        let is_taken =
            |one: &NamedProvider| of_route.is_empty() || one.name.as_ref().is_some_and(|name| of_route.contains(name));
        let mut all: Vec<&NamedProvider> = providers.serving_at(&request.origin).filter(|one| is_taken(one)).collect();
        if all.is_empty() {
            // The route takes none of this host's. It says so itself to whoever comes there.
            all = providers.serving_at(&request.origin).collect();
        }
        let among =
            |found: Option<&'a NamedProvider>| found.filter(|found| all.iter().any(|one| one.name == found.name));
        let shown: Vec<&NamedProvider> = all.iter().copied().filter(|one| one.label.is_some()).collect();
        let only = match (all.as_slice(), shown.as_slice()) {
            ([only], _) | (_, [only]) => Some(*only),
            _ => None,
        };
        let of_host = among(providers.of_host(&request.origin));
        let of_hint = among(query.get("login_hint").and_then(|hint| providers.of_address(hint)));
        let is_only_one = all.len() == 1;
        let usual = only.filter(|_| is_only_one).or(of_host).or(of_hint).or(only);
        Ok(Self { all, usual })
    }

    /// Whether the login may go to this provider.
    pub(crate) fn has(&self, provider: &NamedProvider) -> bool {
        self.all.iter().any(|one| one.name == provider.name)
    }
}

/// The providers whose sessions the route takes that the login leads to; none: all.
fn of_route<'a>(gateway: &'a Gateway, request: &Incoming<'_>, return_to: &str) -> &'a [String] {
    if gateway.config.routes.iter().all(|route| route.providers.is_empty()) {
        return &[];
    }
    let url = format!("{}{return_to}", request.origin.text);
    let Some(address) = Address::read(&url, &[]) else { return &[] };
    match route::route(&gateway.config, &address, Asked::plainly("GET")) {
        Target::Application(route) => &route.providers,
        Target::Own(_) | Target::NotFound | Target::Refused(_) => &[],
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
