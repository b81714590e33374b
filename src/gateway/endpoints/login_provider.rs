//! Which provider a login goes to: the one that the address names, the route's, the host's, that of the user's e-mail domain, or the one that the
//! browser has a session of. If none of these says, the user chooses on a page.

use url::form_urlencoded;

use crate::config::NamedProvider;
use crate::gateway::answer::html::{self, Page};
use crate::gateway::answer::refusal;
use crate::gateway::answer::response::Outgoing;
use crate::gateway::context::Gateway;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::gateway::request::parameters::Parameters;

/// What is known of a login's provider before any session is asked.
pub(crate) struct Candidates<'a> {
    /// Those that may be chosen, in the order of the table.
    pub(crate) all: Vec<&'a NamedProvider>,
    /// The one where there is but one; the host's, or that of the e-mail domain.
    pub(crate) usual: Option<&'a NamedProvider>,
}

impl<'a> Candidates<'a> {
    /// Of a login that leads to `return_to`.
    pub(crate) fn of(gateway: &'a Gateway, request: &Incoming<'_>, query: &Parameters) -> Result<Self, Problem> {
        let providers = &gateway.config.providers;
        if let Some(single) = providers.single() {
            return Ok(Self { all: vec![single], usual: Some(single) });
        }
        let serves = |one: &NamedProvider| providers.may_serve(one.name.as_deref(), &request.origin);
        if let Some(name) = query.get("provider").filter(|name| !name.is_empty()) {
            let named = providers.named(Some(name)).filter(|one| serves(one));
            let named = named.ok_or(Problem::BadRequest("provider must be the name of a login provider of this host."))?;
            return Ok(Self { all: vec![named], usual: Some(named) });
        }
        let all: Vec<&NamedProvider> = providers.iter().filter(|one| serves(one)).collect();
        let among = |found: Option<&'a NamedProvider>| found.filter(|found| all.iter().any(|one| one.name == found.name));
        let only = match all.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        let of_host = among(providers.of_host(&request.origin));
        let of_hint = among(query.get("login_hint").and_then(|hint| providers.of_address(hint)));
        let usual = only.or(of_host).or(of_hint);
        Ok(Self { all, usual })
    }

    /// Whether the browser's session may be renewed silently at this provider, its own.
    pub(crate) fn may_be_renewed_at(&self, own: &NamedProvider) -> bool {
        self.all.iter().any(|one| one.name == own.name)
    }
}

/// The page on which a user chooses. Each link is this very login, with the provider's name.
pub(crate) fn chooser(gateway: &Gateway, query: &Parameters, candidates: &[&NamedProvider], return_to: &str) -> Outgoing {
    let login = refusal::endpoint_url(&gateway.config, "login", return_to);
    let choices: Vec<(String, &str)> = candidates
        .iter()
        .map(|one| {
            let mut url = form_urlencoded::Serializer::new(login.clone());
            url.extend_pairs(one.name.iter().map(|name| ("provider", name)));
            url.extend_pairs(super::login::given(query));
            (url.finish(), one.label.as_str())
        })
        .collect();
    let page = Page {
        title: "Log in",
        detail: "Where do you want to log in?",
        choices: &choices,
        ..Page::default()
    };
    html::page(&gateway.config.brand, 200, &page)
}
