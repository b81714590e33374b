//! A message with what its request shows of the device: a bound session answers none without proof.

use std::rc::Rc;

use time::OffsetDateTime;

use super::Session;
use super::device::{DeviceStanding, OfferState, Shown};
use super::ledger::{Cause, Event};
use super::message::{
    Attested, AttestedReply, Consequence, Denied, DeviceDenied, DeviceEvidence, GetProvider, SessionMessage,
    SessionProvider,
};
use super::standing;
use super::state::State;
use crate::actors::end_reason::EndReason;
use crate::actors::{MessageRefusal, wire};
use crate::config::DevicePolicy;
use crate::credential::SecretHash;
use crate::device::{Challenge, ChallengeKind};
use crate::store::StoreError;

impl Session {
    /// Answers the message inside, where the request may come from the session's device.
    pub(super) async fn attested(
        self: &Rc<Self>,
        attested: Attested,
    ) -> Result<Result<AttestedReply, DeviceDenied>, MessageRefusal> {
        let message: SessionMessage = wire::decode(&attested.message)?;
        if matches!(message, SessionMessage::Attested(_)) {
            return Err(MessageRefusal::Broken);
        }
        // The device comes first: who cannot prove it learns nothing of the session's provider.
        let offer = match self.check_device(&attested.secret.hash(), &attested.evidence).await {
            Ok(offer) => offer,
            Err(denied) => return Ok(Err(denied)),
        };
        if let Some(let_in) = attested.let_in.as_deref()
            && let Err(denied) = self.check_provider(&attested.secret.hash(), let_in).await
        {
            return Ok(Err(denied.into()));
        }
        let reply = Box::pin(self.answer(message)).await?;
        Ok(Ok(AttestedReply { offer, reply }))
    }

    /// Whether the request takes sessions of this one's provider. One that does not live, or not for this secret, says so itself.
    async fn check_provider(self: &Rc<Self>, secret: &SecretHash, let_in: &str) -> Result<(), Denied> {
        let now = self.now();
        if self.ready().await.is_err() || !self.is_live_for(secret, now) || self.is_let_in(let_in) {
            return Ok(());
        }
        self.record_denied(&Denied::OtherProvider, now);
        Err(Denied::OtherProvider)
    }

    /// Whether the session's provider is among these names, which have commas between them.
    pub(super) fn is_let_in(&self, names: &str) -> bool {
        let kept = self.kept.state();
        let own = kept.as_ref().and_then(|state| state.place().provider.as_deref());
        own.is_some_and(|own| names.split(',').any(|name| name == own))
    }

    /// The provider of the session, whether that lives or not.
    pub(super) async fn get_provider(self: &Rc<Self>, get: GetProvider) -> Option<SessionProvider> {
        let secret = get.secret.hash();
        self.ready().await.ok()?;
        let lives = self.is_live_for(&secret, self.now());
        let kept = self.kept.state();
        let state = kept.as_ref().filter(|state| state.knows(&secret))?;
        let forwards = matches!(state, State::Moved(moved) if moved.forwards());
        Some(SessionProvider { name: state.place().provider.clone(), lives: lives || forwards })
    }

    fn is_live_for(&self, secret: &SecretHash, now: OffsetDateTime) -> bool {
        self.kept
            .state()
            .as_ref()
            .is_some_and(|state| matches!(state.standing(now, secret, self.lifetimes()), standing::Standing::Active(_)))
    }

    /// Whether the request may come from the session's device. An unbound session may offer to be bound: the challenge for that. Where the
    /// session does not live, or not for this secret, the message inside gets to hear that.
    async fn check_device(
        self: &Rc<Self>,
        secret: &SecretHash,
        evidence: &DeviceEvidence,
    ) -> Result<Option<Challenge>, DeviceDenied> {
        if self.config.device.policy == DevicePolicy::Off {
            return Ok(None);
        }
        let now = self.now();
        if let Err(denied) = self.ready().await {
            // The device is known without the record, of which the message inside says that it cannot be read.
            return match self.device_standing(evidence, now)? {
                DeviceStanding::Unproven => Err(DeviceDenied::ProofRequired),
                DeviceStanding::Passes | DeviceStanding::PassesWithOffer => Ok(None),
                DeviceStanding::Unbound(_) => Err(denied.into()),
            };
        }
        if !self.is_live_for(secret, now) {
            return Ok(None);
        }
        match self.device_standing(evidence, now)? {
            DeviceStanding::Passes => Ok(None),
            DeviceStanding::PassesWithOffer => self.offer(),
            DeviceStanding::Unbound(OfferState::Due) => {
                Err(DeviceDenied::DeviceRequired { is_awaited: true, offer: self.offer()? })
            }
            DeviceStanding::Unbound(OfferState::Open) => {
                Err(DeviceDenied::DeviceRequired { is_awaited: true, offer: None })
            }
            DeviceStanding::Unbound(OfferState::Over) => {
                Err(DeviceDenied::DeviceRequired { is_awaited: false, offer: None })
            }
            DeviceStanding::Unproven => Err(self.refuse_unproven(evidence).await?),
        }
    }

    /// What the session's device says to the request. A proof of the session's former home counts, too.
    fn device_standing(&self, evidence: &DeviceEvidence, now: OffsetDateTime) -> Result<DeviceStanding, StoreError> {
        self.device.read(|device| {
            let former_home = device.bound().and_then(|bound| bound.former_home.as_ref());
            let is_of_former_home = former_home.zip(evidence.proof.as_ref()).is_some_and(|(former_home, proof)| {
                self.config.device.keys.proven(former_home, proof.as_str(), now).is_some()
            });
            let is_proven = evidence.shown.is_proven || is_of_former_home;
            device.standing(now, Shown { is_proven, ..evidence.shown }, self.config.device.grace)
        })
    }

    /// The challenge of an offer; none if the session has been bound meanwhile.
    fn offer(&self) -> Result<Option<Challenge>, DeviceDenied> {
        let now = self.now();
        let made = self.device.change(|device| device.offered(now))?;
        Ok(self.config.device.keys.challenge(ChallengeKind::Register, &self.id, now).filter(|_| made.is_ok()))
    }

    /// A request without proof: somebody else may have the cookie. The session lives on, as a thief must not be able to log its user
    /// out, but where the operator wants that.
    async fn refuse_unproven(self: &Rc<Self>, evidence: &DeviceEvidence) -> Result<DeviceDenied, DeviceDenied> {
        let now = self.now();
        if evidence.consequence == Consequence::Nothing {
            return Ok(DeviceDenied::ProofRequired);
        }
        let whose = evidence.in_words();
        if self.device.is_new_refusal(now, &whose) {
            self.record(
                Event::Device,
                "refused",
                Cause::Request,
                now,
                &format!("a request came without the device's proof, {whose}"),
            );
        }
        let ends = self.config.device.policy == DevicePolicy::End && evidence.consequence == Consequence::Final;
        // In its grace a session has a successor, whose cookie the browser may have by now.
        if !ends || self.active(|_| ()).is_none() {
            return Ok(DeviceDenied::ProofRequired);
        }
        self.run_out(EndReason::Device, Cause::Request).await?;
        Ok(Denied::Ended(EndReason::Device).into())
    }

    /// Whether the everyday question can be answered at once.
    pub(super) fn device_passes_at_once(&self, shown: Shown, now: OffsetDateTime) -> bool {
        self.config.device.policy == DevicePolicy::Off
            || matches!(
                self.device.read(|device| device.standing(now, shown, self.config.device.grace)),
                Ok(DeviceStanding::Passes)
            )
    }
}
