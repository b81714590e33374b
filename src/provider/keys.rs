//! The keys that a provider signs with, and why a token is not accepted.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

use super::error::{ProviderError, unanswered};
use super::link::Link;
use crate::http;
use crate::jose::document::Presenter;
use crate::jose::key_set::{NoKeySet, SignsFor, Unverified};
use crate::jose::published::{DocumentSource, FetchResult, Missing};
use crate::jose::{Flaw, Jwt, KeySet};

/// [`Flaw::FurtherAudience`] in words, for a token of this name.
macro_rules! further_audience {
    ($token:literal) => {
        concat!(
            "the ",
            $token,
            " is meant for other audiences as well (aud) and does not say that it was issued to this client (azp): if they may have it, \
             list them in OIDC_TRUSTED_AUDIENCES"
        )
    };
}
pub(super) use further_audience;

/// Why a token is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// It fails a check. The words are the gateway's own: nothing of the token is quoted.
    #[error("{0}")]
    Invalid(&'static str),
    /// The provider publishes no key for it.
    #[error("the token is signed with a key that the provider does not publish")]
    NoKey,
    /// The provider's keys are not to be had.
    #[error(transparent)]
    NoKeys(ProviderError),
}

impl From<Untrusted> for ProviderError {
    fn from(untrusted: Untrusted) -> Self {
        match untrusted {
            Untrusted::Invalid(_) | Untrusted::NoKey => Self::Callback(untrusted.to_string()),
            Untrusted::NoKeys(error) => error,
        }
    }
}

impl Untrusted {
    /// A flaw that a kind of token has no words of its own for. A rotation of keys may leave a token without its key; that is told
    /// apart from a token that nobody can have signed.
    pub const fn of(flaw: Flaw) -> Self {
        Self::Invalid(match flaw {
            Flaw::UnknownKey | Flaw::UnfittingKey => return Self::NoKey,
            Flaw::UnusableKey | Flaw::BadSignature => "the token's signature is not accepted",
            Flaw::AmbiguousKey => "the token does not say which key signed it (kid)",
            Flaw::TooLong => "the token is too long",
            Flaw::Malformed => "the token is malformed",
            Flaw::Algorithm => "the token's algorithm is not accepted (alg)",
            Flaw::Critical => "the token has critical header parameters (crit)",
            Flaw::Type => "the token is of another type (typ)",
            Flaw::Issuer => "the token comes from another issuer (iss)",
            Flaw::Audience => "the token is meant for another audience (aud)",
            Flaw::FurtherAudience => further_audience!("token"),
            Flaw::Party => "the token was issued to another client (azp)",
            Flaw::Endless | Flaw::Expired => "the token has expired, or does not say when it will (exp)",
            Flaw::NotYet => "the token is not valid yet (nbf)",
            Flaw::Undated | Flaw::Issued => "the token was not issued just now (iat)",
        })
    }
}

/// Checks the signature of a token that `presenter` brought with the provider's keys, which are published at `uri`; where one is
/// missing or does not fit, with what they are now. `signs_for` are the keys that may have signed it; `words` are those of the kind of token.
pub async fn verify(
    jwt: &Jwt<'_>,
    uri: &str,
    link: &Link,
    presenter: Presenter,
    signs_for: SignsFor<'_>,
    words: fn(Flaw) -> Untrusted,
) -> Result<(), Untrusted> {
    let call = || call(uri, link);
    source(uri, link, &call).verify(jwt, &*link.signatures, presenter, signs_for).await.map_err(|unverified| {
        match unverified {
            Unverified::Refused(flaw) => words(flaw),
            Unverified::Outdated(_, Missing::Useless) => Untrusted::NoKey,
            Unverified::Outdated(_, missing) | Unverified::NoKeys(missing) => Untrusted::NoKeys(missing.into()),
        }
    })
}

/// Sees to it that the keys are at hand, without anybody waiting for that.
pub fn prepare(uri: &str, link: &Link) {
    let (uri, link) = (uri.to_owned(), link.clone());
    let isolate = std::rc::Rc::clone(&link.isolate);
    isolate.go_on(async move {
        let call = || call(&uri, &link);
        let _ = source(&uri, &link, &call).current(link.isolate.now()).await;
    });
}

/// Whether the provider answers now, if only with something else than its keys: a GET, unless one was answered, or was
/// not, just now.
pub async fn answers(uri: &str, link: &Link) -> bool {
    let call = || call(uri, link);
    source(uri, link, &call).answers().await
}

fn source<'a>(
    uri: &'a str,
    link: &'a Link,
    call: &'a dyn Fn() -> LocalBoxFuture<'static, FetchResult<KeySet>>,
) -> DocumentSource<'a, KeySet> {
    DocumentSource { documents: &link.documents.keys, address: uri, call, isolate: &link.isolate }
}

fn call(uri: &str, link: &Link) -> LocalBoxFuture<'static, FetchResult<KeySet>> {
    let (uri, link) = (uri.to_owned(), link.clone());
    async move {
        let keys = KeySet::fetch(&*link.http, &uri).await.map_err(missing)?;
        Ok((keys, link.isolate.now()))
    }
    .boxed_local()
}

fn missing(none: NoKeySet) -> Missing {
    match none {
        NoKeySet::Unanswered(error) => unanswered(error).into(),
        NoKeySet::Status(status) if http::says_not_now(status.as_u16()) => {
            Missing::Unavailable(format!("keys: the provider answered {status}"))
        }
        NoKeySet::Status(_) | NoKeySet::NoSet => {
            Missing::Rejected("keys: the document is no JSON Web Key Set".to_owned())
        }
        NoKeySet::Useless => Missing::Useless,
    }
}

impl From<Missing> for ProviderError {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Unavailable(why) => Self::Unavailable(why),
            Missing::Rejected(_) | Missing::Useless => Self::Rejected(missing.to_string()),
        }
    }
}

impl From<ProviderError> for Missing {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Unavailable(why) => Self::Unavailable(why),
            error => Self::Rejected(error.to_string()),
        }
    }
}
