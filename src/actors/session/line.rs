//! `Get` and its everyday answer as lines of text: the hot path carries them in place of bytes, which costs much less.
//!
//! ```text
//!   request   the message's bytes in base64url
//!   reply     Bearer <token> [LF <claims, a JSON object>]      or nothing: ask by message, which can wait
//! ```

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::message::{Get, Got, SessionMessage};
use crate::actors::wire;

/// The scheme of a token (RFC 6750 section 2.1).
const SCHEME: &str = "Bearer ";

/// The message.
pub fn request(get: Get) -> Option<String> {
    Some(BASE64_URL_SAFE_NO_PAD.encode(wire::encode(&SessionMessage::Get(get)).ok()?))
}

/// The message of a line.
pub fn read_request(line: &str) -> Option<Get> {
    match wire::decode(&BASE64_URL_SAFE_NO_PAD.decode(line).ok()?).ok()? {
        SessionMessage::Get(get) => Some(get),
        _ => None,
    }
}

/// The answer, where it is an everyday one.
pub fn reply(got: &Got) -> Option<String> {
    let (token, claims) = match got {
        Got::AccessToken(token) => (token.secret(), None),
        Got::Identified(identified) => (identified.token.secret(), Some(&identified.claims)),
        Got::View(_) | Got::Standing => return None,
    };
    // No header could carry it.
    if token.contains('\n') {
        return None;
    }
    Some(match claims {
        Some(claims) => [SCHEME, token, "\n", claims].concat(),
        None => [SCHEME, token].concat(),
    })
}

/// What goes into `Authorization`, and the claims.
pub fn read_reply(line: &str) -> Option<(&str, &str)> {
    line.split_once('\n')
}

/// The token in an `Authorization`.
pub fn token(authorization: &str) -> &str {
    authorization.strip_prefix(SCHEME).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use openidconnect::AccessToken;

    use super::*;
    use crate::actors::session::message::{Identified, Want};
    use crate::credential::Secret;
    use crate::region::Region;

    fn get() -> Get {
        Get { secret: Secret::from_random([7; 32]), want: Want::Claims, navigation_from: Some(Region::Oc) }
    }

    #[test]
    fn a_request_survives_its_line_and_nothing_else_is_one() {
        let line = request(get()).unwrap();
        let read = read_request(&line).unwrap();
        assert_eq!(read.secret.expose(), get().secret.expose());
        assert!(matches!((read.want, read.navigation_from), (Want::Claims, Some(Region::Oc))));
        for bad in ["", "AQ", "!", &format!("{line}AA"), line.get(..40).unwrap()] {
            assert!(read_request(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn the_golden_line_of_a_request_does_not_change() {
        assert_eq!(request(get()).unwrap(), "AQEHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwMBBg");
    }

    #[test]
    fn a_reply_has_the_token_as_it_goes_upstream_and_the_claims_behind_it() {
        assert_eq!(reply(&Got::AccessToken(AccessToken::new("t".into()))).unwrap(), "Bearer t");
        let identified = Identified { token: AccessToken::new("t".into()), claims: "{\"sub\":\"a\\nb\"}".into() };
        let line = reply(&Got::Identified(Box::new(identified))).unwrap();
        assert_eq!(read_reply(&line), Some(("Bearer t", "{\"sub\":\"a\\nb\"}")));
        assert_eq!(token("Bearer t"), "t");
        assert!(reply(&Got::Standing).is_none());
    }
}
