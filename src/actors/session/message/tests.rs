use super::*;
use crate::actors::{Request as _, wire};

/// The bytes that deployments in the field send. A change here breaks every session while a release rolls out.
#[test]
fn the_golden_bytes_of_the_protocol_do_not_change() {
    let secret = || Secret::from_random([0xAB; 32]);
    let get = Get { secret: secret(), want: Want::AccessToken, navigation_from: Some(Region::Oc) };
    let get = wire::encode(&get.into_message()).unwrap();
    assert_eq!(get, [&[1, 2][..], &[0xAB; 32], &[0, 1, 6]].concat());

    for (want, number) in [(Want::Claims, 3), (Want::IdToken, 4), (Want::Life, 5)] {
        let get = wire::encode(&Get { secret: secret(), want, navigation_from: None }.into_message()).unwrap();
        assert_eq!(get, [&[1, 2][..], &[0xAB; 32], &[number, 0]].concat());
    }
    let identified = Identified { token: AccessToken::new("t".into()), claims: "{}".into() };
    let got = wire::encode(&Got::Identified(Box::new(identified))).unwrap();
    assert_eq!(got, [1, 3, 1, b't', 2, b'{', b'}']);

    let refresh = wire::encode(&Refresh { authority: Authority::Trusted(Cause::Admin) }.into_message()).unwrap();
    assert_eq!(refresh, [1, 3, 1, 2]);

    let revoke = Revoke { authority: Authority::Cookie(secret()), reason: EndReason::Superseded, logout: None };
    let revoke = wire::encode(&revoke.into_message()).unwrap();
    assert_eq!(revoke, [&[1, 4, 0][..], &[0xAB; 32], &[6, 0]].concat());

    assert_eq!(wire::encode(&Inspect {}.into_message()).unwrap(), [1, 5]);
    let logged_out = wire::encode(&LoggedOut { secret: secret() }.into_message()).unwrap();
    assert_eq!(logged_out, [&[1, 6][..], &[0xAB; 32]].concat());

    let switch = Switch { authority: Authority::Cookie(secret()), organization: "o".into() };
    assert_eq!(wire::encode(&switch.into_message()).unwrap(), [&[1, 12, 0][..], &[0xAB; 32], &[1, b'o']].concat());

    assert_eq!(wire::encode(&Confirm {}.into_message()).unwrap(), [1, 13]);

    let callback =
        Callback { state: "s".into(), code: Some("c".into()), iss: None, error: None, error_description: None };
    let complete = wire::encode(&Complete { secret: secret(), callback }.into_message()).unwrap();
    assert_eq!(complete, [&[1, 1][..], &[0xAB; 32], &[1, b's', 1, 1, b'c', 0, 0, 0]].concat());

    let place = UserPlace { region: Region::Oc, country: None, user_agent: None };
    let begin = Begin {
        origin: "o".into(),
        return_to: "/".into(),
        attempt: "a".into(),
        hints: vec![],
        predecessor: None,
        occasion: Occasion::Asked,
        place,
    };
    let begin = wire::encode(&begin.into_message()).unwrap();
    assert_eq!(begin, [1, 0, 1, b'o', 1, b'/', 1, b'a', 0, 0, 0, 6, 0, 0]);

    let id: ActorId = "0123456789abcdef".repeat(4).parse().unwrap();
    let named = [&[64][..], id.as_str().as_bytes()].concat();
    assert_eq!(wire::encode(&Describe {}.into_message()).unwrap(), [1, 7]);
    let hint = SilentLogin { authority: Authority::Successor(secret().hash()) };
    assert_eq!(wire::encode(&hint.into_message()).unwrap()[..3], [1, 8, 2]);
    let migrate = Migrate { authority: Authority::Trusted(Cause::Admin), destination: Destination::Region(Region::Me) };
    assert_eq!(wire::encode(&migrate.into_message()).unwrap(), [1, 9, 1, 2, 0, 8]);
    assert_eq!(wire::encode(&Release { to: id }.into_message()).unwrap(), [&[1, 11][..], &named].concat());
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
        state: "s3cret".into(),
        code: Some("s3cret".into()),
        iss: None,
        error: None,
        error_description: Some("code s3cret is used".into()),
    };
    assert!(!format!("{callback:?}").contains("s3cret"));
}
