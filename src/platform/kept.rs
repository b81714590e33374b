//! What an isolate keeps from one request or message to the next: the one place with such a state.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use worker::AnalyticsEngineDataset;

use super::{buffer, web_crypto};
use crate::config::Configured;
use crate::gateway::bearer::ClientKeys;
use crate::gateway::bearer::verified::VerifiedJwts;
use crate::gateway::rendered_refusal::RenderedRefusal;
use crate::provider::link::Documents;

thread_local! {
    static KEPT: Kept = Kept::default();
}

/// What an isolate keeps, for its requests and its actors alike.
#[derive(Clone, Default)]
pub struct Kept {
    /// The configuration, once the first request or actor has brought the variables.
    pub configured: Rc<OnceCell<Rc<Configured>>>,
    /// What providers have published.
    pub documents: Documents,
    /// The keys of clients.
    pub client_keys: ClientKeys,
    /// Clients' JWTs that were good just now.
    pub verified: VerifiedJwts,
    /// Random bytes for ids.
    pub random_bytes: Rc<RefCell<Vec<u8>>>,
    /// The everyday refusal.
    pub rendered_refusal: Rc<RenderedRefusal>,
    /// Where the texts of the hot path cross.
    pub buffer: Rc<buffer::Buffer>,
    /// Where events are counted: the binding `METRICS`, if there is one.
    pub metrics: Rc<OnceCell<Option<AnalyticsEngineDataset>>>,
    /// Checks of signatures.
    pub signatures: Rc<web_crypto::WebCrypto>,
}

/// Looks at what this isolate keeps.
pub fn with_kept<T>(look: impl FnOnce(&Kept) -> T) -> T {
    KEPT.with(look)
}

/// What this isolate keeps.
pub fn kept() -> Kept {
    KEPT.with(Clone::clone)
}
