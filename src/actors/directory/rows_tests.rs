use time::Duration;

use super::*;
use crate::region::Region;

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::seconds(seconds))
}

fn row() -> SessionRow {
    SessionRow {
        counterpart: Some("sid".into()),
        place: UserPlace { region: Region::Oc, country: None, user_agent: None, provider: None },
        created_at: at(1),
        expires_at: at(2),
        moved_at: None,
        revoking: Some((EndReason::Limit, Cause::Directory)),
        seen_at: at(3),
        seen_before: None,
        standing: RowStatus::Living,
        beginning: Some(Beginning { predecessor: None, look_at: Some(at(4)) }),
    }
}

fn facts() -> Facts {
    Facts {
        revocations: vec![(at(1), None)],
        logout_tokens: [("jti".to_owned(), at(2))].into(),
        taken_away: [("a".repeat(64).parse().unwrap(), at(3))].into(),
        cursor_key: Some([4; 32]),
    }
}

/// A new variant does not compile here until it has a row.
fn standings() -> [RowStatus; 3] {
    match RowStatus::Living {
        RowStatus::Living | RowStatus::Ended { .. } | RowStatus::Moved => {
            [RowStatus::Living, RowStatus::Ended { at: at(5), last_used_at: Some(at(6)) }, RowStatus::Moved]
        }
    }
}

const fn name(standing: &RowStatus) -> &'static str {
    match standing {
        RowStatus::Living => "living",
        RowStatus::Ended { .. } => "ended",
        RowStatus::Moved => "moved",
    }
}

/// What directories have. A change here is another form: it gets another variant.
#[test]
fn the_golden_bytes_of_a_stored_directory_do_not_change() {
    let bytes = |row: &SessionRow| hex::encode(encode(row).unwrap());
    let mut rows: Vec<_> = standings()
        .into_iter()
        .map(|standing| (format!("Row, {}", name(&standing)), bytes(&SessionRow { standing, ..row() })))
        .collect();
    rows.push(("Row, seen before and moved".into(), {
        let (seen_before, moved_at) = (Some(at(7)), Some(at(8)));
        bytes(&SessionRow { seen_before, moved_at, revoking: None, beginning: None, counterpart: None, ..row() })
    }));
    rows.push(("Row, revoked by Access".into(), {
        let revoking = Some((EndReason::Revoked, Cause::AdminByAccess("access:a".into())));
        bytes(&SessionRow { revoking, ..row() })
    }));
    rows.push(("Facts".into(), hex::encode(encode(&facts()).unwrap())));
    rows.push(("Facts, none".into(), hex::encode(encode(&Facts::default()).unwrap())));
    crate::actors::golden::assert_golden(&rows, include_str!("rows.golden"));
}

#[test]
fn a_row_of_a_former_form_is_passed_over() {
    let mut bytes = encode(&row()).unwrap();
    assert!(matches!(decode::<SessionRow>(&bytes), Ok(Some(_))));
    bytes[1] = 0;
    assert!(matches!(decode::<SessionRow>(&bytes), Ok(None)));
    assert!(matches!(decode::<Facts>(&[1, 0]), Ok(None)));
}

#[test]
fn a_row_that_nobody_wrote_is_an_error() {
    let mut bytes = encode(&row()).unwrap();
    bytes[1] = 2;
    assert!(matches!(decode::<SessionRow>(&bytes), Err(StoreError::Corrupt)));
    bytes[1] = 1;
    assert!(matches!(decode::<SessionRow>(&bytes[..4]), Err(StoreError::Corrupt)));
    assert!(matches!(decode::<Facts>(&[]), Err(StoreError::Corrupt)));
}
