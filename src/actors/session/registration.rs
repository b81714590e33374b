//! How a session is known to its directories: its user's, and that of the provider's own session where there is one.

use futures::future::join_all;
use time::OffsetDateTime;

use super::Session;
use super::message::{SignInError, UserPlace};
use super::state::Identity;
use crate::actors::directory::message::{DirectoryError, Forget, Register, of_provider_session, of_user};
use crate::actors::{self, AskError, DirectoryAddress};
use crate::credential::ActorId;

impl From<DirectoryError> for SignInError {
    fn from(error: DirectoryError) -> Self {
        match error {
            DirectoryError::Overtaken => {
                Self::CallbackRejected("all sessions of this user were ended while this login was under way".to_owned())
            }
            DirectoryError::StoreUnavailable | DirectoryError::Incomplete | DirectoryError::Replayed => {
                Self::StoreUnavailable
            }
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
        let sid = identity.sid.clone();
        let register = Register { actor: self.id.clone(), began_at, sid, place, created_at, expires_at, predecessor };
        let registrations = names(identity).into_iter().map(|name| {
            let register = register.clone();
            async move {
                let address = self.directory(&name).map_err(|_| DirectoryError::StoreUnavailable)?;
                actors::ask(&address, register).await.unwrap_or(Err(DirectoryError::StoreUnavailable))
            }
        });
        let registered: Result<(), _> = join_all(registrations).await.into_iter().collect();
        if registered.is_err() {
            self.unregister(identity).await;
        }
        registered
    }

    /// Takes the session out of its directories, as far as they answer: what they keep goes with its time.
    pub(super) async fn unregister(&self, identity: &Identity) {
        self.forget_in(names(identity)).await;
    }

    pub(super) async fn forget_in(&self, names: Vec<String>) {
        join_all(names.into_iter().map(|name| async move {
            if let Ok(address) = self.directory(&name) {
                let _ = actors::ask(&address, Forget { actor: self.id.clone() }).await;
            }
        }))
        .await;
    }

    pub(super) fn directory(&self, name: &str) -> Result<DirectoryAddress, AskError> {
        actors::directory(&self.env, name, self.config.regions.jurisdiction)
    }
}

fn names(identity: &Identity) -> Vec<String> {
    let user = of_user(&identity.issuer, &identity.subject);
    let sid = identity.sid.as_ref().map(|sid| of_provider_session(&identity.issuer, sid));
    std::iter::once(user).chain(sid).collect()
}
