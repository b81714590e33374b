//! Cookies that some server could take for the gateway's. Pure.
//!
//! Servers read a `Cookie` header in many ways: some split it at commas, some trim or drop Unicode spaces, some don't tell
//! case apart, some skip an empty name. This is the lenient reading of these. It decides what is kept away: from the
//! application, which must not get these cookies, and from browsers, as the application must not set them. It never yields
//! a credential; [`super::cookie::Jar::read`] does that, strictly, and doesn't ask here.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

/// What a gateway's names begin with, in lower case: over https, and over plain http.
const PREFIXES: [&str; 2] = ["__host-http-", "edge-"];
/// What the name of a device's cookie begins with.
const DEVICE_PREFIX: &str = "__host-";

/// Whether some server may find a gateway's cookie in this pair of a `Cookie` header, or piece of a `Set-Cookie` line: this
/// gateway's, or another's on this host, whatever its `COOKIE_PREFIX` is.
pub fn is_in(pair: &str) -> bool {
    pair.split(',').any(|part| {
        // Browsers send a cookie without a name as its bare value, and some servers skip the `=` of one.
        let part = part.trim_start_matches(|c: char| c == '=' || is_blank(c));
        is_name(&plain(part.split('=').next().unwrap_or_default()))
    })
}

/// A name as the most lenient server reads it: compatible characters for what they stand for, no case, no spaces.
fn plain(name: &str) -> Cow<'_, str> {
    // Most names are ASCII, which stands for itself.
    if name.bytes().all(|b| b.is_ascii_graphic()) {
        let is_plain = !name.bytes().any(|b| b.is_ascii_uppercase());
        return if is_plain { Cow::Borrowed(name) } else { Cow::Owned(name.to_ascii_lowercase()) };
    }
    // A byte that is no UTF-8 arrives as U+FFFD: to a server that reads Latin-1 it may have been a space.
    Cow::Owned(name.nfkd().filter(char::is_ascii_graphic).map(|c| c.to_ascii_lowercase()).collect())
}

/// Whether nothing is to be seen of a character.
fn is_blank(c: char) -> bool {
    let invisible = matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fffd}');
    c.is_whitespace() || c.is_control() || invisible
}

fn is_name(name: &str) -> bool {
    let of_gateway = PREFIXES.iter().filter_map(|prefix| name.strip_prefix(prefix)).any(|rest| {
        let login = rest.len().checked_sub(8).and_then(|at| rest.split_at_checked(at));
        let login = login.and_then(|(front, attempt)| is_attempt(attempt).then_some(front));
        ["session", "return", "clearance"].iter().any(|own| is_prefixed(rest, own))
            || login.is_some_and(|front| is_prefixed(front, "login-"))
    });
    of_gateway || name.strip_prefix(DEVICE_PREFIX).is_some_and(|rest| is_prefixed(rest, "session-bound"))
}

/// Whether this is the name with nothing, or a `COOKIE_PREFIX`, in front.
fn is_prefixed(text: &str, name: &str) -> bool {
    text.strip_suffix(name).is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('-'))
}

/// Whether this is the 8 hexadecimal digits of a login.
pub fn is_attempt(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_a_unicode_space_another_case_or_an_empty_name_makes_a_look_alike() {
        for pair in [
            "__Host-Http-session=V",
            " __Host-Http-session = V",
            "a=x,__Host-Http-session=V",
            "a=x, __Host-Http-session=V",
            "\u{85}__Host-Http-session=V",
            "__Host-Http-session\u{a0}=V",
            "\u{2000}__Host-Http-session\u{3000}=V",
            "__Host-Http-session\u{fffd}=V",
            "\u{feff}__Host-Http-session\u{200b}=V",
            "\u{c}__Host-Http-session\u{b}=V",
            "__HOST-HTTP-SESSION=V",
            "__host-http-Session=V",
            "__Host-Http-\u{17f}ession=V",
            "\u{ff3f}\u{ff3f}Host-Http-session=V",
            "=__Host-Http-session=V",
            " = =__Host-Http-session=V",
            "\u{a0}=\u{a0}__Host-Http-session=V",
            "a=x,=__Host-Http-session",
            "__Host-Http-session",
            "__Host-Http-login-0123abcd=V",
            "__Host-Http-LOGIN-0123ABCD=V",
            "__Host-Http-return=V",
            "__Host-Http-clearance=V",
            "__Host-session-bound=V",
            "edge-session=V",
            "edge-login-0123abcd",
            "edge-return=V",
            "Edge-Clearance=V",
        ] {
            assert!(is_in(pair), "{pair:?}");
        }
    }

    #[test]
    fn another_gateways_cookies_are_recognized_whatever_its_prefix_is() {
        for pair in
            ["__Host-Http-x-session=V", "edge-shop-2-login-0123abcd=V", "edge-x-return=V", "__Host-x-session-bound=V"]
        {
            assert!(is_in(pair), "{pair}");
        }
    }

    #[test]
    fn an_applications_own_cookies_are_left_alone() {
        for pair in [
            "session=V",
            "__Host-session=V",
            "__Secure-session=V",
            "__Host-Http-sessions=V",
            "__Host-Http-mysession=V",
            "edge-mysession=V",
            "edge-login-0123abc=V",
            "edge-login-0123abcg=V",
            "edge-login-=V",
            "edge-bound=V",
            "edge-session-bound=V",
            "a=edge-session=V",
            "a=__Host-Http-session",
            "a=x,y=__Host-Http-session",
            "\"edge-session\"=V",
            "",
            "=",
            ",",
            "edge-",
            "é=1",
            "é=edge-session",
        ] {
            assert!(!is_in(pair), "{pair}");
        }
    }
}
