//! `Migrate` and `SilentLogin`: the session goes on in another actor. [`super::moved`] has the steps, [`super::adopt`] the other side.
//!
//! Architecture Invariant: at each moment one actor alone may present the refresh token. A new actor may once the old one
//! has written that it let go.

use std::rc::Rc;

use super::authorize::cause_of;
use super::deadline::request_deadline;
use super::follow::{self, Followed};
use super::ledger::{self, Cause, Event};
use super::location::{ActorLocation, Successor};
use super::message::{Adopt, Authority, Denied, Destination, Migrate, Migrated, SilentLogin, SilentLoginHints};
use super::single_flight::Flight;
use super::state::{DoesNotApply, Moving, Refreshing, State};
use super::view::Inheritance;
use super::{Session, address};
use crate::actors;
use crate::actors::stored::Storable as _;
use crate::region::Region;

impl Session {
    /// Why this actor does not go on with the session.
    pub(super) fn elsewhere(&self) -> Denied {
        match &*self.kept.state() {
            Some(State::Moved(moved)) => Denied::Moved(moved.to.clone()),
            Some(State::Ended(ended)) => Denied::Ended(ended.reason),
            Some(State::Active(_)) => Denied::StoreUnavailable,
            Some(State::SigningIn(_) | State::Arriving(_)) | None => Denied::Unknown,
        }
    }

    pub(super) async fn migrate(self: &Rc<Self>, migrate: Migrate) -> Result<Migrated, Denied> {
        self.ready().await?;
        let cause = cause_of(&migrate.authority);
        match migrate.destination {
            Destination::Region(region) => {
                self.admit(&migrate.authority).await?;
                let to = self.relocate(region, cause).await?;
                // A move to another region was under way already: the sender asks there.
                if to.region == region { Ok(Migrated::Lives(to)) } else { Err(Denied::Moved(to)) }
            }
            Destination::Successor(successor) => {
                // What is under way is settled first. If a refresh takes longer than this waits, its result is dropped.
                drop(self.signing_in.lock().await);
                if let Some(relocation) = self.mover.relocation() {
                    let _ = relocation.await;
                }
                if let Some(refresh) = self.refresher.current() {
                    let _ = request_deadline(&*self.isolate, async { Ok(refresh.await) }).await;
                }
                loop {
                    if let Some(left) = self.leave_to_another(&migrate.authority, &successor).await {
                        return left;
                    }
                    self.admit(&migrate.authority).await?;
                    if self.active(|_| ()).is_none() {
                        return Err(self.elsewhere());
                    }
                    // If the session was ended or moved before that could be written, this came later, and starts again.
                    if let Some(left) = self.succeed(&successor, cause.clone()).await? {
                        return Ok(Migrated::Leaves(left));
                    }
                }
            }
        }
    }

    /// What a silent login that is to renew this session tells the provider.
    pub(super) async fn silent_login(self: &Rc<Self>, silent: SilentLogin) -> Option<SilentLoginHints> {
        self.ready().await.ok()?;
        self.authorize(&silent.authority, self.now()).ok()?;
        self.active(|active| SilentLoginHints {
            id_token: active.identity.id_token.clone(),
            organization: self.provider().and_then(|provider| provider.organization_of(&active.identity)),
        })
    }

    /// Reads the record, and finds out where the session stands if a move was under way when it was written.
    pub(super) async fn ready(self: &Rc<Self>) -> Result<(), Denied> {
        self.load().await?;
        if matches!(*self.kept.state(), Some(State::Arriving(_))) {
            // It waits until the directories know the session, or until the session is given up.
            if let Some(adopting) = self.mover.adoption() {
                let _ = adopting.await;
            }
            let session = Rc::clone(self);
            return self.mover.arrive(|| async move { session.arrive().await }).await;
        }
        // The process ended during a move, or its outcome could not be written: it goes on in the background, and a refresh
        // waits for it.
        if let Some(region) = self.active(|active| active.moving.as_ref().map(|moving| moving.region)).flatten()
            && self.mover.may_try_again()
        {
            drop(self.relocate(region, Cause::Alarm));
        }
        Ok(())
    }

    /// Another session takes this one's place. A refresh token that it needs is fenced before it is handed over. None: this
    /// one had ended, or moved, by the time that this could be written.
    async fn succeed(
        self: &Rc<Self>,
        successor: &Successor,
        cause: Cause,
    ) -> Result<Option<Option<Box<Inheritance>>>, Denied> {
        let now = self.now();
        if self.active(|active| successor.is_of(&active.identity.user())) != Some(true) {
            // What the other user's login proves of the device, it says when it takes this one's place.
            if self.is_bound()? {
                return Err(Denied::Unknown);
            }
            return Ok(self.give_way(successor, cause).await?.then_some(None));
        }
        let grace = self.config.regions.grace;
        // What is handed over is read while nothing else can change it. A token that is being presented is not handed over.
        let succeeded = self
            .transition_with(|state| {
                let active = state.active().ok_or(DoesNotApply)?;
                let inheritance = Inheritance {
                    created_at: active.created_at,
                    expires_at: active.expires_at,
                    epoch: active.epoch.saturating_add(1),
                    refresh_token: match &active.grant.refresh {
                        Refreshing::Ready { token, .. } if successor.needs_refresh_token => Some(token.clone()),
                        _ => None,
                    },
                    ledger: Vec::new(),
                    superseding: active.superseding.sessions().to_vec(),
                };
                Ok((state.succeeded(self.now(), successor, grace)?, inheritance))
            })
            .await?;
        let Ok(inheritance) = succeeded else { return Ok(None) };
        let detail = format!("the session goes on in {}, as session {}", successor.region, successor.actor);
        self.record(Event::Migrate, "superseded", cause, now, &detail);
        let ledger = ledger::entries(&*self.storage).unwrap_or_default();
        Ok(Some(Some(Box::new(Inheritance { ledger, ..inheritance }))))
    }

    /// Two tabs may have gone through the provider for the same cookie. The later one takes the place of the earlier, which ends
    /// with that and leaves it what it has. None where no other session has taken this one's place.
    async fn leave_to_another(&self, authority: &Authority, successor: &Successor) -> Option<Result<Migrated, Denied>> {
        let Authority::Successor(hash) = authority else { return None };
        let moved = match &*self.kept.state() {
            // A session that forwards has its whole grant elsewhere, and the request has to go there.
            Some(State::Moved(moved)) if moved.secret_hash.is(hash) && !moved.forwards() => moved.clone(),
            _ => return None,
        };
        if moved.to.actor != successor.actor {
            let migrate = || Migrate {
                authority: Authority::Trusted(Cause::Request),
                destination: Destination::Successor(successor.clone()),
            };
            match follow::ask(&*self.actors, &moved.to.actor, migrate).await {
                // The earlier login never became a session.
                Ok(Followed { reply: Err(Denied::Unknown), .. }) => {}
                Ok(followed) => return Some(followed.reply),
                Err(error) => return Some(Err(error.into())),
            }
        }
        let inheritance = Inheritance {
            created_at: moved.created_at,
            expires_at: moved.to.expires_at,
            epoch: moved.epoch,
            refresh_token: None,
            ledger: ledger::entries(&*self.storage).unwrap_or_default(),
            superseding: moved.untold(),
        };
        Some(Ok(Migrated::Leaves(successor.is_of(&moved.user).then(|| Box::new(inheritance)))))
    }

    /// Moves the whole grant to a new actor near `region`, or joins the move under way. It goes on whether or not anybody
    /// waits.
    pub(super) fn relocate(self: &Rc<Self>, region: Region, cause: Cause) -> Flight<Result<ActorLocation, Denied>> {
        // The refresh is taken before the slot: a refresh that begins later waits for the move instead.
        let refresh = self.refresher.current();
        let session = Rc::clone(self);
        self.mover.relocate(|| async move {
            if let Some(refresh) = refresh {
                refresh.await;
            }
            let began = session.now();
            let moved = session.hand_over(region, cause.clone()).await;
            let (outcome, detail) = match &moved {
                Ok(to) => ("ok", format!("the session moved to {}, as session {}", to.region, to.actor)),
                Err(denied) => ("stay", format!("the session stays where it is: {denied}")),
            };
            session.record(Event::Migrate, outcome, cause, began, &detail);
            moved
        })
    }

    async fn hand_over(self: &Rc<Self>, region: Region, cause: Cause) -> Result<ActorLocation, Denied> {
        let now = self.now();
        let jurisdiction = self.config.regions.jurisdiction;
        let under_way = self.active(|active| active.moving.clone()).ok_or_else(|| self.elsewhere())?;
        let moving = match under_way {
            Some(moving) => moving,
            None => Moving { to: address::new_session_id(&*self.actors, jurisdiction)?, region, began_at: now },
        };
        let departing = self.transition(|state| state.departing(moving.clone())).await?;
        departing.map_err(|DoesNotApply| self.elsewhere())?;
        let Some(active) = self.active(|active| active.relocated(&moving)) else { return Err(self.elsewhere()) };
        let adopt = Adopt {
            from: self.id.clone(),
            began_at: moving.began_at,
            cause,
            active: Box::new(active.keep()),
            ledger: ledger::entries(&*self.storage).unwrap_or_default(),
            device: self.device.read(|device| device.into())?,
        };
        let address = address::session_near(&moving.to, moving.region);
        // If it does not apply, the new actor has asked for the release already, or the session has ended.
        let _ = match actors::ask(&*self.actors, &address, adopt).await {
            Ok(Ok(())) => self.transition(|state| state.departed(self.now())).await?,
            // The new actor may have kept the session. It asks before it uses it.
            Ok(Err(_)) | Err(_) => self.transition(State::staying).await?,
        };
        match self.elsewhere() {
            Denied::Moved(to) => Ok(to),
            denied => Err(denied),
        }
    }
}
