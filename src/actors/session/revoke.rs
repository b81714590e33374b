//! `Revoke`: the end of a session, here and at the provider.

use std::rc::Rc;

use openidconnect::RefreshToken;
use time::Duration;

use super::authorize::cause_of;
use super::ledger::{Cause, Event};
use super::message::{Authority, Denied, Logout, Revoke, Revoked};
use super::remains::Remains;
use super::single_flight::{Flight, launch};
use super::state::{Identity, State};
use super::{Session, follow};
use crate::actors::end_reason::EndReason;
use crate::ambient;
use crate::credential::ActorId;
use crate::provider::requests::EndSession;

/// How long the answer waits for the provider. The revocation goes on without it.
const WAIT_LIMIT: Duration = Duration::seconds(3);

impl Session {
    /// The session that took this one's place, for a request with this one's cookie. The browser may not have the other
    /// cookie yet, and its logout is to hold all the same.
    fn successor_of(&self, authority: &Authority) -> Option<ActorId> {
        match (&*self.kept.state(), authority) {
            (Some(State::Moved(moved)), Authority::Cookie(secret)) if moved.secret_hash.matches(secret) => {
                (!moved.forwards()).then(|| moved.to.actor.clone())
            }
            _ => None,
        }
    }

    pub(super) async fn revoke(self: &Rc<Self>, revoke: Revoke) -> Result<Revoked, Denied> {
        let may_be_one_of_many = matches!(revoke.authority, Authority::Trusted(_));
        let revoked = self.revoke_here(revoke).await;
        if may_be_one_of_many {
            self.let_go_of_store().await;
        }
        revoked
    }

    async fn revoke_here(self: &Rc<Self>, revoke: Revoke) -> Result<Revoked, Denied> {
        self.ready().await?;
        self.write_down().await?;
        let began = self.now();
        let Revoke { authority, reason, logout } = revoke;
        let cause = cause_of(&authority);
        if self.kept.is_unreadable() && matches!(authority, Authority::Trusted(_)) {
            // A repaired record must not bring the session back.
            self.forget(|state| state.is_none()).await?;
            self.push_end(reason);
            return Ok(Revoked { end_session_url: None });
        }
        let remains = loop {
            let successor = self.successor_of(&authority);
            let may_end_all = successor.is_some() || matches!(authority, Authority::Trusted(_));
            let in_grace = matches!(&*self.kept.state(), Some(State::Moved(moved)) if moved.is_in_grace());
            if in_grace && may_end_all {
                // The end of the session ends the grace of its old actor, too.
                self.end_grace().await?;
            }
            if let Some(successor) = successor {
                return self.revoke_successor(&successor, cause, reason, logout).await;
            }
            if let (Some(State::Moved(moved)), Authority::Trusted(Cause::Backchannel)) =
                (&*self.kept.state(), &authority)
                && !moved.forwards()
            {
                // The directories know the login that took its place by another `sid`.
                return Err(Denied::Ended(EndReason::Superseded));
            }
            // A login that its directory knows of already must not outlive the end of all sessions.
            let signing_in = matches!(*self.kept.state(), Some(State::SigningIn(_)));
            if !(signing_in && matches!(authority, Authority::Trusted(_))) {
                self.admit(&authority).await?;
                if self.active(|_| ()).is_none() {
                    // A login that took this session's place stands. The cookie from before that login is too old to end it.
                    self.end_grace().await?;
                    return Ok(Revoked { end_session_url: None });
                }
            }
            // A move may be done before the end can be written. Then the end is asked of the new actor.
            if let Some(remains) = self.end(reason, cause.clone(), reason.in_words(&cause)).await? {
                break remains;
            }
        };
        self.record(Event::Revoke, "ok", cause.clone(), began, "the request to end the session was carried out");
        let sid = remains.sid();
        let Remains { identity, refresh_token } = remains;
        let needless = logout.is_some() && self.provider().is_some_and(|provider| provider.revokes_at_logout());
        let asked_at = self.now();
        let revocation = refresh_token.filter(|_| !needless).map(|token| self.revocation(token, sid, cause));
        let end_session_url = match (identity, logout) {
            (Some(identity), Some(logout)) => {
                self.isolate.within(WAIT_LIMIT.unsigned_abs(), self.end_session_url(&identity, logout)).await.flatten()
            }
            _ => None,
        };
        if let Some(revocation) = revocation {
            let left = ambient::between(self.now(), asked_at.saturating_add(WAIT_LIMIT));
            self.isolate.within(left.max(Duration::ZERO).unsigned_abs(), revocation).await;
        }
        Ok(Revoked { end_session_url })
    }

    async fn revoke_successor(
        &self,
        successor: &ActorId,
        cause: Cause,
        reason: EndReason,
        logout: Option<Logout>,
    ) -> Result<Revoked, Denied> {
        let revoke = || Revoke { authority: Authority::Trusted(cause.clone()), reason, logout: logout.clone() };
        follow::ask(&*self.actors, successor, revoke).await?.reply
    }

    /// Revokes at the provider what an ended session had, and waits for nothing.
    pub(super) fn revoke_remains(self: &Rc<Self>, remains: Remains, cause: Cause) {
        let sid = remains.sid();
        self.revoke_in_background(remains.refresh_token, sid, cause);
    }

    /// Revokes a refresh token that no session has any more, and waits for nothing.
    pub(super) fn revoke_in_background(
        self: &Rc<Self>,
        token: Option<RefreshToken>,
        sid: Option<String>,
        cause: Cause,
    ) {
        if let Some(token) = token {
            drop(self.revocation(token, sid, cause));
        }
    }

    fn revocation(self: &Rc<Self>, token: RefreshToken, sid: Option<String>, cause: Cause) -> Flight<()> {
        let session = Rc::clone(self);
        launch(&*self.isolate, async move { session.revoke_at_provider(&token, sid.as_deref(), cause).await })
    }

    /// Revokes a refresh token and writes the outcome down.
    async fn revoke_at_provider(&self, token: &RefreshToken, sid: Option<&str>, cause: Cause) {
        let began = self.now();
        // Nobody knows any longer where it could be revoked.
        let Some(provider) = self.provider() else { return };
        let (outcome, detail) = match provider.revoke(began, token, sid).await {
            Ok(()) => ("revoked", "the refresh token was revoked at the provider".to_owned()),
            Err(error) => ("not_revoked", format!("the refresh token was not revoked at the provider: {error}")),
        };
        self.record(Event::Revoke, outcome, cause, began, &detail);
    }

    async fn end_session_url(&self, identity: &Identity, logout: Logout) -> Option<String> {
        // The URL goes to whoever has the cookie: a thief must not read there who the user is.
        let withholds = !logout.is_proven && self.is_bound().unwrap_or(true);
        let id_token = if withholds { String::new() } else { identity.id_token.clone() };
        let identity = &Identity { id_token, ..identity.clone() };
        let end_session = EndSession {
            identity,
            post_logout_redirect_uri: &logout.post_logout_redirect_uri,
            state: &logout.state.expose(),
        };
        self.provider()?.end_session_url(self.now(), end_session).await
    }
}
