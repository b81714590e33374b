//! `ADMIN_TOKEN` and `ADMIN_ACCESS`: who may administer sessions.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::origin::Origin;
use super::reader::Reader;

/// `ADMIN_TOKEN`, as its SHA-256: all that a comparison needs.
#[derive(Clone, Copy)]
pub struct AdminToken([u8; 32]);

impl AdminToken {
    /// The token of this text.
    pub fn new(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Whether `text` is the token, in constant time.
    pub fn is(&self, text: &str) -> bool {
        use subtle::ConstantTimeEq as _;
        self.0.ct_eq(&Self::new(text).0).into()
    }
}

impl std::fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminToken([redacted])")
    }
}

/// Where Cloudflare Access publishes a team's keys.
const CERTS: &str = "/cdn-cgi/access/certs";

/// `ADMIN_ACCESS`: the application of Cloudflare Access in front of `ADMIN_ORIGIN`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminAccess {
    /// `iss` of its JWTs: the team's origin.
    pub issuer: String,
    /// Where the team's keys are.
    pub certs: Url,
    /// `aud`: the application's tag.
    pub audience: String,
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// `ADMIN_TOKEN`.
    pub(super) fn admin_token(&mut self) -> Option<AdminToken> {
        let token = self.text("ADMIN_TOKEN")?;
        if token.chars().count() < 32 {
            self.problem("ADMIN_TOKEN", "is too short to be safe: put at least 32 random characters there");
        }
        Some(AdminToken::new(&token))
    }

    /// `ADMIN_ACCESS`. Access protects one host, and its JWTs count there alone.
    pub(super) fn admin_access(&mut self) -> Option<AdminAccess> {
        let text = self.text("ADMIN_ACCESS")?;
        if self.text("ADMIN_ORIGIN").is_none() {
            let message = "needs ADMIN_ORIGIN: Cloudflare Access protects that host, and counts there alone";
            self.problem("ADMIN_ACCESS", message);
        }
        let Ok(Value::Object(fields)) = serde_json::from_str(&text) else {
            let message = "must be {\"team\":\"name.cloudflareaccess.com\",\"aud\":\"…\"}: the team's domain, and the application's audience tag";
            self.problem("ADMIN_ACCESS", message);
            return None;
        };
        for unknown in fields.keys().filter(|name| !["team", "aud"].contains(&name.as_str())) {
            self.problem("ADMIN_ACCESS", &format!("has no field {unknown}. There are: team, aud"));
        }
        let field =
            |name: &str| fields.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
        let (team, audience) = (field("team"), field("aud"));
        if audience.is_none() {
            self.problem("ADMIN_ACCESS", "lacks aud: put the application's audience tag there");
        }
        let Some(team) = team else {
            self.problem("ADMIN_ACCESS", "lacks team: put the team's domain there, such as name.cloudflareaccess.com");
            return None;
        };
        let team = self.api_origin("ADMIN_ACCESS", team, "name.cloudflareaccess.com")?;
        let certs = team.join(CERTS).ok()?;
        Some(AdminAccess { issuer: Origin::of(&team)?.text, certs, audience: audience?.to_owned() })
    }
}
