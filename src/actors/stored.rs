//! What actors keep, as bytes: a session's record, whichever store has it, and the rows of a directory. Pure.
//!
//! A field cannot be added to what bincode has written: a value of another form gets a variant of its own, and the older ones
//! are read as they were, or not at all. A session whose record cannot be read is none, and its user logs in again.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::wire::{self, WireError};
use crate::store::StoreError;

#[derive(Serialize, Deserialize)]
enum Stored<T> {
    /// Builds before the first release wrote it, in several forms.
    V1,
    V2(T),
}

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
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StoreError> {
    wire::encode(&Stored::V2(value)).map_err(|_| StoreError::Corrupt)
}

/// Reads what [`encode`] wrote.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Unread> {
    match wire::decode(bytes) {
        Ok(Stored::V2(value)) => Ok(value),
        Ok(Stored::V1) => Err(Unread::Former),
        // What it has behind its number is not known.
        Err(WireError::TrailingBytes)
            if matches!(wire::decode::<Stored<()>>(bytes.get(..2).unwrap_or_default()), Ok(Stored::V1)) =>
        {
            Err(Unread::Former)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use openidconnect::{AccessToken, RefreshToken};
    use time::{Duration, OffsetDateTime};

    use super::*;
    use crate::actors::session::message::UserPlace;
    use crate::actors::session::state::{Active, Grant, Identity, Refreshing, State, Superseding};
    use crate::credential::Secret;
    use crate::region::Region;

    /// One value in each field that another form could take for its neighbour.
    fn active() -> State {
        let at = |seconds| OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::seconds(seconds));
        State::Active(Box::new(Active {
            secret_hash: Secret::from_random([1; 32]).hash(),
            place: UserPlace { region: Region::Oc, country: Some("NZ".into()), user_agent: None },
            identity: Identity {
                issuer: "i".into(),
                subject: "s".into(),
                sid: None,
                claims: "{}".into(),
                id_token: "t".into(),
                user_info: String::new(),
            },
            grant: Grant {
                access_token: AccessToken::new("a".into()),
                issued_at: at(1),
                expires_at: Some(at(2)),
                refresh_at: None,
                refresh: Refreshing::Ready { token: RefreshToken::new("r".into()), not_before: None },
                failed_series: 3,
            },
            created_at: at(4),
            expires_at: at(5),
            last_used_at: at(6),
            used: true,
            forced_at: None,
            epoch: 7,
            moving: None,
            superseding: Superseding::default(),
        }))
    }

    /// What stores have. A change here is another form: it gets another variant.
    #[test]
    fn the_golden_bytes_of_a_stored_session_do_not_change() {
        let golden = concat!(
            "010101",
            "72cd6e8422c407fb6d098690f1130b7ded7ec2f7f5e1d30bd9d521f015363793",
            "0601024e5a00",
            "0169017300027b7d017400",
            "0161fb640f010000010000000001fb640f0100000200000000000101720003",
            "fb640f0100000400000000fb640f0100000500000000fb640f01000006000000000100070000",
            "000000",
        );
        assert_eq!(hex::encode(encode(&active()).unwrap()), golden);
    }

    #[test]
    fn a_record_of_a_former_form_is_not_read() {
        let mut record = encode(&active()).unwrap();
        assert!(matches!(decode::<State>(&record), Ok(State::Active(_))));
        record[1] = 0;
        assert_eq!(decode::<State>(&record).err(), Some(Unread::Former));
        record[1] = 2;
        assert_eq!(decode::<State>(&record).err(), Some(Unread::Wire(WireError::Malformed)));
        assert_eq!(decode::<State>(&[]).err(), Some(Unread::Wire(WireError::Empty)));
    }
}
