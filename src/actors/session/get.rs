//! What a request asks of its session: whether it passes, and with which token. The hot path: memory only while the token
//! is fresh.

use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;
use openidconnect::AccessToken;
use time::OffsetDateTime;

use super::Session;
use super::deadline::{SOON, request_deadline};
use super::device::Shown;
use super::ledger::{Cause, Event};
use super::line::Question;
use super::message::{CanGoOn, Denied, GetIdentity, GetToken, GetView, IsAlive, TokenKind, TokenWithClaims};
use super::record::Established;
use super::refresher::RefreshOutcome;
use super::state::{Active, DoesNotApply, State};
use super::verdict::{Purpose, TokenStanding, Verdict, Wanted};
use super::view::SessionView;
use crate::actors::AskError;
use crate::actors::end_reason::EndReason;
use crate::config::RegionPolicy;
use crate::credential::{Secret, SecretHash};
use crate::region::Region;
use crate::store::StoreError;

impl From<StoreError> for Denied {
    fn from(_: StoreError) -> Self {
        Self::StoreUnavailable
    }
}

impl From<AskError> for Denied {
    fn from(error: AskError) -> Self {
        match error {
            AskError::NoSuchActor => Self::Unknown,
            AskError::TimedOut(_) | AskError::Unreachable | AskError::Refused(_) => Self::StoreUnavailable,
        }
    }
}

impl Session {
    pub(super) async fn get_token(self: &Rc<Self>, get: GetToken) -> Result<AccessToken, Denied> {
        self.pass(&get.secret, get.navigation_from, Purpose::Proxy(Wanted::Access)).await?;
        self.served(|active| active.grant.access_token.clone())
    }

    pub(super) async fn get_identity(self: &Rc<Self>, get: GetIdentity) -> Result<Box<TokenWithClaims>, Denied> {
        self.pass(&get.secret, get.navigation_from, Purpose::Proxy(get.token.into())).await?;
        self.served(|active| {
            let token = match get.token {
                TokenKind::Access => active.grant.access_token.clone(),
                TokenKind::Id => AccessToken::new(active.identity.id_token.clone()),
            };
            Box::new(TokenWithClaims { token, claims: active.identity.claims.clone() })
        })
    }

    pub(super) async fn get_view(self: &Rc<Self>, get: GetView) -> Result<Box<SessionView>, Denied> {
        self.pass(&get.secret, None, Purpose::Look).await?;
        self.served(|active| Box::new(active.view(self.lifetimes())))
    }

    pub(super) async fn can_go_on(self: &Rc<Self>, asked: CanGoOn) -> Result<(), Denied> {
        self.pass(&asked.secret, asked.navigation_from, Purpose::GoOn).await
    }

    pub(super) async fn is_alive(self: &Rc<Self>, asked: IsAlive) -> Result<(), Denied> {
        self.pass(&asked.secret, None, Purpose::Look).await
    }

    /// The everyday answer to a request that is to be proxied, at once. The inner none: this takes a [`Session::pass`], which can
    /// wait. The outer one: the record has not been read. The first question reads it, if that takes no waiting.
    pub(super) fn get_at_once<T>(
        self: &Rc<Self>,
        question: &Question,
        token: Wanted<'_>,
        is_first: bool,
        read: impl FnOnce(&Active) -> T,
    ) -> Option<Option<T>> {
        {
            if is_first && !self.kept.is_loaded() {
                // The actor's own database answers at once. A store outside does not: its answer is awaited by the load that follows.
                let _ = self.load().now_or_never();
            }
            if !self.kept.is_loaded() {
                return None;
            }
            let kept = self.kept.state();
            let Some(State::Active(active)) = &*kept else { return Some(None) };
            if question.let_in.as_deref().is_some_and(|let_in| !self.is_let_in(let_in)) {
                return Some(None);
            }
            let may_move = self.config.regions.policy != RegionPolicy::Pin
                && question.navigation_from.is_some_and(|region| region != active.place.region);
            if may_move || active.moving.is_some() {
                return Some(None);
            }
        }
        let now = self.now();
        let Verdict::Pass = self.verdict(&question.secret.hash(), Purpose::Proxy(token), now) else {
            return Some(None);
        };
        let shown = Shown { is_proven: question.is_proven, is_demanded: false, takes_offer: question.takes_offer };
        if !self.device_passes_at_once(shown, now) {
            return Some(None);
        }
        self.note_use(now);
        Some(self.active(read))
    }

    /// Reads the record. Where that fails, [`Session::pass`] says so.
    pub async fn load_for_get(self: &Rc<Self>) {
        let _ = self.load().await;
    }

    /// Whether a request passes: from here until the next await there is what it was for.
    pub(super) async fn pass(
        self: &Rc<Self>,
        secret: &Secret,
        navigation_from: Option<Region>,
        purpose: Purpose<'_>,
    ) -> Result<(), Denied> {
        let began = self.now();
        let passed = self.pass_or_deny(&secret.hash(), navigation_from, purpose).await;
        if let Err(denied) = &passed {
            self.record_denied(denied, began);
        }
        passed
    }

    async fn pass_or_deny(
        self: &Rc<Self>,
        secret: &SecretHash,
        navigation_from: Option<Region>,
        purpose: Purpose<'_>,
    ) -> Result<(), Denied> {
        self.ready().await?;
        self.end_grace_with_successor(secret, matches!(purpose, Purpose::Proxy(_))).await?;
        if let Some(region) = navigation_from {
            self.follow_region(region, purpose, secret).await?;
        }
        // Not before all that may take a while.
        let mut now = self.now();
        let mut verdict = self.verdict(secret, purpose, now);
        if let Verdict::WithoutToken(token) = verdict {
            let obtaining = async {
                match token {
                    Wanted::Target(key) => self.obtain_target_token(key, Cause::Request).await,
                    Wanted::Access | Wanted::Id => self.obtain_token(token, Cause::Request).await,
                }
            };
            request_deadline(&*self.isolate, obtaining).await?;
            now = self.now();
            verdict = self.verdict(secret, purpose, now);
        }
        match verdict {
            Verdict::Pass => {
                if matches!(purpose, Purpose::Proxy(_)) {
                    self.note_use(now);
                }
                Ok(())
            }
            Verdict::Deny(denied) => Err(denied),
            Verdict::Over(reason) => {
                self.run_out(reason, Cause::Request).await?;
                Err(Denied::Ended(reason))
            }
            // Refreshed just now, and expired again: the provider's lifetimes are of no use, or no other ID token came.
            Verdict::WithoutToken(_) => Err(Denied::Reauthenticate),
        }
    }

    /// Reads what a request that passes is served with.
    pub(super) fn served<T>(&self, read: impl FnOnce(&Active) -> T) -> Result<T, Denied> {
        self.kept.state().as_ref().and_then(State::serving).map(read).ok_or(Denied::Unknown)
    }

    /// Sees to it that a live session has a valid access token, and a valid ID token where that is asked for, or says why it has none.
    pub(super) async fn obtain_token(self: &Rc<Self>, token: Wanted<'_>, cause: Cause) -> Result<(), Denied> {
        let now = self.now();
        match self.active(|active| self.token_standing(active, token, now)) {
            None | Some(TokenStanding::Valid) => Ok(()),
            Some(TokenStanding::Waiting(retry_after)) => Err(Denied::ProviderUnavailable { retry_after }),
            Some(TokenStanding::Refreshable) => match self.refresh_once(cause).await {
                RefreshOutcome::Fresh | RefreshOutcome::ForTarget(_) | RefreshOutcome::Ended => Ok(()),
                RefreshOutcome::Unavailable { retry_after } => Err(Denied::ProviderUnavailable { retry_after }),
                RefreshOutcome::StoreUnavailable => Err(Denied::StoreUnavailable),
                RefreshOutcome::NoToken => Err(self.without_any_token(Cause::Request).await),
                // Joined somebody's switch, which came to nothing: the next request begins a refresh of its own.
                RefreshOutcome::OtherOrganization => Err(Denied::ProviderUnavailable { retry_after: 1 }),
            },
            Some(TokenStanding::Spent) => Err(self.without_any_token(cause).await),
        }
    }

    /// A trip to the provider is worth it only while the provider answers.
    pub(super) async fn without_any_token(self: &Rc<Self>, cause: Cause) -> Denied {
        let Some(provider) = self.provider() else {
            return match self.end_without_provider(cause).await {
                RefreshOutcome::Ended => Denied::Ended(EndReason::ProviderRemoved),
                _ => Denied::StoreUnavailable,
            };
        };
        if self.provider_health.answers(provider).await {
            Denied::Reauthenticate
        } else {
            Denied::ProviderUnavailable { retry_after: SOON }
        }
    }

    /// Writes a use down where that is due; the request does not wait for it.
    pub(super) fn note_use(self: &Rc<Self>, now: OffsetDateTime) {
        if self.kept.note_use(now, self.lifetimes()) {
            let session = Rc::clone(self);
            self.isolate.go_on(async move {
                // Out of the way of the reply, which the platform holds back until writes are confirmed.
                session.isolate.sleep(Duration::from_millis(1)).await;
                // A use is a fact: if the process ended while it waited for a store, an active user would look idle. One of a session that has
                // ended meanwhile is not worth a word.
                let Established { made: Ok(()) | Err(DoesNotApply), written: Ok(()) | Err(_) } =
                    session.establish(|state| state.used(now)).await;
            });
        }
    }

    pub(super) fn record_denied(&self, denied: &Denied, began: OffsetDateTime) {
        let (outcome, detail) = match denied {
            Denied::Unknown => ("unknown", "a request came with a wrong secret"),
            Denied::Ended(_) => ("ended", "a request came after the end"),
            Denied::Reauthenticate => {
                ("reauthenticate", "no usable token is left: the user has to go through the provider")
            }
            Denied::ProviderUnavailable { .. } => {
                ("provider_unavailable", "no usable token is left, and the provider does not answer")
            }
            Denied::StoreUnavailable => ("store_unavailable", "the session store cannot be used"),
            Denied::TargetRefused => ("target_refused", "the provider gives no access token for the route's target"),
            Denied::OtherProvider => ("other_provider", "a request came that takes sessions of other providers"),
            // Not the end of its way: it is served there.
            Denied::Relocate | Denied::Moved(_) => return,
        };
        if self.kept.is_new_denial(outcome) {
            self.record(Event::GetDenied, outcome, Cause::Request, began, detail);
        }
    }
}
