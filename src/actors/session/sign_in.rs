//! `Begin` and `Complete`: the authorization code flow (RFC 6749 section 4.1) with PKCE, `state` and `nonce`.

use std::rc::Rc;

use time::OffsetDateTime;

use super::Session;
use super::ledger::{self, Cause, Event};
use super::message::{Authority, Begin, Begun, Callback, Complete, Completed, EndReason, Estate, Revoke, SignInError};
use super::state::{Attempt, Grant, Misfit, Pending, Predecessor, State};
use crate::actors;
use crate::ambient;
use crate::credential::Secret;
use crate::provider::answer::plain_code;
use crate::provider::turned_down::TurnedDown;
use crate::provider::{Authorization, Exchange, ProviderError, SignIn};
use crate::store::StoreError;

/// What a provider answers to `prompt=none` when the user has to do something (OpenID Connect Core 3.1.2.6).
const LOGIN_NEEDED: [&str; 3] = ["login_required", "interaction_required", "consent_required"];

impl From<ProviderError> for SignInError {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Unavailable(why) => Self::ProviderUnavailable(why),
            ProviderError::Rejected(why) => Self::ProviderRejected(why),
            ProviderError::Callback(why) => Self::CallbackRejected(why),
            ProviderError::TurnedDown(turned_down) => Self::TurnedDown(turned_down, "/".to_owned()),
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
    pub(super) async fn begin(&self, begin: Begin) -> Result<Begun, SignInError> {
        let (began, region, silent) = (ambient::now(), begin.place.region, begin.silent);
        let begun = self.begin_login(begin, began).await;
        match &begun {
            Ok(_) => {
                let detail = if silent { "a silent login began" } else { "a login began" };
                self.record(Event::Begin, "ok", Cause::Request, began, detail);
            }
            Err(error) => self.log(Event::Begin, word(error), began, &error.to_string(), region),
        }
        begun
    }

    async fn begin_login(&self, begin: Begin, now: OffsetDateTime) -> Result<Begun, SignInError> {
        self.load().await?;
        if self.memory.borrow().state.is_some() {
            return Err(SignInError::CallbackRejected("this login has already begun".to_owned()));
        }
        let mut hints = begin.hints;
        if begin.silent {
            hints.retain(|(name, _)| name != "prompt");
            hints.push(("prompt".to_owned(), "none".to_owned()));
        }
        let attempt = Attempt {
            state: format!("{}.{}", begin.attempt, secret()?.expose()),
            nonce: secret()?.expose(),
            code_verifier: secret()?.expose(),
            redirect_uri: format!("{}{}/callback", begin.origin, self.config.auth_prefix),
            return_to: begin.return_to,
            predecessor: begin
                .predecessor
                .map(|session| Predecessor { actor: session.actor, secret_hash: session.secret.hash() }),
            silent: begin.silent,
            prompt_none: hints.iter().any(|(name, value)| name == "prompt" && value == "none"),
            organization: hints.iter().find(|(name, _)| name == "organization").map(|(_, value)| value.clone()),
        };
        let request = Authorization {
            redirect_uri: &attempt.redirect_uri,
            state: &attempt.state,
            nonce: &attempt.nonce,
            code_verifier: &attempt.code_verifier,
            hints: &hints,
        };
        // Before anything is written: a login that cannot begin leaves nothing behind.
        let authorization_url = self.provider.authorization_url(now, &request).await?;
        let login_secret = secret()?;
        ledger::create(&self.sql)?;
        self.commit(State::Pending(Pending {
            secret_hash: login_secret.hash(),
            place: begin.place,
            began_at: now,
            expires_at: now.saturating_add(self.lifetimes().login),
            attempt: Some(attempt),
        }))
        .await?;
        Ok(Begun { authorization_url, secret: login_secret })
    }

    pub(super) async fn complete(self: &Rc<Self>, complete: Complete) -> Result<Completed, SignInError> {
        self.load().await?;
        let began = ambient::now();
        let outcome = self.sign_in(complete, began).await;
        let (word, detail) = match &outcome {
            Ok((Completed::SignedIn { .. }, remark)) => {
                ("ok", remark.clone().unwrap_or_else(|| "logged in".to_owned()))
            }
            Ok((_, _)) => ("login_needed", "the provider has no session to log in from silently".to_owned()),
            Err(error) => (word(error), error.to_string()),
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
        let (state, attempt) = {
            let state = self.memory.borrow().state.clone();
            state.ok_or_else(|| misfit(Misfit::Foreign))?.redeem(now, &login_secret, &callback.state)
        };
        let attempt = attempt.map_err(misfit)?;
        // RFC 9207: before the code is touched. A provider that does not answer leaves the attempt as it was.
        self.provider.check_issuer(now, callback.iss.as_deref()).await?;
        // Another callback may have come while the provider was asked.
        let untaken =
            matches!(self.memory.borrow().state.as_ref(), Some(State::Pending(Pending { attempt: Some(_), .. })));
        if !untaken {
            return Err(misfit(Misfit::Replayed));
        }
        self.commit(state).await?;

        let code = match code(callback, &attempt)? {
            Ok(code) => code,
            Err(without_session) => {
                if attempt.silent {
                    self.supersede(&attempt).await;
                }
                return Ok((without_session, None));
            }
        };
        let exchange = Exchange {
            code: &code,
            redirect_uri: &attempt.redirect_uri,
            code_verifier: &attempt.code_verifier,
            nonce: &attempt.nonce,
            organization: attempt.organization.as_deref(),
        };
        let signed_in = match self.provider.exchange(now, exchange).await {
            Err(ProviderError::TurnedDown(why)) => return Err(SignInError::TurnedDown(why, attempt.return_to)),
            exchanged => exchanged?,
        };
        let refresh_token = signed_in.tokens.refresh_token.clone();
        let completed = self.start(attempt, signed_in).await;
        if completed.is_err() {
            // Nobody will ever use these tokens.
            self.revoke_in_background(refresh_token);
        }
        completed
    }

    /// The login is good: the pending session becomes a live one.
    async fn start(
        self: &Rc<Self>,
        attempt: Attempt,
        signed_in: SignIn,
    ) -> Result<(Completed, Option<String>), SignInError> {
        let SignIn { identity, tokens, remark } = signed_in;
        let estate = self.supersede(&attempt).await;
        let now = ambient::now();
        let session_secret = secret()?;
        let grant = Grant::new(tokens, ambient::jitter());
        let lifetimes = self.lifetimes();
        self.transition(|state| state.complete(now, &session_secret, identity, grant, estate.as_ref(), lifetimes))
            .await?;
        let live =
            self.active(|active| (active.secret_hash.matches(&session_secret), active.place.region, active.expires_at));
        let Some((true, region, expires_at)) = live else {
            return Err(SignInError::CallbackRejected("the login was ended while it was under way".to_owned()));
        };
        for entry in estate.iter().flat_map(|estate| &estate.ledger) {
            let _ = ledger::append(&self.sql, entry);
        }
        Ok((Completed::SignedIn { secret: session_secret, region, expires_at, return_to: attempt.return_to }, remark))
    }

    /// Ends the session that the browser had before, so that no cookie from before the login is good for anything.
    /// A silent login goes on with what it leaves.
    async fn supersede(&self, attempt: &Attempt) -> Option<Estate> {
        let predecessor = attempt.predecessor.as_ref()?;
        let address = actors::existing_session(&self.env, &predecessor.actor).ok()?;
        let revoke = Revoke {
            authority: Authority::Successor(predecessor.secret_hash.clone()),
            reason: EndReason::Superseded,
            logout: None,
        };
        let revoked = actors::ask(&address, revoke).await.ok()?.ok()?;
        revoked.estate.filter(|_| attempt.silent).map(|estate| *estate)
    }
}

/// How log lines name a failure.
const fn word(error: &SignInError) -> &'static str {
    match error {
        SignInError::CallbackRejected(_) | SignInError::TurnedDown(..) => "callback_rejected",
        SignInError::ProviderRejected(_) => "provider_rejected",
        SignInError::ProviderUnavailable(_) => "provider_unavailable",
        SignInError::StoreUnavailable => "store_unavailable",
    }
}

fn misfit(misfit: Misfit) -> SignInError {
    SignInError::CallbackRejected(match misfit {
        Misfit::Foreign => "the callback does not belong to a login of this browser (state)".to_owned(),
        Misfit::Replayed => "this callback has been used before".to_owned(),
    })
}

/// The code of a callback, or where the browser goes on to without one.
fn code(callback: Callback, attempt: &Attempt) -> Result<Result<String, Completed>, SignInError> {
    let Some(error) = callback.error else {
        return callback
            .code
            .map(Ok)
            .ok_or_else(|| SignInError::CallbackRejected("the callback has no code".to_owned()));
    };
    let return_to = attempt.return_to.clone();
    if attempt.prompt_none && LOGIN_NEEDED.contains(&error.as_str()) {
        return Ok(Err(if attempt.silent {
            let predecessor = attempt.predecessor.as_ref().map(|predecessor| predecessor.actor.clone());
            Completed::LoginNeeded { return_to, predecessor }
        } else {
            Completed::NotSignedIn { return_to }
        }));
    }
    let error = plain_code(&error);
    Err(match TurnedDown::of(error) {
        Some(turned_down) => SignInError::TurnedDown(Box::new(turned_down), return_to),
        None => SignInError::CallbackRejected(format!("the provider answered {error}")),
    })
}
