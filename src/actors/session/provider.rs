//! Which provider the session is of: the one that its login began at. No other is ever asked for it, and none where that one is no longer
//! configured.

use std::rc::Rc;

use time::Duration;

use super::Session;
use super::ledger::Cause;
use super::refresher::RefreshOutcome;
use super::state::State;
use crate::actors::end_reason::EndReason;
use crate::config::ProviderSettings;
use crate::provider::Provider;

impl Session {
    /// The session's provider.
    pub(super) fn provider(&self) -> Option<Rc<Provider>> {
        let name = self.kept.state().as_ref().map(|state: &State| state.place().provider.clone())?;
        self.provider_named(name.as_deref())
    }

    /// The provider of this name in `PROVIDERS`. It is made when it is asked for first: an everyday request needs none.
    pub(super) fn provider_named(&self, name: Option<&str>) -> Option<Rc<Provider>> {
        let known = self.provider.borrow().as_ref().filter(|(known, _)| known.as_deref() == name).cloned();
        if let Some((_, provider)) = known {
            return Some(provider);
        }
        let settings = &self.config.providers.named(name)?.settings;
        let provider = Rc::new(Provider::new(settings, self.link.clone()));
        self.provider.replace(Some((name.map(str::to_owned), Rc::clone(&provider))));
        Some(provider)
    }

    /// What the configuration says of the session's provider.
    fn provider_settings(&self) -> Option<&ProviderSettings> {
        let kept = self.kept.state();
        let name = kept.as_ref()?.place().provider.as_deref();
        self.config.providers.named(name).map(|named| &named.settings)
    }

    /// How long a used refresh token may be presented again.
    pub(super) fn reuse_leeway(&self) -> Duration {
        self.provider_settings().map_or(Duration::ZERO, ProviderSettings::reuse_leeway)
    }

    /// The session's provider is no longer configured: nobody is there that could renew it.
    pub(super) async fn end_without_provider(self: &Rc<Self>, cause: Cause) -> RefreshOutcome {
        let reason = EndReason::ProviderRemoved;
        match self.end(reason, cause.clone(), reason.in_words(&cause)).await {
            Ok(_) => RefreshOutcome::Ended,
            Err(_) => RefreshOutcome::StoreUnavailable,
        }
    }
}
