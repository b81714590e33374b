//! How a message looks on the wire: one version byte, then bincode.
//!
//! ```text
//!   +---------+----------------------------------------+
//!   | VERSION | bincode 2, standard configuration       |   at most MAX_BYTES in all
//!   +---------+----------------------------------------+
//! ```
//!
//! Two deployments talk to each other while a release rolls out, so that variants of the message enums are only
//! ever appended, and the golden bytes in the tests never change.
//!
//! Architecture Invariant: nothing else names `bincode`. It is unmaintained (RUSTSEC-2025-0141) and can be
//! replaced here.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version of the protocol that this build speaks.
pub const VERSION: u8 = 1;

/// The longest message or reply. The largest thing in one is a set of claims, of which a provider may send 1 MiB.
pub const MAX_BYTES: usize = 4 << 20;

/// Why bytes are no message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize, thiserror::Error)]
pub enum WireError {
    /// There is not even a version byte.
    #[error("the message is empty")]
    Empty,
    /// Another version than [`VERSION`], the number given.
    #[error("the message has version {0}, this actor speaks {VERSION}")]
    UnknownVersion(u8),
    /// Longer than [`MAX_BYTES`].
    #[error("the message is longer than {MAX_BYTES} bytes")]
    TooLarge,
    /// No value of the expected type.
    #[error("the message is malformed")]
    Malformed,
    /// A value, and something behind it.
    #[error("bytes follow the message")]
    TrailingBytes,
}

/// A value as bytes.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, WireError> {
    let mut bytes = vec![VERSION];
    let body = bincode::serde::encode_to_vec(value, bincode::config::standard()).map_err(|_| WireError::Malformed)?;
    if body.len() >= MAX_BYTES {
        return Err(WireError::TooLarge);
    }
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// Reads a value. Every byte must belong to it.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    let (version, body) = bytes.split_first().ok_or(WireError::Empty)?;
    if *version != VERSION {
        return Err(WireError::UnknownVersion(*version));
    }
    if bytes.len() > MAX_BYTES {
        return Err(WireError::TooLarge);
    }
    // The limit also bounds what a forged length field can make the decoder allocate.
    let config = bincode::config::standard().with_limit::<MAX_BYTES>();
    let (value, read) = bincode::serde::decode_from_slice(body, config).map_err(|_| WireError::Malformed)?;
    if read == body.len() { Ok(value) } else { Err(WireError::TrailingBytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_value_survives_the_wire() {
        let value = (String::from("text"), Some(7_u64), vec![1_u8, 2, 3]);
        let bytes = encode(&value).unwrap();
        assert_eq!(decode::<(String, Option<u64>, Vec<u8>)>(&bytes), Ok(value));
    }

    #[test]
    fn bytes_that_are_no_message_are_refused_each_for_its_reason() {
        assert_eq!(decode::<u32>(&[]), Err(WireError::Empty));
        assert_eq!(decode::<u32>(&[2, 5]), Err(WireError::UnknownVersion(2)));
        assert_eq!(decode::<u32>(&[VERSION]), Err(WireError::Malformed));
        assert_eq!(decode::<u32>(&[VERSION, 5, 0]), Err(WireError::TrailingBytes));
        assert_eq!(decode::<u32>(&vec![VERSION; MAX_BYTES + 1]), Err(WireError::TooLarge));
        assert_eq!(encode(&vec![0_u8; MAX_BYTES]), Err(WireError::TooLarge));
    }

    #[test]
    fn a_forged_length_does_not_make_the_decoder_allocate() {
        let forged = [VERSION, 253, 255, 255, 255, 255, 255, 255, 255, 127];
        assert_eq!(decode::<Vec<u8>>(&forged), Err(WireError::Malformed));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = decode::<crate::actors::session::message::SessionMessage>(&bytes);
        }
    }
}
