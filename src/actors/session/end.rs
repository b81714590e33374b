//! The end of a session, for whatever reason.

use std::rc::Rc;

use super::Session;
use super::ledger::{Cause, Event};
use super::location::Successor;
use super::record::{Established, Owed};
use super::remains::Remains;
use super::state::{Identity, State};
use crate::actors::end_reason::EndReason;
use crate::store::StoreError;

impl Session {
    /// Ends the session. The caller revokes its refresh token, which is among what remains. A token that was just presented is
    /// not: the refresh in flight revokes what it brings. None: the session had ended, or moved, before this could be written.
    /// If it cannot be written, what remains is revoked as soon as it is.
    pub(super) async fn end(
        self: &Rc<Self>,
        reason: EndReason,
        cause: Cause,
        detail: &str,
    ) -> Result<Option<Remains>, StoreError> {
        self.end_for(reason, cause, detail, None).await
    }

    /// The same, if `successor` took its place. Many providers give a user one grant, and end all of it with one of its tokens. So
    /// a token that the successor may share is not among what remains.
    pub(super) async fn end_for(
        self: &Rc<Self>,
        reason: EndReason,
        cause: Cause,
        detail: &str,
        successor: Option<&Successor>,
    ) -> Result<Option<Remains>, StoreError> {
        let now = self.now();
        let Established { made, written } = self
            .establish_with(|state| {
                let remains = match &state {
                    State::SigningIn(_) => Some(Remains::default()),
                    State::Active(active) => Some(Remains::of(active)),
                    // It gave way to an earlier login. Now a later one asks it to.
                    State::Ended(_) | State::Moved(_) | State::Arriving(_) => None,
                };
                let state = match successor {
                    Some(successor) => state.superseded_by(now, successor),
                    None => state.end(now, reason),
                };
                Ok((state?, remains))
            })
            .await;
        let Ok(Some(mut remains)) = made else { return written.map(|()| None) };
        let user = remains.identity.as_ref().map(Identity::user);
        if successor.is_some_and(|successor| user.is_some_and(|user| successor.is_of(&user))) {
            remains.refresh_token = None;
        }
        if let Err(error) = &written {
            let owed =
                || Owed { remains: remains.clone(), reason, cause: cause.clone(), detail: detail.to_owned(), at: now };
            if self.kept.owe(owed) {
                return Err(error.clone());
            }
        }
        // The end is written, even if the alarm could not be set.
        self.record(Event::End, reason.as_str(), cause, now, detail);
        Ok(Some(remains))
    }
}
