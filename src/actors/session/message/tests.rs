use openidconnect::RefreshToken;

use super::*;
use crate::actors::MessageRefusal;
use crate::actors::golden::{self, GoldenRow, message, reply};
use crate::actors::log::{Entry, Event};
use crate::actors::session::Cause;
use crate::actors::session::attempt::{Attempt, LoginReason, Predecessor};
use crate::actors::session::device::record::DeviceV1;
use crate::actors::session::device::{Bound, Shown};
use crate::actors::session::location::ActorLocation;
use crate::actors::session::samples::{active, actor, at, secret, successor};
use crate::actors::session::view::Inheritance;
use crate::actors::stored::Storable as _;
use crate::actors::summary::{SessionState, UserPlace};
use crate::actors::wire::{self, WireError};
use crate::config::StoreKind;
use crate::config::authentication::Authentication;
use crate::config::target::TargetKey;
use crate::device::{Proof, Thumbprint};
use crate::provider::user_error::{Choice, UserError};
use crate::region::Region;

fn place() -> UserPlace {
    UserPlace { region: Region::Oc, country: None, user_agent: Some("ua".into()), provider: None }
}

fn predecessor() -> Predecessor {
    Predecessor { actor: actor(), secret_hash: secret().hash(), is_proven: true }
}

fn complete() -> Complete {
    let attempt = Attempt {
        actor: actor(),
        began_at: at(1),
        state: secret(),
        nonce: secret(),
        code_verifier: secret(),
        return_to: "/".into(),
        predecessor: Some(predecessor()),
        reason: LoginReason::Move,
        prompt_none: true,
        organization: None,
        form: Some("01234567".into()),
        authentication: Authentication::of(&["a"], Some(7)),
        asks_anew: true,
        hints: vec![("h".into(), "v".into())],
    };
    Complete {
        attempt: Box::new(attempt),
        callback: Callback { code: Some("c".into()), iss: None, error: None, error_description: Some("d".into()) },
        redirect_uri: "r".into(),
        place: place(),
        replaces: Some(predecessor()),
    }
}

fn entry() -> Entry {
    Entry {
        at: at(8),
        event: Event::Observe,
        outcome: "o".into(),
        cause: Cause::Directory,
        region: Some(Region::Me),
        duration_ms: 300,
        detail: "d".into(),
    }
}

fn messages() -> Vec<GoldenRow> {
    let trusted = || Authority::Trusted(Cause::Admin);
    let by_access = || Authority::Trusted(Cause::AdminByAccess("access:a".into()));
    let logout = Logout { post_logout_redirect_uri: "u".into(), state: secret(), is_proven: true };
    vec![
        message("", complete()),
        message("", GetToken { secret: secret(), navigation_from: None }),
        message("of a navigation", GetToken { secret: secret(), navigation_from: Some(Region::Oc) }),
        message("access token", GetIdentity { secret: secret(), token: TokenKind::Access, navigation_from: None }),
        message("ID token", GetIdentity { secret: secret(), token: TokenKind::Id, navigation_from: Some(Region::Oc) }),
        message("", GetView { secret: secret() }),
        message("", CanGoOn { secret: secret(), navigation_from: Some(Region::Oc) }),
        message("", IsAlive { secret: secret() }),
        message("by cookie", Refresh { authority: Authority::Cookie(secret()) }),
        message("trusted", Refresh { authority: trusted() }),
        message("by a successor", Refresh { authority: Authority::Successor(secret().hash()) }),
        message("", Revoke { authority: trusted(), reason: EndReason::Revoked, logout: None }),
        message("at a logout", Revoke { authority: trusted(), reason: EndReason::Logout, logout: Some(logout) }),
        message("", Inspect {}),
        message("", Describe {}),
        message("", SilentLogin { authority: trusted() }),
        message("to a region", Migrate { authority: trusted(), destination: Destination::Region(Region::Me) }),
        message("to a successor", Migrate { authority: trusted(), destination: Destination::Successor(successor()) }),
        message(
            "",
            Adopt {
                from: actor(),
                began_at: at(1),
                cause: Cause::Alarm,
                active: Box::new(active().keep()),
                ledger: vec![entry()],
                device: DeviceV1::Bound(bound()),
            },
        ),
        message("", Release { to: actor() }),
        message("", Switch { authority: trusted(), organization: "o".into() }),
        message("", Confirm {}),
        message("", Supersede { authority: trusted(), successor: successor(), is_proven: true }),
        message("", LetGo { to: actor() }),
        message("", ConfirmUse {}),
        message("", Attested::of(secret(), evidence(), None, Confirm {}).unwrap()),
        message("of providers", Attested::of(secret(), evidence(), Some("p,q".into()), Confirm {}).unwrap()),
        message("", BindDevice { token: "t".into(), endpoint: "e".into(), secret: Some(secret()) }),
        message("", GetTargetToken { secret: secret(), target: TargetKey::of("k"), navigation_from: None }),
        message("", Park { secret: secret(), ticket: secret().hash(), request: SealedRequest(vec![7]) }),
        message("", TakeParked { ticket: secret(), user: ("i".into(), "s".into()) }),
        message("", GetProvider { secret: secret() }),
        message("", RenewProof { token: None, endpoint: "e".into(), secret: None }),
        message("by Access", Refresh { authority: by_access() }),
        message("by Access", Revoke { authority: by_access(), reason: EndReason::Revoked, logout: None }),
        message("by Access", Migrate { authority: by_access(), destination: Destination::Region(Region::Me) }),
    ]
}

fn bound() -> Bound {
    Bound { key: "{}".into(), thumbprint: Thumbprint::of("k"), bound_at: at(5), former_home: Some(actor()) }
}

fn evidence() -> DeviceEvidence {
    DeviceEvidence {
        shown: Shown { is_proven: false, is_demanded: true, takes_offer: false },
        proof: Some(Proof::from("p".to_owned())),
        consequence: Consequence::Final,
        region: Some(Region::Weur),
        user_agent: Some("ua".into()),
    }
}

/// A new variant does not compile here until it has a row.
fn device_denials() -> Vec<DeviceDenied> {
    match DeviceDenied::ProofRequired {
        DeviceDenied::ProofRequired | DeviceDenied::DeviceRequired { .. } | DeviceDenied::Other(_) => {}
    }
    vec![
        DeviceDenied::ProofRequired,
        DeviceDenied::DeviceRequired { is_awaited: true, offer: Some("c".into()) },
        DeviceDenied::Other(Denied::Unknown),
    ]
}

/// The same.
fn device_refusals() -> Vec<DeviceRefusal> {
    match DeviceRefusal::Challenge {
        DeviceRefusal::Token(_)
        | DeviceRefusal::Challenge
        | DeviceRefusal::Endpoint
        | DeviceRefusal::Signature
        | DeviceRefusal::AlreadyBound => {}
    }
    vec![
        DeviceRefusal::Token("t".into()),
        DeviceRefusal::Challenge,
        DeviceRefusal::Endpoint,
        DeviceRefusal::Signature,
        DeviceRefusal::AlreadyBound,
    ]
}

/// A new variant does not compile here until it has a row.
fn denials() -> Vec<Denied> {
    match Denied::Unknown {
        Denied::Unknown
        | Denied::Ended(_)
        | Denied::Reauthenticate
        | Denied::Relocate
        | Denied::Moved(_)
        | Denied::ProviderUnavailable { .. }
        | Denied::StoreUnavailable
        | Denied::TargetRefused
        | Denied::OtherProvider => {}
    }
    let ended = match EndReason::Logout {
        EndReason::Logout
        | EndReason::Revoked
        | EndReason::Idle
        | EndReason::Expired
        | EndReason::RefreshRejected
        | EndReason::Backchannel
        | EndReason::Superseded
        | EndReason::Limit
        | EndReason::Device
        | EndReason::ProviderRemoved => [
            EndReason::Logout,
            EndReason::Revoked,
            EndReason::Idle,
            EndReason::Expired,
            EndReason::RefreshRejected,
            EndReason::Backchannel,
            EndReason::Superseded,
            EndReason::Limit,
            EndReason::Device,
            EndReason::ProviderRemoved,
        ],
    };
    [Denied::Unknown]
        .into_iter()
        .chain(ended.map(Denied::Ended))
        .chain([
            Denied::Reauthenticate,
            Denied::Relocate,
            Denied::Moved(ActorLocation { actor: actor(), region: Region::Afr, expires_at: at(2) }),
            Denied::ProviderUnavailable { retry_after: 5 },
            Denied::StoreUnavailable,
            Denied::TargetRefused,
            Denied::OtherProvider,
        ])
        .collect()
}

/// The same of a login.
fn sign_in_errors() -> Vec<SignInError> {
    match SignInError::StoreUnavailable {
        SignInError::CallbackRejected(_)
        | SignInError::AuthenticationInsufficient(_)
        | SignInError::ProviderRejected(_)
        | SignInError::ProviderUnavailable(_)
        | SignInError::StoreUnavailable
        | SignInError::UserError(_)
        | SignInError::Said { .. } => {}
    }
    let choice = Choice { label: "l".into(), parameter: "p".into(), value: "v".into() };
    vec![
        SignInError::CallbackRejected("a".into()),
        SignInError::AuthenticationInsufficient("d".into()),
        SignInError::ProviderRejected("b".into()),
        SignInError::ProviderUnavailable("c".into()),
        SignInError::StoreUnavailable,
        SignInError::UserError(Box::new(UserError {
            code: "c".into(),
            what: "w".into(),
            next: "n".into(),
            choices: vec![choice],
        })),
        SignInError::Said { error: Box::new(SignInError::StoreUnavailable), said: "s".into() },
    ]
}

fn view() -> SessionView {
    SessionView {
        subject: "s".into(),
        issuer: "i".into(),
        claims: "{}".into(),
        region: Region::Wnam,
        created_at: at(1),
        idle_expires_at: at(2),
        expires_at: at(3),
        access_token_expires_at: Some(at(4)),
        provider: Some("p".into()),
    }
}

fn summary() -> Summary {
    Summary {
        region: Region::Eeur,
        country: Some("PL".into()),
        state: SessionState::Moved,
        created_at: at(1),
        last_used_at: None,
        expires_at: at(2),
        user_agent: Some("ua".into()),
        bound_at: Some(at(9)),
        provider: Some("p".into()),
    }
}

fn inspection() -> Inspection {
    Inspection {
        summary: summary(),
        subject: Some("s".into()),
        issuer: Some("i".into()),
        epoch: 1,
        generation: 300,
        next_alarm_at: Some(at(3)),
        access_token_expires_at: None,
        moved_to: Some(actor()),
        ledger: vec![entry()],
        store: StoreKind::Neon,
    }
}

fn replies() -> Vec<GoldenRow> {
    let token = || AccessToken::new("t".into());
    let identified = || TokenWithClaims { token: token(), claims: "{}".into() };
    let inheritance = Inheritance {
        created_at: at(1),
        expires_at: at(2),
        epoch: 3,
        refresh_token: Some(RefreshToken::new("r".into())),
        ledger: vec![entry()],
        superseding: vec![predecessor()],
    };
    let signed_in = Completed::SignedIn { secret: secret(), region: Region::Sam, expires_at: at(1) };
    let location = || ActorLocation { actor: actor(), region: Region::Enam, expires_at: at(1) };
    let hints = |organization| SilentLoginHints { id_token: "t".into(), organization };
    let mut replies = vec![
        reply::<Complete>("signed in", &Ok(signed_in)),
        reply::<Complete>("not signed in", &Ok(Completed::NotSignedIn)),
        reply::<Complete>("login needed", &Ok(Completed::LoginNeeded { ended: true })),
        reply::<Complete>("kept", &Ok(Completed::Kept)),
    ];
    replies.extend(sign_in_errors().into_iter().map(|error| reply::<Complete>(&format!("{error:?}"), &Err(error))));
    replies.push(reply::<GetToken>("", &Ok(token())));
    replies.extend(denials().into_iter().map(|denied| {
        // A time is spelled as it is long; the actor is one of many.
        let name = if matches!(denied, Denied::Moved(_)) { "Moved".to_owned() } else { format!("{denied:?}") };
        reply::<GetToken>(&name, &Err(denied))
    }));
    replies.extend([
        reply::<GetIdentity>("", &Ok(Box::new(identified()))),
        reply::<GetView>("", &Ok(Box::new(view()))),
        reply::<CanGoOn>("", &Ok(())),
        reply::<IsAlive>("", &Ok(())),
        reply::<Refresh>("", &Ok(view())),
        reply::<Revoke>("", &Ok(Revoked { end_session_url: Some("u".into()) })),
        reply::<Inspect>("", &Some(Box::new(inspection()))),
        reply::<Inspect>("nothing", &None),
        reply::<Describe>("", &Some(Description { summary: summary(), subject: "s".into(), issuer: "i".into() })),
        reply::<Describe>("nothing", &None),
        reply::<SilentLogin>("", &Some(hints(Some("o".into())))),
        reply::<SilentLogin>("nothing", &None),
        reply::<Migrate>("lives", &Ok(Migrated::Lives(location()))),
        reply::<Migrate>("leaves", &Ok(Migrated::Leaves(Some(Box::new(inheritance))))),
        reply::<Migrate>("leaves nothing", &Ok(Migrated::Leaves(None))),
        reply::<Adopt>("", &Ok(())),
        reply::<Release>("", &Ok(true)),
        reply::<Switch>("", &Ok(view())),
        reply::<Confirm>("", &Ok(())),
        reply::<Supersede>("gave way", &Ok(Superseded::GaveWay)),
        reply::<Supersede>("by a later one", &Ok(Superseded::ByLater(successor()))),
        reply::<LetGo>("", &Ok(Some(at(7)))),
        reply::<LetGo>("nothing", &Ok(None)),
        reply::<ConfirmUse>("", &Ok(())),
        reply::<Attested>("", &Ok(AttestedReply { offer: Some("c".into()), reply: vec![1, 2] })),
        reply::<BindDevice>("", &Ok(Binding::Bound { thumbprint: Thumbprint::of("k"), lives: location() })),
        reply::<GetTargetToken>("", &Ok(Box::new(identified()))),
        reply::<Park>("", &Ok(())),
        reply::<TakeParked>("", &Ok(Parked::Taken(SealedRequest(vec![7])))),
        reply::<TakeParked>("of another user", &Ok(Parked::OtherUser)),
        reply::<TakeParked>("gone", &Ok(Parked::Gone)),
        reply::<GetProvider>("", &Some(SessionProvider { name: Some("p".into()), lives: true })),
        reply::<GetProvider>("of nobody", &None),
        reply::<RenewProof>("challenge", &Ok(Renewal::Challenge("c".into()))),
        reply::<RenewProof>("", &Ok(Renewal::Renewed { thumbprint: Thumbprint::of("k"), lives: location() })),
        golden::row("Refusal of the wire", &Err::<(), _>(MessageRefusal::Wire(WireError::UnknownVersion(2)))),
        golden::row("Refusal, broken", &Err::<(), _>(MessageRefusal::Broken)),
    ]);
    replies.extend(device_denials().into_iter().map(|denied| reply::<Attested>(&format!("{denied:?}"), &Err(denied))));
    replies.extend(
        device_refusals()
            .into_iter()
            .map(|refusal| reply::<BindDevice>(&format!("{refusal:?}"), &Ok(Binding::Refused(refusal)))),
    );
    replies
}

/// The bytes that deployments in the field send. A change here breaks every session while a release rolls out.
#[test]
fn the_golden_bytes_of_every_message_and_reply_of_a_session_do_not_change() {
    golden::assert_golden(&messages(), include_str!("messages.golden"));
    golden::assert_golden(&replies(), include_str!("replies.golden"));
    golden::assert_complete("SessionActor", SessionMessage::NAMES, &messages(), &replies());
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

#[test]
fn neither_a_challenge_nor_a_token_of_a_device_shows_itself_in_debug_output() {
    let challenge = || "s3cret".into();
    let shown = [
        format!("{:?}", DeviceDenied::DeviceRequired { is_awaited: true, offer: Some(challenge()) }),
        format!("{:?}", AttestedReply { offer: Some(challenge()), reply: b"s3cret".to_vec() }),
        format!("{:?}", Renewal::Challenge(challenge())),
        format!("{:?}", BindDevice { token: "s3cret".into(), endpoint: String::new(), secret: None }),
        format!("{:?}", RenewProof { token: Some("s3cret".into()), endpoint: String::new(), secret: None }),
    ];
    assert!(shown.iter().all(|text| !text.contains("s3cret")), "{shown:#?}");
}
