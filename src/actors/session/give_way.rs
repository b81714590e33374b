//! A session gives way to a later login of its browser.

use std::rc::Rc;

use time::OffsetDateTime;

use super::Session;
use super::follow::{self, Followed};
use super::ledger::Cause;
use super::location::Successor;
use super::message::{Authority, Confirm, Denied, Supersede, Superseded};
use super::state::DoesNotApply;
use crate::actors::end_reason::EndReason;
use crate::actors::session::State;
use crate::actors::session::authorize::cause_of;
use crate::actors::session::record::Established;
use crate::config::DevicePolicy;
use crate::credential::SecretHash;
use crate::store::StoreError;

/// Of two logins, the last.
enum Last {
    /// This session: what it says to the other.
    Own(Superseded),
    /// The one that the message is of.
    Sender,
    /// One after both.
    Other(Successor),
}

/// What became of a message that was passed on to an earlier login.
enum PassedOn {
    Taken(Superseded),
    NobodyThere,
}

impl Session {
    /// The session that took this one's place, if `authority` may know it.
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

    /// Another login gave the browser another session in this one's place. Of two logins that both took its place, the later one
    /// ends the earlier.
    pub(super) async fn supersede(self: &Rc<Self>, supersede: Supersede) -> Result<Superseded, Denied> {
        self.ready().await?;
        self.write_down().await?;
        // A login that is under way is settled first.
        drop(self.signing_in.lock().await);
        let Supersede { authority, successor, is_proven } = supersede;
        if successor.actor == self.id {
            return Ok(Superseded::GaveWay);
        }
        loop {
            if let Some(known) = self.known_successor(&authority) {
                if known.actor == successor.actor {
                    return Ok(Superseded::GaveWay);
                }
                // Whichever login is later: the known one may have gone on in this very successor, and only the last one can tell.
                let passed_on = self.pass_on(&known, &successor, is_proven).await?;
                let last = match &passed_on {
                    PassedOn::Taken(Superseded::Stays) => return Ok(Superseded::Stays),
                    PassedOn::Taken(Superseded::ByLater(later)) => later,
                    PassedOn::Taken(Superseded::GaveWay) | PassedOn::NobodyThere => &successor,
                };
                let instead_of = matches!(passed_on, PassedOn::NobodyThere).then_some(&known.actor);
                if instead_of.is_some() && !self.lives(&successor).await? {
                    // To remember one that has given way could be to remember a circle.
                    return Err(Denied::Ended(EndReason::Superseded));
                }
                let Established { made, written } = self.establish(|state| state.passed_on(last, instead_of)).await;
                written?;
                let now_known = self.known_successor(&authority);
                let knows_another =
                    now_known.is_some_and(|now| ![&known.actor, &successor.actor].contains(&&now.actor));
                match (passed_on, made) {
                    // Another login has become the known one while the message was under way, and has to be told.
                    (PassedOn::Taken(Superseded::GaveWay), Err(DoesNotApply)) if knows_another => continue,
                    (PassedOn::NobodyThere, Err(DoesNotApply)) => continue,
                    (PassedOn::Taken(superseded), Ok(()) | Err(DoesNotApply)) => return Ok(superseded),
                    (PassedOn::NobodyThere, Ok(())) => return Ok(Superseded::GaveWay),
                }
            }
            self.admit(&authority).await?;
            let own = self.active(|active| (active.identity.user(), active.superseding.signed_in_at()));
            let Some((user, signed_in_at)) = own else { return Err(self.elsewhere()) };
            // Without proof only its own user's login ends a bound session: the cookie may be a thief's.
            if !is_proven && !successor.is_of(&user) && self.is_bound()? {
                return Ok(Superseded::Stays);
            }
            // A login that names this session by its cookie came after it. What was passed on may have come before.
            if let (Authority::Trusted(_), Some(signed_in_at)) = (&authority, signed_in_at)
                && let Some(own) = self.as_successor(user.clone(), false, signed_in_at)
                && own.is_later_than(&successor)
            {
                return Ok(Superseded::ByLater(own));
            }
            let last = match &authority {
                Authority::Trusted(_) => self.last_beside(&successor, user, signed_in_at).await?,
                Authority::Cookie(_) | Authority::Successor(_) => Last::Sender,
            };
            let (successor, reply) = match last {
                Last::Own(reply) => return Ok(reply),
                Last::Sender => (successor.clone(), Superseded::GaveWay),
                Last::Other(last) => (last.clone(), Superseded::ByLater(last)),
            };
            // While the other one was asked, this session may have given way to a third, which has to be told.
            if self.active(|_| ()).is_none() {
                continue;
            }
            // If the session was ended or moved before that could be written, this came later, and starts again.
            if self.give_way(&successor, cause_of(&authority)).await? {
                return Ok(reply);
            }
        }
    }

    /// Whether the session is bound to a device, and requests have to prove that they come from there.
    pub(super) fn is_bound(&self) -> Result<bool, StoreError> {
        let is_on = self.config.device.policy != DevicePolicy::Off;
        Ok(is_on && self.device.read(|device| device.bound_at().is_some())?)
    }

    /// Ends this session in favour of one to which it leaves nothing. False: it had ended, or moved, by the time that this
    /// could be written.
    pub(super) async fn give_way(self: &Rc<Self>, successor: &Successor, cause: Cause) -> Result<bool, Denied> {
        let reason = EndReason::Superseded;
        let ended = self.end_for(reason, cause.clone(), reason.in_words(&cause), Some(successor)).await?;
        let Some(remains) = ended else { return Ok(false) };
        self.revoke_remains(remains, cause);
        Ok(true)
    }

    /// Which login is the last one, if this session is by its clock not later than `successor`, whose message was passed on and may be an
    /// old one. A session that ended in favour of one that has given way to it would be lost, and messages would go in circles between the
    /// two.
    async fn last_beside(
        &self,
        successor: &Successor,
        user: (String, String),
        signed_in_at: Option<OffsetDateTime>,
    ) -> Result<Last, Denied> {
        let Followed { reply, moved_to } = follow::ask(&*self.actors, &successor.actor, || Confirm {}).await?;
        if moved_to.is_some_and(|to| to.actor == self.id) {
            // It is this session's former home.
            return Ok(Last::Own(Superseded::GaveWay));
        }
        match reply {
            Err(Denied::Ended(EndReason::Superseded)) => {}
            Err(Denied::StoreUnavailable) => return Err(Denied::StoreUnavailable),
            Ok(()) | Err(_) => return Ok(Last::Sender),
        }
        // It has given way itself, and knows the way to the last one. That may be this session.
        let signed_in_at = signed_in_at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let Some(own) = self.as_successor(user, false, signed_in_at) else { return Err(self.elsewhere()) };
        match self.pass_on(successor, &own, true).await? {
            PassedOn::Taken(Superseded::ByLater(last)) if last.actor != self.id => Ok(Last::Other(last)),
            PassedOn::Taken(_) | PassedOn::NobodyThere => Ok(Last::Own(Superseded::ByLater(own))),
        }
    }

    /// Whether a login is a session, or about to be one.
    async fn lives(&self, login: &Successor) -> Result<bool, Denied> {
        match follow::ask(&*self.actors, &login.actor, || Confirm {}).await?.reply {
            Err(Denied::StoreUnavailable) => Err(Denied::StoreUnavailable),
            reply => Ok(reply.is_ok()),
        }
    }

    async fn pass_on(&self, earlier: &Successor, successor: &Successor, is_proven: bool) -> Result<PassedOn, Denied> {
        let supersede =
            || Supersede { authority: Authority::Trusted(Cause::Request), successor: successor.clone(), is_proven };
        match follow::ask(&*self.actors, &earlier.actor, supersede).await?.reply {
            Ok(superseded) => Ok(PassedOn::Taken(superseded)),
            Err(Denied::StoreUnavailable) => Err(Denied::StoreUnavailable),
            // It is over, or never came to be. It remembers nobody.
            Err(_) => Ok(PassedOn::NobodyThere),
        }
    }
}
