//! Values for tests of what is sent and stored: one in each field that another form could take for its neighbour.

use openidconnect::{AccessToken, RefreshToken};
use time::{Duration, OffsetDateTime};

use super::location::Successor;
use super::state::{Active, Grant, Identity, Refreshing, Superseding, TargetToken};
use crate::actors::summary::UserPlace;
use crate::config::target::TargetKey;
use crate::credential::{ActorId, Secret};
use crate::region::Region;

/// So many seconds after the epoch.
pub fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH.saturating_add(Duration::seconds(seconds))
}

/// An actor.
pub fn actor() -> ActorId {
    "0123456789abcdef".repeat(4).parse().unwrap()
}

/// A secret.
pub fn secret() -> Secret {
    Secret::from_random([0xAB; 32])
}

/// A login that takes a session's place.
pub fn successor() -> Successor {
    Successor {
        actor: actor(),
        region: Region::Oc,
        issuer: "i".into(),
        subject: "s".into(),
        needs_refresh_token: true,
        signed_in_at: at(9),
    }
}

/// A live session that can be refreshed.
pub fn active() -> Active {
    Active {
        secret_hash: Secret::from_random([1; 32]).hash(),
        place: UserPlace { region: Region::Oc, country: Some("NZ".into()), user_agent: None, provider: None },
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
        target_tokens: vec![TargetToken {
            key: TargetKey::of("k"),
            access_token: AccessToken::new("b".into()),
            issued_at: at(1),
            expires_at: None,
        }],
        created_at: at(4),
        expires_at: at(5),
        last_used_at: at(6),
        used: true,
        forced_at: None,
        epoch: 7,
        moving: None,
        superseding: Superseding::default(),
    }
}
