use super::*;
use crate::actors::golden::{self, GoldenRow, message, reply};
use crate::actors::session::samples::{actor, at};
use crate::actors::summary::SessionState;

fn messages() -> Vec<GoldenRow> {
    let place = UserPlace { region: Region::Oc, country: Some("NZ".into()), user_agent: None, provider: None };
    let register = Register {
        actor: actor(),
        began_at: at(1),
        counterpart: Some("sid".into()),
        place,
        created_at: at(2),
        expires_at: at(3),
        predecessor: Some(actor()),
        limited: true,
    };
    let logout_token = Some(LogoutTokenId { jti: "j".into(), expires_at: at(1) });
    let (counterpart, reason, cause) = (Some("sid".to_owned()), EndReason::Backchannel, Cause::Backchannel);
    let by_access = Cause::AdminByAccess("access:a".into());
    let revoke_by_access =
        RevokeAll { counterpart: None, reason: EndReason::Revoked, cause: by_access, logout_token: None };
    let report = |remark, news| message(remark, Report { actor: actor(), news });
    vec![
        message("", register),
        message("", Observe { actor: actor(), region: Region::Apac }),
        message("", List { cursor: None, limit: 40 }),
        message("of a cursor", List { cursor: Some("c".into()), limit: 40 }),
        message(
            "",
            RevokeAll { counterpart: None, reason: EndReason::Revoked, cause: Cause::Admin, logout_token: None },
        ),
        message("by a logout token", RevokeAll { counterpart, reason, cause, logout_token }),
        message("", Forget { actor: actor() }),
        report("refreshed", News::Refreshed),
        report("ended", News::Ended { last_used_at: Some(at(1)) }),
        report("moved", News::Moved),
        report("began", News::Began),
        message("", Sweep { after: actor(), at_most: 40, cause: Cause::Admin }),
        message("by Access", revoke_by_access),
        message("by Access", Sweep { after: actor(), at_most: 40, cause: Cause::AdminByAccess("access:a".into()) }),
    ]
}

/// A new variant does not compile here until it has a row.
fn errors() -> [DirectoryError; 6] {
    match DirectoryError::Overtaken {
        DirectoryError::Overtaken
        | DirectoryError::Replayed
        | DirectoryError::StoreUnavailable
        | DirectoryError::Incomplete
        | DirectoryError::ForeignCursor
        | DirectoryError::TakenAway => [
            DirectoryError::Overtaken,
            DirectoryError::Replayed,
            DirectoryError::StoreUnavailable,
            DirectoryError::Incomplete,
            DirectoryError::ForeignCursor,
            DirectoryError::TakenAway,
        ],
    }
}

fn replies() -> Vec<GoldenRow> {
    let summary = Summary {
        region: Region::Eeur,
        country: None,
        state: SessionState::Active,
        created_at: at(1),
        last_used_at: Some(at(2)),
        expires_at: at(3),
        user_agent: None,
        bound_at: None,
        provider: None,
    };
    let page = SessionPage { listed: vec![Listed { actor: actor(), summary }], next: Some("n".into()) };
    let swept = || Swept { revoked: 1, unreachable: 2, left: 300, last: Some(actor()) };
    let mut replies = vec![reply::<Register>("", &Ok(()))];
    replies.extend(errors().into_iter().map(|error| reply::<Register>(&format!("{error:?}"), &Err(error))));
    replies.extend([
        reply::<Observe>("stay", &Ok(RegionVerdict::Stay { until: at(1) })),
        reply::<Observe>("reauthenticate", &Ok(RegionVerdict::Reauthenticate)),
        reply::<Observe>("migrate", &Ok(RegionVerdict::Migrate)),
        reply::<List>("", &Ok(page)),
        reply::<RevokeAll>("", &Ok(swept())),
        reply::<Forget>("", &Ok(())),
        reply::<Report>("", &Ok(())),
        reply::<Sweep>("", &Ok(swept())),
    ]);
    replies
}

/// The bytes that deployments in the field send. A change here breaks every session while a release rolls out.
#[test]
fn the_golden_bytes_of_every_message_and_reply_of_a_directory_do_not_change() {
    golden::assert_golden(&messages(), include_str!("messages.golden"));
    golden::assert_golden(&replies(), include_str!("replies.golden"));
    golden::assert_complete("RegionDirectory", DirectoryMessage::NAMES, &messages(), &replies());
}
