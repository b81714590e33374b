//! What actors keep, as bytes: a session's record, whichever store has it, and the rows of a directory. Pure.
//!
//! What is stored has a type of its own ([`Storable::Stored`], e.g. [`crate::actors::session::stored`]), so that a field that the
//! code needs tomorrow does not change what was stored yesterday: it does not compile before somebody says what the stored
//! form makes of it. A field cannot be added to what bincode has written: a value of another form gets a variant of its own
//! ([`Versioned`]), and the older ones are read as they were, or not at all. A session whose record cannot be read is none, and
//! its user logs in again.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::log::Cause;
use super::session::attempt::Predecessor;
use super::session::message::{ActorLocation, EndReason, Successor, UserPlace};
use super::wire::{self, WireError};
use crate::credential::{ActorId, SecretHash};
use crate::region::Region;
use crate::store::StoreError;

#[derive(Serialize, Deserialize)]
enum Versioned<T> {
    /// Builds before the first release wrote it, in several forms.
    V1,
    V2(T),
}

/// What can be stored.
pub trait Storable: Sized {
    /// How it is.
    type Stored: Serialize + DeserializeOwned;
    /// The stored form.
    fn keep(&self) -> Self::Stored;
    /// What was stored.
    fn restore(stored: Self::Stored) -> Self;
}

/// What travels, too, and so does not change: it is stored as it is.
macro_rules! stored_as_it_is {
    ($($type:ty),* $(,)?) => {$(
        impl Storable for $type {
            type Stored = Self;
            fn keep(&self) -> Self { self.clone() }
            fn restore(stored: Self) -> Self { stored }
        }
    )*};
}
stored_as_it_is! {
    bool, u8, u32, String, [u8; 32], OffsetDateTime, Region, ActorId, SecretHash, openidconnect::AccessToken,
    openidconnect::RefreshToken, UserPlace, ActorLocation, Successor, Predecessor, EndReason, (String, String),
    (EndReason, Cause), (OffsetDateTime, Option<String>), BTreeMap<String, OffsetDateTime>,
    BTreeMap<ActorId, OffsetDateTime>,
}

impl<T: Storable> Storable for Option<T> {
    type Stored = Option<T::Stored>;
    fn keep(&self) -> Self::Stored {
        self.as_ref().map(T::keep)
    }
    fn restore(stored: Self::Stored) -> Self {
        stored.map(T::restore)
    }
}

impl<T: Storable> Storable for Box<T> {
    type Stored = Box<T::Stored>;
    fn keep(&self) -> Self::Stored {
        Box::new(T::keep(self))
    }
    fn restore(stored: Self::Stored) -> Self {
        Self::new(T::restore(*stored))
    }
}

impl<T: Storable> Storable for Vec<T> {
    type Stored = Vec<T::Stored>;
    fn keep(&self) -> Self::Stored {
        self.iter().map(T::keep).collect()
    }
    fn restore(stored: Self::Stored) -> Self {
        stored.into_iter().map(T::restore).collect()
    }
}

/// Declares the stored form of a struct, field by field in the order of the bytes. Both ways name every field: one that the
/// struct gains, or loses, does not compile here.
macro_rules! stored_form {
    ($(#[$doc:meta])* $form:ident of $type:ident { $($field:ident: $stored:ty,)* }) => {
        $(#[$doc])*
        #[derive(serde::Serialize, serde::Deserialize)]
        pub struct $form { $($field: $stored,)* }

        impl $crate::actors::stored::Storable for $type {
            type Stored = $form;
            fn keep(&self) -> $form {
                let Self { $($field),* } = self;
                $form { $($field: $crate::actors::stored::Storable::keep($field)),* }
            }
            fn restore(stored: $form) -> Self {
                let $form { $($field),* } = stored;
                Self { $($field: $crate::actors::stored::Storable::restore($field)),* }
            }
        }

        impl std::fmt::Debug for $form {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($form)).finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use stored_form;

/// Why bytes cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// They have another form.
    #[error("a build before the first release wrote it")]
    Former,
    /// They have no form that this build knows.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// The bytes.
pub fn encode<T: Storable>(value: &T) -> Result<Vec<u8>, StoreError> {
    wire::encode(&Versioned::V2(value.keep())).map_err(|_| StoreError::Corrupt)
}

/// Reads what [`encode`] wrote.
pub fn decode<T: Storable>(bytes: &[u8]) -> Result<T, Unread> {
    match wire::decode(bytes) {
        Ok(Versioned::V2(value)) => Ok(T::restore(value)),
        Ok(Versioned::V1) => Err(Unread::Former),
        // What it has behind its number is not known.
        Err(WireError::TrailingBytes)
            if matches!(wire::decode::<Versioned<()>>(bytes.get(..2).unwrap_or_default()), Ok(Versioned::V1)) =>
        {
            Err(Unread::Former)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use openidconnect::RefreshToken;

    use super::*;
    use crate::actors::golden::{Row, assert_golden};
    use crate::actors::log::{Cause, Entry, Event};
    use crate::actors::session::message::{ActorLocation, EndReason, UserPlace};
    use crate::actors::session::samples::{actor, at, secret, successor};
    use crate::actors::session::state::{
        Active, Afterwards, Arriving, Ended, Grant, Moved, Moving, Predecessor, Refreshing, SigningIn, State,
        Superseding,
    };
    use crate::region::Region;

    fn active() -> Box<Active> {
        Box::new(crate::actors::session::samples::active())
    }

    fn record(name: &str, state: &State) -> Row {
        let bytes = encode(state).unwrap();
        let read: State = decode(&bytes).unwrap();
        assert_eq!(encode(&read).unwrap(), bytes, "{name}");
        (name.to_owned(), hex::encode(bytes))
    }

    /// A new variant does not compile here until it has a row.
    fn records() -> Vec<Row> {
        match State::Active(active()) {
            State::SigningIn(_) | State::Active(_) | State::Ended(_) | State::Moved(_) | State::Arriving(_) => {}
        }
        let place = || UserPlace { region: Region::Oc, country: None, user_agent: Some("ua".into()) };
        let token = || RefreshToken::new("r".into());
        let refreshing = |refresh| {
            let active = active();
            State::Active(Box::new(Active { grant: Grant { refresh, ..active.grant.clone() }, ..*active }))
        };
        let ended = |user, reason| {
            State::Ended(Ended {
                secret_hash: secret().hash(),
                place: place(),
                user,
                reason,
                ended_at: at(1),
                created_at: at(2),
                expires_at: at(3),
                last_used_at: Some(at(4)),
                epoch: 5,
                successor: Some(Box::new(successor())),
                superseding: Superseding::default(),
            })
        };
        let moved = |afterwards| {
            State::Moved(Box::new(Moved {
                secret_hash: secret().hash(),
                place: place(),
                user: ("i".into(), "s".into()),
                to: ActorLocation { actor: actor(), region: Region::Enam, expires_at: at(1) },
                moved_at: at(2),
                signed_in_at: at(3),
                created_at: at(4),
                last_used_at: at(5),
                epoch: 6,
                afterwards,
            }))
        };
        let moving = Moving { to: actor(), region: Region::Sam, began_at: at(1) };
        let superseding = Superseding::of(at(1), [Predecessor { actor: actor(), secret_hash: secret().hash() }]);
        vec![
            record("SigningIn", &State::SigningIn(SigningIn { place: place(), began_at: at(1), forgotten_at: at(2) })),
            record("Active, ready", &State::Active(active())),
            record(
                "Active, presented",
                &refreshing(Refreshing::Presented { token: token(), first_at: at(1), not_before: Some(at(2)) }),
            ),
            record("Active, impossible", &refreshing(Refreshing::Impossible)),
            record("Active, lost", &refreshing(Refreshing::Lost)),
            record("Active, moving", &State::Active(Box::new(Active { moving: Some(moving), ..*active() }))),
            record("Active, superseding", &State::Active(Box::new(Active { superseding, ..*active() }))),
            record("Ended", &ended(Some(("i".into(), "s".into())), EndReason::Superseded)),
            record("Ended, nobody's", &ended(None, EndReason::Revoked)),
            record("Moved, forwarding", &moved(Afterwards::Forwarding)),
            record("Moved, in its grace", &moved(Afterwards::Grace { active: active(), until: at(7) })),
            record("Moved, superseded", &moved(Afterwards::Superseded)),
            record("Arriving", &State::Arriving(Arriving { active: active(), from: actor(), arrived_at: at(1) })),
        ]
    }

    /// What stores have. A change here is another form: it gets another variant.
    #[test]
    fn the_golden_bytes_of_a_stored_session_in_every_state_do_not_change() {
        assert_golden(&records(), include_str!("records.golden"));
    }

    /// A ledger's entries are stored, and travel, as they are.
    #[test]
    fn the_golden_bytes_of_every_ledger_entry_do_not_change() {
        let events = match Event::Complete {
            Event::Complete
            | Event::GetDenied
            | Event::Refresh
            | Event::Observe
            | Event::Migrate
            | Event::Revoke
            | Event::End
            | Event::Alarm => [
                (Event::Complete, Cause::Request),
                (Event::GetDenied, Cause::Alarm),
                (Event::Refresh, Cause::Admin),
                (Event::Observe, Cause::Directory),
                (Event::Migrate, Cause::Backchannel),
                (Event::Revoke, Cause::Request),
                (Event::End, Cause::Request),
                (Event::Alarm, Cause::Request),
            ],
        };
        let rows: Vec<Row> = events
            .into_iter()
            .map(|(event, cause)| {
                let (outcome, detail) = ("o".to_owned(), "d".to_owned());
                let entry =
                    Entry { at: at(1), event, outcome, cause, region: Some(Region::Oc), duration_ms: 300, detail };
                crate::actors::golden::row(format!("{event:?} {cause:?}"), &entry)
            })
            .collect();
        assert_golden(&rows, include_str!("entries.golden"));
    }

    #[test]
    fn a_record_of_a_former_form_is_not_read() {
        let mut record = encode(&State::Active(active())).unwrap();
        assert!(matches!(decode::<State>(&record), Ok(State::Active(_))));
        record[1] = 0;
        assert_eq!(decode::<State>(&record).err(), Some(Unread::Former));
        record[1] = 2;
        assert_eq!(decode::<State>(&record).err(), Some(Unread::Wire(WireError::Malformed)));
        assert_eq!(decode::<State>(&[]).err(), Some(Unread::Wire(WireError::Empty)));
    }
}
