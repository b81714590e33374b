//! How a session is known to its directories: its user's, and that of the provider's own session where there is one.

use std::rc::Rc;

use futures::future::join_all;
use time::OffsetDateTime;

use super::Session;
use super::ledger::{Cause, Event};
use super::message::{EndReason, SignInError, UserPlace};
use super::state::{Active, Identity};
use crate::actors::directory::message::{DirectoryError, Forget, News, Register, Report, of_provider_session, of_user};
use crate::actors::{self, DirectoryAddress};
use crate::credential::ActorId;

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
    /// Makes the session known to all of its directories, or to none.
    pub(super) async fn register(
        &self,
        identity: &Identity,
        place: UserPlace,
        began_at: OffsetDateTime,
        (created_at, expires_at): (OffsetDateTime, OffsetDateTime),
        predecessor: Option<ActorId>,
    ) -> Result<(), DirectoryError> {
        let actor = self.id.clone();
        let register =
            Register { actor, began_at, sid: None, place, created_at, expires_at, predecessor, limited: false };
        let registered = self.register_in(identity, &register).await;
        if registered.is_err() {
            self.unregister(identity).await;
        }
        registered
    }

    async fn register_in(&self, identity: &Identity, register: &Register) -> Result<(), DirectoryError> {
        let user = user_directory(identity);
        let registrations = directories(identity).into_iter().map(|(name, sid)| {
            let register = Register { sid, limited: name == user, ..register.clone() };
            async move {
                let asked = actors::ask(&*self.actors, &self.directory(&name), register).await;
                asked.unwrap_or(Err(DirectoryError::StoreUnavailable))
            }
        });
        join_all(registrations).await.into_iter().collect()
    }

    /// Tells the directories what has become of the session, in the background. A list finds out by itself what they were not
    /// told.
    pub(super) fn report(self: &Rc<Self>, news: News, identity: &Identity) {
        let names = match news {
            News::Ended { .. } => directories(identity).into_iter().map(|(name, _)| name).collect(),
            // The directory of the provider's session orders no list, and asks a session that has moved where it lives: it may
            // be known there by another `sid`.
            News::Refreshed | News::Moved => vec![user_directory(identity)],
            // It makes room for the session, where there is a limit.
            News::Began if self.config.sessions_per_user.is_some() => vec![user_directory(identity)],
            News::Began => return,
        };
        let session = Rc::clone(self);
        self.isolate.go_on(async move {
            let session = &session;
            join_all(names.into_iter().map(|name| async move {
                let report = Report { actor: session.id.clone(), news };
                let _ = actors::ask(&*session.actors, &session.directory(&name), report).await;
            }))
            .await;
        });
    }

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
            sid: None,
            place: active.place,
            created_at: active.created_at,
            expires_at: active.expires_at,
            predecessor: Some(self.id.clone()),
            limited: false,
        };
        match self.register_in(&identity, &register).await {
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

    /// Takes the session out of its directories, as far as they answer: what they keep goes with its time.
    pub(super) async fn unregister(&self, identity: &Identity) {
        self.forget_in(directories(identity).into_iter().map(|(name, _)| name).collect()).await;
    }

    pub(super) async fn forget_in(&self, names: Vec<String>) {
        join_all(names.into_iter().map(|name| async move {
            let forget = Forget { actor: self.id.clone() };
            let _ = actors::ask(&*self.actors, &self.directory(&name), forget).await;
        }))
        .await;
    }

    pub(super) fn directory(&self, name: &str) -> DirectoryAddress {
        actors::directory(name, self.config.regions.jurisdiction)
    }
}

fn user_directory(identity: &Identity) -> String {
    of_user(&identity.issuer, &identity.subject)
}

/// The directories that are to know the session, each with what tells it apart from others there: in its user's, the
/// provider's own session; in that one's, the user.
fn directories(identity: &Identity) -> Vec<(String, Option<String>)> {
    let user = user_directory(identity);
    let sid = identity.sid.as_ref().map(|sid| (of_provider_session(&identity.issuer, sid), Some(user.clone())));
    std::iter::once((user, identity.sid.clone())).chain(sid).collect()
}
