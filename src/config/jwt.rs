//! `JWKS…` and `JWT_…`: whose JWTs are accepted on routes with `bearer = true`.

use url::Url;

use super::origin::is_allowed;
use super::reader::Reader;
use super::routes::Route;
use super::tenants::TENANT;

/// What a client's own JWT is checked against.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    /// Where the keys are.
    pub keys: Keys,
    /// `JWT_ISSUER`: `iss`.
    pub issuer: String,
    /// `JWT_AUDIENCE`: in `aud`.
    pub audience: String,
}

/// Where the keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// `JWKS_URI`.
    Remote(Url),
    /// `JWKS`: the document itself (RFC 7517 section 5).
    Inline(String),
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// What JWTs are checked against; none where no route accepts any.
    pub(super) fn jwt(&mut self, routes: &[Route], issuer: Option<&str>) -> Option<JwtSettings> {
        let keys = self.jwt_keys();
        let (named, audience) = (self.text("JWT_ISSUER"), self.text("JWT_AUDIENCE"));
        if !routes.iter().any(|route| route.bearer) {
            return None;
        }
        if keys == Some(None) {
            self.problem(
                "JWKS_URI",
                "is missing: a route accepts bearer tokens. Put the URL of their keys there, or the keys into JWKS",
            );
        }
        if named.is_none() && issuer.is_some_and(|issuer| issuer.contains(TENANT)) {
            let message = "is missing: a route accepts bearer tokens, and OIDC_ISSUER stands for several tenants. Put there what their iss must be";
            self.problem("JWT_ISSUER", message);
        }
        if audience.is_none() {
            self.problem(
                "JWT_AUDIENCE",
                "is missing: a route accepts bearer tokens. Put there what their aud must hold",
            );
        }
        Some(JwtSettings { keys: keys??, issuer: named.or_else(|| issuer.map(str::to_owned))?, audience: audience? })
    }

    /// None: there is a problem with them, which is reported.
    fn jwt_keys(&mut self) -> Option<Option<Keys>> {
        match (self.text("JWKS_URI"), self.text("JWKS")) {
            (Some(_), Some(_)) => {
                self.problem("JWKS", "and JWKS_URI are both set: leave one of them out");
                None
            }
            (Some(text), None) => match Url::parse(&text) {
                Ok(url) if is_allowed(&url) => Some(Some(Keys::Remote(url))),
                _ => {
                    self.problem("JWKS_URI", "must be an https URL (http on loopback hosts only)");
                    None
                }
            },
            (None, Some(text)) => {
                let set = serde_json::from_str::<serde_json::Value>(&text).ok();
                match set.as_ref().and_then(|set| set.get("keys")).and_then(serde_json::Value::as_array) {
                    // What can be used of a key is seen when a token names it (RFC 7517 section 4.1).
                    Some(keys) if keys.iter().any(|key| key.get("kty").is_some()) => Some(Some(Keys::Inline(text))),
                    _ => {
                        self.problem("JWKS", "must be a JSON Web Key Set with at least one key: {\"keys\":[…]}");
                        None
                    }
                }
            }
            (None, None) => Some(None),
        }
    }
}
