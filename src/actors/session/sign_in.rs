//! `Complete`: the end of the authorization code flow (RFC 6749 section 4.1) with PKCE and `nonce`. Its beginning, and `state`,
//! are the gateway's.

use std::rc::Rc;

use time::OffsetDateTime;

use super::Session;
use super::ledger::{self, Cause, Event};
use super::message::{Callback, Complete, Completed, SignInError};
use super::record::Established;
use super::state::{
    Attempt, CompletedLogin, Grant, Identity, LoginReason, Predecessor, Refreshing, State, Superseding,
};
use super::succession::{Inherited, overtaken};
use crate::actors::end_reason::EndReason;
use crate::credential::Secret;
use crate::provider::error::{ExchangeError, ProviderError};
use crate::provider::requests::Exchange;
use crate::provider::sign_in::SignIn;
use crate::provider::token_answer::{authorization_error, plain_code};
use crate::provider::tokens::Tokens;
use crate::provider::user_error::UserError;
use crate::region::Region;
use crate::store::StoreError;

/// What a provider answers to `prompt=none` when the user has to do something (OpenID Connect Core 3.1.2.6).
const LOGIN_NEEDED: [&str; 4] =
    ["login_required", "interaction_required", "consent_required", "account_selection_required"];
/// What a provider answers that can be asked again in a while (RFC 6749 section 4.1.2.1).
const PASSING: [&str; 2] = ["server_error", "temporarily_unavailable"];

impl From<ProviderError> for SignInError {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Unavailable(why) => Self::ProviderUnavailable(why),
            ProviderError::Rejected(why) => Self::ProviderRejected(why),
            ProviderError::Callback(why) => Self::CallbackRejected(why),
            ProviderError::UserError(user_error) => Self::UserError(user_error),
            ProviderError::Said { error, said } => Self::Said { error: Box::new(Self::from(*error)), said },
        }
    }
}

impl From<StoreError> for SignInError {
    fn from(_: StoreError) -> Self {
        Self::StoreUnavailable
    }
}

/// How a login came out, and what the ledger says beside that.
type SignInOutcome = (Completed, Option<String>);

/// A login whose attempt is taken.
struct Login {
    attempt: Attempt,
    redirect_uri: String,
    replaces: Option<Predecessor>,
}

impl Session {
    pub(super) async fn complete(self: &Rc<Self>, complete: Complete) -> Result<Completed, SignInError> {
        self.load().await?;
        let (began, region) = (self.now(), complete.place.region);
        let said = complete.callback.said(complete.attempt.secrets());
        let outcome = self.sign_in(complete, began).await;
        let (word, detail) = match &outcome {
            Ok((Completed::SignedIn { .. }, None)) => ("ok", "the user logged in".to_owned()),
            Ok((Completed::SignedIn { .. }, Some(remark))) => ("ok", format!("the user logged in; {remark}")),
            Ok((Completed::NotSignedIn | Completed::LoginNeeded { .. }, why)) => {
                let why = why.as_deref().map_or_else(String::new, |why| format!(" ({why})"));
                ("login_needed", format!("the provider has no session to log in from silently{why}"))
            }
            Ok((Completed::Kept, why)) => ("kept", why.clone().unwrap_or_default()),
            Err(error) => (word(error), format!("the login failed: {error}")),
        };
        let said = match &outcome {
            Ok((Completed::SignedIn { .. }, _)) => None,
            Err(SignInError::Said { said, .. }) => Some(said.clone()),
            Ok(_) | Err(_) => said,
        };
        self.record_login(word, began, &detail, said.as_deref(), region);
        outcome.map(|(completed, _)| completed)
    }

    /// A login that made no record leaves a log line alone.
    fn record_login(&self, outcome: &str, began: OffsetDateTime, detail: &str, said: Option<&str>, region: Region) {
        if self.kept.state().is_some() {
            self.record_with_words(Event::Complete, outcome, Cause::Request, began, detail, said);
        } else {
            self.log(Event::Complete, outcome, began, detail, said, region);
        }
    }

    async fn sign_in(self: &Rc<Self>, complete: Complete, now: OffsetDateTime) -> Result<SignInOutcome, SignInError> {
        let Complete { attempt, callback, redirect_uri, place, replaces } = complete;
        let is_move = attempt.reason == LoginReason::Move;
        if self.kept.state().is_some() {
            return Err(replayed());
        }
        // RFC 9207: before the code is touched, or anything is written.
        self.provider.check_issuer(now, callback.iss.as_deref()).await?;
        let code = match self.code(callback, &attempt).await {
            Ok(Ok(code)) => code,
            Ok(Err(without_session)) => return Ok(without_session),
            Err(error) if is_move => return Ok(stays(&error)),
            Err(error) => return Err(error),
        };
        let now = self.now();
        let taken = attempt.take(now, self.lifetimes().login, place).ok_or_else(expired)?;
        ledger::create(&*self.storage)?;
        // Another callback may have come while the provider was asked: the first one takes the attempt. It is written before the
        // code is redeemed, so that no crash lets it be taken again.
        if !self.originate(State::SigningIn(taken)).await? {
            return Err(replayed());
        }
        let _signing_in = self.signing_in.lock().await;
        match self.redeem(&code, Login { attempt: *attempt, redirect_uri, replaces }).await {
            Ok(outcome) => Ok(outcome),
            // The old session is as it was; or it did not answer, and says so itself where it is of no use.
            Err(Setback::Passing(error)) if is_move => Ok(stays(&error)),
            Err(Setback::Passing(error) | Setback::Final(error)) => Err(error),
        }
    }

    /// The code of a callback, or what becomes of the login without one.
    async fn code(
        self: &Rc<Self>,
        callback: Callback,
        attempt: &Attempt,
    ) -> Result<Result<String, SignInOutcome>, SignInError> {
        let Some(error) = callback.error else {
            let missing = || SignInError::CallbackRejected("the login provider's answer has no code".to_owned());
            return callback.code.map(Ok).ok_or_else(missing);
        };
        // A session without tokens has nothing to go on with: what keeps it from being renewed, a login that is seen has to
        // settle. Else its user would come back to the silent one again and again.
        let cannot_be_renewed = attempt.reason == LoginReason::Renewal && !PASSING.contains(&error.as_str());
        if attempt.prompt_none && (cannot_be_renewed || LOGIN_NEEDED.contains(&error.as_str())) {
            let completed = match attempt.reason {
                LoginReason::Asked => Completed::NotSignedIn,
                LoginReason::Renewal => {
                    self.end_unrenewed(attempt).await;
                    Completed::LoginNeeded { ended: true }
                }
                LoginReason::Move => Completed::LoginNeeded { ended: false },
            };
            return Ok(Err((completed, Some(plain_code(&error).to_owned()))));
        }
        Err(match UserError::of(plain_code(&error)) {
            Some(user_error) => SignInError::UserError(Box::new(user_error)),
            None => SignInError::CallbackRejected(authorization_error(&error)),
        })
    }

    /// The code becomes a session.
    async fn redeem(self: &Rc<Self>, code: &str, login: Login) -> Result<SignInOutcome, Setback> {
        let exchange = Exchange {
            code,
            redirect_uri: &login.redirect_uri,
            code_verifier: &login.attempt.code_verifier.expose(),
            nonce: &login.attempt.nonce.expose(),
            organization: login.attempt.organization.as_deref(),
        };
        let has_living_predecessor =
            login.attempt.predecessor.is_some() && login.attempt.reason != LoginReason::Renewal;
        let signed_in = match self.provider.exchange(self.now(), exchange).await {
            Ok(signed_in) => signed_in,
            Err(ExchangeError { error, granted, sid }) => {
                // The same rule as below.
                self.revoke_in_background(granted.filter(|_| !has_living_predecessor), sid, Cause::Request);
                return Err(Setback::Passing(error.into()));
            }
        };
        let (refresh_token, sid) = (signed_in.tokens.refresh_token.clone(), signed_in.identity.sid.clone());
        let completed = self.start(login, signed_in).await;
        let revocable = match &completed {
            // What gave way to a later login of the same user may share a grant with it.
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
        let completed = self.take_place(login, identity.clone(), tokens).await;
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

    /// The session begins, in its predecessor's place where it has one.
    async fn take_place(
        self: &Rc<Self>,
        login: Login,
        identity: Identity,
        tokens: Tokens,
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
        let now = self.now();
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
        // Not before there is this one. No cookie from before the login is good for anything from now on.
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

/// Why no session began.
enum Setback {
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

/// How log lines name a failure.
fn word(error: &SignInError) -> &'static str {
    match error {
        SignInError::Said { error, .. } => word(error),
        SignInError::CallbackRejected(_) | SignInError::UserError(_) => "callback_rejected",
        SignInError::ProviderRejected(_) => "provider_rejected",
        SignInError::ProviderUnavailable(_) => "provider_unavailable",
        SignInError::StoreUnavailable => "store_unavailable",
    }
}

/// The session was to move, and lives on as it was.
fn stays(error: &SignInError) -> SignInOutcome {
    (Completed::Kept, Some(format!("the session stays where it is: {error}")))
}

fn replayed() -> SignInError {
    SignInError::CallbackRejected("its address has been opened before".to_owned())
}

/// The login came back too late. The gateway says so before any actor is asked; this is for clocks that differ.
pub fn expired() -> SignInError {
    SignInError::CallbackRejected("it took too long".to_owned())
}
