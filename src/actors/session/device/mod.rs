//! The device that a session is bound to: a stolen cookie is useless without the device's key. Pure; [`record`] keeps it.
//!
//! ```text
//!   Unbound ── offered, at most 3 times ──► Unbound
//!      └────── bound ──► Bound             the first key, for as long as the session lives
//! ```
//!
//! Source: W3C Device Bound Session Credentials, as `docs/devices.md` has it.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::state::DoesNotApply;
use crate::credential::ActorId;
use crate::device::Thumbprint;

pub mod record;
pub mod token;

/// How often a session is offered to a browser, which may not know what that means. An offer that nobody takes costs a key.
const OFFERS: u8 = 3;
/// How long an offer is left alone before the next one: each makes a browser sign, which it does six times in nine minutes.
const OFFER_PAUSE: Duration = Duration::seconds(5);
/// How long a page waits for an offer to be taken. A browser that knows how answers at once.
const OFFER_WAIT: Duration = Duration::seconds(10);

/// What a session knows of its device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// There is none yet.
    Unbound(Offers),
    /// This one.
    Bound(Bound),
}

/// The offers that a session has made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    /// How many.
    pub made: u8,
    /// The last one.
    pub last_at: Option<OffsetDateTime>,
}

/// The device of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Its public key, a bare JSON Web Key.
    pub key: String,
    /// The key's.
    pub thumbprint: Thumbprint,
    /// Since when.
    pub bound_at: OffsetDateTime,
    /// Where the session lived before. An answer that was late may have brought the browser a proof of that one last.
    pub former_home: Option<ActorId>,
}

/// What a session says to a request, by what that shows of its device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceStanding {
    /// It passes.
    Passes,
    /// It passes, and its answer offers to bind the session.
    PassesWithOffer,
    /// The session is bound, and nothing proves that this is its device.
    Unproven,
    /// It has to come from a bound session, which this is not.
    Unbound(OfferState),
}

/// Whether the browser may be about to bind its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferState {
    /// It can be offered that now.
    Due,
    /// It was offered that just now.
    Open,
    /// It does not take offers.
    Over,
}

impl Default for Device {
    fn default() -> Self {
        Self::Unbound(Offers::default())
    }
}

impl Device {
    /// Since when the session is bound.
    pub const fn bound_at(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Bound(bound) => Some(bound.bound_at),
            Self::Unbound(_) => None,
        }
    }

    /// The device.
    pub const fn bound(&self) -> Option<&Bound> {
        match self {
            Self::Bound(bound) => Some(bound),
            Self::Unbound(_) => None,
        }
    }

    /// What the session says to a request: whether that has a proof, has to have one, and can take an offer.
    pub fn standing(&self, now: OffsetDateTime, request: Shown, grace: Duration) -> DeviceStanding {
        match self {
            // The browser has not got its first proof yet, or it is on the way.
            Self::Bound(bound) if request.is_proven || now < bound.bound_at.saturating_add(grace) => {
                DeviceStanding::Passes
            }
            Self::Bound(_) => DeviceStanding::Unproven,
            Self::Unbound(offers) if request.is_demanded => DeviceStanding::Unbound(match () {
                () if offers.is_open(now) => OfferState::Open,
                () if request.takes_offer && offers.is_due(now) => OfferState::Due,
                () => OfferState::Over,
            }),
            Self::Unbound(offers) if request.takes_offer && offers.is_due(now) => DeviceStanding::PassesWithOffer,
            Self::Unbound(_) => DeviceStanding::Passes,
        }
    }

    /// The browser was offered to bind the session.
    pub fn offered(self, now: OffsetDateTime) -> Result<Self, DoesNotApply> {
        match self {
            Self::Unbound(Offers { made, .. }) => {
                Ok(Self::Unbound(Offers { made: made.saturating_add(1), last_at: Some(now) }))
            }
            Self::Bound(_) => Err(DoesNotApply),
        }
    }

    /// The session is this key's from now on. The first key stays.
    pub fn bind(self, now: OffsetDateTime, key: token::DeviceKey) -> Result<Self, DoesNotApply> {
        match self {
            Self::Unbound(_) => {
                let token::DeviceKey { bare, thumbprint } = key;
                Ok(Self::Bound(Bound { key: bare, thumbprint, bound_at: now, former_home: None }))
            }
            Self::Bound(_) => Err(DoesNotApply),
        }
    }

    /// The session has come from another actor.
    pub fn moved_from(self, former_home: ActorId) -> Self {
        match self {
            Self::Unbound(offers) => Self::Unbound(offers),
            Self::Bound(bound) => Self::Bound(Bound { former_home: Some(former_home), ..bound }),
        }
    }
}

/// What a request shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The proof of the session's device.
    pub is_proven: bool,
    /// Its route takes bound sessions alone.
    pub is_demanded: bool,
    /// Its answer can carry an offer: it is a document of this origin's own.
    pub takes_offer: bool,
}

impl Offers {
    fn is_due(self, now: OffsetDateTime) -> bool {
        self.made < OFFERS && self.last_at.is_none_or(|at| now >= at.saturating_add(OFFER_PAUSE))
    }

    fn is_open(self, now: OffsetDateTime) -> bool {
        self.last_at.is_some_and(|at| now < at.saturating_add(OFFER_WAIT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const GRACE: Duration = Duration::seconds(10);
    const BARE: Shown = Shown { is_proven: false, is_demanded: false, takes_offer: false };
    const PROVEN: Shown = Shown { is_proven: true, ..BARE };
    const DOCUMENT: Shown = Shown { takes_offer: true, ..BARE };
    const DEMANDED: Shown = Shown { is_demanded: true, ..BARE };

    fn key() -> token::DeviceKey {
        token::DeviceKey { bare: "{}".to_owned(), thumbprint: Thumbprint::of("key") }
    }

    fn seconds(seconds: i64) -> OffsetDateTime {
        T0.saturating_add(Duration::seconds(seconds))
    }

    #[test]
    fn a_bound_session_wants_the_proof_once_its_grace_is_over() {
        let device = Device::default().bind(T0, key()).unwrap();
        assert_eq!(device.standing(seconds(9), BARE, GRACE), DeviceStanding::Passes);
        assert_eq!(device.standing(seconds(10), BARE, GRACE), DeviceStanding::Unproven);
        assert_eq!(device.standing(seconds(10), DOCUMENT, GRACE), DeviceStanding::Unproven);
        assert_eq!(device.standing(seconds(10), PROVEN, GRACE), DeviceStanding::Passes);
        assert_eq!(device.standing(seconds(10), Shown { is_demanded: true, ..PROVEN }, GRACE), DeviceStanding::Passes);
    }

    #[test]
    fn the_first_key_stays() {
        let device = Device::default().bind(T0, key()).unwrap();
        assert_eq!(device.clone().bind(T0, key()), Err(DoesNotApply));
        assert_eq!(device.offered(T0), Err(DoesNotApply));
    }

    #[test]
    fn an_unbound_session_is_offered_three_times_with_a_pause_between() {
        let mut device = Device::default();
        for at in [0, 5, 10] {
            assert_eq!(device.standing(seconds(at), BARE, GRACE), DeviceStanding::Passes);
            assert_eq!(device.standing(seconds(at), DOCUMENT, GRACE), DeviceStanding::PassesWithOffer, "{at}");
            device = device.offered(seconds(at)).unwrap();
            assert_eq!(device.standing(seconds(at.saturating_add(4)), DOCUMENT, GRACE), DeviceStanding::Passes, "{at}");
        }
        assert_eq!(device.standing(seconds(1000), DOCUMENT, GRACE), DeviceStanding::Passes);
    }

    #[test]
    fn a_route_for_bound_sessions_waits_only_while_an_offer_is_open() {
        let device = Device::default();
        assert_eq!(device.standing(T0, DEMANDED, GRACE), DeviceStanding::Unbound(OfferState::Over));
        let document = Shown { takes_offer: true, ..DEMANDED };
        assert_eq!(device.standing(T0, document, GRACE), DeviceStanding::Unbound(OfferState::Due));
        let device = device.offered(T0).unwrap();
        assert_eq!(device.standing(seconds(9), DEMANDED, GRACE), DeviceStanding::Unbound(OfferState::Open));
        assert_eq!(device.standing(seconds(10), DEMANDED, GRACE), DeviceStanding::Unbound(OfferState::Over));
        // A browser that took none of three offers does not wait for a fourth.
        let refusing = device.offered(T0).unwrap().offered(T0).unwrap();
        assert_eq!(refusing.standing(seconds(1000), document, GRACE), DeviceStanding::Unbound(OfferState::Over));
    }

    #[test]
    fn a_session_says_since_when_it_is_bound_and_to_which_key() {
        assert_eq!((Device::default().bound_at(), Device::default().bound()), (None, None));
        let device = Device::default().bind(seconds(3), key()).unwrap();
        assert_eq!(device.bound_at(), Some(seconds(3)));
        assert_eq!(device.bound().map(|bound| &bound.thumbprint), Some(&key().thumbprint));
    }
}
