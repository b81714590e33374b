//! Which of a client's headers never reach the application. Pure.
//!
//! Every header that the gateway sets, or that an application could take for the gateway's, is removed in every
//! spelling: servers that turn `-` into `_`, or any punctuation into either, must not read a client's `X_Forwarded_User`.

use crate::config::identity_headers::IdentityHeaders;

/// Names that are the gateway's to set, or that applications believe of a proxy in front of them: who the client is, where
/// it comes from, what it asked for.
const OWN: [&str; 17] = [
    "authorization",
    "cf-asn",
    "cf-bot-score",
    "cf-verified-bot",
    "forwarded",
    "proxy",
    "remote-user",
    "true-client-ip",
    "x-captcha-passed-at",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-original-url",
    "x-real-ip",
    "x-remote-user",
    "x-rewrite-url",
    "cookie2",
];
/// Beginnings of such names.
const OWN_PREFIXES: [&str; 6] =
    ["x-forwarded-", "x-geo-", "x-auth-request-", "x-webauth-", "secure-session-", "sec-secure-session-"];
/// Names under which applications look for another method than the request's.
const OTHER_METHOD: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];
/// Headers of one connection alone (RFC 9110 section 7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What decides beside a header's name.
#[derive(Debug)]
pub struct Hygiene<'a> {
    /// `IDENTITY_HEADERS`.
    pub identity: &'a IdentityHeaders,
    /// The client's `Connection`, which names headers.
    pub connection: &'a str,
    /// Whether it is a WebSocket handshake, which keeps its hop-by-hop headers.
    pub is_web_socket: bool,
    /// Whether the route passes the client's own `Authorization`.
    pub keeps_authorization: bool,
    /// Whether some route is for methods of its own: then no other method may be hidden behind the one that was matched.
    pub tells_methods_apart: bool,
}

impl Hygiene<'_> {
    /// Whether a client's header, its name in lower case, is removed.
    pub fn removes(&self, name: &str) -> bool {
        if self.keeps_authorization && name == "authorization" {
            return self.is_nominated(name);
        }
        if self.tells_methods_apart && OTHER_METHOD.iter().any(|own| is_spelling(name, own)) {
            return true;
        }
        if OWN.iter().any(|own| is_spelling(name, own))
            || OWN_PREFIXES.iter().any(|prefix| begins_with_spelling(name, prefix))
            || self.identity.iter().any(|(own, _)| is_spelling(name, own))
        {
            return true;
        }
        if self.is_web_socket && ["connection", "upgrade"].iter().any(|kept| is_spelling(name, kept)) {
            return false;
        }
        HOP_BY_HOP.iter().any(|hop| is_spelling(name, hop)) || self.is_nominated(name)
    }

    fn is_nominated(&self, name: &str) -> bool {
        self.connection.split(',').any(|nominated| nominated.trim_matches([' ', '\t']).eq_ignore_ascii_case(name))
    }
}

/// Whether both names are one to a server that does not tell case and punctuation apart.
fn is_spelling(name: &str, own: &str) -> bool {
    name.len() == own.len() && begins_with_spelling(name, own)
}

fn begins_with_spelling(name: &str, own: &str) -> bool {
    let plain = |b: u8| if b.is_ascii_alphanumeric() { b.to_ascii_lowercase() } else { b'-' };
    name.len() >= own.len() && name.bytes().zip(own.bytes()).all(|(a, b)| plain(a) == plain(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn removes(name: &str, connection: &str, is_web_socket: bool) -> bool {
        let identity = vec![("x-user.id".to_owned(), "sub".to_owned())];
        let (keeps_authorization, tells_methods_apart) = (false, false);
        Hygiene { identity: &identity, connection, is_web_socket, keeps_authorization, tells_methods_apart }
            .removes(name)
    }

    #[test]
    fn the_gateways_headers_are_removed_in_every_spelling() {
        for name in [
            "authorization",
            "Authorization",
            "X-Forwarded-For",
            "X_Forwarded_User",
            "x-forwarded_groups",
            "x.forwarded.for",
            "X-GEO-City",
            "x_geo_country",
            "Forwarded",
            "CF_ASN",
            "Cf-Bot-Score",
            "cf-verified_bot",
            "X-Captcha-Passed-At",
            "X-User-Id",
            "x_user_id",
            "cookie2",
            "Proxy",
            "REMOTE_USER",
            "X-Remote-User",
            "x_real_ip",
            "True-Client-IP",
            "X-Client-IP",
            "x-cluster_client-ip",
            "X-Forwarded",
            "X-Original-URL",
            "x_rewrite_url",
            "X-Auth-Request-Email",
            "x_auth_request_groups",
            "X-WEBAUTH-USER",
            "x.webauth.role",
            "Secure-Session-Response",
            "Sec-Secure-Session-Id",
            "sec_secure_session_response",
        ] {
            assert!(removes(name, "", false), "{name}");
        }
    }

    #[test]
    fn other_headers_stay() {
        for name in [
            "accept",
            "cookie",
            "x-requested-with",
            "x-forward",
            "x-geography",
            "authorization-hint",
            "origin",
            "x-user",
            "user",
            "proxy-status",
            "x-webauthn",
            "secure-sessions",
            "x-original-host",
            "remote-users",
        ] {
            assert!(!removes(name, "close", false), "{name}");
        }
    }

    #[test]
    fn what_connection_names_goes_no_further() {
        assert!(removes("x-secret-hop", "keep-alive, X-Secret-Hop", false));
        assert!(removes("connection", "x-secret-hop", false));
        assert!(!removes("connection", "upgrade", true));
        assert!(!removes("upgrade", "upgrade", true));
        assert!(removes("te", "upgrade", true));
    }

    proptest! {
        #[test]
        fn no_spelling_of_a_header_of_the_gateways_gets_through(
            at in 0..25_usize,
            odd in proptest::collection::vec("[-_.A-Za-z]", 32),
            web_socket in any::<bool>(),
            connection in "[a-z, -]{0,12}",
        ) {
            let own = ["authorization", "forwarded", "cf-asn", "cf-bot-score", "cf-verified-bot", "x-captcha-passed-at",
                "x-forwarded-anything", "x-geo-city", "x-user-id", "x-forwarded", "x-real-ip", "true-client-ip", "x-client-ip",
                "x-cluster-client-ip", "x-original-url", "x-rewrite-url", "remote-user", "x-remote-user", "x-auth-request-user",
                "x-auth-request-access-token", "x-webauth-user", "proxy", "secure-session-response", "sec-secure-session-id",
                "sec-secure-session-anything"][at];
            let spelled: String = own.chars().zip(odd).map(|(plain, odd)| match (plain, odd.as_str()) {
                ('-', "-" | "_" | ".") => odd,
                (letter, odd) if odd.chars().all(char::is_uppercase) => letter.to_ascii_uppercase().to_string(),
                (letter, _) => letter.to_string(),
            }).collect();
            prop_assert!(removes(&spelled, &connection, web_socket), "{}", spelled);
        }
    }
}
