//! What can be asked of a directory, and what it answers.
//!
//! ```text
//!   session actor ── Register ──► there is a new session, perhaps in another's place   (a login completed, a move)
//!                 ── Observe ───► stay, or move there                                  (a navigation from another region)
//!                 ── Report ────► what has become of the session                       (it began, a refresh, its end)
//!                 ── Forget ────► nothing is kept of it any longer                     (the end of its retention)
//!   gateway       ── List ──────► a page of the sessions                               (users, administrators)
//!                 ── RevokeAll ─► all are to end; how many it ended                    (administrators, logout tokens)
//!                 ── Sweep ─────► how many more it ended
//! ```
//!
//! `List`, `RevokeAll` and `Sweep` ask [`BATCH`] sessions at most: one invocation of the platform may make so many calls and
//! no more. A caller that wants more asks again.
//!
//! A directory is named by what its sessions have in common ([`name`]). The names are hashes, so that nothing of a user can be
//! read from them.
//!
//! Architecture Invariant: variants are only ever appended, and no field is ever added to one: bincode cannot tell. See
//! [`crate::actors::wire`].

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::end_reason::EndReason;
use super::summary::{Summary, UserPlace};
use crate::actors::log::Cause;
use crate::actors::{TypedAddress, requests};
use crate::credential::ActorId;
use crate::region::{Jurisdiction, Region};
use crate::runtime;

pub mod name;

/// The binding of the namespace that directories live in.
pub const BINDING: &str = "DIRECTORY";
/// How many sessions one message makes a directory ask. The platform's smallest limit for the calls of one invocation
/// is 50.
pub const BATCH: u32 = 40;

/// The directory of a user, or of a session of the provider.
pub type DirectoryAddress = TypedAddress<DirectoryMessage>;

/// The directory of this name, within the jurisdiction where there is one.
pub fn address(name: &str, jurisdiction: Option<Jurisdiction>) -> DirectoryAddress {
    TypedAddress::new(runtime::ActorAddress::Directory { name: name.to_owned(), jurisdiction })
}

/// Any message to a directory.
#[derive(Debug, Serialize, Deserialize)]
pub enum DirectoryMessage {
    /// There is a new session.
    Register(Register),
    /// A session was used from another region.
    Observe(Observe),
    /// Which sessions are there?
    List(List),
    /// End all of them.
    RevokeAll(RevokeAll),
    /// A session is gone.
    Forget(Forget),
    /// What has become of a session.
    Report(Report),
    /// End more of those that are to end.
    Sweep(Sweep),
}

// A request waits for `Observe`, and could be served without it.
requests! { DirectoryMessage:
    Register -> Result<(), DirectoryError>, within 5 s;
    Observe -> Result<RegionVerdict, DirectoryError>, within 2 s;
    List -> Result<SessionPage, DirectoryError>, within 15 s;
    RevokeAll -> Result<Swept, DirectoryError>, within 30 s;
    Forget -> Result<(), DirectoryError>, within 5 s;
    Report -> Result<(), DirectoryError>, within 5 s;
    Sweep -> Result<Swept, DirectoryError>, within 30 s;
}

/// Why a directory refuses a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DirectoryError {
    /// All sessions were ended after this one began.
    #[error("all sessions were ended while this one began")]
    Overtaken,
    /// The logout token has been used before.
    #[error("the logout token has been used before (jti)")]
    Replayed,
    /// The rows cannot be read or written.
    #[error("the directory's store does not answer")]
    StoreUnavailable,
    /// Some sessions could not be reached; the directory goes on trying.
    #[error("some sessions could not be reached yet")]
    Incomplete,
    /// The cursor is none that this directory gave.
    #[error("the cursor is none of this list's")]
    ForeignCursor,
    /// The session was taken away before.
    #[error("the session was taken away before it was registered")]
    TakenAway,
}

/// There is a new session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Register {
    /// Its actor.
    pub actor: ActorId,
    /// When its login, or its move, began.
    pub began_at: OffsetDateTime,
    /// In a user's directory, the provider's own session (`sid`); in the directory of that one, the user ([`name::of_user`]).
    pub counterpart: Option<String>,
    /// Where it lives, and the user's device.
    pub place: UserPlace,
    /// When the user logged in.
    pub created_at: OffsetDateTime,
    /// The end in any case.
    pub expires_at: OffsetDateTime,
    /// The session that it replaces. The time of that one's last move counts for it, too.
    pub predecessor: Option<ActorId>,
    /// This is the directory of the user, whose sessions have a limit (`SESSIONS_PER_USER`).
    pub limited: bool,
}

/// A session was used from another region than its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Observe {
    /// Its actor.
    pub actor: ActorId,
    /// Where it was used from.
    pub region: Region,
}

/// What a change of region means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RegionVerdict {
    /// The session stays where it is, at least until then.
    Stay {
        /// When to ask again.
        until: OffsetDateTime,
    },
    /// The session gets a new grant there, through the provider.
    Reauthenticate,
    /// The grant is to move there.
    Migrate,
}

/// Which sessions are there?
#[derive(Debug, Serialize, Deserialize)]
pub struct List {
    /// Where to go on, as the page before said. None: from the beginning.
    pub cursor: Option<String>,
    /// How many at most; the directory asks no more than [`BATCH`].
    pub limit: u32,
}

/// Some of the sessions: those that live first, and of these and the others those first that were registered or refreshed
/// last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionPage {
    /// The sessions. There may be fewer than were asked for.
    pub listed: Vec<Listed>,
    /// Where to go on; none where there is no more.
    pub next: Option<String>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// Its actor.
    pub actor: ActorId,
    /// What lists show.
    pub summary: Summary,
}

/// End all sessions, or those of one session of the provider. [`BATCH`] of them are ended before the answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevokeAll {
    /// Only those with this counterpart (see [`Register`]), and those whose counterpart is not known.
    pub counterpart: Option<String>,
    /// What the sessions say of their end.
    pub reason: EndReason,
    /// On whose behalf.
    pub cause: Cause,
    /// The logout token that asks for it, which counts once.
    pub logout_token: Option<LogoutTokenId>,
}

/// End more of those that are to end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sweep {
    /// Those behind this one.
    pub after: ActorId,
    /// How many at most; the directory asks no more than [`BATCH`].
    pub at_most: u32,
    /// On whose behalf.
    pub cause: Cause,
}

/// How far a directory has come with ending what is to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// How many lived, and have ended.
    pub revoked: u32,
    /// How many could not be reached. The directory's alarm tries again.
    pub unreachable: u32,
    /// How many were not asked yet. The directory's alarm asks them, or [`Sweep`] does before.
    pub left: u32,
    /// The last one that was asked.
    pub last: Option<ActorId>,
}

/// What has become of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// Its actor.
    pub actor: ActorId,
    /// What.
    pub news: News,
}

/// What a session reports to a directory that knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    /// New tokens came.
    Refreshed,
    /// It is over.
    Ended {
        /// The last use.
        last_used_at: Option<OffsetDateTime>,
    },
    /// It lives in another actor, and nothing of it is served here any more.
    Moved,
    /// It was registered, and has begun.
    Began,
}

/// What of a logout token has to be remembered (OpenID Connect Back-Channel Logout 1.0 section 2.6).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogoutTokenId {
    /// `jti`.
    pub jti: String,
    /// Until when it would be accepted again.
    pub expires_at: OffsetDateTime,
}

/// A session is gone, its ledger included.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Forget {
    /// Its actor.
    pub actor: ActorId,
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
