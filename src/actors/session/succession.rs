//! A login and the session that the browser had before: what the new one takes over (nothing, or in a silent login of the same
//! user its age and its ledger), and how the old one learns that another one has come in its place.

use std::rc::Rc;

use time::OffsetDateTime;

use super::Session;
use super::follow::{self, Followed};
use super::ledger::{Cause, Event};
use super::location::Successor;
use super::message::{Authority, Denied, Destination, Migrate, Migrated, SignInError, Supersede, Superseded};
use super::record::Established;
use super::state::{Attempt, DoesNotApply, Identity, Predecessor, State, Superseding};
use super::view::Inheritance;
use crate::actors::AskError;
use crate::actors::end_reason::EndReason;
use crate::credential::ActorId;

/// What a login goes on with.
pub(super) enum Inherited {
    /// Nothing: the session that the browser had before, if any, is as it was.
    Nothing,
    /// Its predecessor has given up, and leaves this to it; nothing to another user.
    Left(Option<Box<Inheritance>>),
    /// Its predecessor's time is up.
    LoginNeeded,
}

impl Session {
    /// This session, as the one that takes another's place.
    pub(super) fn as_successor(
        &self,
        (issuer, subject): (String, String),
        needs_refresh_token: bool,
        signed_in_at: OffsetDateTime,
    ) -> Option<Successor> {
        let region = self.kept.state().as_ref()?.place().region;
        Some(Successor { actor: self.id.clone(), region, issuer, subject, needs_refresh_token, signed_in_at })
    }

    /// The sessions that do not know of this one yet, and the user of this one.
    fn untold(&self) -> Option<(Superseding, (String, String))> {
        let kept = self.kept.state();
        let state = kept.as_ref()?;
        let superseding = match state {
            State::Active(active) => &active.superseding,
            State::Ended(ended) => &ended.superseding,
            State::SigningIn(_) | State::Moved(_) | State::Arriving(_) => return None,
        };
        (!superseding.sessions().is_empty()).then_some(())?;
        Some((superseding.clone(), state.user()?))
    }

    /// What this login goes on with. Only a silent one asks its predecessor to give up before there is a session in its
    /// place.
    pub(super) async fn inherit(
        self: &Rc<Self>,
        attempt: &Attempt,
        identity: &Identity,
        needs_refresh_token: bool,
        signed_in_at: OffsetDateTime,
    ) -> Result<Inherited, SignInError> {
        let (Some(predecessor), true) = (&attempt.predecessor, attempt.is_silent()) else {
            return Ok(Inherited::Nothing);
        };
        let Some(successor) = self.as_successor(identity.user(), needs_refresh_token, signed_in_at) else {
            return Ok(Inherited::Nothing);
        };
        let migrate = || Migrate {
            authority: Authority::Successor(predecessor.secret_hash.clone()),
            destination: Destination::Successor(successor.clone()),
        };
        let left = match follow::ask(&*self.actors, &predecessor.actor, migrate).await {
            Ok(followed) => followed.reply,
            Err(error) => Err(error.into()),
        };
        match left {
            Ok(Migrated::Leaves(inheritance)) => Ok(Inherited::Left(inheritance)),
            Ok(Migrated::Lives(_)) | Err(Denied::Unknown | Denied::Ended(EndReason::Superseded)) => {
                Ok(Inherited::Nothing)
            }
            // A session that somebody ended does not go on silently.
            Err(Denied::Ended(EndReason::Logout | EndReason::Revoked | EndReason::Backchannel)) => Err(overtaken()),
            // Its time was up while the browser was at the provider. A silent login must not start it again.
            Err(Denied::Ended(
                EndReason::Idle | EndReason::Expired | EndReason::RefreshRejected | EndReason::Limit,
            )) => Ok(Inherited::LoginNeeded),
            Err(
                Denied::StoreUnavailable
                | Denied::Reauthenticate
                | Denied::ProviderUnavailable { .. }
                | Denied::Relocate
                | Denied::Moved(_),
            ) => Err(SignInError::StoreUnavailable),
        }
    }

    /// Tells the sessions whose place this one took that it did. Those that do not answer are told by the alarm. A later
    /// login may have taken the place of one of them already: then this session gives way to that one.
    pub(super) async fn tell_superseded(self: &Rc<Self>, cause: Cause) {
        let Some((superseding, user)) = self.untold() else { return };
        let began = self.now();
        let signed_in_at = superseding.signed_in_at().unwrap_or(began);
        let Some(successor) = self.as_successor(user, false, signed_in_at) else { return };
        let mut told: Vec<ActorId> = Vec::new();
        for predecessor in superseding.sessions() {
            match self.tell(predecessor, &successor).await {
                Some(Superseded::GaveWay) => told.push(predecessor.actor.clone()),
                Some(Superseded::ByLater(later)) => {
                    told.push(predecessor.actor.clone());
                    let _ = self.give_way(&later, cause).await;
                }
                None => {
                    let detail = format!(
                        "session {}, which the browser had before, did not answer: it is to end later",
                        predecessor.actor
                    );
                    self.record(Event::Revoke, "not_superseded", cause, began, &detail);
                }
            }
        }
        let later = superseding.told(self.now(), &told);
        if cause == Cause::Request && later.sessions().is_empty() {
            // The record still says that they are to be told, so that a login writes no more than it has to. If it is read
            // again they are told again, which changes nothing: each knows of this login, or of a later one.
            self.kept.all_are_told();
            let _ = self.schedule_next().await;
        } else {
            // Where it does not apply, the session has moved, and those who are left are its successor's to tell. Where it is not
            // written, they are told again.
            let Established { made: Ok(()) | Err(DoesNotApply), written: Ok(()) | Err(_) } =
                self.establish(|state| state.superseding(later)).await;
        }
    }

    /// Tells a session that another one has come in its place. None: it did not answer.
    async fn tell(&self, predecessor: &Predecessor, successor: &Successor) -> Option<Superseded> {
        let supersede = || Supersede {
            authority: Authority::Successor(predecessor.secret_hash.clone()),
            successor: successor.clone(),
        };
        match follow::ask(&*self.actors, &predecessor.actor, supersede).await {
            Ok(Followed { reply: Ok(superseded), .. }) => Some(superseded),
            Ok(Followed { reply: Err(Denied::StoreUnavailable), .. }) => None,
            // It is over, or there is none.
            Ok(Followed { reply: Err(_), .. }) | Err(AskError::NoSuchActor) => Some(Superseded::GaveWay),
            Err(AskError::TimedOut(_) | AskError::Unreachable | AskError::Refused(_)) => None,
        }
    }

    /// Ends the session that a silent login was to renew, and that cannot be: it has no token left. If it does not answer, it
    /// goes on without one until its idle end.
    pub(super) async fn end_unrenewed(&self, attempt: &Attempt) {
        let Some(predecessor) = &attempt.predecessor else { return };
        // The login that follows makes a session of its own, which may be another user's.
        let nobody = Successor {
            actor: self.id.clone(),
            region: self.config.regions.default,
            issuer: String::new(),
            subject: String::new(),
            needs_refresh_token: false,
            // A login that has taken its place in the meantime is later.
            signed_in_at: OffsetDateTime::UNIX_EPOCH,
        };
        self.tell(predecessor, &nobody).await;
    }
}

/// The session was ended while its login, or its move, was under way.
pub(super) fn overtaken() -> SignInError {
    SignInError::CallbackRejected("the session was ended while this login was under way".to_owned())
}
