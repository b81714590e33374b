//! What a login takes over from the session that the browser had before: nothing, or in a silent login of the same user
//! its age and its ledger.

use std::rc::Rc;
use std::time::Duration;

use worker::Delay;

use super::Session;
use super::follow;
use super::ledger::{Cause, Event};
use super::message::{
    Authority, Denied, Destination, EndReason, Estate, Migrate, Migrated, Occasion, Revoke, SignInError, SilentLogin,
    SilentLoginHints, Successor,
};
use super::state::{Attempt, Identity, Predecessor};
use crate::actors::{self, AskError};
use crate::ambient;

/// When a session that did not answer is told again that another one has come in its place.
const TOLD_AGAIN_AFTER: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
];

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
            Err(Denied::Ended(
                EndReason::Idle | EndReason::Expired | EndReason::RefreshRejected | EndReason::Limit,
            )) => Ok(Inheritance::LoginNeeded),
            Err(
                Denied::StoreUnavailable
                | Denied::Reauthenticate
                | Denied::ProviderUnavailable { .. }
                | Denied::Relocate
                | Denied::Moved(_),
            ) => Err(SignInError::StoreUnavailable),
        }
    }

    /// Ends the session that the browser had before. One that does not answer is told again, and nobody waits for that.
    pub(super) async fn supersede(self: &Rc<Self>, attempt: &Attempt) {
        let Some(predecessor) = attempt.predecessor.clone() else { return };
        if self.has_superseded(&predecessor).await {
            return;
        }
        let detail =
            format!("session {}, which the browser had before, did not answer: it is to end later", predecessor.actor);
        self.record(Event::Revoke, "not_superseded", Cause::Request, ambient::now(), &detail);
        let session = Rc::clone(self);
        wasm_bindgen_futures::spawn_local(async move {
            for pause in TOLD_AGAIN_AFTER {
                Delay::from(pause).await;
                if session.has_superseded(&predecessor).await {
                    return;
                }
            }
        });
    }

    /// Tells a session that another one has come in its place: whether it knows, or there is none.
    async fn has_superseded(&self, predecessor: &Predecessor) -> bool {
        let revoke = || Revoke {
            authority: Authority::Successor(predecessor.secret_hash.clone()),
            reason: EndReason::Superseded,
            logout: None,
        };
        match follow::ask(&self.env, &predecessor.actor, revoke).await {
            Ok(followed) => !matches!(followed.reply, Err(Denied::StoreUnavailable)),
            Err(error) => matches!(error, AskError::NoSuchActor),
        }
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
