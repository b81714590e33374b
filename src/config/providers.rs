//! The providers that users log in at, each by its name; or the only one. Which of them a session may be of. Pure.

use std::collections::BTreeMap;

use super::origin::{Origin, without_final_dot};
use super::provider::ProviderSettings;
use super::reader::ConfigProblem;
use super::routes::Route;

/// A provider, and which logins go there.
#[derive(Clone, Debug)]
pub struct NamedProvider {
    /// None: it is the only one, and `PROVIDERS` is not set.
    pub name: Option<String>,
    /// What the page calls it on which users choose a provider. None: it is not on that page.
    pub label: Option<String>,
    /// The public hosts whose logins go there, in small letters.
    pub hosts: Vec<String>,
    /// The e-mail domains whose users log in there, as the domain name system spells them.
    pub domains: Vec<String>,
    /// How this gateway is registered there.
    pub settings: ProviderSettings,
}

/// All providers.
#[derive(Clone, Debug)]
pub struct Providers {
    all: Vec<NamedProvider>,
    by_name: BTreeMap<String, usize>,
    by_host: BTreeMap<String, usize>,
    by_domain: BTreeMap<String, usize>,
    /// The names of those that have no host of their own, with a comma in front of each.
    without_host: String,
}

impl Providers {
    pub(super) fn new(all: Vec<NamedProvider>) -> Self {
        let by = |keys: fn(&NamedProvider) -> Vec<String>| {
            let pairs = all.iter().enumerate().flat_map(|(at, one)| keys(one).into_iter().map(move |key| (key, at)));
            pairs.collect()
        };
        let by_name = by(|one| one.name.iter().cloned().collect());
        let (by_host, by_domain) = (by(|one| one.hosts.clone()), by(|one| one.domains.clone()));
        let without_host = all.iter().filter(|one| one.hosts.is_empty()).filter_map(|one| one.name.as_deref());
        let without_host = without_host.flat_map(|name| [",", name]).collect();
        Self { all, by_name, by_host, by_domain, without_host }
    }

    /// Whether there is a table of them.
    pub fn is_table(&self) -> bool {
        self.single().is_none()
    }

    /// The only provider, where `PROVIDERS` is not set.
    pub fn single(&self) -> Option<&NamedProvider> {
        self.all.first().filter(|only| only.name.is_none())
    }

    /// Every one, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = &NamedProvider> {
        self.all.iter()
    }

    /// The one of this name. The single provider has none.
    pub fn named(&self, name: Option<&str>) -> Option<&NamedProvider> {
        match name {
            None => self.single(),
            Some(name) => self.by_name.get(name).and_then(|at| self.all.get(*at)),
        }
    }

    /// The one that this public host has of its own.
    pub fn of_host(&self, origin: &Origin) -> Option<&NamedProvider> {
        if self.by_host.is_empty() {
            return None;
        }
        let host = origin.host.to_ascii_lowercase();
        let named = self.by_host.get(&host).or_else(|| {
            let (name, _) = origin.host_and_port();
            self.by_host.get(&without_final_dot(name).to_ascii_lowercase())
        });
        named.and_then(|at| self.all.get(*at))
    }

    /// The one of an e-mail address's domain.
    pub fn of_address(&self, address: &str) -> Option<&NamedProvider> {
        if self.by_domain.is_empty() {
            return None;
        }
        let (_, domain) = address.rsplit_once('@')?;
        self.by_domain.get(&domain_name(domain)?).and_then(|at| self.all.get(*at))
    }

    /// Those whose sessions may be this issuer's, each with the issuer as sessions show it. If none is named: all that have one issuer alone.
    pub fn of_issuer<'a>(&'a self, named: Option<&'a str>) -> impl Iterator<Item = (&'a NamedProvider, &'a str)> {
        self.all.iter().filter_map(move |one| Some((one, one.settings.issuer_named(named)?)))
    }

    /// The issuer of all sessions, as the configuration has it; none where there may be several.
    pub fn only_issuer(&self) -> Option<&str> {
        let mut issuers = self.all.iter().map(|one| one.settings.issuer());
        let first = issuers.next()?;
        issuers.all(|issuer| issuer == first).then_some(first)
    }

    /// The issuer of a user's sessions: the one that is named, if it may be one, or the only one there is.
    pub fn issuer_named<'a>(&'a self, named: Option<&'a str>) -> Option<&'a str> {
        let mut issuers = self.all.iter().map(|one| one.settings.issuer_named(named));
        match named {
            Some(_) => issuers.find_map(|issuer| issuer),
            None => {
                let first = issuers.next()??;
                issuers.all(|issuer| issuer == Some(first)).then_some(first)
            }
        }
    }

    /// The routes that name providers which there are not.
    pub(super) fn unknown_on(&self, routes: &[Route]) -> Vec<ConfigProblem> {
        let has_unknown = |route: &Route| route.providers.iter().any(|name| self.named(Some(name)).is_none());
        let wrong = routes.iter().enumerate().filter(|(_, route)| has_unknown(route));
        let problem = |index| ConfigProblem {
            variable: format!("ROUTES[{index}].providers").into(),
            message: "names a provider that is not in PROVIDERS: put names of that table there".to_owned(),
        };
        wrong.map(|(index, _)| problem(index)).collect()
    }

    /// The names of the providers whose sessions are let in at a host, and on a route that names `of_route`, with commas; none: all.
    pub fn let_in(&self, origin: &Origin, of_route: &[String]) -> Option<String> {
        match (self.of_host(origin), of_route) {
            (None, []) => None,
            (None, names) => Some(names.join(",")),
            (Some(own), []) => Some([own.name.as_deref().unwrap_or_default(), &self.without_host].concat()),
            (Some(own), names) => {
                let serves = |name: &&str| self.named(Some(name)).is_some_and(|one| one.serves_beside(own));
                let names: Vec<&str> = names.iter().map(String::as_str).filter(serves).collect();
                Some(names.join(","))
            }
        }
    }

    /// Those whose sessions may serve at a public host, in the order of the table.
    pub fn serving_at(&self, origin: &Origin) -> impl Iterator<Item = &NamedProvider> {
        let own = self.of_host(origin);
        self.all.iter().filter(move |one| own.is_none_or(|own| one.serves_beside(own)))
    }

    /// Whether a session of this provider's may serve at a public host.
    pub fn may_serve(&self, provider: Option<&str>, origin: &Origin) -> bool {
        let Some(own) = self.of_host(origin) else { return true };
        self.named(provider).is_some_and(|one| one.serves_beside(own))
    }
}

impl NamedProvider {
    /// Whether its sessions serve at a host of this provider's. A host's own provider shuts out those that have other hosts of their own:
    /// tenants are apart, whatever cookie a browser brings.
    fn serves_beside(&self, own: &Self) -> bool {
        self.hosts.is_empty() || self.name == own.name
    }
}

/// A domain as the domain name system spells it; none where the text is no domain name.
pub(super) fn domain_name(text: &str) -> Option<String> {
    match url::Host::parse(without_final_dot(text)).ok()? {
        url::Host::Domain(domain) if !domain.is_empty() => Some(domain),
        _ => None,
    }
}

#[cfg(test)]
#[path = "providers_tests.rs"]
mod tests;
