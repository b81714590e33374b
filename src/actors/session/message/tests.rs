use super::*;
use crate::actors::session::attempt::{Attempt, LoginReason, Predecessor};
use crate::actors::{Request as _, wire};

/// The bytes that deployments in the field send. A change here breaks every session while a release rolls out.
#[test]
fn the_golden_bytes_of_the_protocol_do_not_change() {
    let secret = || Secret::from_random([0xAB; 32]);
    let get = Get { secret: secret(), want: Want::AccessToken, navigation_from: Some(Region::Oc) };
    let get = wire::encode(&get.into_message()).unwrap();
    assert_eq!(get, [&[1, 1][..], &[0xAB; 32], &[0, 1, 6]].concat());

    for (want, number) in [(Want::Claims, 3), (Want::IdToken, 4), (Want::Life, 5)] {
        let get = wire::encode(&Get { secret: secret(), want, navigation_from: None }.into_message()).unwrap();
        assert_eq!(get, [&[1, 1][..], &[0xAB; 32], &[number, 0]].concat());
    }
    let identified = Identified { token: AccessToken::new("t".into()), claims: "{}".into() };
    let got = wire::encode(&Got::Identified(Box::new(identified))).unwrap();
    assert_eq!(got, [1, 3, 1, b't', 2, b'{', b'}']);

    let refresh = wire::encode(&Refresh { authority: Authority::Trusted(Cause::Admin) }.into_message()).unwrap();
    assert_eq!(refresh, [1, 2, 1, 2]);

    let revoke = Revoke { authority: Authority::Cookie(secret()), reason: EndReason::Superseded, logout: None };
    let revoke = wire::encode(&revoke.into_message()).unwrap();
    assert_eq!(revoke, [&[1, 3, 0][..], &[0xAB; 32], &[6, 0]].concat());

    assert_eq!(wire::encode(&Inspect {}.into_message()).unwrap(), [1, 4]);
    let switch = Switch { authority: Authority::Cookie(secret()), organization: "o".into() };
    assert_eq!(wire::encode(&switch.into_message()).unwrap(), [&[1, 10, 0][..], &[0xAB; 32], &[1, b'o']].concat());

    assert_eq!(wire::encode(&Confirm {}.into_message()).unwrap(), [1, 11]);

    let id: ActorId = "0123456789abcdef".repeat(4).parse().unwrap();
    let named = [&[64][..], id.as_str().as_bytes()].concat();
    assert_eq!(wire::encode(&Describe {}.into_message()).unwrap(), [1, 5]);
    let hint = SilentLogin { authority: Authority::Successor(secret().hash()) };
    assert_eq!(wire::encode(&hint.into_message()).unwrap()[..3], [1, 6, 2]);
    let migrate = Migrate { authority: Authority::Trusted(Cause::Admin), destination: Destination::Region(Region::Me) };
    assert_eq!(wire::encode(&migrate.into_message()).unwrap(), [1, 7, 1, 2, 0, 8]);
    assert_eq!(wire::encode(&Release { to: id.clone() }.into_message()).unwrap(), [&[1, 9][..], &named].concat());

    let successor = Successor {
        actor: id.clone(),
        region: Region::Oc,
        issuer: "i".into(),
        subject: "s".into(),
        needs_refresh_token: false,
        signed_in_at: time::OffsetDateTime::UNIX_EPOCH,
    };
    let supersede = Supersede { authority: Authority::Trusted(Cause::Request), successor };
    let supersede = wire::encode(&supersede.into_message()).unwrap();
    let epoch = wire::encode(&time::OffsetDateTime::UNIX_EPOCH).unwrap()[1..].to_vec();
    assert_eq!(supersede, [&[1, 12, 1, 0][..], &named, &[6, 1, b'i', 1, b's', 0], &epoch[..]].concat());
    assert_eq!(wire::encode(&Superseded::GaveWay).unwrap(), [1, 0]);

    let binary: [u8; 32] = std::array::from_fn(|at| [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF][at % 8]);
    let attempt = Attempt {
        actor: id.clone(),
        began_at: time::OffsetDateTime::UNIX_EPOCH,
        state: secret(),
        nonce: secret(),
        code_verifier: secret(),
        return_to: "/".into(),
        predecessor: Some(Predecessor { actor: id, secret_hash: secret().hash() }),
        reason: LoginReason::Move,
        prompt_none: true,
        organization: None,
        hints: vec![("h".into(), "v".into())],
    };
    let sealed =
        [&binary, &epoch[..], &[0xAB; 96], &[1, b'/', 1], &binary, &hash_bytes(), &[2, 1, 0, 1, 1, b'h', 1, b'v']]
            .concat();
    let complete = Complete {
        attempt: Box::new(attempt),
        callback: Callback { code: Some("c".into()), iss: None, error: None, error_description: None },
        redirect_uri: "r".into(),
        place: UserPlace { region: Region::Oc, country: None, user_agent: None },
        replaces: None,
    };
    let rest = [1, 1, b'c', 0, 0, 0, 1, b'r', 6, 0, 0, 0];
    assert_eq!(wire::encode(&complete.into_message()).unwrap(), [&[1, 0][..], &sealed, &rest].concat());
}

/// The SHA-256 of 32 bytes 0xAB.
fn hash_bytes() -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest([0xAB; 32]).into()
}

#[test]
fn a_state_travels_as_its_name_and_reads_the_same_in_json() {
    for (state, text) in
        [(SessionState::Active, "active"), (SessionState::Moved, "moved"), (SessionState::Ended, "ended")]
    {
        let length = u8::try_from(text.len()).unwrap();
        let bytes = [&[1, length], text.as_bytes()].concat();
        assert_eq!(wire::encode(&state).unwrap(), bytes);
        assert_eq!(wire::decode::<SessionState>(&bytes), Ok(state));
        assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{text}\""));
    }
    assert!(wire::decode::<SessionState>(&[1, 4, b'g', b'o', b'n', b'e']).is_err());
}

#[test]
fn a_callback_does_not_show_its_code_in_debug_output() {
    let callback = Callback {
        code: Some("s3cret".into()),
        iss: None,
        error: None,
        error_description: Some("code s3cret is used".into()),
    };
    assert!(!format!("{callback:?}").contains("s3cret"));
}
