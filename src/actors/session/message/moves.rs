//! The messages of a session that goes on in another actor; [`super::super::moved`] has the steps.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::authority::Authority;
use crate::actors::log::{Cause, Entry};
use crate::actors::session::device::record::DeviceV1;
use crate::actors::session::location::{ActorLocation, Successor};
use crate::actors::session::stored::ActiveV2;
use crate::actors::session::view::Inheritance;
use crate::credential::ActorId;
use crate::region::Region;

/// What a silent login tells the provider about whom it is for.
#[derive(Debug, Serialize, Deserialize)]
pub struct SilentLogin {
    /// Who asks.
    pub authority: Authority,
}

/// What the provider is told of the session that a silent login is to renew.
#[derive(Debug, Serialize, Deserialize)]
pub struct SilentLoginHints {
    /// For `id_token_hint`.
    pub id_token: String,
    /// The organization that it is for, where the provider knows such a thing.
    pub organization: Option<String>,
}

/// Go on elsewhere.
#[derive(Debug, Serialize, Deserialize)]
pub struct Migrate {
    /// Who asks.
    pub authority: Authority,
    /// Where.
    pub destination: Destination,
}

/// Where a session goes on.
#[derive(Debug, Serialize, Deserialize)]
pub enum Destination {
    /// In a new actor near this region, with the whole grant.
    Region(Region),
    /// In the actor that the user has come back to from the provider, with a grant of its own.
    Successor(Successor),
}

/// Another login gave the browser another session in this one's place. It leaves nothing to that one, which need not even be
/// the same user's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Supersede {
    /// Who asks.
    pub authority: Authority,
    /// That session.
    pub successor: Successor,
    /// See [`Predecessor`](crate::actors::session::attempt::Predecessor).
    pub is_proven: bool,
}

/// What a session says that is to give way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Superseded {
    /// It has.
    GaveWay,
    /// It does not: a later login has taken its place already.
    ByLater(Successor),
    /// It does not: it is bound to a device, and the login of another user came without the device's proof.
    Stays,
}

/// How a session went on elsewhere.
#[derive(Debug, Serialize, Deserialize)]
pub enum Migrated {
    /// For [`Destination::Region`]: it lives there now.
    Lives(ActorLocation),
    /// For [`Destination::Successor`]: what that one inherits; nothing where it is another user's.
    Leaves(Option<Box<Inheritance>>),
}

/// Take a session over: keep it, and use it once its old actor has released it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Adopt {
    /// The old actor.
    pub from: ActorId,
    /// When the move began.
    pub began_at: OffsetDateTime,
    /// On whose behalf.
    pub cause: Cause,
    /// The session.
    pub active: Box<ActiveV2>,
    /// Its last events, oldest first.
    pub ledger: Vec<Entry>,
    /// Its device.
    pub device: DeviceV1,
}

/// Whether the new actor owns the session. After this answer that does not change. A release without [`LetGo`] asks so.
#[derive(Debug, Serialize, Deserialize)]
pub struct Release {
    /// The new actor.
    pub to: ActorId,
}

/// The same; and when the session was last used, as its former home has served it while the move was under way.
#[derive(Debug, Serialize, Deserialize)]
pub struct LetGo {
    /// The new actor.
    pub to: ActorId,
}
