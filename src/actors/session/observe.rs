//! What a change of the visitor's region means for the session. The directory decides; the verdict is kept, so that it is
//! asked about once in a minimum stay.
//!
//! ```text
//!   navigation ── GetToken ──► Observe ──► Stay ────────────► served here
//!                                 ├──────► Migrate ─────────► the grant moves; the gateway asks there
//!                                 └──────► Reauthenticate ──► the first navigation goes to /login, which goes to the
//!                                                             provider silently; others are served here meanwhile
//! ```
//!
//! A directory that does not answer fails nobody: the session stays.

use std::rc::Rc;

use super::Session;
use super::deadline::request_deadline;
use super::directory_client::RegionDecision;
use super::ledger::{Cause, Event};
use super::message::Denied;
use super::state::{Active, State};
use super::verdict::Purpose;
use crate::actors::directory_message::name::of_user;
use crate::config::RegionPolicy;
use crate::credential::SecretHash;
use crate::region::Region;

impl Session {
    /// Whether a navigation from `region` is to go on elsewhere. A request without the right secret moves nothing.
    pub(super) async fn follow_region(
        self: &Rc<Self>,
        region: Region,
        purpose: Purpose<'_>,
        secret: &SecretHash,
    ) -> Result<(), Denied> {
        if self.config.regions.policy == RegionPolicy::Pin {
            return Ok(());
        }
        let now = self.now();
        let elsewhere = |active: &Active| active.secret_hash.is(secret) && active.place.region != region;
        let kept = {
            let kept = self.kept.state();
            let Some(State::Active(active)) = &*kept else { return Ok(()) };
            if !elsewhere(active) || active.over(now, self.lifetimes()).is_some() {
                return Ok(());
            }
            self.directories.decision()
        };
        let min_stay = self.config.regions.min_stay;
        match (kept, purpose) {
            // `/login` asks: the trip to the provider is to be a silent one, and the only one.
            (Some(RegionDecision::Sent { until }), Purpose::GoOn) => {
                self.directories.login_begins(until);
                return Err(Denied::Relocate);
            }
            (Some(RegionDecision::Stay { until } | RegionDecision::Sent { until }), _) if now < until => return Ok(()),
            (_, Purpose::Proxy(_)) => {}
            _ => return Ok(()),
        }
        let session = Rc::clone(self);
        match self.directories.observe_once(|| async move { session.ask_directory(region).await }).await {
            RegionDecision::Migrate => {
                // Whatever becomes of it, the session is somewhere.
                let _ = request_deadline(&*self.isolate, self.relocate(region, Cause::Directory)).await;
                Ok(())
            }
            RegionDecision::Reauthenticate => {
                let is_the_one = self.directories.send(self.now().saturating_add(min_stay));
                if is_the_one { Err(Denied::Relocate) } else { Ok(()) }
            }
            RegionDecision::Stay { .. } | RegionDecision::Sent { .. } => Ok(()),
        }
    }

    async fn ask_directory(self: &Rc<Self>, region: Region) -> RegionDecision {
        let began = self.now();
        let user = self.active(|active| of_user(&active.identity.issuer, &active.identity.subject));
        let Some(user) = user else { return RegionDecision::Stay { until: began } };
        let (decision, outcome, what) = self.directories.observe(&user, region).await;
        let detail = format!("the session was used from {region}, and {what}");
        self.record(Event::Observe, outcome, Cause::Directory, began, &detail);
        decision
    }
}
