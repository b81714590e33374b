//! `OIDC_ISSUER`, its tenants, and where its discovery document lies.

use openidconnect::IssuerUrl;
use url::Url;

use super::origin::is_allowed;
use super::preset::Preset;
use super::reader::Reader;
use super::tenants::{TENANT, Tenants, is_tenant};

/// What takes a tenant's place where the provider publishes what all of them have in common.
const ANY_TENANT: &str = "organizations";

/// An issuer's discovery document (OpenID Connect Discovery 1.0 section 4).
fn well_known(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    pub(super) fn issuer(&mut self, preset: &Preset) -> Option<IssuerUrl> {
        let Some(text) = self.text("OIDC_ISSUER").or_else(|| preset.issuer.map(str::to_owned)) else {
            self.problem("OIDC_ISSUER", &format!("is missing: {}", preset.issuer_is));
            return None;
        };
        // A tenant's id has its place between slashes.
        let is_good = match text.split_once(TENANT) {
            None => !text.contains(['{', '}']),
            Some((before, behind)) => {
                let is_segment = before.ends_with('/') && (behind.is_empty() || behind.starts_with('/'));
                is_segment && !before.ends_with("//") && !behind.contains(['{', '}'])
            }
        };
        match Url::parse(&text.replace(TENANT, "tenant")) {
            Ok(url) if is_good && is_allowed(&url) && url.query().is_none() && url.fragment().is_none() => {
                IssuerUrl::new(text).ok()
            }
            _ => {
                self.problem(
                    "OIDC_ISSUER",
                    "must be an https URL without query and fragment (http on loopback hosts only). Where users of several tenants log in, \
                     {tenantid} takes the place of one part of its path, once",
                );
                None
            }
        }
    }

    /// Whose users are let in, where the issuer has a place for a tenant.
    pub(super) fn tenants(&mut self, issuer: Option<&IssuerUrl>) -> Option<Tenants> {
        let listed = self.list("OIDC_TENANTS");
        let issuer = issuer?;
        if !issuer.contains(TENANT) {
            if !listed.is_empty() {
                let message = "says whose users are let in, and OIDC_ISSUER names one issuer alone: write {tenantid} in the tenant's place there, \
                               or leave this out";
                self.problem("OIDC_TENANTS", message);
            }
            return None;
        }
        if self.text("OIDC_TENANTS").is_some() && (listed.is_empty() || !listed.iter().all(|listed| is_tenant(listed)))
        {
            self.problem(
                "OIDC_TENANTS",
                "must be tenants' ids, separated by commas: letters, digits and -, as in the claim tid",
            );
        }
        Some(Tenants::of(issuer, listed))
    }

    /// Where the discovery document lies.
    pub(super) fn discovery_url(&mut self, issuer: Option<&IssuerUrl>, tenants: Option<&Tenants>) -> Option<Url> {
        if let Some(text) = self.text("OIDC_DISCOVERY_URL") {
            let url = Url::parse(&text).ok().filter(|url| is_allowed(url) && url.fragment().is_none());
            if url.is_none() {
                let message =
                    "must be the https URL of the provider's discovery document (http on loopback hosts only)";
                self.problem("OIDC_DISCOVERY_URL", message);
            }
            return url;
        }
        let tenant = tenants.and_then(Tenants::only).map_or(ANY_TENANT, String::as_str);
        Url::parse(&well_known(&issuer?.replace(TENANT, tenant))).ok()
    }
}
