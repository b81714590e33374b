//! Which issuers are the configured one: it alone, or those of the tenants that are let in. Pure.

use super::oidc::OidcSettings;
use super::tenants::TENANT;

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

    /// The issuer of all sessions; none where there may be several.
    pub fn single_issuer(&self) -> Option<&str> {
        match &self.tenants {
            None => Some(self.issuer.as_str()),
            Some(tenants) => tenants.only_issuer.as_deref(),
        }
    }

    /// Whether a key that names this issuer, perhaps with the place for a tenant, is one of the tenant's whose issuer `iss` is.
    pub fn is_key_of(&self, key_issuer: &str, iss: &str) -> bool {
        self.tenant_of(iss).is_some_and(|tenant| key_issuer.replace(TENANT, tenant) == iss)
    }

    /// The tenant whose issuer this is, if its users are let in.
    fn tenant_of<'a>(&self, iss: &'a str) -> Option<&'a str> {
        let (before, behind) = self.issuer.as_str().split_once(TENANT)?;
        let tenant = iss.strip_prefix(before)?.strip_suffix(behind)?;
        self.tenants.as_ref().is_some_and(|tenants| tenants.admits(tenant)).then_some(tenant)
    }

    /// Whether a discovery document may name this issuer: the configured one, as it is written, or that of the only tenant.
    pub fn is_discovered(&self, issuer: &str) -> bool {
        issuer == self.issuer.as_str() || self.single_issuer() == Some(issuer)
    }
}
