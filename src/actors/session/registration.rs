//! How a session comes to be known by another `sid` of the provider's, and what a login says of a directory that refuses it.

use std::rc::Rc;

use super::Session;
use super::ledger::{Cause, Event};
use super::message::SignInError;
use super::state::{Active, Identity};
use crate::actors::directory_message::{DirectoryError, Register};
use crate::actors::end_reason::EndReason;

impl From<DirectoryError> for SignInError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Overtaken => {
                Self::CallbackRejected("all sessions of this user were ended while this login was under way".to_owned())
            }
            DirectoryError::StoreUnavailable
            | DirectoryError::Incomplete
            | DirectoryError::Replayed
            | DirectoryError::ForeignCursor
            | DirectoryError::TakenAway => Self::StoreUnavailable,
        }
    }
}

impl Session {
    /// Makes the session known by the `sid` that a refreshed ID token brought. OpenID Connect Core 1.0 section 12.2 lists
    /// what such a token has to repeat, and `sid` is not among it; a logout token may then carry the new one alone. The old
    /// one stays good for a logout, too. What fails is tried again at the next refresh, and no request waits for it.
    pub(super) fn become_known_by(self: &Rc<Self>, sid: String) {
        let session = Rc::clone(self);
        self.isolate.go_on(async move { session.reregister(sid).await });
    }

    async fn reregister(self: &Rc<Self>, sid: String) {
        let began = self.now();
        let Some(active) = self.active(Active::clone) else { return };
        let identity = Identity { sid: Some(sid.clone()), ..active.identity };
        let register = Register {
            actor: self.id.clone(),
            // Whatever was ended since is over.
            began_at: active.created_at,
            counterpart: None,
            place: active.place,
            created_at: active.created_at,
            expires_at: active.expires_at,
            predecessor: Some(self.id.clone()),
            limited: false,
        };
        match self.directories.register_in(&identity, &register).await {
            Ok(()) => {
                // If it ended meanwhile, its directories have been told by the `sid` before.
                let _ = self.transition(|state| state.known_by(sid.clone())).await;
                let detail = "the provider has another id for its session now (sid), and a logout by it holds here";
                self.record(Event::Refresh, "registered", Cause::Directory, began, detail);
            }
            Err(DirectoryError::Overtaken) => {
                let detail = "the provider had ended its session that a refresh named (sid)";
                if let Ok(Some(remains)) = self.end(EndReason::Backchannel, Cause::Backchannel, detail).await {
                    self.revoke_remains(remains, Cause::Backchannel);
                }
            }
            Err(error) => {
                let detail = format!(
                    "the provider has another id for its session now (sid), and a logout by it does not hold here until the \
                     next refresh: {error}"
                );
                self.record(Event::Refresh, "not_registered", Cause::Directory, began, &detail);
            }
        }
    }
}
