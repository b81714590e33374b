//! The refresh: at most one in flight per session, however many requests, alarms and administrators ask.
//!
//! ```text
//!   Ready ── write "Presented" ──► token endpoint ─┬─ tokens ─────────────► Ready (new), Fresh
//!     ▲                                            ├─ invalid_grant ──────► Ended
//!     └── "not now": after a while, thrice ────────┤
//!                                                  └─ anything else ──────► within the leeway: at once again; else Lost
//! ```
//!
//! The intent is written before the call: after a crash the record says that the outcome is unknown, and the token
//! is not presented blindly again. "Not now" is a complete answer of 429, 500 or 503, or one that the client is not accepted.
//! After a series of tries there is a pause for all who ask; each is longer than the one before ([`Grant::pause`]).

use std::rc::Rc;

use openidconnect::RefreshToken;
use time::{Duration, OffsetDateTime};

use super::Session;
use super::authorize::cause_of;
use super::deadline::request_deadline;
use super::grant::may_present_again;
use super::ledger::{Cause, Event};
use super::message::{Authority, Denied, EndReason, Refresh, SessionView, Switch};
use super::record::Established;
use super::single_flight::Flight;
use super::state::{DoesNotApply, Grant, Identity, Refreshing, State, Transition};
use crate::provider::{RefreshError, RefreshFailure};

/// How often a token is presented again after a complete answer that says: not now.
const RETRIES: u32 = 3;
/// All tries of a series fall into this time.
const TRIES_WITHIN: Duration = Duration::seconds(30);
/// The least time between two refreshes that somebody asked for.
const FORCED_EVERY: Duration = Duration::seconds(30);

/// How a refresh came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is a new access token.
    Fresh,
    /// The session is over.
    Ended,
    /// Not now.
    Unavailable {
        /// Seconds.
        retry_after: u32,
    },
    /// The intent cannot be written, and so the token is not presented.
    StoreUnavailable,
    /// There is nothing left to refresh with.
    NoToken,
    /// The organization to switch to wants a login of its own. Nothing has changed.
    OtherOrganization,
}

/// A refresh token on its way out.
struct Presentation {
    token: RefreshToken,
    identity: Identity,
    first_at: OffsetDateTime,
    /// It was presented before, and nobody knows how that came out.
    again: bool,
}

impl Session {
    pub(super) async fn refresh(self: &Rc<Self>, refresh: Refresh) -> Result<SessionView, Denied> {
        self.ready().await?;
        let Refresh { authority } = refresh;
        self.admit(&authority).await?;
        let cause = cause_of(&authority);
        request_deadline(&*self.isolate, async {
            self.refresh_on_request(cause).await?;
            // What there is must do; where it has expired, the request fares like any other.
            self.obtain_token(cause).await
        })
        .await?;
        self.view_for(&authority)
    }

    /// A refresh for another organization. It is somebody's wish, and so neither too soon nor what another refresh
    /// brings.
    pub(super) async fn switch(self: &Rc<Self>, switch: Switch) -> Result<SessionView, Denied> {
        let Switch { authority, organization } = switch;
        if !self.provider.switches_organizations() {
            return self.refresh(Refresh { authority }).await;
        }
        self.ready().await?;
        self.admit(&authority).await?;
        if self.active(|_| ()).is_none() {
            // In its grace there is nothing left to switch with: it is its successor that can be asked.
            return Err(Denied::Reauthenticate);
        }
        let cause = cause_of(&authority);
        request_deadline(&*self.isolate, async {
            while self.refresher.is_under_way() {
                self.refresh_once(cause).await;
            }
            match self.refresh_for(cause, Some(organization)).await {
                Outcome::Fresh | Outcome::Ended => Ok(()),
                Outcome::Unavailable { retry_after } => Err(Denied::ProviderUnavailable { retry_after }),
                Outcome::StoreUnavailable => Err(Denied::StoreUnavailable),
                Outcome::NoToken | Outcome::OtherOrganization => Err(Denied::Reauthenticate),
            }
        })
        .await?;
        self.view_for(&authority)
    }

    fn view_for(&self, authority: &Authority) -> Result<SessionView, Denied> {
        self.authorize(authority, self.now())?;
        let kept = self.kept.state();
        let serving = kept.as_ref().and_then(State::serving);
        serving.map(|active| active.view(self.lifetimes())).ok_or(Denied::Unknown)
    }

    /// Joins the refresh in flight, or starts one where that is possible, allowed, and not too soon.
    async fn refresh_on_request(self: &Rc<Self>, cause: Cause) -> Result<(), Denied> {
        let now = self.now();
        // One in the future is of a clock that was wrong.
        let recent = |at: OffsetDateTime| (at..at.saturating_add(FORCED_EVERY)).contains(&now);
        let wanted = self.active(|active| {
            let refresh = &active.grant.refresh;
            let possible = matches!(refresh, Refreshing::Ready { .. } | Refreshing::Presented { .. });
            possible && refresh.waits_until(now).is_none() && !active.forced_at.is_some_and(recent)
        });
        let in_flight = self.refresher.is_under_way();
        if !in_flight && wanted != Some(true) {
            return Ok(());
        }
        if !in_flight && self.transition(|state| state.forced(now)).await?.is_err() {
            // It ended, or moved, before that could be written: there is nothing to refresh.
            return Ok(());
        }
        match self.refresh_once(cause).await {
            Outcome::Unavailable { retry_after } => Err(Denied::ProviderUnavailable { retry_after }),
            Outcome::StoreUnavailable => Err(Denied::StoreUnavailable),
            Outcome::Fresh | Outcome::Ended | Outcome::NoToken | Outcome::OtherOrganization => Ok(()),
        }
    }

    /// Starts a refresh, or joins the one in flight. It goes on whether or not anybody waits. A move that began before it
    /// comes first: what is refreshed may be another actor's by then.
    pub(super) fn refresh_once(self: &Rc<Self>, cause: Cause) -> Flight<Outcome> {
        self.refresh_for(cause, None)
    }

    /// The same; one that is started here is for this organization.
    fn refresh_for(self: &Rc<Self>, cause: Cause, organization: Option<String>) -> Flight<Outcome> {
        let session = Rc::clone(self);
        // Taken before the slot is: a move that begins later waits for the refresh instead.
        self.refresher.refresh(self.mover.relocation(), || async move {
            session.run_refresh(cause, organization.as_deref()).await
        })
    }

    async fn run_refresh(self: &Rc<Self>, cause: Cause, organization: Option<&str>) -> Outcome {
        let began = self.now();
        let mut tries = 0_u32;
        loop {
            self.provider.prepare(self.now()).await;
            let presentation = match self.present(cause).await {
                Ok(presentation) => presentation,
                Err(outcome) => return outcome,
            };
            let Presentation { token, identity, .. } = &presentation;
            let result = self.provider.refresh(self.now(), token, identity, organization).await;
            let error = match result {
                Ok((tokens, renewed)) => {
                    let access_token = tokens.access_token.clone();
                    let sid = renewed
                        .as_ref()
                        .and_then(|renewed| renewed.sid.clone())
                        .filter(|sid| identity.sid.as_ref() != Some(sid));
                    let grant = Grant::new(tokens, self.isolate.jitter());
                    let mut outcome = self.keep(grant, renewed, &presentation, cause, began).await;
                    if outcome == Outcome::Fresh {
                        // The tokens are safe by now, whatever comes of this.
                        outcome = self.ask_user_info(access_token, identity, cause, began).await;
                    }
                    if let (Outcome::Fresh, Some(sid)) = (outcome, sid) {
                        self.become_known_by(sid);
                    }
                    return outcome;
                }
                Err(error) => error,
            };
            match self.after_failure(error, &presentation, cause, began, tries).await {
                Ok(pause) => {
                    tries = tries.saturating_add(1);
                    if pause.is_positive() {
                        self.isolate.sleep(pause.unsigned_abs()).await;
                    }
                }
                Err(outcome) => return outcome,
            }
        }
    }

    /// Writes the intent and hands the token out, where it may be presented now.
    async fn present(self: &Rc<Self>, cause: Cause) -> Result<Presentation, Outcome> {
        let now = self.now();
        let unavailable = |detail| {
            self.record(Event::Refresh, "store_unavailable", cause, now, detail);
            Outcome::StoreUnavailable
        };
        if self.active(|active| active.moving.is_some()) == Some(true) {
            // Its new home may have the token already, as it is now.
            return Err(unavailable("the move that is under way could not be written"));
        }
        let leeway = self.config.provider.reuse_leeway();
        let found = self.active(|active| match &active.grant.refresh {
            Refreshing::Ready { token, .. } => Some((token.clone(), active.identity.clone(), now, false)),
            Refreshing::Presented { token, first_at, .. } => {
                Some((token.clone(), active.identity.clone(), *first_at, true))
            }
            Refreshing::Impossible | Refreshing::Lost => None,
        });
        let (token, identity, first_at, again) = found.ok_or(Outcome::Ended)?.ok_or(Outcome::NoToken)?;
        let is_too_late = || again && !may_present_again(first_at, self.now(), leeway);
        if !is_too_late() {
            let intended = self.transition(|state| state.presenting(now)).await;
            let intended = intended.map_err(|_| unavailable("the intent to refresh could not be written"))?;
            // It ended, or moved, before.
            intended.map_err(|DoesNotApply| Outcome::Ended)?;
        }
        // Writing it may have taken longer than there was left.
        if is_too_late() {
            self.note(State::lost).await;
            let detail =
                "the process ended during an earlier refresh: whether the provider took the token is not known";
            self.record(Event::Refresh, "unknown", cause, now, detail);
            return Err(Outcome::NoToken);
        }
        // It may have ended, or moved, while that was written.
        let presented = self.active(|active| matches!(active.grant.refresh, Refreshing::Presented { .. }));
        if presented != Some(true) {
            return Err(Outcome::Ended);
        }
        Ok(Presentation { token, identity, first_at, again })
    }

    /// New tokens are here. A session that ended meanwhile stays ended, and they are revoked.
    async fn keep(
        self: &Rc<Self>,
        grant: Grant,
        renewed: Option<Identity>,
        Presentation { token, identity, .. }: &Presentation,
        cause: Cause,
        began: OffsetDateTime,
    ) -> Outcome {
        // Without a new one the old one stays good.
        let unused = match &grant.refresh {
            Refreshing::Ready { token: new, .. } => new.clone(),
            Refreshing::Impossible | Refreshing::Presented { .. } | Refreshing::Lost => token.clone(),
        };
        let sid = renewed.as_ref().and_then(|renewed| renewed.sid.clone());
        let kept = self.establish(|state| state.refreshed(grant, renewed)).await;
        // Where they were not written down, they serve from memory. It may have ended right behind that, too.
        if kept.made.is_err() || self.active(|_| ()).is_none() {
            self.record(
                Event::Refresh,
                "discarded",
                cause,
                began,
                "new tokens came too late: the session had ended or moved",
            );
            let sid = sid.or_else(|| identity.sid.clone());
            self.revoke_in_background(Some(unused).filter(|_| !self.has_successor()), sid, cause);
            return Outcome::Ended;
        }
        self.record(Event::Refresh, "ok", cause, began, "a new access token came");
        Outcome::Fresh
    }

    /// Whether another session took this one's place. Many providers end the whole grant with one of its tokens, and with it
    /// that one's.
    fn has_successor(&self) -> bool {
        match &*self.kept.state() {
            Some(State::Ended(ended)) => ended.reason == EndReason::Superseded,
            state => matches!(state, Some(State::Moved(_))),
        }
    }

    /// What a failure means: a pause before the next try, or the end of trying.
    async fn after_failure(
        self: &Rc<Self>,
        RefreshError { failure, said, granted }: RefreshError,
        presentation: &Presentation,
        cause: Cause,
        began: OffsetDateTime,
        tries: u32,
    ) -> Result<Duration, Outcome> {
        let now = self.now();
        let record = |outcome: &str, detail: &str| {
            self.record_with_words(Event::Refresh, outcome, cause, began, detail, said.as_deref());
        };
        // From here on it is not known whether the provider took the token: the pause before the next try, the one that the
        // provider asked for, and why.
        let (pause, asked, why) = match failure {
            _ if self.active(|_| ()).is_none() => {
                // What ended the session meanwhile left to this refresh what may still be good.
                let not_taken = matches!(failure, RefreshFailure::Deferred { .. });
                let unused = granted.or_else(|| not_taken.then(|| presentation.token.clone()));
                let sid = presentation.identity.sid.clone();
                self.revoke_in_background(unused.filter(|_| !self.has_successor()), sid, cause);
                return Err(Outcome::Ended);
            }
            RefreshFailure::Refused(why) => {
                record("refused", &why);
                let reason = EndReason::RefreshRejected;
                let _ = self.end(reason, cause, reason.in_words(cause)).await;
                self.revoke_in_background(granted, presentation.identity.sid.clone(), cause);
                return Err(Outcome::Ended);
            }
            RefreshFailure::OtherOrganization(why) => {
                self.note(|state| state.deferred(now)).await;
                record("other_organization", &why);
                return Err(Outcome::OtherOrganization);
            }
            RefreshFailure::Deferred { retry_after, why } if !presentation.again => {
                let asked = retry_after.unwrap_or_default();
                let pause = asked.max(backoff(tries, self.isolate.jitter()));
                if tries < RETRIES && now.saturating_add(pause) <= began.saturating_add(TRIES_WITHIN) {
                    self.note(|state| state.deferred(now.saturating_add(pause))).await;
                    return Ok(pause);
                }
                let pause = self.pause_after_series(asked);
                self.note(|state| state.deferred(now.saturating_add(pause))?.series_failed()).await;
                record("deferred", &format!("{why}; it is asked again later"));
                return Err(unavailable_for(pause));
            }
            RefreshFailure::Deferred { retry_after, why } => {
                let asked = retry_after.unwrap_or_default();
                (asked.max(backoff(tries, self.isolate.jitter())), asked, why)
            }
            RefreshFailure::Unknown(why) => (Duration::ZERO, Duration::ZERO, why),
        };
        let leeway = self.config.provider.reuse_leeway();
        let again_at = now.saturating_add(pause);
        let in_time = again_at <= began.saturating_add(TRIES_WITHIN);
        if tries < RETRIES && in_time && may_present_again(presentation.first_at, again_at, leeway) {
            if pause.is_positive() {
                self.note(|state| state.waiting(again_at)).await;
            }
            return Ok(pause);
        }
        let pause = self.pause_after_series(asked);
        let again_at = now.saturating_add(pause);
        let outcome = if may_present_again(presentation.first_at, again_at, leeway) {
            self.note(|state| state.waiting(again_at)?.series_failed()).await;
            unavailable_for(pause)
        } else {
            self.note(State::lost).await;
            Outcome::NoToken
        };
        let detail = format!("{why}; whether the provider took the refresh token is not known");
        record("unknown", &detail);
        Err(outcome)
    }

    /// What is known of the token now. If the session ended meanwhile, that no longer matters; if it cannot be written, the record
    /// still says that the token was presented.
    async fn note(self: &Rc<Self>, change: impl FnOnce(State) -> Transition) {
        let Established { made: Ok(()) | Err(DoesNotApply), written: Ok(()) | Err(_) } = self.establish(change).await;
    }

    /// How long nobody tries now that the tries are used up: no less than the provider asked for.
    fn pause_after_series(&self, asked: Duration) -> Duration {
        self.active(|active| active.grant.pause()).unwrap_or_default().max(asked)
    }
}

fn unavailable_for(pause: Duration) -> Outcome {
    let seconds = pause.as_seconds_f64().ceil();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most some minutes; the cast saturates"
    )]
    let retry_after = seconds as u32;
    Outcome::Unavailable { retry_after }
}

/// Half a second, one, two, each with as much again at random.
fn backoff(tries: u32, jitter: f64) -> Duration {
    let base = 0.5 * f64::from(1_u32.checked_shl(tries).unwrap_or(1));
    Duration::saturating_seconds_f64(base * (1.0 + jitter))
}
