use openidconnect::RefreshToken;

use crate::actors::end_reason::EndReason;
use crate::actors::golden::{GoldenRow, assert_golden};
use crate::actors::log::{Cause, Entry, Event};
use crate::actors::session::location::ActorLocation;
use crate::actors::session::samples::{actor, at, secret, successor};
use crate::actors::session::state::{
    Active, Afterwards, Arriving, Ended, Grant, Moved, Moving, Predecessor, Refreshing, SigningIn, State, Superseding,
};
use crate::actors::stored::{Unread, decode, encode};
use crate::actors::summary::UserPlace;
use crate::actors::wire::WireError;
use crate::region::Region;

fn active() -> Box<Active> {
    Box::new(crate::actors::session::samples::active())
}

fn record(name: &str, state: &State) -> GoldenRow {
    let bytes = encode(state).unwrap();
    let read: State = decode(&bytes).unwrap();
    assert_eq!(encode(&read).unwrap(), bytes, "{name}");
    (name.to_owned(), hex::encode(bytes))
}

/// A new variant does not compile here until it has a row.
fn records() -> Vec<GoldenRow> {
    match State::Active(active()) {
        State::SigningIn(_) | State::Active(_) | State::Ended(_) | State::Moved(_) | State::Arriving(_) => {}
    }
    let place = || UserPlace { region: Region::Oc, country: None, user_agent: Some("ua".into()), provider: None };
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
    let superseding =
        Superseding::of(at(1), [Predecessor { actor: actor(), secret_hash: secret().hash(), is_proven: true }]);
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
        | Event::Alarm
        | Event::Device => [
            (Event::Complete, Cause::Request),
            (Event::GetDenied, Cause::Alarm),
            (Event::Refresh, Cause::Admin),
            (Event::Observe, Cause::Directory),
            (Event::Migrate, Cause::Backchannel),
            (Event::Revoke, Cause::Request),
            (Event::End, Cause::Request),
            (Event::Alarm, Cause::Request),
            (Event::Device, Cause::Request),
        ],
    };
    let by_access = (Event::Revoke, Cause::AdminByAccess("access:a".into()));
    let rows: Vec<GoldenRow> = events
        .into_iter()
        .chain([by_access])
        .map(|(event, cause)| {
            let (name, outcome, detail) = (format!("{event:?} {cause:?}"), "o".to_owned(), "d".to_owned());
            let entry = Entry { at: at(1), event, outcome, cause, region: Some(Region::Oc), duration_ms: 300, detail };
            crate::actors::golden::row(name, &entry)
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
