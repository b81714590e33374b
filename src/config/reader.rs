//! Reads variables one by one, and collects every problem on the way.

use std::borrow::Cow;

use time::Duration;

/// A variable that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ConfigProblem {
    /// Its name; of a table's field `ROUTES[2].upstream`.
    pub variable: Cow<'static, str>,
    /// What is wrong, and what to put there.
    pub message: String,
}

/// Where a secret is set.
pub(super) fn put_secret(variable: &str) -> String {
    format!(
        "set it on Cloudflare with `npx wrangler secret put {variable}`, for wrangler dev in .dev.vars, for serve in its environment or variables file"
    )
}

/// The variables, and what is wrong with them so far.
pub(super) struct Reader<V> {
    pub(super) vars: V,
    pub(super) problems: Vec<ConfigProblem>,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    pub(super) fn optional_choice<T: Copy>(&mut self, variable: &'static str, known: &[(&str, T)]) -> Option<T> {
        self.text(variable)?;
        self.choice(variable, known)
    }

    /// The value that the variable names. If it is unset: this one.
    pub(super) fn choice_or<T: Copy>(&mut self, variable: &'static str, known: &[(&str, T)], usual: T) -> Option<T> {
        if self.text(variable).is_none() { Some(usual) } else { self.choice(variable, known) }
    }

    /// The value that the variable names. If it is unset: the first one.
    pub(super) fn choice<T: Copy>(&mut self, variable: &'static str, known: &[(&str, T)]) -> Option<T> {
        let Some(text) = self.text(variable) else { return known.first().map(|(_, value)| *value) };
        let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let is_cased = names.contains(&text.to_lowercase().as_str());
            let case = if is_cased { ", in lower case" } else { "" };
            self.problem(variable, &format!("must be one of: {}{case}", names.join(", ")));
        }
        found
    }

    pub(super) fn seconds(&mut self, variable: &'static str, default: i64, least: i64) -> Duration {
        let most = 10 * 365 * 86_400;
        let seconds = self.text(variable).map_or(Ok(default), |text| text.parse::<i64>());
        match seconds {
            Ok(seconds) if (least..=most).contains(&seconds) => Duration::seconds(seconds),
            _ => {
                self.problem(variable, &format!("must be whole seconds, {least} to {most}; the default is {default}"));
                Duration::seconds(default)
            }
        }
    }

    /// A variable that must be there.
    pub(super) fn required(&mut self, variable: &'static str, missing: &str) -> Option<String> {
        let text = self.text(variable);
        if text.is_none() {
            self.problem(variable, missing);
        }
        text
    }

    /// A secret that must be there; `what` it is.
    pub(super) fn required_secret(&mut self, variable: &'static str, what: &str) -> Option<String> {
        self.required(variable, &format!("is missing: {what}; {}", put_secret(variable)))
    }

    /// A variable's text; an empty one counts as unset, as wrangler has no other way to unset one.
    pub(super) fn text(&self, variable: &str) -> Option<String> {
        (self.vars)(variable).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The words of a variable between its commas.
    pub(super) fn list(&self, variable: &str) -> Vec<String> {
        let text = self.text(variable).unwrap_or_default();
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn problem(&mut self, variable: impl Into<Cow<'static, str>>, message: &str) {
        self.problems.push(ConfigProblem { variable: variable.into(), message: message.to_owned() });
    }
}
