//! UserInfo (OpenID Connect Core 1.0 section 5.3): claims beside the ID token's, which may come late.

use std::time::Duration;

use futures::future::{Either, LocalBoxFuture, Shared, select};
use serde_json::Value;

use super::claims;
use crate::jose::Claims;
use crate::runtime::Isolate;

/// How long an answer is waited for before the login or the refresh goes on without it.
pub const WAIT_LIMIT: Duration = Duration::from_secs(3);
/// How late an answer may come. A little less than one call may take, which would be repeated then.
pub(super) const TIME_LIMIT: Duration = Duration::from_millis(9_900);

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserInfo {
    /// The provider has no such endpoint.
    NotAsked,
    /// This.
    Said(Claims),
    /// It is about somebody else.
    OtherSubject,
    /// Nothing that could be read.
    NoAnswer,
}

/// A question that is under way. It is shared because the platform's timers wake the task alone that waited for them
/// first, and this one may go from the task of a login to one of its own.
pub struct Asking(pub(super) Shared<LocalBoxFuture<'static, UserInfo>>);

impl std::fmt::Debug for Asking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Asking")
    }
}

impl Asking {
    /// The answer, where it comes within this time.
    pub async fn within(self, isolate: &dyn Isolate, limit: Duration) -> Result<UserInfo, Self> {
        match select(self.0, isolate.sleep(limit)).await {
            Either::Left((answer, _)) => Ok(answer),
            Either::Right((_, under_way)) => Err(Self(under_way)),
        }
    }

    /// The answer, whenever it comes.
    pub async fn answer(self) -> UserInfo {
        self.0.await
    }
}

/// An answer without a `sub` does not count: section 5.3.2 requires one.
pub(super) fn read(body: &[u8], subject: &str) -> UserInfo {
    let Ok(said) = serde_json::from_slice::<Claims>(body) else { return UserInfo::NoAnswer };
    match said.get("sub") {
        None | Some(Value::Null) => UserInfo::NoAnswer,
        Some(sub) if sub == subject => UserInfo::Said(claims::of_user_info(said)),
        Some(_) => UserInfo::OtherSubject,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_about_somebody_else_is_told_apart_from_one_about_nobody_which_is_none() {
        assert!(matches!(read(br#"{"sub":"ada","name":"Ada"}"#, "ada"), UserInfo::Said(claims) if claims.len() == 1));
        for other in [&br#"{"sub":"grace"}"#[..], br#"{"sub":""}"#, br#"{"sub":["ada"]}"#, br#"{"sub":7}"#] {
            assert_eq!(read(other, "ada"), UserInfo::OtherSubject);
        }
        for nothing in [&b"{}"[..], br#"{"name":"Ada"}"#, br#"{"sub":null}"#, b"", b"<h1>", b"[]", b"null"] {
            assert_eq!(read(nothing, "ada"), UserInfo::NoAnswer);
        }
    }
}
