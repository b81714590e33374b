//! A login and the session that the browser had before: what the new one takes over (nothing, or in a silent login of the same
//! user its age and its ledger), and how the old one learns that another one has come in its place.

use std::rc::Rc;

use time::OffsetDateTime;

use super::Session;
use super::authorize::cause_of;
use super::follow::{self, Followed};
use super::ledger::{Cause, Event};
use super::message::{
    Authority, Denied, Destination, EndReason, Inheritance, Migrate, Migrated, SignInError, Successor, Supersede,
    Superseded,
};
use super::record::Established;
use super::state::{Attempt, DoesNotApply, Identity, Predecessor, State, Superseding};
use crate::actors::AskError;
use crate::credential::{ActorId, SecretHash};

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
            // What somebody has ended does not go on by itself.
            Err(Denied::Ended(EndReason::Logout | EndReason::Revoked | EndReason::Backchannel)) => Err(overtaken()),
            // Its time was up while the browser was at the provider: a login that nobody sees must not start it anew.
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

    /// This session, as the one that takes another's place.
    fn as_successor(
        &self,
        (issuer, subject): (String, String),
        needs_refresh_token: bool,
        signed_in_at: OffsetDateTime,
    ) -> Option<Successor> {
        let region = self.kept.state().as_ref()?.place().region;
        Some(Successor { actor: self.id.clone(), region, issuer, subject, needs_refresh_token, signed_in_at })
    }

    /// Tells the sessions whose place this one took that it did. Those that do not answer are told by the alarm. A later
    /// login may have taken the place of one of them already: then this session gives way to that one.
    pub(super) async fn tell_superseded(self: &Rc<Self>, cause: Cause) {
        let Some((superseding, successor)) = self.untold() else { return };
        let began = self.now();
        let mut told: Vec<ActorId> = Vec::new();
        let mut gave_way: Vec<ActorId> = superseding.sessions().iter().map(|known| known.actor.clone()).collect();
        let mut later: Option<Successor> = None;
        for predecessor in superseding.sessions() {
            match self.tell(predecessor, &successor).await {
                Some((superseded, lives_in)) => {
                    told.push(predecessor.actor.clone());
                    match superseded {
                        Superseded::GaveWay => gave_way.extend(lives_in),
                        Superseded::ByLater(by) => {
                            later = Some(later.filter(|known| known.is_later_than(&by)).unwrap_or(by))
                        }
                    }
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
        // One whose cookie this login came with is earlier, whatever their clocks say.
        if let Some(later) = later.filter(|later| !gave_way.contains(&later.actor)) {
            let _ = self.give_way(&later, cause).await;
        }
        let untold = superseding.told(self.now(), &told);
        if cause == Cause::Request && untold.sessions().is_empty() {
            // The record still says that they are to be told, so that a login writes no more than it has to. If it is read
            // again they are told again, which changes nothing: each knows of this login, or of a later one.
            self.kept.all_are_told();
            let _ = self.schedule_next().await;
        } else {
            // Where it does not apply, the session has moved, and those who are left are its successor's to tell. Where it is not
            // written, they are told again.
            let Established { made: Ok(()) | Err(DoesNotApply), written: Ok(()) | Err(_) } =
                self.establish(|state| state.superseding(untold)).await;
        }
    }

    /// Those who have yet to be told, and whom they are told of: this session, or where it has given way itself, the one in its place. One
    /// that is over and one that is not must not each have the other for its successor.
    fn untold(&self) -> Option<(Superseding, Successor)> {
        let (superseding, given_way_to, user) = {
            let kept = self.kept.state();
            let state = kept.as_ref()?;
            let (superseding, given_way_to) = match state {
                State::Active(active) => (&active.superseding, None),
                State::Ended(ended) => (&ended.superseding, ended.successor.as_deref().cloned()),
                State::SigningIn(_) | State::Moved(_) | State::Arriving(_) => return None,
            };
            (!superseding.sessions().is_empty()).then_some(())?;
            (superseding.clone(), given_way_to, state.user()?)
        };
        let signed_in_at = superseding.signed_in_at().unwrap_or_else(|| self.now());
        let successor = given_way_to.or_else(|| self.as_successor(user, false, signed_in_at))?;
        Some((superseding, successor))
    }

    /// Tells a session that another one has come in its place: what it says, and where it lives if that is elsewhere. None: it did not
    /// answer.
    async fn tell(&self, predecessor: &Predecessor, successor: &Successor) -> Option<(Superseded, Option<ActorId>)> {
        let supersede = || Supersede {
            authority: Authority::Successor(predecessor.secret_hash.clone()),
            successor: successor.clone(),
        };
        match follow::ask(&*self.actors, &predecessor.actor, supersede).await {
            Ok(Followed { reply: Ok(superseded), moved_to }) => Some((superseded, moved_to.map(|to| to.actor))),
            Ok(Followed { reply: Err(Denied::StoreUnavailable), .. }) => None,
            // It is over, or there is none.
            Ok(Followed { reply: Err(_), .. }) | Err(AskError::NoSuchActor) => Some((Superseded::GaveWay, None)),
            Err(AskError::TimedOut(_) | AskError::Unreachable | AskError::Refused(_)) => None,
        }
    }

    /// Ends the session that a silent login was to renew, and that cannot be: it has no token left. If it does not answer, it
    /// goes on without one until its idle end.
    pub(super) async fn end_unrenewed(&self, attempt: &Attempt) {
        let Some(predecessor) = &attempt.predecessor else { return };
        // The login that follows is a session of its own, of whichever user.
        let nobody = Successor {
            actor: self.id.clone(),
            region: self.config.regions.default,
            issuer: String::new(),
            subject: String::new(),
            needs_refresh_token: false,
            // A login that has taken its place meanwhile is later.
            signed_in_at: OffsetDateTime::UNIX_EPOCH,
        };
        self.tell(predecessor, &nobody).await;
    }

    /// Another login gave the browser another session in this one's place. Of two logins that both took its place, the later one
    /// ends the earlier.
    pub(super) async fn supersede(self: &Rc<Self>, supersede: Supersede) -> Result<Superseded, Denied> {
        self.ready().await?;
        self.write_down().await?;
        // A login that is under way is settled first.
        drop(self.signing_in.lock().await);
        let Supersede { authority, successor } = supersede;
        if successor.actor == self.id {
            return Ok(Superseded::GaveWay);
        }
        loop {
            if let Some(known) = self.known_successor(&authority) {
                if known.actor == successor.actor {
                    return Ok(Superseded::GaveWay);
                }
                // Whichever login is later: that one may have gone on in this very successor, and only the last one can tell.
                let passed_on = self.pass_on(&known, &successor).await?;
                let last = match &passed_on {
                    Superseded::GaveWay => &successor,
                    Superseded::ByLater(later) => later,
                };
                // Where it does not apply, its grace is over, or it knows of a login that is later still.
                let Established { made: Ok(()) | Err(DoesNotApply), written } =
                    self.establish(|state| state.passed_on(self.now(), last)).await;
                written?;
                return Ok(passed_on);
            }
            self.admit(&authority).await?;
            let own = self.active(|active| (active.identity.user(), active.superseding.signed_in_at()));
            let Some((user, signed_in_at)) = own else { return Err(self.elsewhere()) };
            // A login that names this session by its cookie came after it. What was passed on may have come before.
            if let (Authority::Trusted(_), Some(signed_in_at)) = (&authority, signed_in_at)
                && let Some(own) = self.as_successor(user, false, signed_in_at)
                && own.is_later_than(&successor)
            {
                return Ok(Superseded::ByLater(own));
            }
            // Somebody else may have ended or moved it before that could be written: then this came later.
            if self.give_way(&successor, cause_of(&authority)).await? {
                return Ok(Superseded::GaveWay);
            }
        }
    }

    /// Ends this session in favour of one to which it leaves nothing. False: it had ended, or moved, by the time that this
    /// could be written.
    pub(super) async fn give_way(self: &Rc<Self>, successor: &Successor, cause: Cause) -> Result<bool, Denied> {
        let reason = EndReason::Superseded;
        let ended = self.end_for(reason, cause, reason.in_words(cause), Some(successor)).await?;
        let Some(remains) = ended else { return Ok(false) };
        self.revoke_remains(remains, cause);
        Ok(true)
    }

    /// The session that took this one's place, for one who has the right to it.
    fn known_successor(&self, authority: &Authority) -> Option<Successor> {
        let is_authorized = |hash: &SecretHash| match authority {
            Authority::Successor(given) => hash.is(given),
            Authority::Cookie(secret) => hash.matches(secret),
            Authority::Trusted(_) => true,
        };
        match self.kept.state().as_ref()? {
            State::Moved(moved) if !moved.forwards() && is_authorized(&moved.secret_hash) => Some(moved.successor()),
            State::Ended(ended) if is_authorized(&ended.secret_hash) => ended.successor.as_deref().cloned(),
            _ => None,
        }
    }

    async fn pass_on(&self, earlier: &Successor, successor: &Successor) -> Result<Superseded, Denied> {
        let supersede = || Supersede { authority: Authority::Trusted(Cause::Request), successor: successor.clone() };
        match follow::ask(&*self.actors, &earlier.actor, supersede).await?.reply {
            Ok(superseded) => Ok(superseded),
            Err(Denied::StoreUnavailable) => Err(Denied::StoreUnavailable),
            // It is over, or never came to be.
            Err(_) => Ok(Superseded::GaveWay),
        }
    }
}

/// The session was ended while its login, or its move, was under way.
pub(super) fn overtaken() -> SignInError {
    SignInError::CallbackRejected("the session was ended while this login was under way".to_owned())
}
