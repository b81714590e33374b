//! A browser proves again that it has the device's key.

use std::rc::Rc;

use super::Session;
use super::device::Device;
use super::device::token::DeviceToken;
use super::ledger::{Cause, Event};
use super::message::{Denied, RenewProof, Renewal};
use crate::device::ChallengeKind;

impl Session {
    /// A new proof for the answer to a challenge, or the challenge.
    pub(super) async fn renew_proof(self: &Rc<Self>, renew: RenewProof) -> Result<Renewal, Denied> {
        self.ready().await?;
        let began = self.now();
        let here = self.lives_here(renew.secret.as_ref())?;
        let bound = self.device.read(|device: &Device| device.bound().cloned())?.ok_or(Denied::Unknown)?;
        let token = renew.token.as_deref().and_then(|raw| DeviceToken::parse(raw).ok());
        let answers = |token: &DeviceToken<'_>| {
            let asked = self.config.device.keys.challenged(ChallengeKind::Renew, token.challenge(), began);
            asked.as_ref() == Some(&self.id) && !token.is_for_another(&renew.endpoint)
        };
        let Some(token) = token.filter(answers) else { return self.challenge() };
        if !token.is_signed_with(&bound.key, &*self.signatures).await {
            let detail = "an answer to a challenge was not signed with the device's key";
            if self.device.is_new_refusal(began, detail) {
                self.record(Event::Device, "refused", Cause::Request, began, detail);
            }
            return self.challenge();
        }
        // It may have ended meanwhile.
        self.lives_here(renew.secret.as_ref())?;
        self.record(Event::Device, "renewed", Cause::Request, began, "the device has proved that it has the key");
        Ok(Renewal::Renewed { thumbprint: bound.thumbprint, lives: here })
    }

    fn challenge(&self) -> Result<Renewal, Denied> {
        let now = self.now();
        let issue = || self.config.device.keys.challenge(ChallengeKind::Renew, &self.id, now);
        self.device.challenge(now, issue).map(Renewal::Challenge).ok_or(Denied::StoreUnavailable)
    }
}
