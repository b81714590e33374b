//! `Complete`: the end of the authorization code flow (RFC 6749 section 4.1) with PKCE and `nonce`. Its beginning, and `state`,
//! are the gateway's.

use std::rc::Rc;

use time::OffsetDateTime;

use super::Session;
use super::ledger::{self, Cause, Event};
use super::message::{Callback, Complete, Completed, SignInError};
use super::state::{Attempt, LoginReason, State};
use crate::actors::session::begin::{Login, Setback, SignInOutcome};
use crate::provider::error::ProviderError;
use crate::provider::token_answer::{authorization_error, plain_code};
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

impl Session {
    pub(super) async fn complete(self: &Rc<Self>, complete: Complete) -> Result<Completed, SignInError> {
        self.load().await?;
        let (began, region) = (self.now(), complete.place.region);
        let at = complete.place.provider.as_ref().map_or_else(String::new, |name| format!(" at {name}"));
        let said = complete.callback.said(complete.attempt.secrets());
        let outcome = self.sign_in(complete, began).await;
        let (word, detail) = match &outcome {
            Ok((Completed::SignedIn { .. }, None)) => ("ok", format!("the user logged in{at}")),
            Ok((Completed::SignedIn { .. }, Some(remark))) => ("ok", format!("the user logged in{at}; {remark}")),
            Ok((Completed::NotSignedIn | Completed::LoginNeeded { .. }, why)) => {
                let why = why.as_deref().map_or_else(String::new, |why| format!(" ({why})"));
                ("login_needed", format!("the provider has no session to log in from silently{at}{why}"))
            }
            Ok((Completed::Kept, why)) => ("kept", why.clone().unwrap_or_default()),
            Err(error) => (word(error), format!("the login{at} failed: {error}")),
        };
        let said = match &outcome {
            Ok((Completed::SignedIn { .. }, _)) => None,
            Err(SignInError::Said { said, .. }) => Some(said.clone()),
            Ok(_) | Err(_) => said,
        };
        self.record_login(word, began, &detail, said.as_deref(), region);
        outcome.map(|(completed, _)| completed)
    }

    /// Records a login. If it made no session record, there is only a log line.
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
        let provider = self.provider_named(place.provider.as_deref()).ok_or_else(without_provider)?;
        provider.check_issuer(now, callback.iss.as_deref()).await?;
        let iss = callback.iss.clone();
        let code = match self.code(callback, &attempt, place.provider.as_deref()).await {
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
        match self.redeem(&code, Login { attempt: *attempt, redirect_uri, replaces, iss }).await {
            Ok(outcome) => Ok(outcome),
            // The old session is as it was, or did not answer. If it can serve no longer, it says so itself.
            Err(Setback::Passing(error)) if is_move => Ok(stays(&error)),
            Err(Setback::Passing(error) | Setback::Final(error)) => Err(error),
        }
    }

    /// The code of a callback, or what becomes of the login without one.
    async fn code(
        self: &Rc<Self>,
        callback: Callback,
        attempt: &Attempt,
        provider: Option<&str>,
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
        let code = plain_code(&error);
        let provider = self.config.providers.named(provider);
        let is_configured = provider.is_some_and(|named| named.settings.organization().is_some());
        let was_for_one = attempt.organization.is_some() || is_configured;
        let about_organization =
            UserError::about_organization(code, callback.error_description.as_deref(), was_for_one);
        Err(match about_organization.or_else(|| UserError::of(code)) {
            Some(user_error) => SignInError::UserError(Box::new(user_error)),
            None => SignInError::CallbackRejected(authorization_error(&error)),
        })
    }
}

/// How log lines name a failure.
fn word(error: &SignInError) -> &'static str {
    match error {
        SignInError::Said { error, .. } => word(error),
        SignInError::CallbackRejected(_) | SignInError::AuthenticationInsufficient(_) | SignInError::UserError(_) => {
            "callback_rejected"
        }
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

/// The configuration has changed while the user was at the provider.
fn without_provider() -> SignInError {
    SignInError::CallbackRejected("its login provider is no longer in use here".to_owned())
}

/// The login came back too late. The gateway says so before any actor is asked; this is for clocks that differ.
pub fn expired() -> SignInError {
    SignInError::CallbackRejected("it took too long".to_owned())
}
