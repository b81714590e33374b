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

use time::{Duration, OffsetDateTime};

use super::Session;
use super::deadline::request_deadline;
use super::get::Purpose;
use super::ledger::{Cause, Event};
use super::message::Denied;
use super::state::{Active, State};
use crate::actors;
use crate::actors::directory::message::{Observe, Verdict, of_user};
use crate::config::RegionPolicy;
use crate::credential::SecretHash;
use crate::region::Region;

/// When to ask again a directory that did not answer.
const ASK_AGAIN: Duration = Duration::seconds(30);

/// What the session makes of its user's region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionDecision {
    /// Nothing, until then.
    Stay { until: OffsetDateTime },
    /// One navigation is to go through the provider.
    Reauthenticate,
    /// One navigation is on its way to `/login`; others stay, until then.
    Sent { until: OffsetDateTime },
    /// The grant is to move.
    Migrate,
}

impl Session {
    /// Whether a navigation from `region` is to go on elsewhere. Whoever has not got the secret moves nothing.
    pub(super) async fn follow_region(
        self: &Rc<Self>,
        region: Region,
        purpose: Purpose,
        secret: &SecretHash,
    ) -> Result<(), Denied> {
        if self.config.regions.policy == RegionPolicy::Pin {
            return Ok(());
        }
        let now = self.now();
        let elsewhere = |active: &Active| active.secret_hash.is(secret) && active.place.region != region;
        let kept = {
            let memory = self.memory.borrow();
            let Some(State::Active(active)) = &memory.state else { return Ok(()) };
            if !elsewhere(active) || active.over(now, self.lifetimes()).is_some() {
                return Ok(());
            }
            memory.region_decision
        };
        let min_stay = self.config.regions.min_stay;
        match (kept, purpose) {
            // `/login` asks: the trip to the provider is to be a silent one, and the only one.
            (Some(RegionDecision::Sent { until }), Purpose::GoOn) => {
                self.memory.borrow_mut().region_decision = Some(RegionDecision::Stay { until });
                return Err(Denied::Relocate);
            }
            (Some(RegionDecision::Stay { until } | RegionDecision::Sent { until }), _) if now < until => return Ok(()),
            (_, Purpose::Proxy) => {}
            _ => return Ok(()),
        }
        let session = Rc::clone(self);
        match self.observing.join(|| async move { session.ask_directory(region).await }).await {
            RegionDecision::Migrate => {
                // Whatever becomes of it, the session is somewhere.
                let _ = request_deadline(&*self.isolate, self.relocate(region, Cause::Directory)).await;
                Ok(())
            }
            RegionDecision::Reauthenticate => {
                let mut memory = self.memory.borrow_mut();
                if memory.region_decision != Some(RegionDecision::Reauthenticate) {
                    return Ok(());
                }
                memory.region_decision = Some(RegionDecision::Sent { until: self.now().saturating_add(min_stay) });
                Err(Denied::Relocate)
            }
            RegionDecision::Stay { .. } | RegionDecision::Sent { .. } => Ok(()),
        }
    }

    async fn ask_directory(self: &Rc<Self>, region: Region) -> RegionDecision {
        let began = self.now();
        let verdict = match self.active(|active| of_user(&active.identity.issuer, &active.identity.subject)) {
            Some(name) => {
                let observe = Observe { actor: self.id.clone(), region };
                actors::ask(&*self.actors, &self.directory(&name), observe).await
            }
            None => return RegionDecision::Stay { until: began },
        };
        let (decision, outcome, what) = match verdict {
            Ok(Ok(Verdict::Stay { until })) => (RegionDecision::Stay { until }, "stay", "stays where it is"),
            Ok(Ok(Verdict::Reauthenticate)) => {
                (RegionDecision::Reauthenticate, "reauthenticate", "is to be renewed there")
            }
            Ok(Ok(Verdict::Migrate)) => (RegionDecision::Migrate, "migrate", "is to move there"),
            Ok(Err(_)) | Err(_) => {
                let until = self.now().saturating_add(ASK_AGAIN);
                (RegionDecision::Stay { until }, "no_answer", "stays where it is, as its directory does not answer")
            }
        };
        self.memory.borrow_mut().region_decision = Some(decision);
        let detail = format!("the session was used from {region}, and {what}");
        self.record(Event::Observe, outcome, Cause::Directory, began, &detail);
        decision
    }
}
