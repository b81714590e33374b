//! What a provider is reached with.

use std::rc::Rc;

use super::metadata::Metadata;
use crate::jose::KeySet;
use crate::jose::published::Published;
use crate::runtime::{Cache, Http, Isolate, Signatures};

/// All that a provider publishes. One for each isolate, which its requests and its actors share.
#[derive(Clone, Default)]
pub struct Documents {
    /// Metadata, by the issuer.
    pub metadata: Rc<Published<Metadata>>,
    /// Keys, by their address.
    pub keys: Rc<Published<KeySet>>,
}

/// What a provider is reached with.
#[derive(Clone)]
pub struct Link {
    /// Time and tasks.
    pub isolate: Rc<dyn Isolate>,
    /// The calls.
    pub http: Rc<dyn Http>,
    /// Documents that isolates share.
    pub cache: Rc<dyn Cache>,
    /// Checks of signatures.
    pub signatures: Rc<dyn Signatures>,
    /// Documents that this isolate keeps.
    pub documents: Documents,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}
