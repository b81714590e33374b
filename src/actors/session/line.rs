//! What a proxied request asks of its session (`GetToken`, `GetIdentity`), and the everyday answer, as lines of text: the hot
//! path carries them in place of messages, which costs much less. What a line does not say is asked by message.
//!
//! ```text
//!   question   (t | a | i)[+][!]<secret>[<region>][@<names>][ SP <target>]
//!                                                        t: the token, a: and the claims, i: the ID token and the claims
//!                                                        +: with the proof of the device, !: the answer can carry an offer
//!                                                        @: sessions of these providers alone, with commas
//!                                                        target: the token is the one for this
//!   answer     Bearer <token> [LF <claims, a JSON object>]      or nothing: ask by message, which can wait
//! ```

use super::message::TokenKind;
use crate::config::target::TargetKey;
use crate::credential::Secret;
use crate::region::Region;

/// The scheme of a token (RFC 6750 section 2.1).
const SCHEME: &str = "Bearer ";
/// How long a secret is as text.
const SECRET: usize = 43;

/// What a request asks.
#[derive(Debug)]
pub struct Question {
    /// The cookie's secret.
    pub secret: Secret,
    /// The visitor's region, on a navigation that may move the session.
    pub navigation_from: Option<Region>,
    /// Whether the claims are asked for, too, and beside which token.
    pub identity: Option<TokenKind>,
    /// What the access token is for, where that is not the session's own.
    pub target: Option<TargetKey>,
    /// Whether the request has the proof of the session's device.
    pub is_proven: bool,
    /// Whether its answer can carry an offer to bind the session.
    pub takes_offer: bool,
    /// The providers whose sessions are let in, with commas; none: all.
    pub let_in: Option<String>,
}

impl Question {
    /// As a line.
    pub fn line(&self) -> String {
        let kind = match self.identity {
            None => "t",
            Some(TokenKind::Access) => "a",
            Some(TokenKind::Id) => "i",
        };
        let proven = if self.is_proven { "+" } else { "" };
        let offer = if self.takes_offer { "!" } else { "" };
        let region = self.navigation_from.map_or("", Region::as_str);
        let (at, names) = self.let_in.as_deref().map_or(("", ""), |names| ("@", names));
        let (space, target) = self.target.as_ref().map_or(("", ""), |target| (" ", target.as_str()));
        [kind, proven, offer, &self.secret.expose(), region, at, names, space, target].concat()
    }

    /// Of a line.
    pub fn read(line: &str) -> Option<Self> {
        let (kind, rest) = line.split_at_checked(1)?;
        let identity = match kind {
            "t" => None,
            "a" => Some(TokenKind::Access),
            "i" => Some(TokenKind::Id),
            _ => return None,
        };
        let (is_proven, rest) = rest.strip_prefix('+').map_or((false, rest), |rest| (true, rest));
        let (takes_offer, rest) = rest.strip_prefix('!').map_or((false, rest), |rest| (true, rest));
        let (secret, rest) = rest.split_at_checked(SECRET)?;
        let (rest, target) = rest.split_once(' ').map_or((rest, None), |(rest, target)| (rest, Some(target)));
        let (region, let_in) = rest.split_once('@').map_or((rest, None), |(region, names)| (region, Some(names)));
        let navigation_from = if region.is_empty() { None } else { Some(region.parse().ok()?) };
        let (target, let_in) = (target.map(TargetKey::of), let_in.map(str::to_owned));
        let secret = Secret::parse(secret)?;
        Some(Self { secret, navigation_from, identity, target, is_proven, takes_offer, let_in })
    }
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

    fn question(identity: Option<TokenKind>, navigation_from: Option<Region>) -> Question {
        let secret = Secret::from_random([7; 32]);
        Question { secret, navigation_from, identity, target: None, is_proven: false, takes_offer: false, let_in: None }
    }

    #[test]
    fn a_question_survives_its_line_and_nothing_else_is_one() {
        for identity in [None, Some(TokenKind::Access), Some(TokenKind::Id)] {
            for region in [None, Some(Region::Oc), Some(Region::Weur)] {
                for (is_proven, takes_offer) in [(false, false), (true, false), (false, true), (true, true)] {
                    let line = Question { is_proven, takes_offer, ..question(identity, region) }.line();
                    let read = Question::read(&line).unwrap();
                    assert_eq!(read.secret.expose(), question(None, None).secret.expose());
                    assert_eq!((read.identity, read.navigation_from), (identity, region));
                    assert_eq!((read.is_proven, read.takes_offer), (is_proven, takes_offer));
                }
                for let_in in [None, Some(""), Some("corp"), Some("corp,club-2")] {
                    let let_in = let_in.map(str::to_owned);
                    let line = Question { let_in: let_in.clone(), ..question(identity, region) }.line();
                    let read = Question::read(&line).unwrap();
                    assert_eq!((read.let_in, read.navigation_from), (let_in, region));
                }
                let line = question(identity, region).line();
                for bad in ["", "t", &format!("x{line}"), &format!("{line}x"), line.get(..43).unwrap()] {
                    assert!(Question::read(bad).is_none(), "{bad:?}");
                }
            }
        }
    }

    #[test]
    fn a_question_names_the_target_of_its_token() {
        for region in [None, Some(Region::Oc)] {
            let asked = Question { target: Some(TargetKey::of("a-b_c")), ..question(None, region) };
            let read = Question::read(&asked.line()).unwrap();
            assert_eq!((read.target, read.navigation_from), (asked.target, region));
        }
        assert_eq!(Question::read(&question(None, None).line()).unwrap().target, None);
    }

    #[test]
    fn the_golden_line_of_a_question_does_not_change() {
        let line = question(Some(TokenKind::Id), Some(Region::Oc)).line();
        assert_eq!(line, "iBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcoc");
        let let_in = Some("corp,club".to_owned());
        let line = Question { let_in, ..question(None, Some(Region::Oc)) }.line();
        assert_eq!(line, "tBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcoc@corp,club");
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
