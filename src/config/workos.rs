//! `WORKOS_…`: a WorkOS environment with AuthKit.

use openidconnect::{ClientId, ClientSecret};
use time::Duration;
use url::Url;

use super::authorization_params::parameter;
use super::origin::is_loopback;
use super::reader::Reader;

/// Where WorkOS's API is, unless `WORKOS_API_HOST` says otherwise.
const WORKOS_API: &str = "https://api.workos.com";

/// The variables that describe a WorkOS environment with AuthKit.
#[derive(Clone, Debug)]
pub struct WorkOsSettings {
    /// `WORKOS_CLIENT_ID`.
    pub client_id: ClientId,
    /// `WORKOS_API_KEY`, which is the client secret, too.
    pub api_key: ClientSecret,
    /// `WORKOS_API_HOST`: an origin, its path `/`.
    pub api: Url,
    /// `OIDC_AUTHORIZATION_PARAMS`.
    pub authorization_params: Vec<(String, String)>,
    /// `OIDC_REUSE_LEEWAY_SECONDS`. WorkOS documents none.
    pub reuse_leeway: Duration,
}

impl WorkOsSettings {
    /// The organization that every login is for.
    pub fn organization(&self) -> Option<&str> {
        parameter(&self.authorization_params, "organization_id")
    }

    /// The API's origin, which is its issuer.
    pub fn issuer(&self) -> &str {
        self.api.as_str().trim_end_matches('/')
    }

    /// Whether this environment's access tokens may say so in `iss`: the host, with or without a slash, or the client
    /// at the host. An emulator on this machine may be known by another of the machine's names.
    pub fn is_issuer(&self, iss: &str) -> bool {
        let ours = iss.strip_prefix(self.issuer()).is_some_and(|rest| {
            matches!(rest, "" | "/") || rest.strip_prefix("/user_management/") == Some(self.client_id.as_str())
        });
        ours || is_loopback(&self.api) && Url::parse(iss).is_ok_and(|iss| is_loopback(&iss))
    }
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    pub(super) fn workos(&mut self) -> Option<WorkOsSettings> {
        let client_id = self.required(
            "WORKOS_CLIENT_ID",
            "is missing: the Client ID (client_…) in the WorkOS Dashboard under API Keys",
        );
        let api_key =
            self.required_secret("WORKOS_API_KEY", "the secret key (sk_…) in the WorkOS Dashboard under API Keys");
        let api = self.text("WORKOS_API_HOST").unwrap_or_else(|| WORKOS_API.to_owned());
        let api = self.api_origin("WORKOS_API_HOST", &api, "api.workos.com");
        if self.choice("OIDC_RESPONSE_MODE", &[("query", false), ("form_post", true)]) == Some(true) {
            self.problem("OIDC_RESPONSE_MODE", "must be query, as WorkOS knows no other: leave it out");
        }
        let authorization_params = self.authorization_params(&[]);
        let reuse_leeway = self.seconds("OIDC_REUSE_LEEWAY_SECONDS", 0, 0);
        Some(WorkOsSettings {
            client_id: ClientId::new(client_id?),
            api_key: ClientSecret::new(api_key?),
            api: api?,
            authorization_params,
            reuse_leeway,
        })
    }
}
