//! Protection against cross-site request forgery, by what browsers say of a request's origin. Pure.
//!
//! `Sec-Fetch-Site` (W3C Fetch Metadata) decides where it is present, else an exact `Origin` (RFC 6454); a client
//! that sends neither is no browser, and passes only without the gateway's cookies.

/// What of a request decides.
#[derive(Clone, Copy, Debug)]
pub struct Provenance<'a> {
    /// The method.
    pub method: &'a str,
    /// `Sec-Fetch-Site`.
    pub site: Option<&'a str>,
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// Whether the request carries a cookie of the gateway.
    pub has_our_cookies: bool,
    /// Whether it is a WebSocket handshake: a GET that other sites may send, with cookies.
    pub is_web_socket: bool,
}

/// Methods that change nothing (RFC 9110 section 9.2.1).
pub fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

/// Whether the request may act for the user; `own_origin` is the gateway's, as `Origin` spells it.
pub fn passes(request: Provenance<'_>, own_origin: &str) -> bool {
    if request.is_web_socket && request.has_our_cookies && request.origin != Some(own_origin) {
        return false;
    }
    if is_safe(request.method) {
        return true;
    }
    match (request.site, request.origin) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin == own_origin,
        (None, None) => !request.has_our_cookies,
    }
}

/// Whether the request changes nothing, or a page of the gateway's own origin has sent it. This is asked where the browser was let in
/// by a cookie that the gateway does not see.
pub fn is_by_own_page(request: Provenance<'_>, own_origin: &str) -> bool {
    is_safe(request.method)
        || match request.site {
            Some(site) => site == "same-origin",
            None => request.origin == Some(own_origin),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "https://app.example";
    const POST: Provenance<'_> =
        Provenance { method: "POST", site: None, origin: None, has_our_cookies: true, is_web_socket: false };

    #[test]
    fn sec_fetch_site_decides_where_it_is_present() {
        for (site, expected) in
            [("same-origin", true), ("none", true), ("same-site", false), ("cross-site", false), ("x", false)]
        {
            assert_eq!(passes(Provenance { site: Some(site), origin: Some(OWN), ..POST }, OWN), expected, "{site}");
        }
    }

    #[test]
    fn without_it_the_origin_must_be_exactly_the_gateways() {
        for (origin, expected) in
            [(OWN, true), ("null", false), ("https://app.example:444", false), ("https://sub.app.example", false)]
        {
            assert_eq!(passes(Provenance { origin: Some(origin), ..POST }, OWN), expected, "{origin}");
        }
    }

    #[test]
    fn a_client_that_sends_neither_passes_only_without_cookies() {
        assert!(!passes(POST, OWN));
        assert!(passes(Provenance { has_our_cookies: false, ..POST }, OWN));
    }

    #[test]
    fn safe_methods_pass_and_unknown_ones_are_not_safe() {
        assert!(passes(Provenance { method: "GET", site: Some("cross-site"), ..POST }, OWN));
        assert!(!passes(Provenance { method: "PROPFIND", site: Some("cross-site"), ..POST }, OWN));
        assert!(!passes(Provenance { method: "get", site: Some("cross-site"), ..POST }, OWN));
    }

    #[test]
    fn a_page_of_the_own_origin_proves_itself_and_nothing_else_does() {
        for (site, origin, expected) in [
            (Some("same-origin"), None, true),
            (Some("none"), Some(OWN), false),
            (Some("same-site"), Some(OWN), false),
            (Some("cross-site"), Some(OWN), false),
            (None, Some(OWN), true),
            (None, Some("https://evil.example"), false),
            (None, None, false),
        ] {
            let request = Provenance { site, origin, has_our_cookies: false, ..POST };
            assert_eq!(is_by_own_page(request, OWN), expected, "{site:?} {origin:?}");
            assert!(is_by_own_page(Provenance { method: "GET", ..request }, OWN));
        }
    }

    #[test]
    fn a_web_socket_handshake_of_another_origin_does_not_pass_with_cookies() {
        let handshake = Provenance { method: "GET", is_web_socket: true, ..POST };
        assert!(!passes(Provenance { origin: Some("https://evil.example"), ..handshake }, OWN));
        assert!(passes(Provenance { origin: Some(OWN), ..handshake }, OWN));
    }
}
