//! A login and the session that the browser had before: what the new one takes over (nothing, or in a silent login of the same
//! user its age and its ledger), and how the old one learns that another one has come in its place.
//!
//! ```text
//!   silent login     new ── Migrate ───► old     before there is a session: the old one gives up, and leaves it age and ledger
//!   any other        new ── Supersede ─► old     once there is one, with whether the login brought the old one's proof of its device
//!   told twice       old ── Supersede ─► known   the old one has given way before: it passes the login on to the one that it knows
//!   both alive       known ── Confirm ─► new     whether the login that was passed on still lives; then the later one stays
//! ```

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

    /// The sessions that do not know of the login yet, and the session that they are told of: this one, or its successor if it has given
    /// way itself. A session that is over and one that lives must not each have the other for its successor.
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
        let mut asked = follow::ask(&*self.actors, &predecessor.actor, migrate).await;
        if asked.is_err() {
            // It may have given up, and its reply be lost: nobody would go on with the session. It says the same once more.
            asked = follow::ask(&*self.actors, &predecessor.actor, migrate).await;
        }
        let left = match asked {
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
                EndReason::Idle
                | EndReason::Expired
                | EndReason::RefreshRejected
                | EndReason::Limit
                | EndReason::Device
                | EndReason::ProviderRemoved,
            )) => Ok(Inherited::LoginNeeded),
            Err(
                Denied::StoreUnavailable
                | Denied::TargetRefused
                | Denied::Reauthenticate
                | Denied::ProviderUnavailable { .. }
                | Denied::Relocate
                | Denied::Moved(_)
                | Denied::OtherProvider,
            ) => Err(SignInError::StoreUnavailable),
        }
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
                        Superseded::Stays => {}
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
                    self.record(Event::Revoke, "not_superseded", cause.clone(), began, &detail);
                }
            }
        }
        // One whose cookie this login came with is earlier, whatever their clocks say.
        if let Some(later) = later.filter(|later| !gave_way.contains(&later.actor)) {
            let _ = self.give_way(&later, cause.clone()).await;
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

    /// Tells a session that another one has come in its place: what it says, and where it lives if that is elsewhere. None: it did not
    /// answer.
    async fn tell(&self, predecessor: &Predecessor, successor: &Successor) -> Option<(Superseded, Option<ActorId>)> {
        let supersede = || Supersede {
            authority: Authority::Successor(predecessor.secret_hash.clone()),
            successor: successor.clone(),
            is_proven: predecessor.is_proven,
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
