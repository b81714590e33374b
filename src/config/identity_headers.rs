//! `IDENTITY_HEADERS`: the headers that tell an application who its user is.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::Reader;

/// Headers that mean something else, to the gateway or to HTTP.
const TAKEN: [&str; 22] = [
    "accept-encoding",
    "authorization",
    "cf-asn",
    "cf-bot-score",
    "cf-verified-bot",
    "connection",
    "content-length",
    "cookie",
    "forwarded",
    "host",
    "origin",
    "proxy",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-captcha-passed-at",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-original-url",
    "x-rewrite-url",
];

/// A header, in lower case, and the claim that it carries.
pub type IdentityHeaders = Vec<(String, String)>;

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// The headers and their claims.
    pub(super) fn identity_headers(&mut self) -> IdentityHeaders {
        let Some(text) = self.text("IDENTITY_HEADERS") else {
            let default = [
                ("x-forwarded-user", "sub"),
                ("x-forwarded-email", "email"),
                ("x-forwarded-preferred-username", "preferred_username"),
                ("x-forwarded-groups", "groups"),
            ];
            return default.map(|(header, claim)| (header.to_owned(), claim.to_owned())).to_vec();
        };
        let Ok(headers) = serde_json::from_str::<BTreeMap<String, String>>(&text) else {
            self.problem(
                "IDENTITY_HEADERS",
                "must be a JSON object from header to claim, such as {\"X-User\":\"sub\"}",
            );
            return Vec::new();
        };
        let mut spellings = BTreeSet::new();
        for name in headers.keys() {
            // Many servers take these for one header, and the last one would count.
            let spelling = name.to_ascii_lowercase().replace('_', "-");
            let taken = TAKEN.contains(&spelling.as_str())
                || ["x-geo-", "secure-session-", "sec-secure-session-"].iter().any(|own| spelling.starts_with(own));
            if taken || http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                let message = format!("names {name:?}, which cannot carry a claim: choose another header");
                self.problem("IDENTITY_HEADERS", &message);
            } else if !spellings.insert(spelling) {
                self.problem("IDENTITY_HEADERS", &format!("names {name:?} twice: a header carries one claim"));
            }
        }
        headers.into_iter().map(|(header, claim)| (header.to_ascii_lowercase(), claim)).collect()
    }
}
