//! The session's record as bytes, whichever store has it. Pure.
//!
//! A field cannot be added to what bincode has written: a [`State`] of another form gets a variant of its own, and the older
//! ones are read as they were, or not at all. A record that cannot be read is no session, and its user logs in again.

use serde::{Deserialize, Serialize};

use super::state::State;
use crate::actors::wire::{self, WireError};
use crate::store::StoreError;

#[derive(Serialize, Deserialize)]
enum Stored<T> {
    /// Builds before the first release wrote it, in several forms.
    V1,
    V2(T),
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It has another form.
    #[error("a build before the first release wrote it")]
    Former,
    /// It has no form that this build knows.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// The record.
pub fn encode(state: &State) -> Result<Vec<u8>, StoreError> {
    wire::encode(&Stored::V2(state)).map_err(|_| StoreError::Corrupt)
}

/// Reads what [`encode`] wrote.
pub fn decode(record: &[u8]) -> Result<State, Unread> {
    match wire::decode::<Stored<Box<State>>>(record) {
        Ok(Stored::V2(state)) => Ok(*state),
        Ok(Stored::V1) => Err(Unread::Former),
        // What it has behind its number is not known.
        Err(WireError::TrailingBytes)
            if matches!(wire::decode::<Stored<()>>(record.get(..2).unwrap_or_default()), Ok(Stored::V1)) =>
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
    use crate::actors::session::state::{Active, Grant, Identity, Refreshing, Superseding};
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
        assert!(matches!(decode(&record), Ok(State::Active(_))));
        record[1] = 0;
        assert_eq!(decode(&record).err(), Some(Unread::Former));
        record[1] = 2;
        assert_eq!(decode(&record).err(), Some(Unread::Wire(WireError::Malformed)));
        assert_eq!(decode(&[]).err(), Some(Unread::Wire(WireError::Empty)));
    }
}
