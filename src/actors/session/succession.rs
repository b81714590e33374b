//! What a login takes over from the session that the browser had before: nothing, or in a silent login of the same user
//! its age and its ledger.

use std::rc::Rc;

use super::Session;
use super::follow;
use super::message::{
    Authority, Denied, Destination, EndReason, Estate, Migrate, Migrated, Occasion, Revoke, SignInError, SilentLogin,
    SilentLoginHints, Successor,
};
use super::state::{Attempt, Identity, Predecessor};
use crate::actors;

/// What a login goes on with.
pub(super) enum Inheritance {
    /// Nothing: the session that the browser had before, if any, is as it was.
    Nothing,
    /// Its predecessor has given up, and leaves this to it; nothing to another user.
    Left(Option<Box<Estate>>),
    /// Its predecessor's time is up.
    LoginNeeded,
}

impl Session {
    /// What this login goes on with. Only a silent one asks its predecessor to give up before there is a session in its
    /// place.
    pub(super) async fn inherit(
        self: &Rc<Self>,
        attempt: &Attempt,
        identity: &Identity,
        needs_refresh_token: bool,
    ) -> Result<Inheritance, SignInError> {
        let Some(predecessor) = &attempt.predecessor else { return Ok(Inheritance::Nothing) };
        let region = self.memory.borrow().state.as_ref().map(|state| state.place().region);
        let (Occasion::Renewal | Occasion::Move, Some(region)) = (attempt.occasion, region) else {
            return Ok(Inheritance::Nothing);
        };
        let migrate = || Migrate {
            authority: Authority::Successor(predecessor.secret_hash.clone()),
            destination: Destination::Successor(Successor {
                actor: self.id.clone(),
                region,
                issuer: identity.issuer.clone(),
                subject: identity.subject.clone(),
                needs_refresh_token,
            }),
        };
        let left = match follow::ask(&self.env, &predecessor.actor, migrate).await {
            Ok(followed) => followed.reply,
            Err(error) => Err(error.into()),
        };
        match left {
            Ok(Migrated::Leaves(estate)) => Ok(Inheritance::Left(estate)),
            Ok(Migrated::Lives(_)) | Err(Denied::Unknown | Denied::Ended(EndReason::Superseded)) => {
                Ok(Inheritance::Nothing)
            }
            // What somebody has ended does not go on by itself.
            Err(Denied::Ended(EndReason::Logout | EndReason::Revoked | EndReason::Backchannel)) => Err(overtaken()),
            // Its time was up while the browser was at the provider: a login that nobody sees must not start it anew.
            Err(Denied::Ended(EndReason::Idle | EndReason::Expired | EndReason::RefreshRejected)) => {
                Ok(Inheritance::LoginNeeded)
            }
            Err(
                Denied::StoreUnavailable
                | Denied::Reauthenticate
                | Denied::ProviderUnavailable { .. }
                | Denied::Relocate
                | Denied::Moved(_),
            ) => Err(SignInError::StoreUnavailable),
        }
    }

    /// Ends the session that the browser had before.
    pub(super) async fn supersede(&self, attempt: &Attempt) {
        let Some(predecessor) = &attempt.predecessor else { return };
        let revoke = || Revoke {
            authority: Authority::Successor(predecessor.secret_hash.clone()),
            reason: EndReason::Superseded,
            logout: None,
        };
        let _ = follow::ask(&self.env, &predecessor.actor, revoke).await;
    }

    /// Whom a silent login is for.
    pub(super) async fn hints_of(&self, predecessor: &Predecessor) -> Option<SilentLoginHints> {
        let address = actors::existing_session(&self.env, &predecessor.actor).ok()?;
        let authority = Authority::Successor(predecessor.secret_hash.clone());
        actors::ask(&address, SilentLogin { authority }).await.ok()?
    }
}

/// The session was ended while its login, or its move, was under way.
pub(super) fn overtaken() -> SignInError {
    SignInError::CallbackRejected("the session was ended while this login was under way".to_owned())
}
