//! A code becomes a session: it is redeemed, the directories know the session, and it takes its predecessor's place.

use std::rc::Rc;

use time::OffsetDateTime;

use super::Session;
use super::ledger::{self, Cause, Event};
use super::message::{Completed, SignInError};
use super::record::Established;
use super::state::{
    Attempt, CompletedLogin, Grant, Identity, LoginReason, Predecessor, Refreshing, State, Superseding,
};
use super::succession::{Inherited, overtaken};
use crate::actors::end_reason::EndReason;
use crate::config::authentication::AuthenticationFlaw;
use crate::credential::Secret;
use crate::provider::error::ExchangeError;
use crate::provider::requests::Exchange;
use crate::provider::sign_in::SignIn;
use crate::provider::tokens::Tokens;

/// How a login came out, and what the ledger says beside that.
pub(super) type SignInOutcome = (Completed, Option<String>);

/// A login whose attempt is taken.
pub(super) struct Login {
    pub(super) attempt: Attempt,
    pub(super) redirect_uri: String,
    pub(super) replaces: Option<Predecessor>,
    /// `iss` of the callback.
    pub(super) iss: Option<String>,
}

/// What is wrong with a login that had to be of a kind, or recent.
fn flaw(attempt: &Attempt, signed_in: &SignIn) -> Option<AuthenticationFlaw> {
    let claims = serde_json::from_str(&signed_in.identity.claims).unwrap_or_default();
    attempt.authentication.as_ref()?.flaw(&claims, attempt.began_at)
}

/// Why no session began.
pub(super) enum Setback {
    /// The session before it is as it was, or did not answer and may live.
    Passing(SignInError),
    /// There is none before it that goes on.
    Final(SignInError),
}

impl From<SignInError> for Setback {
    fn from(error: SignInError) -> Self {
        Self::Final(error)
    }
}

impl Session {
    /// The code becomes a session.
    pub(super) async fn redeem(self: &Rc<Self>, code: &str, login: Login) -> Result<SignInOutcome, Setback> {
        let exchange = Exchange {
            code,
            redirect_uri: &login.redirect_uri,
            code_verifier: &login.attempt.code_verifier.expose(),
            nonce: &login.attempt.nonce.expose(),
            iss: login.iss.as_deref(),
            organization: login.attempt.organization.as_deref(),
        };
        let has_living_predecessor =
            login.attempt.predecessor.is_some() && login.attempt.reason != LoginReason::Renewal;
        let provider = self.provider().ok_or(SignInError::StoreUnavailable)?;
        let signed_in = match provider.exchange(self.now(), exchange).await {
            Ok(signed_in) => match flaw(&login.attempt, &signed_in) {
                None => signed_in,
                Some(flaw) => {
                    let SignIn { identity, tokens, .. } = signed_in;
                    let granted = tokens.refresh_token.filter(|_| !has_living_predecessor);
                    self.revoke_in_background(granted, identity.sid, Cause::Request);
                    return Err(Setback::Passing(SignInError::AuthenticationInsufficient(flaw.to_string())));
                }
            },
            Err(ExchangeError { error, granted, sid }) => {
                // The same rule as below.
                self.revoke_in_background(granted.filter(|_| !has_living_predecessor), sid, Cause::Request);
                return Err(Setback::Passing(error.into()));
            }
        };
        let (refresh_token, sid) = (signed_in.tokens.refresh_token.clone(), signed_in.identity.sid.clone());
        let completed = self.start(login, signed_in).await;
        let revocable = match &completed {
            // A session that gave way to a later login of the same user may share a grant with it.
            Ok((Completed::SignedIn { .. } | Completed::Kept, _)) => false,
            // A provider that still knows the user may give the same grant again, and end all of it with one of its tokens:
            // an old session that lives would lose its own. What nobody keeps, nobody can use.
            Err(Setback::Passing(_)) => !has_living_predecessor,
            Ok(_) | Err(Setback::Final(_)) => true,
        };
        if revocable {
            self.revoke_in_background(refresh_token, sid, Cause::Request);
        }
        completed
    }

    /// The login is good: it becomes a live session. Its directory knows it first, so that there is no session that nobody
    /// could list or revoke.
    async fn start(self: &Rc<Self>, login: Login, signed_in: SignIn) -> Result<SignInOutcome, Setback> {
        let SignIn { identity, tokens, remark, no_refresh_token, user_info } = signed_in;
        let access_token = tokens.access_token.clone();
        let now = self.now();
        let place = match &*self.kept.state() {
            Some(State::SigningIn(signing_in)) => signing_in.place.clone(),
            _ => return Err(overtaken().into()),
        };
        let lives = (now, now.saturating_add(self.lifetimes().absolute));
        let predecessor = login.attempt.predecessor.as_ref().map(|predecessor| predecessor.actor.clone());
        let registered = self.directories.register(&identity, place, login.attempt.began_at, lives, predecessor).await;
        registered.map_err(|error| match SignInError::from(error) {
            error @ SignInError::StoreUnavailable => Setback::Passing(error),
            error => Setback::Final(error),
        })?;
        let completed = self.take_place(login, identity.clone(), tokens, now).await;
        match (&completed, user_info) {
            (Ok(Completed::SignedIn { .. }), Some(asking)) => {
                self.await_user_info(asking, access_token, Event::Complete, Cause::Request);
            }
            (Ok(Completed::SignedIn { .. }), None) => {}
            _ => self.directories.unregister(&identity).await,
        }
        if matches!(completed, Ok(Completed::Kept)) {
            return Ok((Completed::Kept, Some("a later login of this browser has taken its place".to_owned())));
        }
        // A predecessor may have handed its own over.
        let has_none = self.active(|active| matches!(active.grant.refresh, Refreshing::Impossible)) == Some(true);
        let advice = no_refresh_token.filter(|_| has_none).map(str::to_owned);
        let remarks: Vec<String> = remark.into_iter().chain(advice).collect();
        Ok((completed?, (!remarks.is_empty()).then(|| remarks.join("; "))))
    }

    /// The session begins, in its predecessor's place where it has one. Its directories know it as created at `now`.
    async fn take_place(
        self: &Rc<Self>,
        login: Login,
        identity: Identity,
        tokens: Tokens,
        now: OffsetDateTime,
    ) -> Result<Completed, Setback> {
        let Login { attempt, replaces, .. } = login;
        let signed_in_at = self.now();
        let inherited = self.inherit(&attempt, &identity, tokens.refresh_token.is_none(), signed_in_at).await;
        let inherited = inherited.map_err(|error| match error {
            SignInError::StoreUnavailable => Setback::Passing(error),
            error => Setback::Final(error),
        })?;
        let (inheritance, left) = match inherited {
            Inherited::Nothing => (None, false),
            // The predecessor has given up in favour of this session, which cannot be taken back.
            Inherited::Left(inheritance) => (inheritance.map(|inheritance| *inheritance), true),
            Inherited::LoginNeeded => return Ok(Completed::LoginNeeded { ended: true }),
        };
        let replaced = attempt.predecessor.clone().filter(|_| !left).into_iter().chain(replaces.filter(|replaced| {
            let gave_up = attempt.predecessor.as_ref().filter(|_| left);
            gave_up.is_none_or(|predecessor| predecessor.actor != replaced.actor)
        }));
        let inherited = inheritance.iter().flat_map(|inheritance| inheritance.superseding.clone());
        let superseding = Superseding::of(signed_in_at, replaced.chain(inherited));

        let handed_over = inheritance.as_ref().and_then(|inheritance| inheritance.refresh_token.clone());
        let sid = identity.sid.clone();
        let session_secret = self.isolate.random_bytes().map(Secret::from_random);
        let session_secret = session_secret.ok_or(SignInError::StoreUnavailable)?;
        let grant = Grant::new(tokens, self.isolate.jitter());
        let lifetimes = self.lifetimes();
        let complete = |state: State| {
            let superseding = superseding.clone();
            let login = CompletedLogin {
                secret: &session_secret,
                identity: identity.clone(),
                grant: grant.clone(),
                superseding,
            };
            state.complete(now, login, inheritance.as_ref(), lifetimes)
        };
        let begun = if left {
            let Established { made, written } = self.establish(complete).await;
            written.map_err(SignInError::from)?;
            made
        } else {
            self.transition(complete).await.map_err(|error| Setback::Passing(error.into()))?
        };
        let live =
            self.active(|active| (active.secret_hash.matches(&session_secret), active.place.region, active.expires_at));
        // The login was ended while it was under way, or the session is over again already.
        let (Ok(()), Some((true, region, expires_at))) = (begun, live) else {
            self.revoke_in_background(handed_over, sid, Cause::Request);
            return Err(overtaken().into());
        };
        self.device.begins_with_offer(now);
        // The old sessions learn of this one only when it exists. From then on no cookie from before the login is good.
        self.tell_superseded(Cause::Request).await;
        match &*self.kept.state() {
            // A later login of this browser has come back before this one was done: its cookie stays.
            Some(State::Ended(ended)) if ended.reason == EndReason::Superseded => return Ok(Completed::Kept),
            Some(State::Ended(_) | State::SigningIn(_) | State::Arriving(_)) | None => return Err(overtaken().into()),
            Some(State::Active(_) | State::Moved(_)) => {}
        }
        for entry in inheritance.iter().flat_map(|inheritance| &inheritance.ledger) {
            let _ = ledger::append(&*self.storage, entry);
        }
        Ok(Completed::SignedIn { secret: session_secret, region, expires_at })
    }
}
