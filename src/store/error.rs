//! Why a record cannot be read or written.

use crate::runtime::StorageError;
use crate::sealing::record::Unreadable;

/// Why a record could not be read or written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The store did not answer, or refused.
    #[error("the session store cannot be used: {0}")]
    Unavailable(String),
    /// What it holds is no record of this version.
    #[error("the record cannot be read")]
    Corrupt,
    /// What it holds is not this session's last record.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl From<StorageError> for StoreError {
    fn from(error: StorageError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
