//! `OIDC_AUTHORIZATION_PARAMS`: further parameters of the authorization request.

use super::reader::Reader;

/// Parameters of the authorization request that are the gateway's own.
const OWN_PARAMETERS: [&str; 17] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "response_mode",
    "request",
    "request_uri",
    "audience",
    "resource",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "id_token_hint",
];

/// The value of a parameter.
pub(super) fn parameter<'a>(params: &'a [(String, String)], name: &str) -> Option<&'a str> {
    params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// The parameters that the variable names. Those of `usual` that it does not name stay; an empty value takes one away.
    pub(super) fn authorization_params(&mut self, usual: &[(&str, &str)]) -> Vec<(String, String)> {
        let text = self.text("OIDC_AUTHORIZATION_PARAMS").unwrap_or_else(|| "{}".to_owned());
        let Ok(params) = serde_json::from_str::<std::collections::BTreeMap<String, String>>(&text) else {
            self.problem(
                "OIDC_AUTHORIZATION_PARAMS",
                "must be a JSON object of strings, such as {\"acr_values\":\"mfa\"}",
            );
            return Vec::new();
        };
        for name in params.keys().filter(|name| OWN_PARAMETERS.contains(&name.as_str())) {
            let message = format!("sets {name}, which the gateway sets itself: leave it out");
            self.problem("OIDC_AUTHORIZATION_PARAMS", &message);
        }
        // A hint or a silent login replaces this prompt. With `none` for all logins, nobody could log in.
        if params.get("prompt").is_some_and(|prompt| prompt.split_ascii_whitespace().any(|word| word == "none")) {
            let message = "sets prompt to none, which the gateway does itself for silent logins: leave it out";
            self.problem("OIDC_AUTHORIZATION_PARAMS", message);
        }
        let mut all: std::collections::BTreeMap<String, String> =
            usual.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let is_usual = |name: &str| usual.iter().any(|(known, _)| *known == name);
        all.extend(params);
        all.into_iter().filter(|(name, value)| !(value.is_empty() && is_usual(name))).collect()
    }
}
