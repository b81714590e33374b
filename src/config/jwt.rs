//! `JWKS…` and `JWT_…`, or `JWT_ISSUERS`: whose JWTs are accepted on routes with `bearer = true`.

use std::borrow::Cow;

use serde_json::Value;
use url::Url;

use super::origin::is_allowed;
use super::reader::Reader;
use super::routes::Route;
use super::tenants::TENANT;

/// The fields of an element of `JWT_ISSUERS`.
const FIELDS: [&str; 4] = ["issuer", "audience", "jwks_uri", "jwks"];
const URI: &str = "must be an https URL (http on loopback hosts only)";
const SET: &str = "must be a JSON Web Key Set with at least one key: {\"keys\":[…]}";

/// What the JWTs of one issuer are checked against.
#[derive(Clone, Debug, PartialEq)]
pub struct JwtSettings {
    /// The variable that says where the keys are.
    pub variable: Cow<'static, str>,
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
    /// What JWTs are checked against, an issuer each; none where no route accepts any.
    pub(super) fn jwt(&mut self, routes: &[Route], issuer: Option<&str>) -> Vec<JwtSettings> {
        let Some(text) = self.text("JWT_ISSUERS") else {
            return self.single_issuer(routes, issuer).into_iter().collect();
        };
        for single in ["JWKS_URI", "JWKS", "JWT_ISSUER", "JWT_AUDIENCE"] {
            if self.text(single).is_some() {
                self.problem(single, "is set beside JWT_ISSUERS: leave it out, and put what it says into that table");
            }
        }
        let tables = serde_json::from_str::<Vec<Value>>(&text).ok().filter(|tables| !tables.is_empty());
        let Some(tables) = tables else {
            self.problem(
                "JWT_ISSUERS",
                "must be an array of at least one table with issuer, audience, and jwks_uri or jwks",
            );
            return Vec::new();
        };
        let mut issuers: Vec<JwtSettings> = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            if let Some(settings) = self.issuer_of(index, table) {
                if issuers.iter().any(|known| known.issuer == settings.issuer) {
                    self.problem(format!("JWT_ISSUERS[{index}].issuer"), "stands in the table twice");
                }
                issuers.push(settings);
            }
        }
        issuers
    }

    /// One element of `JWT_ISSUERS`.
    fn issuer_of(&mut self, index: usize, table: &Value) -> Option<JwtSettings> {
        let at = |field: &str| format!("JWT_ISSUERS[{index}].{field}");
        let Some(fields) = table.as_object() else {
            self.problem(
                format!("JWT_ISSUERS[{index}]"),
                "must be a table with issuer, audience, and jwks_uri or jwks",
            );
            return None;
        };
        for unknown in fields.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
            self.problem(at(unknown), &format!("is no field of an issuer. There are: {}", FIELDS.join(", ")));
        }
        let text = |field: &str| fields.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (issuer, audience) = (text("issuer"), text("audience"));
        if issuer.is_none() {
            self.problem(at("issuer"), "is missing: put there what iss must be");
        }
        if audience.is_none() {
            self.problem(at("audience"), "is missing: put there what aud must hold");
        }
        let keys = match (fields.get("jwks_uri"), fields.get("jwks")) {
            (Some(_), Some(_)) => Err(("jwks", "and jwks_uri are both there: leave one of them out")),
            (Some(uri), None) => uri.as_str().and_then(remote).ok_or(("jwks_uri", URI)),
            (None, Some(Value::String(set))) => inline(set).ok_or(("jwks", SET)),
            (None, Some(set)) => inline(&set.to_string()).ok_or(("jwks", SET)),
            (None, None) => Err(("jwks_uri", "is missing: put the URL of the keys there, or the keys into jwks")),
        };
        let keys = keys.map_err(|(field, message)| self.problem(at(field), message)).ok()?;
        Some(JwtSettings {
            variable: at("jwks_uri").into(),
            keys,
            issuer: issuer?.to_owned(),
            audience: audience?.to_owned(),
        })
    }

    /// `JWKS…` and `JWT_…`.
    fn single_issuer(&mut self, routes: &[Route], issuer: Option<&str>) -> Option<JwtSettings> {
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
        if named.is_none() && self.text("PROVIDERS").is_some() {
            let message = "is missing: a route accepts bearer tokens, and PROVIDERS may have several issuers. Put there what their iss must be";
            self.problem("JWT_ISSUER", message);
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
        Some(JwtSettings {
            variable: "JWKS_URI".into(),
            keys: keys??,
            issuer: named.or_else(|| issuer.map(str::to_owned))?,
            audience: audience?,
        })
    }

    /// None: there is a problem with them, which is reported.
    fn jwt_keys(&mut self) -> Option<Option<Keys>> {
        match (self.text("JWKS_URI"), self.text("JWKS")) {
            (Some(_), Some(_)) => {
                self.problem("JWKS", "and JWKS_URI are both set: leave one of them out");
                None
            }
            (Some(text), None) => {
                let keys = remote(&text);
                if keys.is_none() {
                    self.problem("JWKS_URI", URI);
                }
                keys.map(Some)
            }
            (None, Some(text)) => {
                let keys = inline(&text);
                if keys.is_none() {
                    self.problem("JWKS", SET);
                }
                keys.map(Some)
            }
            (None, None) => Some(None),
        }
    }
}

fn remote(text: &str) -> Option<Keys> {
    Url::parse(text).ok().filter(is_allowed).map(Keys::Remote)
}

fn inline(text: &str) -> Option<Keys> {
    let set = serde_json::from_str::<Value>(text).ok()?;
    // What can be used of a key is seen when a token names it (RFC 7517 section 4.1).
    let is_set = set.get("keys")?.as_array()?.iter().any(|key| key.get("kty").is_some());
    is_set.then(|| Keys::Inline(text.to_owned()))
}
