//! What every request is served with.

use std::rc::Rc;

use time::OffsetDateTime;

use crate::config::Config;
use crate::gateway::bearer::ClientKeys;
use crate::gateway::bearer::verified::VerifiedJwts;
use crate::provider::link::Link;
use crate::runtime::{Actors, Applications, RateLimit};

/// What every request is served with.
pub struct Gateway {
    /// What the operator has decided.
    pub config: Rc<Config>,
    /// What a provider is reached with, including time, tasks and HTTP.
    pub link: Link,
    /// The actors.
    pub actors: Rc<dyn Actors>,
    /// The same for the request's own task, which asks one thing after the other and shares one timer for all.
    pub actors_in_turn: Rc<dyn Actors>,
    /// The applications.
    pub applications: Rc<dyn Applications>,
    /// `LOGIN_LIMIT`.
    pub login_limit: Rc<dyn RateLimit>,
    /// The keys of clients.
    pub client_keys: ClientKeys,
    /// Clients' JWTs that were found good lately.
    pub verified: VerifiedJwts,
}

impl Gateway {
    /// The time.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.link.isolate.now()
    }
}
