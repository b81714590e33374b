//! `PROVIDERS`, read: a table for each provider. `PROVIDERS_2`, `PROVIDERS_3` and so on continue it. Without it the other variables describe the only one.
//!
//! An element of the table is read like the variables of a single provider ([`super::provider_fields`] says which field is which variable), so
//! that it can have every setting that a single one has.

use serde_json::{Map, Value};

use super::origin::{Origin, without_final_dot};
use super::provider_fields::{self, Element};
use super::providers::{NamedProvider, Providers, domain_name};
use super::reader::Reader;
use super::store;

/// How many variables the table may have: the platform limits the length of each.
const MOST_TABLES: u32 = 40;
/// The longest name. It stands in login cookies and redirect URIs.
const MAX_NAME: usize = 32;
/// The longest label, in characters.
const MAX_LABEL: usize = 100;

/// What makes an element's name, hosts and domains its own.
#[derive(Default)]
struct Taken {
    names: Vec<String>,
    hosts: Vec<String>,
    domains: Vec<String>,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// The providers that the variables describe.
    pub(super) fn providers(&mut self, public: &[Origin]) -> Option<Providers> {
        if self.text("PROVIDERS").is_none() {
            if self.text("PROVIDERS_2").is_some() {
                self.problem("PROVIDERS", "is missing, and PROVIDERS_2 continues it: number them without a gap");
                return None;
            }
            let settings = self.provider()?;
            let only = NamedProvider { name: None, label: None, hosts: Vec::new(), domains: Vec::new(), settings };
            return Some(Providers::new(vec![only]));
        }
        if self.text("STATE_KEYS").is_none() {
            let why = "is missing, and with PROVIDERS there is no single client secret to derive keys from";
            self.problem("STATE_KEYS", &format!("{why}; {}", store::generate_key()));
        }
        let table = self.provider_tables()?;
        self.not_beside_table(&table);
        let mut taken = Taken::default();
        let mut all = Vec::new();
        for (place, element) in &table {
            let Some(fields) = element.as_object() else {
                self.problem(place.clone(), "must be a table with name, kind, issuer, client_id, secret");
                continue;
            };
            all.extend(self.element(place, fields, public, &mut taken));
        }
        (all.len() == table.len()).then(|| Providers::new(all))
    }

    /// The elements of the table and of those that continue it, each with its place.
    fn provider_tables(&mut self) -> Option<Vec<(String, Value)>> {
        let continuing = (2..=MOST_TABLES).map(|number| format!("PROVIDERS_{number}"));
        let names: Vec<String> = std::iter::once("PROVIDERS".to_owned()).chain(continuing).collect();
        let texts: Vec<(String, Option<String>)> = names
            .into_iter()
            .map(|name| {
                let text = self.text(&name);
                (name, text)
            })
            .collect();
        let last = texts.iter().rposition(|(_, text)| text.is_some()).unwrap_or_default();
        let mut elements = Vec::new();
        let mut is_good = true;
        for (name, text) in texts.into_iter().take(last.saturating_add(1)) {
            let table = text.as_deref().and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok());
            match table.filter(|table| !table.is_empty()) {
                Some(table) => {
                    elements.extend(
                        table.into_iter().enumerate().map(|(index, element)| (format!("{name}[{index}]"), element)),
                    );
                }
                None if text.is_none() => {
                    self.problem(
                        name,
                        "is missing, and a variable with a higher number continues it: number them without a gap",
                    );
                    is_good = false;
                }
                None => {
                    self.problem(
                        name,
                        "must be an array of at least one table with name, kind, issuer, client_id, secret",
                    );
                    is_good = false;
                }
            }
        }
        is_good.then_some(elements)
    }

    /// The variables of a single provider say nothing beside the table, but for secrets that it names.
    fn not_beside_table(&mut self, table: &[(String, Value)]) {
        let is_named = |variable: &str| {
            let names = |element: &Value, field| element.get(field).and_then(Value::as_str) == Some(variable);
            table.iter().any(|(_, element)| names(element, "secret") || names(element, "key"))
        };
        for variable in provider_fields::variables() {
            if self.text(variable).is_some() && !is_named(variable) {
                self.problem(variable, "is set beside PROVIDERS: leave it out, and put what it says into that table");
            }
        }
    }

    /// One element of the table; none where something of it is wrong.
    fn element(
        &mut self,
        at: &str,
        fields: &Map<String, Value>,
        public: &[Origin],
        taken: &mut Taken,
    ) -> Option<NamedProvider> {
        for unknown in fields.keys() {
            if let Some(message) = provider_fields::unknown(unknown) {
                self.problem(format!("{at}.{unknown}"), &message);
            }
        }
        let name = self.provider_name(at, fields, taken);
        let label = self.provider_label(at, fields, name.as_deref());
        let hosts = self.provider_hosts(at, fields, public, taken);
        let domains = self.provider_domains(at, fields, taken);
        let element = Element { at, fields, vars: &|name| (self.vars)(name) };
        let (settings, problems) = element.read();
        self.problems.extend(problems);
        Some(NamedProvider { name: Some(name?), label: label?, hosts: hosts?, domains: domains?, settings: settings? })
    }

    fn provider_name(&mut self, at: &str, fields: &Map<String, Value>, taken: &mut Taken) -> Option<String> {
        let place = format!("{at}.name");
        let Some(name) = fields.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
            self.problem(place, "is missing: put a name such as corp there, which stands in the redirect URI");
            return None;
        };
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if name.len() > MAX_NAME || !name.bytes().all(is_plain) {
            self.problem(place, "must be letters, digits and - alone, 32 at most, as it stands in the redirect URI");
            return None;
        }
        if taken.names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            self.problem(place, "stands in the table twice: give each provider a name of its own");
            return None;
        }
        taken.names.push(name.to_owned());
        Some(name.to_owned())
    }

    /// An empty one keeps the provider off the page. Without the field it is the name. The outer none: there is a problem with it.
    fn provider_label(&mut self, at: &str, fields: &Map<String, Value>, name: Option<&str>) -> Option<Option<String>> {
        let Some(label) = fields.get("label") else { return Some(name.map(str::to_owned)) };
        let is_label = |label: &&str| !label.contains(char::is_control) && label.chars().nth(MAX_LABEL).is_none();
        let label = label.as_str().map(str::trim).filter(is_label);
        if label.is_none() {
            self.problem(
                format!("{at}.label"),
                "must be a text of 100 characters at most: what users know the provider by; empty, and it is not on the page to choose",
            );
        }
        label.map(|label| Some(label.to_owned()).filter(|label| !label.is_empty()))
    }

    /// The texts of an array; one text alone stands for an array of it. None: there is a problem with them.
    fn texts(&mut self, place: &str, value: Option<&Value>, is: &str) -> Option<Vec<String>> {
        let texts = match value {
            None => return Some(Vec::new()),
            Some(Value::String(text)) => Some(vec![text.clone()]),
            Some(Value::Array(values)) => values.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
            Some(_) => None,
        };
        if texts.is_none() {
            self.problem(place.to_owned(), &format!("must be an array of {is}"));
        }
        texts
    }

    fn provider_hosts(
        &mut self,
        at: &str,
        fields: &Map<String, Value>,
        public: &[Origin],
        taken: &mut Taken,
    ) -> Option<Vec<String>> {
        let place = format!("{at}.hosts");
        let listed = self.texts(&place, fields.get("hosts"), "hosts such as [\"corp.example.com\"]")?;
        let mut hosts = Vec::new();
        for host in listed {
            let host = without_final_dot(host.trim()).to_ascii_lowercase();
            let message = if taken.hosts.contains(&host) {
                "names a host that stands in the table twice: the logins of a host go to one provider"
            } else if public.iter().any(|origin| origin.admits_host(&host)) {
                taken.hosts.push(host.clone());
                hosts.push(host);
                continue;
            } else {
                "names a host that is none of PUBLIC_ORIGIN: put hosts there that browsers know this gateway by, without https:// and path, \
                 and their origins into PUBLIC_ORIGIN"
            };
            self.problem(place.clone(), message);
            return None;
        }
        Some(hosts)
    }

    fn provider_domains(&mut self, at: &str, fields: &Map<String, Value>, taken: &mut Taken) -> Option<Vec<String>> {
        let place = format!("{at}.domains");
        let listed = self.texts(&place, fields.get("domains"), "e-mail domains such as [\"corp.example\"]")?;
        let mut domains = Vec::new();
        for domain in listed {
            let message = match domain_name(domain.trim()) {
                None => "must be domains as they stand behind the @ of e-mail addresses, such as corp.example",
                Some(domain) if taken.domains.contains(&domain) => {
                    "names a domain that stands in the table twice: the users of a domain log in at one provider"
                }
                Some(domain) => {
                    taken.domains.push(domain.clone());
                    domains.push(domain);
                    continue;
                }
            };
            self.problem(place.clone(), message);
            return None;
        }
        Some(domains)
    }
}
