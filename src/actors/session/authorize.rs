//! Who may act on a session, and on whose behalf.

use std::rc::Rc;

use time::OffsetDateTime;

use super::Session;
use super::ledger::Cause;
use super::message::{Authority, Denied};
use super::standing::Standing;
use super::state::State;
use crate::actors::end_reason::EndReason;
use crate::store::StoreError;

impl Session {
    /// Whether `authority` may act on this session now. One whose time is up ends here: its alarm may be late. In its grace
    /// a session is no more than its successor is.
    pub(super) async fn admit(self: &Rc<Self>, authority: &Authority) -> Result<(), Denied> {
        if let Authority::Cookie(secret) = authority {
            self.end_grace_with_successor(&secret.hash(), false).await?;
        }
        match self.authorize(authority, self.now()) {
            Err(Denied::Ended(reason)) if self.active(|_| ()).is_some() => {
                self.run_out(reason, cause_of(authority)).await?;
                Err(Denied::Ended(reason))
            }
            authorized => authorized,
        }
    }

    /// Ends a session whose time was found to be up.
    pub(super) async fn run_out(self: &Rc<Self>, reason: EndReason, cause: Cause) -> Result<(), StoreError> {
        if let Some(remains) = self.end(reason, cause.clone(), reason.in_words(&cause)).await? {
            self.revoke_remains(remains, cause);
        }
        Ok(())
    }

    /// Whether `authority` may act on this session, which must be live.
    pub(super) fn authorize(&self, authority: &Authority, now: OffsetDateTime) -> Result<(), Denied> {
        let kept = self.kept.state();
        match (kept.as_ref().ok_or(Denied::Unknown)?, authority) {
            (state, Authority::Cookie(secret)) => live(state.standing(now, &secret.hash(), self.lifetimes())),
            (state, Authority::Successor(hash)) => live(state.standing(now, hash, self.lifetimes())),
            (State::Active(active), Authority::Trusted(_)) => {
                active.over(now, self.lifetimes()).map_or(Ok(()), |reason| Err(Denied::Ended(reason)))
            }
            (State::Ended(ended), Authority::Trusted(_)) => Err(Denied::Ended(ended.reason)),
            (State::Moved(moved), Authority::Trusted(_)) => Err(Denied::Moved(moved.to.clone())),
            (State::SigningIn(_) | State::Arriving(_), Authority::Trusted(_)) => Err(Denied::Unknown),
        }
    }
}

fn live(standing: Standing<'_>) -> Result<(), Denied> {
    match standing {
        Standing::Unknown => Err(Denied::Unknown),
        Standing::Ended(reason) | Standing::Over(reason) => Err(Denied::Ended(reason)),
        Standing::Moved(to) => Err(Denied::Moved(to.clone())),
        Standing::Active(_) => Ok(()),
    }
}

/// On whose behalf a message acts, as the ledger spells it.
pub(super) fn cause_of(authority: &Authority) -> Cause {
    match authority {
        Authority::Cookie(_) | Authority::Successor(_) => Cause::Request,
        Authority::Trusted(cause) => cause.clone(),
    }
}
