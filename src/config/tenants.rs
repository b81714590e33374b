//! `OIDC_ISSUER` with `{tenantid}` in it: one registration, and users of several tenants, each of which is an issuer of its own. Pure.

/// What stands in the issuer in a tenant's place. Microsoft's discovery documents spell it so.
pub const TENANT: &str = "{tenantid}";

/// The tenants whose users are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenants {
    /// `OIDC_TENANTS`. Empty: all.
    pub(super) listed: Vec<String>,
    /// The issuer of the only one that is listed.
    pub(super) only_issuer: Option<String>,
}

impl Tenants {
    /// The tenants that are listed, of the issuer with a place for them.
    pub(super) fn of(issuer: &str, listed: Vec<String>) -> Self {
        let listed: Vec<String> = listed.into_iter().map(as_issued).collect();
        let only_issuer = match listed.as_slice() {
            [only] => Some(issuer.replace(TENANT, only)),
            _ => None,
        };
        Self { listed, only_issuer }
    }

    /// Whether users of this tenant are let in.
    pub(super) fn admits(&self, tenant: &str) -> bool {
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

/// A tenant's id as tokens spell it. A UUID is written in small letters (RFC 9562 section 4).
fn as_issued(tenant: String) -> String {
    let is_uuid = tenant.len() == 36 && tenant.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_uuid { tenant.to_ascii_lowercase() } else { tenant }
}

/// Whether a text is a tenant's id: what else there may be in it would be read as a part of the issuer's URL.
pub(super) fn is_tenant(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
