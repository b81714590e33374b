//! The return cookie's value: where the browser goes when a logout is back from the provider. Pure.
//!
//! ```text
//!   <state>.<base64url of return_to>
//! ```
//!
//! It need not be sealed: it leads to addresses of this site alone, which is checked when it is read, and no other host can set
//! a cookie of this name.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::credential::Secret;
use crate::gateway::request::login_cookie::{MAX_KEPT_RETURN_TO, without_query};

/// The value for a logout with this `state`. A `return_to` that is too long loses its query, or becomes `/`.
pub fn value(state: &Secret, return_to: &str) -> String {
    let return_to = if return_to.len() <= MAX_KEPT_RETURN_TO { return_to.to_owned() } else { without_query(return_to) };
    format!("{}.{}", state.expose(), BASE64_URL_SAFE_NO_PAD.encode(return_to))
}

/// `state` and `return_to`.
pub fn read(value: &str) -> Option<(&str, String)> {
    let (state, return_to) = value.split_once('.')?;
    Some((state, String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(return_to).ok()?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let state = Secret::from_random([1; 32]);
        let written = value(&state, "/deep?x=1;y=ü");
        assert!(written.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b';' | b',' | b'"' | b'\\')));
        assert_eq!(read(&written), Some((state.expose().as_str(), "/deep?x=1;y=ü".to_owned())));
        for bad in ["", ".", "state", "state.%", "state._w"] {
            assert!(read(bad).is_none_or(|(_, to)| to.is_empty()), "{bad}");
        }
    }

    #[test]
    fn a_return_to_that_is_too_long_loses_its_query() {
        let written = value(&Secret::from_random([1; 32]), &format!("/deep?{}", "q".repeat(2000)));
        assert_eq!(read(&written).unwrap().1, "/deep");
    }
}
