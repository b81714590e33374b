//! What a proxied request asks of its session (`GetToken`, `GetIdentity`), and the everyday answer, as lines of text: the hot
//! path carries them in place of bytes, which costs much less.
//!
//! ```text
//!   request   the message's bytes in base64url
//!   reply     Bearer <token> [LF <claims, a JSON object>]      or nothing: ask by message, which can wait
//! ```

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::message::SessionMessage;
use crate::actors::wire;

/// The scheme of a token (RFC 6750 section 2.1).
const SCHEME: &str = "Bearer ";

/// The message as a line.
pub fn request(message: &SessionMessage) -> Option<String> {
    Some(BASE64_URL_SAFE_NO_PAD.encode(wire::encode(message).ok()?))
}

/// The message of a line.
pub fn read_request(line: &str) -> Option<SessionMessage> {
    wire::decode(&BASE64_URL_SAFE_NO_PAD.decode(line).ok()?).ok()
}

/// A token, and the claims where they were asked for, as a line. None: no header could carry the token.
pub fn reply(token: &str, claims: Option<&str>) -> Option<String> {
    if token.contains('\n') {
        return None;
    }
    let authorization = authorization(token);
    Some(match claims {
        Some(claims) => [&authorization, "\n", claims].concat(),
        None => authorization,
    })
}

/// A token in `Authorization`.
pub fn authorization(token: &str) -> String {
    [SCHEME, token].concat()
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
    use super::*;
    use crate::actors::Request as _;
    use crate::actors::session::message::{GetIdentity, TokenKind};
    use crate::credential::Secret;
    use crate::region::Region;

    fn get() -> GetIdentity {
        let secret = Secret::from_random([7; 32]);
        GetIdentity { secret, token: TokenKind::Id, navigation_from: Some(Region::Oc) }
    }

    #[test]
    fn a_request_survives_its_line_and_nothing_else_is_one() {
        let line = request(&get().into_message()).unwrap();
        let Some(SessionMessage::GetIdentity(read)) = read_request(&line) else { panic!("{line}") };
        assert_eq!(read.secret.expose(), get().secret.expose());
        assert_eq!((read.token, read.navigation_from), (TokenKind::Id, Some(Region::Oc)));
        for bad in ["", "AQ", "!", &format!("{line}AA"), line.get(..40).unwrap()] {
            assert!(read_request(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn the_golden_line_of_a_request_does_not_change() {
        let line = request(&get().into_message()).unwrap();
        assert_eq!(line, "AQIHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwEBBg");
    }

    #[test]
    fn a_reply_has_the_token_as_it_goes_upstream_and_the_claims_behind_it() {
        assert_eq!(reply("t", None).unwrap(), "Bearer t");
        let line = reply("t", Some("{\"sub\":\"a\\nb\"}")).unwrap();
        assert_eq!(read_reply(&line), Some(("Bearer t", "{\"sub\":\"a\\nb\"}")));
        assert_eq!(token("Bearer t"), "t");
        assert!(reply("a\nb", None).is_none());
    }
}
