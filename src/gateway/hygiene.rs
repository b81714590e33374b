//! Which of a client's headers never reach the application. Pure.
//!
//! Every header that the gateway sets, or that an application could take for the gateway's, is removed in every
//! spelling: servers that turn `-` into `_` must not read a client's `X_Forwarded_User`.

/// Names that are the gateway's to set.
const OWN: [&str; 6] =
    ["authorization", "forwarded", "cf-asn", "cf-bot-score", "cf-verified-bot", "x-captcha-passed-at"];
/// Beginnings of names that are the gateway's to set.
const OWN_PREFIXES: [&str; 2] = ["x-forwarded-", "x-geo-"];
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

/// Whether a client's header is removed. `nominated` is its `Connection` header in lower case; a WebSocket handshake
/// keeps its hop-by-hop headers.
pub fn is_removed(name: &str, nominated: &str, web_socket: bool) -> bool {
    let name = name.to_ascii_lowercase();
    let dashed = name.replace('_', "-");
    let dashed = dashed.as_str();
    if OWN.contains(&dashed) || OWN_PREFIXES.iter().any(|prefix| dashed.starts_with(prefix)) || name == "cookie2" {
        return true;
    }
    // Another spelling of Cookie would carry our cookies past the filter.
    if dashed == "cookie" && name != "cookie" {
        return true;
    }
    let handshake = web_socket && matches!(dashed, "connection" | "upgrade");
    let hop = HOP_BY_HOP.contains(&dashed)
        || (!nominated.is_empty() && nominated.split(',').any(|token| token.trim() == name));
    hop && !handshake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateways_headers_are_removed_in_every_spelling() {
        for name in [
            "authorization",
            "Authorization",
            "X-Forwarded-For",
            "X_Forwarded_User",
            "x-forwarded_groups",
            "X-GEO-City",
            "x_geo_country",
            "Forwarded",
            "CF_ASN",
            "Cf-Bot-Score",
            "cf-verified_bot",
            "X-Captcha-Passed-At",
        ] {
            assert!(is_removed(name, "", false), "{name}");
        }
    }

    #[test]
    fn other_headers_stay() {
        for name in ["accept", "cookie", "x-requested-with", "x-forward", "x-geography", "authorization-hint", "origin"]
        {
            assert!(!is_removed(name, "close", false), "{name}");
        }
    }

    #[test]
    fn what_connection_names_goes_no_further() {
        assert!(is_removed("x-secret-hop", "keep-alive, x-secret-hop", false));
        assert!(is_removed("connection", "x-secret-hop", false));
        assert!(!is_removed("connection", "upgrade", true));
        assert!(!is_removed("upgrade", "upgrade", true));
    }
}
