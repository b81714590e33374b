//! What actors store, as bytes: a session's record, in any store, and the rows of a directory. Pure.
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

/// These types travel in messages, too, and so do not change. They are stored as they are.
macro_rules! stored_as_it_is {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::actors::stored::Storable for $type {
            type Stored = Self;
            fn keep(&self) -> Self { self.clone() }
            fn restore(stored: Self) -> Self { stored }
        }
    )*};
}
pub(crate) use stored_as_it_is;

stored_as_it_is! {
    bool, u8, u32, String, [u8; 32], OffsetDateTime, Region, ActorId, SecretHash, openidconnect::AccessToken,
    openidconnect::RefreshToken, (String, String), (OffsetDateTime, Option<String>), BTreeMap<String, OffsetDateTime>,
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
