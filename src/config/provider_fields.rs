//! An element of `PROVIDERS`, read as if its fields were the variables of a single provider. Pure.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::provider::ProviderSettings;
use super::reader::{ConfigProblem, Reader};
use super::spelling::NAMES;

/// Fields that no single provider has.
const OWN: [&str; 4] = ["name", "label", "hosts", "domains"];

/// What a variable's place in an element is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A text, a number, a truth; a table is its JSON.
    Plain,
    /// Words between spaces, or an array of them.
    Words,
    /// The name of the secret that holds the value.
    Secret,
}

/// The variables of a single provider, and the field that each is in an element.
const FIELDS: [(&str, &str, Form); 27] = [
    ("PROVIDER", "kind", Form::Plain),
    ("OIDC_ISSUER", "issuer", Form::Plain),
    ("OIDC_CLIENT_ID", "client_id", Form::Plain),
    ("OIDC_CLIENT_SECRET", "secret", Form::Secret),
    ("OIDC_CLIENT_KEY", "key", Form::Secret),
    ("OIDC_TOKEN_AUTH", "token_auth", Form::Plain),
    ("OIDC_TENANTS", "tenants", Form::Plain),
    ("OIDC_TRUSTED_AUDIENCES", "trusted_audiences", Form::Plain),
    ("OIDC_NONCE", "nonce", Form::Plain),
    ("OIDC_DISCOVERY_URL", "discovery_url", Form::Plain),
    ("OIDC_ID_TOKEN_ALG", "id_token_alg", Form::Plain),
    ("OIDC_SCOPES", "scopes", Form::Words),
    ("OIDC_RESPONSE_MODE", "response_mode", Form::Plain),
    ("OIDC_AUTHORIZATION_PARAMS", "authorization_params", Form::Plain),
    ("OIDC_AUDIENCE", "audience", Form::Plain),
    ("OIDC_RESOURCE", "resource", Form::Plain),
    ("OIDC_PAR", "par", Form::Plain),
    ("OIDC_REUSE_LEEWAY_SECONDS", "reuse_leeway_seconds", Form::Plain),
    ("AUTH0_DOMAIN", "auth0_domain", Form::Plain),
    ("AUTH0_LOGOUT_FEDERATED", "auth0_logout_federated", Form::Plain),
    ("WORKOS_CLIENT_ID", "client_id", Form::Plain),
    ("WORKOS_API_KEY", "secret", Form::Secret),
    ("WORKOS_API_HOST", "workos_api_host", Form::Plain),
    ("APPLE_TEAM_ID", "apple_team_id", Form::Plain),
    ("APPLE_KEY_ID", "apple_key_id", Form::Plain),
    ("APPLE_PRIVATE_KEY", "key", Form::Secret),
    ("COGNITO_DOMAIN", "cognito_domain", Form::Plain),
];

/// The variables of a single provider.
pub(super) fn variables() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(variable, ..)| *variable)
}

/// What is wrong with a field of this name; none where there is such a field.
pub(super) fn unknown(field: &str) -> Option<String> {
    if OWN.contains(&field) || FIELDS.iter().any(|(_, known, _)| *known == field) {
        return None;
    }
    if matches!(field, "client_secret" | "client_key" | "workos_api_key" | "apple_private_key") {
        let place = if field.ends_with("private_key") || field == "client_key" { "key" } else { "secret" };
        return Some(format!(
            "is no field, as this table is no secret: put the value into a secret of any name, and that name into {place}"
        ));
    }
    let mut known: Vec<&str> = OWN.to_vec();
    known.extend(FIELDS.iter().map(|(_, field, _)| *field));
    let mut seen = Vec::new();
    known.retain(|field| {
        let is_new = !seen.contains(field);
        seen.push(*field);
        is_new
    });
    Some(format!("is no field of a provider. There are: {}", known.join(", ")))
}

/// One element.
pub(super) struct Element<'a> {
    /// Its place, such as `PROVIDERS[2]`.
    pub(super) at: &'a str,
    /// What it says.
    pub(super) fields: &'a Map<String, Value>,
    /// All variables and secrets.
    pub(super) vars: &'a dyn Fn(&str) -> Option<String>,
}

impl Element<'_> {
    /// The provider that it describes, and what is wrong with it.
    pub(super) fn read(&self) -> (Option<ProviderSettings>, Vec<ConfigProblem>) {
        let vars: &dyn Fn(&str) -> Option<String> = &|variable| self.value(variable);
        let mut reader = Reader { vars, problems: Vec::new() };
        let settings = reader.provider();
        let settings = settings.map(|settings| settings.described_at(&|variable| self.place(field_of(variable))));
        (settings, reader.problems.into_iter().map(|problem| self.in_place(problem)).collect())
    }

    fn is_apple(&self) -> bool {
        self.fields.get("kind").and_then(Value::as_str) == Some("apple")
    }

    /// What a variable of a single provider would say.
    fn value(&self, variable: &str) -> Option<String> {
        // The key of Apple's is another kind of key.
        let is_apples = variable == "APPLE_PRIVATE_KEY";
        if matches!(variable, "APPLE_PRIVATE_KEY" | "OIDC_CLIENT_KEY") && is_apples != self.is_apple() {
            return None;
        }
        let Some((_, field, form)) = FIELDS.iter().find(|(known, ..)| *known == variable) else {
            return (self.vars)(variable);
        };
        let value = self.fields.get(*field)?;
        let separator = if *form == Form::Words { " " } else { "," };
        match (form, value) {
            (Form::Secret, Value::String(name)) if is_the_gateways(name.trim()) => None,
            (Form::Secret, Value::String(name)) => (self.vars)(name.trim()),
            (Form::Secret, _) | (_, Value::Null) => None,
            (_, Value::String(text)) => Some(text.clone()),
            (_, Value::Array(values)) if values.iter().all(Value::is_string) => {
                let words: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
                Some(words.join(separator))
            }
            (_, other) => Some(other.to_string()),
        }
    }

    fn place(&self, field: &str) -> Cow<'static, str> {
        format!("{}.{field}", self.at).into()
    }

    fn secret_is_missing(is: &str) -> String {
        format!(
            "{is}must be the name of the secret that holds the value, such as CORP_SECRET. Set that on Cloudflare with `npx wrangler secret put \
             CORP_SECRET`, for wrangler dev in .dev.vars, for serve in its environment or variables file"
        )
    }

    /// A problem of a variable, as one of the field. What a field of this kind holds may be a secret that was put there by mistake: nobody
    /// quotes it.
    fn in_place(&self, ConfigProblem { variable, message }: ConfigProblem) -> ConfigProblem {
        let Some((_, field, form)) = FIELDS.iter().find(|(known, ..)| *known == variable) else {
            return ConfigProblem { variable, message };
        };
        let message = match (form, message.strip_prefix("is missing: ")) {
            (Form::Secret, Some(_)) if self.fields.get(*field).and_then(Value::as_str).is_some_and(is_the_gateways) => {
                Self::secret_is_missing("names a variable of the gateway's own, which no provider may get: ")
            }
            (Form::Secret, Some(_)) if self.fields.contains_key(*field) => {
                Self::secret_is_missing("names a secret that is not set: ")
            }
            (Form::Secret, Some(missing)) => {
                let what = missing.split("; ").next().unwrap_or_default();
                let public = if *field == "secret" && !self.is_workos() { PUBLIC_CLIENT } else { "" };
                Self::secret_is_missing(&format!("is missing: {what}; it ")) + public
            }
            _ => in_fields(&message),
        };
        ConfigProblem { variable: self.place(field), message }
    }

    fn is_workos(&self) -> bool {
        self.fields.get("kind").and_then(Value::as_str) == Some("workos")
    }
}

/// How a client without a secret says so.
const PUBLIC_CLIENT: &str = ". A public client, which has none, says so with token_auth = \"none\"";

/// Whether a name is that of a secret, or another variable, that is for no provider: `STATE_KEYS` for one. As a client secret it would be sent
/// to a provider.
fn is_the_gateways(name: &str) -> bool {
    let is_a_providers = FIELDS.iter().any(|(variable, _, form)| *variable == name && *form == Form::Secret);
    NAMES.contains(&name.trim()) && !is_a_providers
}

/// The field that a variable is.
fn field_of(variable: &str) -> &str {
    FIELDS.iter().find(|(known, ..)| *known == variable).map_or(variable, |(_, field, _)| field)
}

/// A message that names fields of the table in place of the variables of a single provider.
pub fn in_fields(message: &str) -> String {
    let named = FIELDS.iter().filter(|(variable, ..)| variable.contains('_'));
    named.fold(message.to_owned(), |message, (variable, field, _)| message.replace(variable, field))
}
