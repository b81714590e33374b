//! UserInfo (OpenID Connect Core 1.0 section 5.3): claims beside the ID token's, which may come late.

use std::time::Duration;

use futures::future::{Either, LocalBoxFuture, Shared, select};
use openidconnect::ClientId;
use serde_json::Value;
use time::OffsetDateTime;

use super::claims;
use super::keys::Untrusted;
use crate::jose::jwt::Form;
use crate::jose::policy::{Audience, Issued};
use crate::jose::{Algorithm, Claims, Flaw, Jwt, Policy};
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

/// What a signed answer looks like. It comes from the endpoint itself, whose answers are limited.
const FORM: Form = Form { types: &["jwt", "jose"], max_bytes: usize::MAX };

/// What a signed answer is checked against, where it says something of it.
#[derive(Clone, Copy)]
pub(super) struct ExpectedUserInfo<'a> {
    /// `iss`.
    pub(super) issuer: &'a str,
    /// In `aud`.
    pub(super) client_id: &'a ClientId,
    /// Who else may be in `aud` of an answer without `azp`.
    pub(super) trusted_audiences: &'a [String],
    /// `alg`, where `OIDC_ID_TOKEN_ALG` says it.
    pub(super) algorithms: Option<&'a [&'static Algorithm]>,
}

/// A signed answer (section 5.3.2, `application/jwt`) that passes every other check, if the signature is good. It need not say
/// who issued it, for whom and when: the access token that it was asked with binds it to the user, and its `sub` says so.
pub(super) fn read_signed<'a>(
    raw: &'a str,
    expected: ExpectedUserInfo<'_>,
    now: OffsetDateTime,
) -> Result<Jwt<'a>, Untrusted> {
    let jwt = Jwt::parse(raw, FORM).map_err(words)?;
    if jwt.has_content_type {
        return Err(words(Flaw::Type));
    }
    if expected.algorithms.is_some_and(|algorithms| !algorithms.contains(&jwt.algorithm)) {
        return Err(words(Flaw::Algorithm));
    }
    let policy = Policy {
        is_issuer: &|iss| iss == expected.issuer,
        audience: Audience::Client { id: expected.client_id, trusted: expected.trusted_audiences },
        issued: Issued::OpenEnded,
    };
    policy.check_stated_parties(&jwt.claims).and_then(|()| policy.check_times(&jwt.claims, now)).map_err(words)?;
    Ok(jwt)
}

/// A flaw, in words.
pub(super) const fn words(flaw: Flaw) -> Untrusted {
    Untrusted::of(flaw)
}

/// The claims of an unsigned answer.
pub(super) fn read(body: &[u8], subject: &str) -> UserInfo {
    serde_json::from_slice::<Claims>(body).map_or(UserInfo::NoAnswer, |said| about(said, subject))
}

/// What these claims say of the user. Without a `sub` they do not count: section 5.3.2 requires one.
pub(super) fn about(said: Claims, subject: &str) -> UserInfo {
    match said.get("sub") {
        None | Some(Value::Null) => UserInfo::NoAnswer,
        Some(sub) if sub == subject => UserInfo::Said(claims::of_user_info(said)),
        Some(_) => UserInfo::OtherSubject,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::jose::signing::{keys, sign, verify};

    const NOW: i64 = 1_800_000_000;

    fn signed(header: &Value, claims: &Value) -> Result<UserInfo, Untrusted> {
        signed_with(header, claims, None)
    }

    fn signed_with(
        header: &Value,
        claims: &Value,
        algorithms: Option<&[&'static Algorithm]>,
    ) -> Result<UserInfo, Untrusted> {
        let raw = sign(header, claims);
        let client_id = ClientId::new("gateway".into());
        let expected = ExpectedUserInfo {
            issuer: "https://op.example",
            client_id: &client_id,
            trusted_audiences: &["project".into()],
            algorithms,
        };
        let jwt = read_signed(&raw, expected, OffsetDateTime::from_unix_timestamp(NOW).unwrap())?;
        verify(&jwt, &keys(&["k"])).map_err(words)?;
        Ok(about(jwt.claims, "ada"))
    }

    fn of(claims: &Value) -> Result<UserInfo, Untrusted> {
        signed(&json!({"alg": "EdDSA", "kid": "k"}), claims)
    }

    #[test]
    fn a_signed_answer_may_lack_all_but_its_sub_and_what_it_says_beside_that_holds() {
        for good in [
            json!({"sub": "ada", "name": "Ada"}),
            json!({"sub": "ada", "name": "Ada", "iss": "https://op.example", "aud": "gateway", "iat": NOW, "exp": NOW + 60}),
            json!({"sub": "ada", "name": "Ada", "aud": ["gateway", "project"]}),
            json!({"sub": "ada", "name": "Ada", "aud": ["gateway", "other"], "azp": "gateway"}),
        ] {
            let UserInfo::Said(said) = of(&good).unwrap() else { panic!("{good}") };
            assert_eq!(Value::Object(said), json!({"name": "Ada"}), "{good}");
        }
        for (name, bad) in [
            ("iss", json!("https://evil.example")),
            ("iss", json!(null)),
            ("aud", json!("other")),
            ("aud", json!(["gateway", "other"])),
            ("azp", json!("other")),
            ("exp", json!(NOW - 61)),
            ("exp", json!("soon")),
            ("iat", json!(NOW + 61)),
            ("nbf", json!(NOW + 61)),
        ] {
            assert!(of(&json!({"sub": "ada", name: bad})).is_err(), "{name}: {bad}");
        }
        assert_eq!(of(&json!({"sub": "grace"})), Ok(UserInfo::OtherSubject));
        assert_eq!(of(&json!({"name": "Ada"})), Ok(UserInfo::NoAnswer));
    }

    #[test]
    fn an_algorithm_that_is_configured_is_that_of_a_signed_answer_too() {
        let named = |name: &str| Algorithm::named(name).unwrap();
        let with = |algorithms: &[&'static Algorithm]| {
            signed_with(&json!({"alg": "EdDSA", "kid": "k"}), &json!({"sub": "ada"}), Some(algorithms))
        };
        assert!(with(&[named("RS256"), named("EdDSA")]).is_ok());
        assert_eq!(with(&[named("RS256")]), Err(words(Flaw::Algorithm)));
    }

    #[test]
    fn an_answer_that_nobody_signed_or_somebody_else_is_no_signed_one() {
        let claims = json!({"sub": "ada"});
        for header in [
            json!({"alg": "none"}),
            json!({"alg": "HS256", "kid": "k"}),
            json!({"alg": "EdDSA", "kid": "other"}),
            json!({"alg": "EdDSA", "kid": "k", "crit": ["exp"]}),
            json!({"alg": "EdDSA", "kid": "k", "cty": "JWT"}),
            json!({"alg": "EdDSA", "kid": "k", "typ": "at+jwt"}),
        ] {
            assert!(signed(&header, &claims).is_err(), "{header}");
        }
    }

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
