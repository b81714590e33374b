//! `OIDC_ISSUER` with `{tenantid}` in it: one registration, and users of several tenants, each of which is an issuer of its own. Pure.

use super::oidc::OidcSettings;

/// What stands in the issuer in a tenant's place. Microsoft's discovery documents spell it so.
pub const TENANT: &str = "{tenantid}";

/// The tenants whose users are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenants {
    /// `OIDC_TENANTS`. Empty: all.
    pub(super) listed: Vec<String>,
}

impl Tenants {
    /// Whether users of this tenant are let in.
    fn admits(&self, tenant: &str) -> bool {
        let is_listed = self.listed.is_empty() || self.listed.iter().any(|listed| listed.eq_ignore_ascii_case(tenant));
        is_tenant(tenant) && is_listed
    }

    /// The one tenant that there is; none where there may be several.
    pub(super) const fn only(&self) -> Option<&String> {
        match self.listed.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// Whether a text is a tenant's id: what else there may be in it would be read as a part of the issuer's URL.
pub(super) fn is_tenant(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl OidcSettings {
    /// Whether a token with this `iss` and this `tid` may be the provider's, if its signature is good. Where there are tenants, the provider's
    /// keys are those of all of them. So each token has to say twice which one it is of.
    pub fn is_issuer(&self, iss: &str, tid: Option<&str>) -> bool {
        match &self.tenants {
            None => iss == self.issuer.as_str(),
            Some(_) => self.tenant_of(iss).is_some_and(|tenant| tid == Some(tenant)),
        }
    }

    /// The same for an `iss` that comes without a token.
    pub fn may_be_issuer(&self, iss: &str) -> bool {
        match &self.tenants {
            None => iss == self.issuer.as_str(),
            Some(_) => self.tenant_of(iss).is_some(),
        }
    }

    /// The tenant whose issuer this is, if its users are let in.
    fn tenant_of<'a>(&self, iss: &'a str) -> Option<&'a str> {
        let (before, behind) = self.issuer.as_str().split_once(TENANT)?;
        let tenant = iss.strip_prefix(before)?.strip_suffix(behind)?;
        self.tenants.as_ref().is_some_and(|tenants| tenants.admits(tenant)).then_some(tenant)
    }

    /// Whether a discovery document may name this issuer: the configured one, as it is written, or that of the only tenant.
    pub fn is_discovered(&self, issuer: &str) -> bool {
        let only = self.tenants.as_ref().and_then(Tenants::only);
        issuer == self.issuer.as_str()
            || only.is_some_and(|tenant| issuer == self.issuer.as_str().replace(TENANT, tenant))
    }
}
