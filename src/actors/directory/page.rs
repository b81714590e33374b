//! The order of a user's sessions, and where a page of a list ends. Pure.
//!
//! ```text
//!   those that live ── the last registered or refreshed first ──► those that ended ── likewise
//! ```
//!
//! A list shows the sessions as they stood at one moment, which its cursor carries: what is registered, refreshed or ended
//! between two pages changes no place that was passed, and so nothing comes twice. A session that was refreshed more than
//! once since has lost its place: it is left out rather than shown again. A cursor is authenticated by its directory: one
//! that was changed, or is another user's, is none.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use time::OffsetDateTime;

use super::row::{RowStatus, SessionRow};
use crate::actors::wire;
use crate::credential::ActorId;

/// What authenticates a directory's cursors.
pub type CursorKey = [u8; 32];
type CursorMac = Hmac<Sha256>;

/// The place of a session in a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Those that live come first.
    is_over: bool,
    seen_at: Reverse<OffsetDateTime>,
    /// The session.
    pub actor: ActorId,
}

/// Where a list goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The moment that the list is of.
    pub at: OffsetDateTime,
    /// The last place that was passed.
    pub behind: Option<Position>,
}

impl Cursor {
    /// As it goes out.
    pub fn write(&self, key: &CursorKey) -> Option<String> {
        let bytes = wire::encode(self).ok()?;
        let mut mac = <CursorMac as hmac::Mac>::new_from_slice(key).ok()?;
        mac.update(&bytes);
        Some(BASE64_URL_SAFE_NO_PAD.encode([&mac.finalize().into_bytes()[..], &bytes].concat()))
    }

    /// Reads a cursor. None: this directory did not make it.
    pub fn read(key: &CursorKey, text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (tag, bytes) = bytes.split_at_checked(32)?;
        let mut mac = <CursorMac as hmac::Mac>::new_from_slice(key).ok()?;
        mac.update(bytes);
        mac.verify_slice(tag).ok()?;
        wire::decode(bytes).ok()
    }
}

/// The next places behind the cursor's, and no more than that many.
pub fn behind(rows: &BTreeMap<ActorId, SessionRow>, cursor: &Cursor, at_most: usize) -> Vec<Position> {
    let places = rows.iter().filter_map(|(actor, row)| row.position(actor, cursor.at));
    let mut places: Vec<Position> = places.filter(|place| Some(place) > cursor.behind.as_ref()).collect();
    places.sort_unstable();
    places.truncate(at_most);
    places
}

impl SessionRow {
    /// Its place in a list of that moment. None: that list does not show it.
    fn position(&self, actor: &ActorId, at: OffsetDateTime) -> Option<Position> {
        let seen_at = if self.seen_at <= at { Some(self.seen_at) } else { self.seen_before.filter(|seen| *seen <= at) };
        let is_over = match &self.standing {
            RowStatus::Living => false,
            RowStatus::Ended { at: ended_at, .. } => *ended_at <= at,
            // It is listed where it lives now.
            RowStatus::Moved => return None,
        };
        Some(Position { is_over, seen_at: Reverse(seen_at?), actor: actor.clone() })
    }
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
