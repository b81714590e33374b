//! `Begin` and `Complete`: the authorization code flow (RFC 6749 section 4.1) with PKCE, `state` and `nonce`.

use std::rc::Rc;

use time::OffsetDateTime;

use super::Session;
use super::ledger::{self, Cause, Event};
use super::message::{Begin, Begun, Callback, Complete, Completed, Occasion, SignInError, SilentLoginHints};
use super::state::{Attempt, Grant, Identity, Misfit, Pending, Predecessor, Refreshing, State};
use super::succession::{Inheritance, overtaken};
use crate::ambient;
use crate::credential::Secret;
use crate::provider::answer::{authorization_error, plain_code};
use crate::provider::turned_down::TurnedDown;
use crate::provider::{Authorization, Exchange, ProviderError, SignIn, Tokens};
use crate::store::StoreError;

/// What a provider answers to `prompt=none` when the user has to do something (OpenID Connect Core 3.1.2.6).
const LOGIN_NEEDED: [&str; 3] = ["login_required", "interaction_required", "consent_required"];
/// What a provider answers that can be asked again in a while (RFC 6749 section 4.1.2.1).
const PASSING: [&str; 2] = ["server_error", "temporarily_unavailable"];
/// The longest `id_token_hint`: URLs beyond it do not come through everywhere.
const MAX_ID_TOKEN_HINT: usize = 4096;

impl From<ProviderError> for SignInError {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Unavailable(why) => Self::ProviderUnavailable(why),
            ProviderError::Rejected(why) => Self::ProviderRejected(why),
            ProviderError::Callback(why) => Self::CallbackRejected(why),
            ProviderError::TurnedDown(turned_down) => Self::TurnedDown(turned_down),
        }
    }
}

impl From<StoreError> for SignInError {
    fn from(_: StoreError) -> Self {
        Self::StoreUnavailable
    }
}

fn secret() -> Result<Secret, SignInError> {
    ambient::random().map(Secret::from_random).ok_or(SignInError::StoreUnavailable)
}

impl Session {
    pub(super) async fn begin(self: &Rc<Self>, begin: Begin) -> Result<Begun, SignInError> {
        let (began, region, occasion) = (ambient::now(), begin.place.region, begin.occasion);
        let begun = self.begin_login(begin, began).await;
        match &begun {
            Ok(_) => {
                let detail = match occasion {
                    Occasion::Asked => "a login began",
                    Occasion::Renewal => "a silent login began: the session has run out of tokens",
                    Occasion::Move => "a silent login began: the session is to move here",
                };
                self.record(Event::Begin, "ok", Cause::Request, began, detail);
            }
            Err(error) => self.log(Event::Begin, word(error), began, &error.to_string(), region),
        }
        begun
    }

    async fn begin_login(self: &Rc<Self>, begin: Begin, now: OffsetDateTime) -> Result<Begun, SignInError> {
        self.load().await?;
        if self.memory.borrow().state.is_some() {
            return Err(begun_already());
        }
        let predecessor =
            begin.predecessor.map(|session| Predecessor { actor: session.actor, secret_hash: session.secret.hash() });
        let mut hints = begin.hints;
        let mut id_token_hint = None;
        if let (Some(predecessor), Occasion::Renewal | Occasion::Move) = (&predecessor, begin.occasion) {
            hints.retain(|(name, _)| name != "prompt");
            hints.push(("prompt".to_owned(), "none".to_owned()));
            if let Some(SilentLoginHints { id_token, organization }) = self.hints_of(predecessor).await {
                id_token_hint = Some(id_token).filter(|hint| !hint.is_empty() && hint.len() <= MAX_ID_TOKEN_HINT);
                // The session is to go on in its organization.
                if !hints.iter().any(|(name, _)| name == "organization") {
                    hints.extend(organization.map(|id| ("organization".to_owned(), id)));
                }
            }
        }
        let attempt = Attempt {
            state: format!("{}.{}", begin.attempt, secret()?.expose()),
            nonce: secret()?.expose(),
            code_verifier: secret()?.expose(),
            redirect_uri: format!("{}{}/callback", begin.origin, self.config.auth_prefix),
            return_to: begin.return_to,
            predecessor,
            occasion: begin.occasion,
            prompt_none: hints.iter().any(|(name, value)| name == "prompt" && value == "none"),
            organization: hints.iter().find(|(name, _)| name == "organization").map(|(_, value)| value.clone()),
        };
        let request = Authorization {
            redirect_uri: &attempt.redirect_uri,
            state: &attempt.state,
            nonce: &attempt.nonce,
            code_verifier: &attempt.code_verifier,
            hints: &hints,
            id_token_hint: id_token_hint.as_deref(),
        };
        // Before anything is written: a login that cannot begin leaves nothing behind.
        let authorization_url = self.provider.authorization_url(now, &request).await?;
        let login_secret = secret()?;
        ledger::create(&self.sql)?;
        let begun = self.originate(State::Pending(Pending {
            secret_hash: login_secret.hash(),
            place: begin.place,
            began_at: now,
            expires_at: now.saturating_add(self.lifetimes().login),
            attempt: Some(attempt),
        }));
        if !begun.await? {
            return Err(begun_already());
        }
        Ok(Begun { authorization_url, secret: login_secret })
    }

    pub(super) async fn complete(self: &Rc<Self>, complete: Complete) -> Result<Completed, SignInError> {
        self.load().await?;
        let began = ambient::now();
        let outcome = self.sign_in(complete, began).await;
        let (word, detail) = match &outcome {
            Ok((Completed::SignedIn { .. }, None)) => ("ok", "the user logged in".to_owned()),
            Ok((Completed::SignedIn { .. }, Some(remark))) => ("ok", format!("the user logged in; {remark}")),
            Ok((Completed::Failed { error, .. }, _)) => (word(error), failed(error)),
            Ok((Completed::NotSignedIn { .. } | Completed::LoginNeeded { .. }, why)) => {
                let why = why.as_deref().map_or_else(String::new, |why| format!(" ({why})"));
                ("login_needed", format!("the provider has no session to log in from silently{why}"))
            }
            Ok((Completed::Kept { .. }, why)) => {
                let why = why.as_deref().unwrap_or_default();
                ("kept", format!("the session stays where it is: {why}"))
            }
            Err(error) => (word(error), failed(error)),
        };
        self.record(Event::Complete, word, Cause::Request, began, &detail);
        outcome.map(|(completed, _)| completed)
    }

    async fn sign_in(
        self: &Rc<Self>,
        complete: Complete,
        now: OffsetDateTime,
    ) -> Result<(Completed, Option<String>), SignInError> {
        let Complete { secret: login_secret, callback } = complete;
        let state = self.memory.borrow().state.clone().ok_or_else(|| misfit(Misfit::Foreign))?;
        state.redeem(now, &login_secret, &callback.state).1.map_err(misfit)?;
        // RFC 9207: before the code is touched. A provider that does not answer leaves the attempt as it was.
        self.provider.check_issuer(now, callback.iss.as_deref()).await?;
        // Another callback may have come while the provider was asked: the first one takes the attempt.
        let mut attempt = Err(Misfit::Replayed);
        self.transition(|state| {
            let (state, taken) = state.redeem(now, &login_secret, &callback.state);
            attempt = taken;
            state
        })
        .await?;
        let attempt = attempt.map_err(misfit)?;

        let return_to = attempt.return_to.clone();
        let is_move = attempt.occasion == Occasion::Move;
        match self.go_on(callback, attempt).await {
            // The old session is as it was; or it did not answer, and says so itself where it is of no use.
            Err(Setback::Passing(error)) if is_move => Ok((Completed::Kept { return_to }, Some(error.to_string()))),
            Err(Setback::Passing(error) | Setback::Final(error)) => Ok((Completed::Failed { error, return_to }, None)),
            Ok(completed) => Ok(completed),
        }
    }

    /// The callback is this login's: its code becomes a session.
    async fn go_on(
        self: &Rc<Self>,
        callback: Callback,
        attempt: Attempt,
    ) -> Result<(Completed, Option<String>), Setback> {
        let answered = callback.error.as_deref().map(|error| plain_code(error).to_owned());
        let code = match code(callback, &attempt).map_err(Setback::Passing)? {
            Ok(code) => code,
            Err(without_session) => {
                if attempt.occasion == Occasion::Renewal {
                    self.supersede(&attempt).await;
                }
                return Ok((without_session, answered));
            }
        };
        let exchange = Exchange {
            code: &code,
            redirect_uri: &attempt.redirect_uri,
            code_verifier: &attempt.code_verifier,
            nonce: &attempt.nonce,
            organization: attempt.organization.as_deref(),
        };
        let exchanged = self.provider.exchange(ambient::now(), exchange).await;
        let signed_in = exchanged.map_err(|error| Setback::Passing(error.into()))?;
        let (refresh_token, sid) = (signed_in.tokens.refresh_token.clone(), signed_in.identity.sid.clone());
        let may_have_living_predecessor = attempt.predecessor.is_some() && attempt.occasion != Occasion::Renewal;
        let completed = self.start(attempt, signed_in).await;
        let revocable = match &completed {
            Ok((Completed::SignedIn { .. }, _)) => false,
            // A provider that still knows the user may give the same grant again, and end all of it with one of its tokens:
            // an old session that lives would lose its own. What nobody keeps, nobody can use.
            Err(Setback::Passing(_)) => !may_have_living_predecessor,
            Ok(_) | Err(Setback::Final(_)) => true,
        };
        if revocable {
            self.revoke_in_background(refresh_token, sid, Cause::Request);
        }
        completed
    }

    /// The login is good: the pending session becomes a live one. Its directory knows it first, so that there is no
    /// session that nobody could list or revoke.
    async fn start(
        self: &Rc<Self>,
        attempt: Attempt,
        signed_in: SignIn,
    ) -> Result<(Completed, Option<String>), Setback> {
        let SignIn { identity, tokens, remark, no_refresh_token, user_info } = signed_in;
        let access_token = tokens.access_token.clone();
        let now = ambient::now();
        let Some(State::Pending(pending)) = self.memory.borrow().state.clone() else { return Err(overtaken().into()) };
        let lives = (now, now.saturating_add(self.lifetimes().absolute));
        let predecessor = attempt.predecessor.as_ref().map(|predecessor| predecessor.actor.clone());
        let registered = self.register(&identity, pending.place, pending.began_at, lives, predecessor).await;
        registered.map_err(|error| match SignInError::from(error) {
            error @ SignInError::StoreUnavailable => Setback::Passing(error),
            error => Setback::Final(error),
        })?;
        let completed = self.take_place(attempt, identity.clone(), tokens, now).await;
        match (&completed, user_info) {
            (Ok(Completed::SignedIn { .. }), Some(asking)) => {
                self.await_user_info(asking, access_token, Event::Complete, Cause::Request);
            }
            (Ok(Completed::SignedIn { .. }), None) => {}
            _ => self.unregister(&identity).await,
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
        attempt: Attempt,
        identity: Identity,
        tokens: Tokens,
        now: OffsetDateTime,
    ) -> Result<Completed, Setback> {
        let inherited = self.inherit(&attempt, &identity, tokens.refresh_token.is_none()).await;
        let inherited = inherited.map_err(|error| match error {
            SignInError::StoreUnavailable => Setback::Passing(error),
            error => Setback::Final(error),
        })?;
        let (estate, is_fact) = match inherited {
            Inheritance::Nothing => (None, false),
            // The predecessor has given up in favour of this session, which cannot be taken back.
            Inheritance::Left(estate) => (estate.map(|estate| *estate), true),
            Inheritance::LoginNeeded => {
                let predecessor = attempt.predecessor.map(|predecessor| predecessor.actor);
                return Ok(Completed::LoginNeeded { return_to: attempt.return_to, predecessor, ended: true });
            }
        };
        let handed_over = estate.as_ref().and_then(|estate| estate.refresh_token.clone());
        let sid = identity.sid.clone();
        let session_secret = secret()?;
        let grant = Grant::new(tokens, ambient::jitter());
        let lifetimes = self.lifetimes();
        let complete = |state: State| state.complete(now, &session_secret, identity, grant, estate.as_ref(), lifetimes);
        if is_fact {
            self.establish(complete).await.map_err(SignInError::from)?;
        } else {
            self.transition(complete).await.map_err(|error| Setback::Passing(error.into()))?;
        }
        let live =
            self.active(|active| (active.secret_hash.matches(&session_secret), active.place.region, active.expires_at));
        let Some((true, region, expires_at)) = live else {
            self.revoke_in_background(handed_over, sid, Cause::Request);
            return Err(overtaken().into());
        };
        // Not before there is this one. No cookie from before the login is good for anything from now on.
        if !is_fact {
            self.supersede(&attempt).await;
        }
        for entry in estate.iter().flat_map(|estate| &estate.ledger) {
            let _ = ledger::append(&self.sql, entry);
        }
        Ok(Completed::SignedIn { secret: session_secret, region, expires_at, return_to: attempt.return_to })
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

fn begun_already() -> SignInError {
    SignInError::CallbackRejected("this login has already begun".to_owned())
}

/// How log lines name a failure.
const fn word(error: &SignInError) -> &'static str {
    match error {
        SignInError::CallbackRejected(_) | SignInError::TurnedDown(_) => "callback_rejected",
        SignInError::ProviderRejected(_) => "provider_rejected",
        SignInError::ProviderUnavailable(_) => "provider_unavailable",
        SignInError::StoreUnavailable => "store_unavailable",
    }
}

fn failed(error: &SignInError) -> String {
    format!("the login failed: {error}")
}

fn misfit(misfit: Misfit) -> SignInError {
    SignInError::CallbackRejected(match misfit {
        Misfit::Foreign => "it began in another browser, or too long ago (state)".to_owned(),
        Misfit::Replayed => "its address has been opened before".to_owned(),
    })
}

/// The code of a callback, or where the browser goes on to without one.
fn code(callback: Callback, attempt: &Attempt) -> Result<Result<String, Completed>, SignInError> {
    let Some(error) = callback.error else {
        return callback
            .code
            .map(Ok)
            .ok_or_else(|| SignInError::CallbackRejected("the login provider's answer has no code".to_owned()));
    };
    let return_to = attempt.return_to.clone();
    // A session without tokens has nothing to go on with: what keeps it from being renewed, a login that is seen has to
    // settle. Else its user would come back to the silent one again and again.
    let cannot_be_renewed = attempt.occasion == Occasion::Renewal && !PASSING.contains(&error.as_str());
    if attempt.prompt_none && (cannot_be_renewed || LOGIN_NEEDED.contains(&error.as_str())) {
        let predecessor = attempt.predecessor.as_ref().map(|predecessor| predecessor.actor.clone());
        return Ok(Err(match attempt.occasion {
            Occasion::Asked => Completed::NotSignedIn { return_to },
            Occasion::Renewal => Completed::LoginNeeded { return_to, predecessor, ended: true },
            Occasion::Move => Completed::LoginNeeded { return_to, predecessor, ended: false },
        }));
    }
    Err(match TurnedDown::of(plain_code(&error)) {
        Some(turned_down) => SignInError::TurnedDown(Box::new(turned_down)),
        None => SignInError::CallbackRejected(authorization_error(&error)),
    })
}
