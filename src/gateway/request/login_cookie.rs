//! The login cookie's value: a login under way, sealed, so that the browser carries it and nobody else has to. Pure.
//!
//! ```text
//!   base64url(seal(wire bytes of Sealed))             see crate::sealing; for this origin, this cookie's name and this provider alone
//! ```

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::actors::session::attempt::Attempt;
use crate::actors::wire;
use crate::config::Origin;
use crate::sealing::{NONCE, SealingKeys};

/// The longest value: eight such cookies have to fit beside the application's.
const MAX_VALUE: usize = 2_048;
/// The longest `return_to` that fits whatever else a login has to remember, in bytes.
pub const MAX_KEPT_RETURN_TO: usize = 1_200;
/// The longest organization that fits, in bytes.
pub const MAX_KEPT_ORGANIZATION: usize = 64;

/// What is sealed. A field cannot be added to what bincode has written: a changed [`Attempt`] gets a variant of its own, so that
/// logins that are under way when a release comes go on.
#[derive(Serialize, Deserialize)]
enum Sealed<'a> {
    V1(Cow<'a, Attempt>),
}

/// Where a login's cookie counts. It opens at no other origin, under no other name, and at no other provider's callback: a code that another
/// provider got hold of, or its own, makes no session of this one (RFC 9700 section 4.4).
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The origin that the browser sees.
    pub origin: &'a Origin,
    /// The cookie's name.
    pub name: &'a str,
    /// The provider's name in `PROVIDERS`; none: the single one.
    pub provider: Option<&'a str>,
}

/// Seals an attempt for the cookie of this name. What does not fit goes: first the hints, then the query of `return_to`, then how
/// the user has to log in, then the path of `return_to`. None where there is no key.
pub fn seal(keys: &SealingKeys, scope: Scope<'_>, nonce: [u8; NONCE], mut attempt: Attempt) -> Option<String> {
    let shorten: [fn(&mut Attempt); 4] = [
        |attempt| attempt.hints.clear(),
        |attempt| attempt.return_to = without_query(&attempt.return_to),
        // The route that the login leads to asks for it again.
        |attempt| attempt.authentication = None,
        |attempt| "/".clone_into(&mut attempt.return_to),
    ];
    for shorten in shorten {
        let value = sealed(keys, scope, nonce, &attempt)?;
        if value.len() <= MAX_VALUE {
            return Some(value);
        }
        shorten(&mut attempt);
    }
    sealed(keys, scope, nonce, &attempt)
}

/// Where a login or a logout goes on to, where its whole address is too long to remember: the path alone, or `/`.
pub fn without_query(return_to: &str) -> String {
    let path = return_to.split('?').next().unwrap_or_default();
    if path.len() <= MAX_KEPT_RETURN_TO { path.to_owned() } else { "/".to_owned() }
}

fn sealed(keys: &SealingKeys, scope: Scope<'_>, nonce: [u8; NONCE], attempt: &Attempt) -> Option<String> {
    let plain = wire::encode(&Sealed::V1(Cow::Borrowed(attempt))).ok()?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(keys.seal(nonce, &context(scope), &plain)?))
}

/// The attempt that a cookie of this name carries. None for anything that [`seal`] did not make for it.
pub fn open(keys: &SealingKeys, scope: Scope<'_>, value: &str) -> Option<Attempt> {
    if value.len() > MAX_VALUE {
        return None;
    }
    let sealed = BASE64_URL_SAFE_NO_PAD.decode(value).ok()?;
    let Sealed::V1(attempt) = wire::decode(&keys.open(&context(scope), &sealed)?).ok()?;
    Some(attempt.into_owned())
}

fn context(Scope { origin, name, provider }: Scope<'_>) -> Vec<u8> {
    let of = provider.map(|provider| format!("\n{provider}")).unwrap_or_default();
    format!("{}\n{name}{of}", origin.text).into_bytes()
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use time::macros::datetime;

    use super::*;
    use crate::actors::session::attempt::{LoginReason, Predecessor};
    use crate::config::authentication::{Authentication, MAX_ACR};
    use crate::credential::{ActorId, Secret};

    const NOW: OffsetDateTime = datetime!(2026-11-30 12:34:56.789 UTC);

    fn keys() -> SealingKeys {
        SealingKeys::derive(std::iter::once(&b"secret"[..]), "login")
    }

    fn origin(text: &str) -> Origin {
        Origin::of(&text.parse().unwrap()).unwrap()
    }

    /// One with everything that an attempt can have to remember.
    fn attempt(return_to: &str) -> Attempt {
        let secret = |byte| Secret::from_random([byte; 32]);
        let actor: ActorId = "0123456789abcdef".repeat(4).parse().unwrap();
        Attempt {
            actor: actor.clone(),
            began_at: NOW,
            state: secret(1),
            nonce: secret(2),
            code_verifier: secret(3),
            return_to: return_to.to_owned(),
            predecessor: Some(Predecessor { actor, secret_hash: secret(4).hash(), is_proven: true }),
            reason: LoginReason::Move,
            prompt_none: true,
            organization: Some("o".repeat(MAX_KEPT_ORGANIZATION)),
            // A form's address is shorter.
            form: (return_to.len() <= 600).then(|| "01234567".into()),
            authentication: Authentication::of(&["a".repeat(MAX_ACR.saturating_sub(1)).as_str()], Some(u32::MAX)),
            asks_anew: true,
            hints: vec![("login_hint".into(), "ada@example.com".into())],
        }
    }

    fn sealed_and_opened(return_to: &str) -> (usize, Attempt) {
        let origin = origin("https://app.example");
        let scope = Scope { origin: &origin, name: "0123abcd", provider: None };
        let value = seal(&keys(), scope, [9; NONCE], attempt(return_to)).unwrap();
        (value.len(), open(&keys(), scope, &value).unwrap())
    }

    #[test]
    fn what_is_sealed_is_opened_at_the_same_origin_under_the_same_name_for_the_same_provider_alone() {
        let (home, other) = (origin("https://app.example"), origin("https://other.example"));
        for provider in [None, Some("corp")] {
            let scope = Scope { origin: &home, name: "0123abcd", provider };
            let value = seal(&keys(), scope, [9; NONCE], attempt("/deep?x=1")).unwrap();
            let opened = open(&keys(), scope, &value).unwrap();
            assert_eq!(opened.return_to, "/deep?x=1");
            assert_eq!(opened.actor, attempt("/").actor);
            assert_eq!((opened.began_at, opened.reason), (NOW, LoginReason::Move));
            assert!(open(&keys(), Scope { origin: &other, ..scope }, &value).is_none());
            assert!(open(&keys(), Scope { name: "0123abce", ..scope }, &value).is_none());
            for another in [None, Some("corp"), Some("Corp"), Some("")].into_iter().filter(|name| *name != provider) {
                assert!(open(&keys(), Scope { provider: another, ..scope }, &value).is_none(), "{another:?}");
            }
            assert!(open(&SealingKeys::default(), scope, &value).is_none());
            for bad in ["", "AA", value.get(1..).unwrap(), &format!("{value}A"), &"A".repeat(3000)] {
                assert!(open(&keys(), scope, bad).is_none(), "{bad}");
            }
        }
    }

    #[test]
    fn a_return_to_of_1200_characters_fits_whatever_else_there_is() {
        let longest = format!("/{}", "a".repeat(MAX_KEPT_RETURN_TO - 1));
        let (length, opened) = sealed_and_opened(&longest);
        assert!(length <= MAX_VALUE, "{length}");
        assert_eq!(opened.return_to, longest);
    }

    #[test]
    fn hints_are_kept_where_there_is_room_and_go_first() {
        assert_eq!(sealed_and_opened("/deep").1.hints.len(), 1);
        let (_, opened) = sealed_and_opened(&format!("/{}", "a".repeat(MAX_KEPT_RETURN_TO - 1)));
        assert!(opened.hints.is_empty());
    }

    #[test]
    fn a_return_to_that_does_not_fit_loses_its_query_and_a_path_that_does_not_becomes_the_root() {
        assert_eq!(sealed_and_opened(&format!("/deep?{}", "q".repeat(3000))).1.return_to, "/deep");
        let long = "p".repeat(MAX_KEPT_RETURN_TO + 1);
        assert_eq!(sealed_and_opened(&format!("/{long}?{}", "q".repeat(3000))).1.return_to, "/");
    }
}
