//! `audience`, `resource`, `scopes` and `exchange` of a route: what its access token is for (RFC 8707, RFC 8693). Pure.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use url::Url;

/// The fields of a route that describe its target.
const OWN: [&str; 3] = ["audience", "resource", "scopes"];
/// Those of its table `exchange`.
const EXCHANGED: [&str; 2] = ["audience", "scopes"];

/// What an access token is for that is not the session's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// By which a session knows its token.
    pub key: TargetKey,
    /// What gets the token.
    pub grant: TargetGrant,
    /// `audience`.
    pub audience: Option<String>,
    /// `resource` (RFC 8707).
    pub resource: Option<String>,
    /// `scopes`, separated by spaces.
    pub scopes: Option<String>,
}

/// What gets the access token for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetGrant {
    /// The session's refresh token (RFC 6749 section 6).
    RefreshToken,
    /// The session's access token (RFC 8693).
    TokenExchange,
}

/// Names a target: the same words, the same key. It is no secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TargetKey(String);

impl TargetKey {
    /// As text: letters, digits, `-` and `_`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Of such a text. It may name no target.
    pub fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A field that is wrong, and what to put there.
pub(super) type Wrong = (&'static str, String);

impl Target {
    fn new(
        grant: TargetGrant,
        audience: Option<String>,
        resource: Option<String>,
        scopes: Option<String>,
    ) -> Option<Self> {
        let fields = [&audience, &resource, &scopes];
        if fields.iter().all(|field| field.is_none()) {
            return None;
        }
        let kind = match grant {
            TargetGrant::RefreshToken => "refresh",
            TargetGrant::TokenExchange => "exchange",
        };
        // JSON keeps the fields apart, whatever they hold.
        let words = serde_json::json!([kind, audience, resource, scopes]).to_string();
        let digest = <[u8; 32]>::from(Sha256::digest(words));
        // Half of it tells the targets of one configuration apart.
        let key = TargetKey(BASE64_URL_SAFE_NO_PAD.encode(digest.first_chunk::<16>()?));
        Some(Self { key, grant, audience, resource, scopes })
    }

    /// The target, as a log line names it.
    pub fn name(&self) -> &str {
        let named = [&self.audience, &self.resource, &self.scopes].into_iter().flatten().next();
        named.map_or("", String::as_str)
    }

    /// Reads the target of a route's table, if it has one.
    pub(super) fn read(fields: &Map<String, Value>) -> Result<Option<Self>, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let own = OWN.map(|name| text(fields, name, name, &mut wrong));
        let exchanged = match fields.get("exchange") {
            None => None,
            Some(Value::Object(table)) => {
                for name in table.keys().filter(|name| !EXCHANGED.contains(&name.as_str())) {
                    wrong.push(("exchange", format!("has no field {name}. There are: {}", EXCHANGED.join(", "))));
                }
                let [audience, scopes] = EXCHANGED.map(|name| text(table, name, "exchange", &mut wrong));
                let target = Self::new(TargetGrant::TokenExchange, audience, None, scopes);
                if target.is_none() && wrong.is_empty() {
                    wrong.push(("exchange", "is empty: say an audience, or scopes, or both".to_owned()));
                }
                target
            }
            Some(_) => {
                let example = "must be a table such as {\"audience\":\"https://api.example.com\",\"scopes\":\"read\"}";
                wrong.push(("exchange", example.to_owned()));
                None
            }
        };
        let [audience, resource, scopes] = own;
        if resource.as_deref().is_some_and(|uri| Url::parse(uri).map_or(true, |uri| uri.fragment().is_some())) {
            let what = "must be an absolute URI without a fragment (RFC 8707): the API's identifier";
            wrong.push(("resource", what.to_owned()));
        }
        let refreshed = Self::new(TargetGrant::RefreshToken, audience, resource, scopes);
        if exchanged.is_some() && refreshed.is_some() {
            let what = "stands alone: take audience, resource and scopes out, or put what they say into it";
            wrong.push(("exchange", what.to_owned()));
        }
        if wrong.is_empty() { Ok(exchanged.or(refreshed)) } else { Err(wrong) }
    }
}

/// A text without controls at its ends, or within; `place` is the field that a problem names.
fn text(fields: &Map<String, Value>, name: &str, place: &'static str, wrong: &mut Vec<Wrong>) -> Option<String> {
    let value = fields.get(name)?;
    let text = value.as_str().map(str::trim).filter(|text| !text.is_empty() && !text.contains(char::is_control));
    if text.is_none() {
        wrong.push((place, format!("must have a text for {name}; leave it out where there is none")));
    }
    text.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(table: Value) -> Result<Option<Target>, Vec<Wrong>> {
        Target::read(table.as_object().unwrap())
    }

    #[test]
    fn a_route_without_these_fields_takes_the_sessions_own_token() {
        assert_eq!(read(json!({"match": "/*"})), Ok(None));
    }

    #[test]
    fn the_same_words_have_the_same_key_and_others_another() {
        let key = |table: Value| read(table).unwrap().unwrap().key;
        let tables = [
            json!({"audience": "a"}),
            json!({"resource": "a:b"}),
            json!({"scopes": "a"}),
            json!({"audience": "a", "scopes": "b"}),
            json!({"exchange": {"audience": "a"}}),
            json!({"exchange": {"scopes": "a"}}),
        ];
        for (index, table) in tables.iter().enumerate() {
            assert_eq!(key(table.clone()), key(table.clone()));
            assert!(tables.iter().skip(index + 1).all(|other| key(other.clone()) != key(table.clone())), "{table}");
            assert_eq!(key(table.clone()).as_str().len(), 22);
        }
    }

    #[test]
    fn a_field_that_is_wrong_is_named() {
        for (table, field) in [
            (json!({"audience": 1}), "audience"),
            (json!({"audience": " "}), "audience"),
            (json!({"scopes": "a\nb"}), "scopes"),
            (json!({"scopes": ["a"]}), "scopes"),
            (json!({"resource": "api"}), "resource"),
            (json!({"resource": "https://api.example.com/#x"}), "resource"),
            (json!({"exchange": {}}), "exchange"),
            (json!({"exchange": "x"}), "exchange"),
            (json!({"exchange": {"audience": "a", "resource": "b"}}), "exchange"),
            (json!({"exchange": {"audience": 1}}), "exchange"),
            (json!({"exchange": {"audience": "a"}, "scopes": "b"}), "exchange"),
        ] {
            let wrong = read(table.clone()).unwrap_err();
            assert_eq!(wrong.iter().map(|(field, _)| *field).collect::<Vec<_>>(), [field], "{table}");
        }
    }
}
