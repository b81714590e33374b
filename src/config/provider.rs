//! The provider's part of the configuration: which kind it is, and how this gateway is registered there.
//!
//! Auth0 is an OpenID Connect provider of which more is known beforehand; WorkOS has a protocol of its own.

use std::borrow::Cow;

use openidconnect::IssuerUrl;
use time::Duration;

use super::authorization_params::parameter;
use super::oidc::OidcSettings;
use super::preset::{AUTH0, OIDC, PRESETS, Preset};
use super::reader::Reader;
use super::workos::WorkOsSettings;

/// `PROVIDER`, and what its kind needs.
#[derive(Clone, Debug)]
pub enum ProviderSettings {
    /// `oidc`: any OpenID Connect issuer.
    Oidc(OidcSettings),
    /// `auth0`.
    Auth0(Auth0Settings),
    /// `workos`.
    WorkOs(WorkOsSettings),
}

/// The variables that describe an Auth0 tenant and the application registered there.
#[derive(Clone, Debug)]
pub struct Auth0Settings {
    /// What it has in common with every other OpenID Connect provider. The issuer is made of `AUTH0_DOMAIN`.
    pub oidc: OidcSettings,
    /// `AUTH0_LOGOUT_FEDERATED`: a logout goes on to the identity provider behind Auth0.
    pub logout_federated: bool,
}

impl ProviderSettings {
    /// `iss`, as sessions show it; where users of several tenants log in, as it is configured.
    pub fn issuer(&self) -> &str {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0Settings { oidc, .. }) => {
                oidc.single_issuer().unwrap_or(oidc.issuer.as_str())
            }
            Self::WorkOs(workos) => workos.issuer(),
        }
    }

    /// The origin of the issuer, where the provider has pages there that this gateway's may stand in.
    pub fn issuer_origin(&self) -> Option<String> {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0Settings { oidc, .. }) => {
                Some(oidc.issuer.url().origin().ascii_serialization())
            }
            Self::WorkOs(_) => None,
        }
    }

    /// The issuer of a user's sessions: the only one there is, or the one that is named, if it may be one.
    pub fn issuer_named<'a>(&'a self, named: Option<&'a str>) -> Option<&'a str> {
        match (self, named) {
            (Self::Oidc(oidc) | Self::Auth0(Auth0Settings { oidc, .. }), Some(iss)) => {
                oidc.may_be_issuer(iss).then_some(iss)
            }
            (Self::Oidc(oidc) | Self::Auth0(Auth0Settings { oidc, .. }), None) => oidc.single_issuer(),
            (Self::WorkOs(workos), Some(iss)) => (iss == workos.issuer()).then_some(iss),
            (Self::WorkOs(workos), None) => Some(workos.issuer()),
        }
    }

    /// Whether callbacks come as posts from the provider's own site (`response_mode=form_post`).
    pub const fn form_post(&self) -> bool {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0Settings { oidc, .. }) => oidc.form_post,
            Self::WorkOs(_) => false,
        }
    }

    /// What the gateway's own keys are derived from where there are no `STATE_KEYS`; none: a public client.
    pub fn secret(&self) -> Option<&[u8]> {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0Settings { oidc, .. }) => oidc.credentials.secret(),
            Self::WorkOs(workos) => Some(workos.api_key.secret().as_bytes()),
        }
    }

    /// The public key of this client, a JSON Web Key as JSON.
    pub fn public_key(&self) -> Option<&str> {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0Settings { oidc, .. }) => {
                oidc.credentials.key().map(|key| key.public.as_str())
            }
            Self::WorkOs(_) => None,
        }
    }

    /// Whether a token that says so may be this provider's, and for this client. The token itself is yet to be checked.
    pub fn may_have_issued(&self, iss: &str, aud: &[&str]) -> bool {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0Settings { oidc, .. }) => {
                oidc.may_be_issuer(iss) && aud.contains(&oidc.client_id.as_str())
            }
            Self::WorkOs(_) => false,
        }
    }

    /// Whether the configuration already decides what this parameter of `/login` would.
    pub fn decides(&self, parameter: &str) -> bool {
        let says =
            |params: &[(String, String)], names: &[&str]| params.iter().any(|(name, _)| names.contains(&name.as_str()));
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0Settings { oidc, .. }) => {
                says(&oidc.authorization_params, &[parameter])
            }
            Self::WorkOs(workos) => {
                let params = &workos.authorization_params;
                match parameter {
                    // A connection excludes everything else that selects a login.
                    "organization" => says(params, &["organization_id", "connection_id"]),
                    "connection" => says(params, &["organization_id", "connection_id", "provider"]),
                    parameter => says(params, &[parameter]),
                }
            }
        }
    }

    /// What `prompt` asks for another account. Those that are no plain OpenID providers answer `select_account` with the present one.
    pub const fn account_selection(&self) -> &'static str {
        match self {
            Self::Oidc(_) => "select_account",
            Self::Auth0(_) | Self::WorkOs(_) => "login",
        }
    }

    /// The configured `prompt`, and the one that asks for another account beside it.
    pub fn prompt_for_another_account(&self) -> String {
        self.prompt_with(self.account_selection())
    }

    /// The configured `prompt`, and this one beside it.
    pub fn prompt_with(&self, prompt: &str) -> String {
        let params = match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0Settings { oidc, .. }) => &oidc.authorization_params,
            Self::WorkOs(workos) => &workos.authorization_params,
        };
        let configured = params.iter().find(|(name, _)| name == "prompt").map_or("", |(_, value)| value);
        let words = configured.split(' ').filter(|word| !word.is_empty() && *word != prompt);
        words.chain([prompt]).collect::<Vec<_>>().join(" ")
    }

    /// Whether tokens say which organization they are for, so that it is checked.
    pub const fn checks_organization(&self) -> bool {
        match self {
            Self::Oidc(_) => false,
            Self::Auth0(_) | Self::WorkOs(_) => true,
        }
    }

    /// The organization that every login is for.
    pub fn organization(&self) -> Option<&str> {
        match self {
            Self::Oidc(_) => None,
            Self::Auth0(auth0) => auth0.oidc.organization(),
            Self::WorkOs(workos) => workos.organization(),
        }
    }

    /// The same settings, whose variables have other names.
    pub(super) fn described_at(self, name: &dyn Fn(&str) -> Cow<'static, str>) -> Self {
        match self {
            Self::Oidc(oidc) => Self::Oidc(oidc.described_at(name)),
            Self::Auth0(auth0) => Self::Auth0(Auth0Settings { oidc: auth0.oidc.described_at(name), ..auth0 }),
            Self::WorkOs(workos) => Self::WorkOs(workos),
        }
    }

    /// How long a used refresh token may be presented again.
    pub const fn reuse_leeway(&self) -> Duration {
        match self {
            Self::Oidc(oidc) | Self::Auth0(Auth0Settings { oidc, .. }) => oidc.reuse_leeway,
            Self::WorkOs(workos) => workos.reuse_leeway,
        }
    }
}

impl OidcSettings {
    /// The same settings, whose variables have other names.
    fn described_at(mut self, name: &dyn Fn(&str) -> Cow<'static, str>) -> Self {
        self.issuer_variable = name(&self.issuer_variable);
        self.document_variable = name(&self.document_variable);
        self.document_key = format!("{} {}", self.discovery_url, self.document_variable);
        self
    }

    /// The organization that every login is for, where the provider knows such a thing.
    pub fn organization(&self) -> Option<&str> {
        parameter(&self.authorization_params, "organization")
    }
}

/// A kind of provider.
#[derive(Clone, Copy)]
enum Kind {
    Oidc(&'static Preset),
    Auth0,
    WorkOs,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// The provider that the variables describe.
    pub(super) fn provider(&mut self) -> Option<ProviderSettings> {
        let own = [(OIDC.name, Kind::Oidc(&OIDC)), (AUTH0.name, Kind::Auth0), ("workos", Kind::WorkOs)];
        let presets = PRESETS.iter().map(|preset| (preset.name, Kind::Oidc(preset)));
        let kinds: Vec<(&str, Kind)> = own.into_iter().chain(presets).collect();
        let Some(kind) = self.choice("PROVIDER", &kinds) else {
            // This is the most likely kind. So the operator sees all other problems at once.
            let _ = self.generic(&OIDC);
            return None;
        };
        match kind {
            Kind::Oidc(preset) => self.generic(preset).map(ProviderSettings::Oidc),
            Kind::Auth0 => self.auth0().map(ProviderSettings::Auth0),
            Kind::WorkOs => self.workos().map(ProviderSettings::WorkOs),
        }
    }

    fn generic(&mut self, preset: &'static Preset) -> Option<OidcSettings> {
        let issuer = self.issuer(preset);
        self.oidc(preset, issuer)
    }

    fn auth0(&mut self) -> Option<Auth0Settings> {
        let domain = self.required(
            "AUTH0_DOMAIN",
            "is missing: the Domain in the Auth0 Dashboard under Applications, your application, Settings, such as \
             tenant.eu.auth0.com; or your custom domain",
        );
        // Auth0's issuers end in a slash.
        let issuer = domain.and_then(|domain| self.api_origin("AUTH0_DOMAIN", &domain, "tenant.eu.auth0.com"));
        let issuer = issuer.and_then(|origin| IssuerUrl::new(origin.into()).ok());
        let logout_federated = self.choice("AUTH0_LOGOUT_FEDERATED", &[("false", false), ("true", true)]);
        let oidc = self.oidc(&AUTH0, issuer)?.described_at(&|variable| match variable {
            "OIDC_ISSUER" => "AUTH0_DOMAIN".into(),
            other => other.to_owned().into(),
        });
        Some(Auth0Settings { oidc, logout_federated: logout_federated? })
    }
}

#[cfg(test)]
#[path = "preset_tests.rs"]
mod preset_tests;
#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
