//! Whether the provider can be reached for a login. It is asked once for all who want to know, and the answer is remembered for a short time.

use std::cell::Cell;
use std::rc::Rc;

use time::{Duration, OffsetDateTime};

use super::single_flight::SingleFlight;
use crate::provider::Provider;
use crate::runtime::Isolate;

/// How long the provider's last answer, or silence, counts.
const ANSWER_COUNTS: Duration = Duration::seconds(2);

/// What is known of the provider's health.
pub struct ProviderHealth {
    isolate: Rc<dyn Isolate>,
    /// When the provider last answered a GET, or did not.
    answered_at: Rc<Cell<Option<(OffsetDateTime, bool)>>>,
    answering: SingleFlight<bool>,
}

impl ProviderHealth {
    /// Nothing yet.
    pub fn new(isolate: &Rc<dyn Isolate>) -> Self {
        Self { isolate: Rc::clone(isolate), answered_at: Rc::default(), answering: SingleFlight::new(isolate) }
    }

    /// Whether the provider can be reached for a login now. All callers share one GET.
    pub async fn answers(&self, provider: Rc<Provider>) -> bool {
        if let Some((at, answered)) = self.answered_at.get()
            && self.isolate.now() < at.saturating_add(ANSWER_COUNTS)
        {
            return answered;
        }
        let isolate = Rc::clone(&self.isolate);
        let answered_at = Rc::clone(&self.answered_at);
        let asking = self.answering.join(|| async move {
            let answers = provider.answers().await;
            answered_at.set(Some((isolate.now(), answers)));
            answers
        });
        asking.await
    }
}
