//! What a refresh that brought no tokens means: a pause before the next try, or the end of trying.

use std::rc::Rc;

use time::{Duration, OffsetDateTime};

use super::Session;
use super::grant::may_present_again;
use super::ledger::{Cause, Event};
use super::present::Presentation;
use super::record::Established;
use super::refresher::RefreshOutcome;
use super::state::{DoesNotApply, State, Transition};
use crate::actors::end_reason::EndReason;
use crate::provider::error::{RefreshError, RefreshFailure};
use crate::provider::requests::RefreshFor;

/// How often a token is presented again after a complete answer that says: not now.
const RETRIES: u32 = 3;
/// All tries of a series fall into this time.
const TRIES_WITHIN: Duration = Duration::seconds(30);

impl Session {
    /// Whether another session took this one's place. Many providers end the whole grant with one of its tokens, and with it
    /// that one's.
    pub(super) fn has_successor(&self) -> bool {
        match &*self.kept.state() {
            Some(State::Ended(ended)) => ended.reason == EndReason::Superseded,
            state => matches!(state, Some(State::Moved(_))),
        }
    }

    /// What a failure means: a pause before the next try, or the end of trying.
    pub(super) async fn after_failure(
        self: &Rc<Self>,
        RefreshError { failure, said, granted }: RefreshError,
        wanted: &RefreshFor,
        presentation: &Presentation,
        cause: Cause,
        began: OffsetDateTime,
        tries: u32,
    ) -> Result<Duration, RefreshOutcome> {
        let now = self.now();
        let record = |outcome: &str, detail: &str| {
            self.record_with_words(Event::Refresh, outcome, cause.clone(), began, detail, said.as_deref());
        };
        // From here on it is not known whether the provider took the token: the pause before the next try, the one that the
        // provider asked for, and why.
        let (pause, asked, why) = match failure {
            _ if self.active(|_| ()).is_none() => {
                // The end of the session left the token to this refresh, which revokes what may still be good.
                let not_taken =
                    matches!(failure, RefreshFailure::Deferred { .. } | RefreshFailure::TargetRefused { .. });
                let unused = granted.or_else(|| not_taken.then(|| presentation.token.clone()));
                let sid = presentation.identity.sid.clone();
                self.revoke_in_background(unused.filter(|_| !self.has_successor()), sid, cause);
                return Err(RefreshOutcome::Ended);
            }
            RefreshFailure::Refused(why) => {
                record("refused", &why);
                let reason = EndReason::RefreshRejected;
                let _ = self.end(reason, cause.clone(), reason.in_words(&cause)).await;
                self.revoke_in_background(granted, presentation.identity.sid.clone(), cause);
                return Err(RefreshOutcome::Ended);
            }
            RefreshFailure::OtherOrganization(why) => {
                self.note(|state| state.deferred(now)).await;
                record("other_organization", &why);
                return Err(RefreshOutcome::OtherOrganization);
            }
            RefreshFailure::TargetRefused { why, is_grant_in_doubt } => {
                self.note(|state| state.deferred(now)).await;
                let RefreshFor::Target(target) = wanted else { return Err(RefreshOutcome::NoToken) };
                self.refuse(target, &why, said.as_deref(), cause.clone(), began);
                if !is_grant_in_doubt {
                    return Err(RefreshOutcome::ForTarget(target.key.clone()));
                }
                // Whether the grant lives, the session's own refresh finds out.
                return Err(Box::pin(self.run_refresh(cause, RefreshFor::Session)).await);
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
        let leeway = self.reuse_leeway();
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
            RefreshOutcome::NoToken
        };
        let detail = format!("{why}; whether the provider took the refresh token is not known");
        record("unknown", &detail);
        Err(outcome)
    }

    /// What is known of the token now. If the session ended meanwhile, that no longer matters; if it cannot be written, the record
    /// still says that the token was presented.
    pub(super) async fn note(self: &Rc<Self>, change: impl FnOnce(State) -> Transition) {
        let Established { made: Ok(()) | Err(DoesNotApply), written: Ok(()) | Err(_) } = self.establish(change).await;
    }

    /// The series of tries ends before its time, as its next try cannot be written. The pause is that of one that has ended.
    pub(super) async fn break_off_series(self: &Rc<Self>) {
        let until = self.now().saturating_add(self.pause_after_series(Duration::ZERO));
        self.note(|state| state.postponed(until)?.series_failed()).await;
    }

    /// The pause now that the tries are used up. It is no shorter than the provider asked for.
    fn pause_after_series(&self, asked: Duration) -> Duration {
        self.active(|active| active.grant.pause()).unwrap_or_default().max(asked)
    }
}

fn unavailable_for(pause: Duration) -> RefreshOutcome {
    let seconds = pause.as_seconds_f64().ceil();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most some minutes; the cast saturates"
    )]
    let retry_after = seconds as u32;
    RefreshOutcome::Unavailable { retry_after }
}

/// Half a second, one, two, each with as much again at random.
fn backoff(tries: u32, jitter: f64) -> Duration {
    let base = 0.5 * f64::from(1_u32.checked_shl(tries).unwrap_or(1));
    Duration::saturating_seconds_f64(base * (1.0 + jitter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_between_tries_double_from_half_a_second_and_chance_adds_as_much_again_at_most() {
        for (tries, jitter, milliseconds) in
            [(0, 0.0, 500), (1, 0.0, 1_000), (2, 0.0, 2_000), (0, 1.0, 1_000), (1, 0.5, 1_500), (2, 1.0, 4_000)]
        {
            assert_eq!(backoff(tries, jitter), Duration::milliseconds(milliseconds), "{tries}, {jitter}");
        }
    }

    #[test]
    fn who_asks_again_is_told_whole_seconds_and_none_too_few() {
        for (milliseconds, seconds) in [(5_000, 5), (5_001, 6), (29_999, 30)] {
            let outcome = unavailable_for(Duration::milliseconds(milliseconds));
            assert_eq!(outcome, RefreshOutcome::Unavailable { retry_after: seconds }, "{milliseconds} ms");
        }
    }
}
