//! A browser binds its session to the device's key.

use std::rc::Rc;

use super::Session;
use super::device::Device;
use super::device::token::DeviceToken;
use super::ledger::{Cause, Event};
use super::location::ActorLocation;
use super::message::{BindDevice, Binding, Denied, DeviceRefusal};
use super::state::State;
use crate::actors::end_reason::EndReason;
use crate::credential::Secret;
use crate::device::ChallengeKind;

impl Session {
    /// Binds the session to the key that the browser brings. The gateway has asked the session that the challenge names; one that
    /// forwards has been followed.
    pub(super) async fn bind_device(self: &Rc<Self>, bind: BindDevice) -> Result<Binding, Denied> {
        self.ready().await?;
        let began = self.now();
        let here = self.lives_here(bind.secret.as_ref())?;
        self.stays_here()?;
        let token = match DeviceToken::parse(&bind.token) {
            Ok(token) => token,
            Err(flaw) => return Ok(Binding::Refused(DeviceRefusal::Token(flaw.to_string()))),
        };
        let Some(key) = token.key().cloned() else {
            return Ok(Binding::Refused(DeviceRefusal::Token("it brings no key".to_owned())));
        };
        if self.config.device.keys.challenged(ChallengeKind::Register, token.challenge(), began).is_none() {
            return Ok(Binding::Refused(DeviceRefusal::Challenge));
        }
        if token.is_for_another(&bind.endpoint) {
            return Ok(Binding::Refused(DeviceRefusal::Endpoint));
        }
        if self.device.read(|device| device.bound().is_some())? {
            return Ok(Binding::Refused(DeviceRefusal::AlreadyBound));
        }
        if !token.is_signed_with(&key.bare, &*self.signatures).await {
            return Ok(Binding::Refused(DeviceRefusal::Signature));
        }
        // The session may have ended, or another registration may have come, while the signature was checked.
        self.lives_here(bind.secret.as_ref())?;
        self.stays_here()?;
        let thumbprint = key.thumbprint;
        if self.device.change(|device| device.bind(began, key))?.is_err() {
            return Ok(Binding::Refused(DeviceRefusal::AlreadyBound));
        }
        self.record(Event::Device, "bound", Cause::Request, began, "the session is bound to a device's key");
        Ok(Binding::Bound { thumbprint, lives: here })
    }

    /// Where the session lives, if it does so here. A cookie that comes along has to be its own.
    pub(super) fn lives_here(&self, secret: Option<&Secret>) -> Result<ActorLocation, Denied> {
        let kept = self.kept.state();
        match kept.as_ref().ok_or(Denied::Unknown)? {
            State::Active(active) if secret.is_some_and(|secret| !active.secret_hash.matches(secret)) => {
                Err(Denied::Unknown)
            }
            State::Active(active) => match active.over(self.now(), self.lifetimes()) {
                None => Ok(ActorLocation {
                    actor: self.id.clone(),
                    region: active.place.region,
                    expires_at: active.expires_at,
                }),
                Some(reason) => Err(Denied::Ended(reason)),
            },
            State::Moved(moved) if moved.forwards() => Err(Denied::Moved(moved.to.clone())),
            // The session that took its place has, or gets, a key of its own.
            State::Moved(_) => Err(Denied::Ended(EndReason::Superseded)),
            State::Ended(ended) => Err(Denied::Ended(ended.reason)),
            State::SigningIn(_) | State::Arriving(_) => Err(Denied::Unknown),
        }
    }

    /// A device that is bound while the session moves would be left behind. The browser is offered that again.
    fn stays_here(&self) -> Result<(), Denied> {
        let moves = self.active(|active| active.moving.is_some()) == Some(true);
        if moves { Err(Denied::StoreUnavailable) } else { Ok(()) }
    }

    /// Since when the session is bound, once its device was read.
    pub(super) fn bound_at(&self) -> Option<time::OffsetDateTime> {
        self.device.read(Device::bound_at).ok().flatten()
    }
}
