//! A login on its way through the provider: what the browser carries in its login cookie, sealed, until the callback. Pure.
//!
//! Nothing else keeps it: there is no actor, and nothing is written, before a callback brings it back. From then on the
//! actor knows that it was taken ([`SigningIn`]).

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::actors::summary::UserPlace;
use crate::config::authentication::Authentication;
use crate::credential::{ActorId, Secret, SecretHash};

/// The actor takes an attempt for expired this much later than the gateway does: their clocks differ.
const CLOCK_SKEW: Duration = Duration::minutes(1);

/// One authorization request, as remembered for its response.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// The actor that the session will live in.
    #[serde(with = "binary")]
    pub actor: ActorId,
    /// When the login began.
    pub began_at: OffsetDateTime,
    /// The random half of `state`.
    pub state: Secret,
    /// `nonce`.
    pub nonce: Secret,
    /// `code_verifier` (RFC 7636).
    pub code_verifier: Secret,
    /// Where the browser goes afterwards.
    pub return_to: String,
    /// The session that this login replaces.
    pub predecessor: Option<Predecessor>,
    /// What the login is for.
    pub reason: LoginReason,
    /// `prompt=none` was asked for.
    pub prompt_none: bool,
    /// The organization that was asked for. The tokens have to be for it.
    pub organization: Option<String>,
    /// The form that waits for the login.
    pub form: Option<String>,
    /// How the user has to log in. It is checked when they come back.
    pub authentication: Option<Authentication>,
    /// The provider is to ask a user whom it still knows (`prompt=login`).
    pub asks_anew: bool,
    /// The other parameters of `/login`, as far as there was room. If this login fails, the next one gets them.
    pub hints: Vec<(String, String)>,
}

/// What a login is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoginReason {
    /// Somebody wants to log in.
    Asked,
    /// The predecessor has run out of tokens. Silent: `prompt=none`, and a refusal leads to an interactive login.
    Renewal,
    /// The predecessor's user is in another region. Silent, too; any other error leaves the predecessor as it is.
    Move,
}

/// The session that a login replaces, and the proof that the browser had it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Predecessor {
    /// Its actor.
    #[serde(with = "binary")]
    pub actor: ActorId,
    /// Of its cookie.
    pub secret_hash: SecretHash,
    /// The cookie came with the proof of the session's device. Without it the cookie may be a thief's, if that session is bound to one.
    pub is_proven: bool,
}

/// A callback took the attempt. Its code is being redeemed, or no session came of it.
#[derive(Clone, Debug)]
pub struct SigningIn {
    /// Where the user is.
    pub place: UserPlace,
    /// When the login began.
    pub began_at: OffsetDateTime,
    /// When this is forgotten: nobody can bring the attempt back by then.
    pub forgotten_at: OffsetDateTime,
}

impl Attempt {
    /// Whether a callback comes too late for it. `timeout` is `LOGIN_TIMEOUT_SECONDS`.
    pub fn has_expired(&self, now: OffsetDateTime, timeout: Duration) -> bool {
        now >= self.began_at.saturating_add(timeout)
    }

    /// The attempt is taken at `now`, once. None: it comes too late even by a clock that is behind the gateway's.
    pub fn take(&self, now: OffsetDateTime, timeout: Duration, place: UserPlace) -> Option<SigningIn> {
        let last = self.began_at.saturating_add(timeout).saturating_add(CLOCK_SKEW);
        // A login that began at the last moment is still under way then.
        let forgotten_at = last.max(now).saturating_add(Duration::minutes(2));
        (now < last).then_some(SigningIn { place, began_at: self.began_at, forgotten_at })
    }

    /// What no log line may quote of it.
    pub fn secrets(&self) -> [String; 3] {
        [&self.state, &self.nonce, &self.code_verifier].map(Secret::expose)
    }

    /// Whether no user sees anything of the login.
    pub const fn is_silent(&self) -> bool {
        matches!(self.reason, LoginReason::Renewal | LoginReason::Move)
    }
}

/// An actor's id in 32 bytes: cookies are small.
mod binary {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::credential::ActorId;

    pub fn serialize<S: Serializer>(id: &ActorId, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = [0_u8; 32];
        hex::decode_to_slice(id.as_str(), &mut bytes).map_err(serde::ser::Error::custom)?;
        bytes.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ActorId, D::Error> {
        hex::encode(<[u8; 32]>::deserialize(deserializer)?).try_into().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Region;

    const TIMEOUT: Duration = Duration::minutes(10);
    const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn attempt() -> Attempt {
        let secret = |byte| Secret::from_random([byte; 32]);
        Attempt {
            actor: "0123456789abcdef".repeat(4).parse().unwrap(),
            began_at: T0,
            state: secret(1),
            nonce: secret(2),
            code_verifier: secret(3),
            return_to: "/".into(),
            predecessor: None,
            reason: LoginReason::Asked,
            prompt_none: false,
            organization: None,
            form: None,
            authentication: None,
            asks_anew: false,
            hints: Vec::new(),
        }
    }

    fn place() -> UserPlace {
        UserPlace { region: Region::Weur, country: None, user_agent: None, provider: None }
    }

    #[test]
    fn an_attempt_that_is_taken_is_remembered_until_nobody_can_bring_it_again() {
        for seconds in [0, 599, 659] {
            let now = T0.saturating_add(Duration::seconds(seconds));
            let taken = attempt().take(now, TIMEOUT, place()).unwrap();
            assert!(attempt().take(taken.forgotten_at, TIMEOUT, place()).is_none(), "{seconds}");
        }
        assert!(attempt().take(T0.saturating_add(Duration::seconds(660)), TIMEOUT, place()).is_none());
    }

    #[test]
    fn an_attempt_expires_after_the_timeout() {
        assert!(!attempt().has_expired(T0.saturating_add(Duration::seconds(599)), TIMEOUT));
        assert!(attempt().has_expired(T0.saturating_add(TIMEOUT), TIMEOUT));
    }

    #[test]
    fn an_attempt_shows_no_secret_in_debug_output() {
        let text = format!("{:?}", attempt());
        assert!(text.contains("[redacted]") && !text.contains(&attempt().state.expose()), "{text}");
    }
}
