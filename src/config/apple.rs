//! `APPLE_…`: Apple takes for a client secret a JWT that the team's key signs. The gateway makes it, so that none ever runs out. Pure.

use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::client_key::PrivateKey;
use super::reader::Reader;

/// What Apple knows this client by.
#[derive(Clone, Debug)]
pub struct AppleKey {
    /// `APPLE_TEAM_ID`.
    pub team_id: String,
    /// `APPLE_KEY_ID`.
    pub key_id: String,
    /// `APPLE_PRIVATE_KEY`.
    pub private: PrivateKey,
}

/// The object identifiers id-ecPublicKey and prime256v1 (RFC 5480 section 2.1.1), in DER: a key on P-256 has both.
const P256: [u8; 19] = [6, 7, 42, 134, 72, 206, 61, 2, 1, 6, 8, 42, 134, 72, 206, 61, 3, 1, 7];
/// A key is no longer than this, in bytes.
const MAX_KEY: usize = 300;

/// Reads a private key in PEM (RFC 7468), or what stands between its first and its last line. The error is the end of a sentence.
fn read(pem: &str) -> Result<PrivateKey, &'static str> {
    // A variable of one line may spell the ends of lines.
    let pem = pem.replace("\\n", "\n");
    let lines = pem.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
    let text: Zeroizing<String> =
        Zeroizing::new(lines.flat_map(|line| line.chars().filter(|c| !c.is_whitespace())).collect());
    let der = BASE64_STANDARD.decode(text.as_bytes()).map(Zeroizing::new);
    let der = der.ok().filter(|der| !der.is_empty() && der.len() <= MAX_KEY).ok_or(
        "is no private key: put the whole content of the file AuthKey_….p8 there, from -----BEGIN PRIVATE KEY----- on",
    )?;
    if der.first() == Some(&0x30) && der.windows(P256.len()).any(|found| found == P256) {
        Ok(PrivateKey::Pkcs8(Rc::new(der)))
    } else {
        Err(
            "is no key of Apple's, which are EC keys on P-256 in PKCS #8: put the whole content of the file AuthKey_….p8 there",
        )
    }
}

impl<V: Fn(&str) -> Option<String>> Reader<V> {
    /// The key; none where something of it is missing or wrong.
    pub(super) fn apple_key(&mut self) -> Option<AppleKey> {
        let team_id = self.apple_id(
            "APPLE_TEAM_ID",
            "the Team ID (ten letters and digits) on Apple's developer site under Membership details",
        );
        let key_id = self.apple_id(
            "APPLE_KEY_ID",
            "the Key ID on Apple's developer site under Certificates, Identifiers & Profiles, Keys, of a key with Sign in with Apple",
        );
        let what = "the content of the file AuthKey_….p8 that Apple gave you for that key";
        let private = self.required_secret("APPLE_PRIVATE_KEY", what).map(|pem| read(&pem));
        if let Some(Err(why)) = private {
            self.problem("APPLE_PRIVATE_KEY", why);
        }
        Some(AppleKey { team_id: team_id?, key_id: key_id?, private: private?.ok()? })
    }

    fn apple_id(&mut self, variable: &'static str, is: &str) -> Option<String> {
        let text = self.required(variable, &format!("is missing: {is}"))?;
        let is_id = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !is_id {
            self.problem(variable, &format!("must be letters and digits alone: put {is} there"));
        }
        is_id.then_some(text)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A key of the form of Apple's, which is nobody's.
    pub(in crate::config) fn pem() -> String {
        let der = [&[0x30, 0x41, 2, 1, 0, 0x30, 0x13][..], &P256, &[4, 0x27], &[7; 0x27]].concat();
        let text = BASE64_STANDARD.encode(der);
        let (first, second) = text.split_at(64);
        format!("-----BEGIN PRIVATE KEY-----\n{first}\n{second}\n-----END PRIVATE KEY-----\n")
    }

    #[test]
    fn a_key_is_read_as_the_file_has_it_and_as_a_variable_of_one_line_does() {
        let key = read(&pem()).unwrap();
        let bare: String = pem().lines().filter(|line| !line.starts_with('-')).collect();
        for text in [pem().replace('\n', "\\n"), pem().replace('\n', "\r\n"), bare] {
            assert_eq!(read(&text).unwrap().secret(), key.secret());
        }
        assert_eq!(format!("{key:?}"), "PrivateKey([redacted])");
    }

    #[test]
    fn what_is_no_key_of_apple_s_is_refused_and_not_quoted() {
        let rsa =
            BASE64_STANDARD.encode([&[0x30][..], &[6, 9, 42, 134, 72, 134, 247, 13, 1, 1, 1], &[7; 100]].concat());
        for bad in ["", "hunter2", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", &rsa, &"QUFB".repeat(200)]
        {
            let why = read(bad).unwrap_err();
            assert!(!why.contains("hunter2") && why.contains("AuthKey_"), "{why}");
        }
    }
}
