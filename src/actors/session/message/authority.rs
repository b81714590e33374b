//! Who asks for something that changes a session.

use serde::{Deserialize, Serialize};

use crate::actors::log::Cause;
use crate::credential::{Secret, SecretHash};

/// Who asks for something that changes a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Authority {
    /// The holder of the cookie, by its secret.
    Cookie(Secret),
    /// A sender whose right the gateway or the directory has checked.
    Trusted(Cause),
    /// The session that takes this one's place. It has known the hash of the cookie's secret since its login began.
    Successor(SecretHash),
}
