//! What a login's address says that the provider is told. Pure.

use crate::config::{NamedProvider, ProviderSettings};
use crate::gateway::problem::Problem;
use crate::gateway::request::login_cookie::MAX_KEPT_ORGANIZATION;
use crate::gateway::request::parameters::Parameters;

/// Parameters of `/login` that are handed on to the provider.
const HINTS: [&str; 7] =
    ["prompt", "login_hint", "screen_hint", "organization", "connection", "ui_locales", "domain_hint"];
/// The longest of their values, in characters.
const MAX_HINT: usize = 512;

/// What the query says of what is handed on to the provider.
pub(crate) fn given(query: &Parameters) -> impl Iterator<Item = (&'static str, &str)> {
    HINTS.into_iter().filter_map(|name| Some((name, query.get(name).filter(|value| !value.is_empty())?)))
}

/// What of it this provider gets. A visitor cannot change what the operator has decided.
pub(crate) fn hints(
    NamedProvider { name, settings, .. }: &NamedProvider,
    query: &Parameters,
) -> Result<Vec<(String, String)>, Problem> {
    let mut hints = checked(settings, query)?;
    hints.retain(|(name, _)| !settings.decides(name));
    // The gateway's own offer of another account adds to the configured prompt. Whoever else says so changes nothing of that either. Where
    // there are several providers, the offer leaves it to each how it is asked for another account.
    let has_prompt = hints.iter().any(|(name, _)| name == "prompt");
    let is_open = settings.decides("prompt") || name.is_some() && !has_prompt;
    if is_open && query.get("account") == Some("another") {
        hints.push(("prompt".to_owned(), settings.prompt_for_another_account()));
    }
    Ok(hints)
}

fn checked(settings: &ProviderSettings, query: &Parameters) -> Result<Vec<(String, String)>, Problem> {
    let is_kept = settings.checks_organization();
    given(query)
        .map(|(name, value)| match name {
            // Tokens are checked against it, so it has to fit into the cookie.
            "organization" if is_kept && value.len() > MAX_KEPT_ORGANIZATION => {
                Err(Problem::ParameterTooLong { name, limit: MAX_KEPT_ORGANIZATION })
            }
            _ if value.chars().nth(MAX_HINT).is_some() => Err(Problem::ParameterTooLong { name, limit: MAX_HINT }),
            _ => Ok((name.to_owned(), value.to_owned())),
        })
        .collect()
}
