//! Asking for a refresh. At most one is in flight per session, and all requests, alarms and administrators share it.
//! [`super::present`] has the steps of one.

use std::rc::Rc;

use time::{Duration, OffsetDateTime};

use super::Session;
use super::authorize::cause_of;
use super::deadline::request_deadline;
use super::ledger::Cause;
use super::message::{Authority, Denied, Refresh, Switch};
use super::refresher::RefreshOutcome;
use super::single_flight::Flight;
use super::state::{Refreshing, State};
use super::verdict::Wanted;
use super::view::SessionView;
use crate::provider::requests::RefreshFor;

/// The least time between two refreshes that somebody asked for.
const FORCED_EVERY: Duration = Duration::seconds(30);

impl Session {
    fn view_for(&self, authority: &Authority) -> Result<SessionView, Denied> {
        self.authorize(authority, self.now())?;
        let kept = self.kept.state();
        let serving = kept.as_ref().and_then(State::serving);
        serving.map(|active| active.view(self.lifetimes())).ok_or(Denied::Unknown)
    }

    pub(super) async fn refresh(self: &Rc<Self>, refresh: Refresh) -> Result<SessionView, Denied> {
        self.ready().await?;
        let Refresh { authority } = refresh;
        self.admit(&authority).await?;
        let cause = cause_of(&authority);
        request_deadline(&*self.isolate, async {
            self.refresh_on_request(cause.clone()).await?;
            // The present token must do. If it has expired, this is like any other request.
            self.obtain_token(Wanted::Access, cause).await
        })
        .await?;
        self.view_for(&authority)
    }

    /// A refresh for another organization. It is somebody's wish, and so neither too soon nor what another refresh
    /// brings.
    pub(super) async fn switch(self: &Rc<Self>, switch: Switch) -> Result<SessionView, Denied> {
        let Switch { authority, organization } = switch;
        self.ready().await?;
        if !self.provider().is_some_and(|provider| provider.switches_organizations()) {
            return self.refresh(Refresh { authority }).await;
        }
        self.admit(&authority).await?;
        if self.active(|_| ()).is_none() {
            // In its grace a session has no refresh token. Its successor can be asked.
            return Err(Denied::Reauthenticate);
        }
        let cause = cause_of(&authority);
        request_deadline(&*self.isolate, async {
            while self.refresher.is_under_way() {
                self.refresh_once(cause.clone()).await;
            }
            match self.refresh_for(cause, RefreshFor::Organization(organization)).await {
                RefreshOutcome::Fresh | RefreshOutcome::Ended | RefreshOutcome::ForTarget(_) => Ok(()),
                RefreshOutcome::Unavailable { retry_after } => Err(Denied::ProviderUnavailable { retry_after }),
                RefreshOutcome::StoreUnavailable => Err(Denied::StoreUnavailable),
                RefreshOutcome::NoToken | RefreshOutcome::OtherOrganization => Err(Denied::Reauthenticate),
            }
        })
        .await?;
        self.view_for(&authority)
    }

    /// Joins the refresh in flight, or starts one where that is possible, allowed, and not too soon.
    async fn refresh_on_request(self: &Rc<Self>, cause: Cause) -> Result<(), Denied> {
        let now = self.now();
        // A time in the future comes from a clock that was wrong.
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
            // The session ended, or moved, before that could be written: there is nothing to refresh.
            return Ok(());
        }
        match self.refresh_once(cause).await {
            RefreshOutcome::Unavailable { retry_after } => Err(Denied::ProviderUnavailable { retry_after }),
            RefreshOutcome::StoreUnavailable => Err(Denied::StoreUnavailable),
            RefreshOutcome::Fresh
            | RefreshOutcome::Ended
            | RefreshOutcome::ForTarget(_)
            | RefreshOutcome::NoToken
            | RefreshOutcome::OtherOrganization => Ok(()),
        }
    }

    /// Starts a refresh, or joins the one in flight. It goes on whether or not anybody waits. A move that began before it
    /// comes first: what is refreshed may be another actor's by then.
    /// One that is for a target alone is waited for.
    pub(super) async fn refresh_once(self: &Rc<Self>, cause: Cause) -> RefreshOutcome {
        loop {
            match self.refresh_for(cause.clone(), RefreshFor::Session).await {
                RefreshOutcome::ForTarget(_) => {}
                outcome => return outcome,
            }
        }
    }

    /// Joins the refresh in flight, whatever it is for, or starts one for this.
    pub(super) fn refresh_for(self: &Rc<Self>, cause: Cause, wanted: RefreshFor) -> Flight<RefreshOutcome> {
        let session = Rc::clone(self);
        // The move is taken before the slot: a move that begins later waits for the refresh instead.
        self.refresher.refresh(self.mover.relocation(), || async move { session.run_refresh(cause, wanted).await })
    }
}
