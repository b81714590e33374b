//! Clients that bring their own JWT. It is checked with keys that are published or configured.
//!
//! The signature is checked by the platform (Web Cryptography API), at a tenth of what it costs in WebAssembly. Imported
//! keys are kept in the isolate, and so is the key set: see [`crate::jose::document`].

use std::cell::RefCell;
use std::rc::Rc;

use futures::FutureExt as _;

use crate::config::Config;
use crate::config::jwt::Keys;
use crate::gateway::bearer::verified::VerifiedJwts;
use crate::gateway::problem::Problem;
use crate::gateway::request::Incoming;
use crate::jose::document::Presenter;
use crate::jose::jwt::Form;
use crate::jose::key_set::{ANY_ISSUER, NoKeySet, Unverified};
use crate::jose::policy::{Audience, Issued};
use crate::jose::published::{DocumentSource, FetchResult, Missing, Published};
use crate::jose::{Claims, Flaw, Jwt, KeySet, Policy};
use crate::provider::link::Link;

pub mod verified;

/// `typ` may say that it is an access token (RFC 9068), or a JWT. No honest client sends a longer one.
const FORM: Form = Form { types: &["jwt", "at+jwt"], max_bytes: 16 << 10 };

/// The keys of clients. One for each isolate.
#[derive(Clone, Default)]
pub struct ClientKeys {
    published: Rc<Published<KeySet>>,
    inline: Rc<RefCell<Option<Rc<KeySet>>>>,
}

impl ClientKeys {
    /// Those that the configuration itself has.
    fn inline(&self, text: &str) -> Rc<KeySet> {
        Rc::clone(
            self.inline.borrow_mut().get_or_insert_with(|| Rc::new(KeySet::read(text.as_bytes()).unwrap_or_default())),
        )
    }
}

/// The token of an `Authorization: Bearer` (RFC 6750 section 2.1).
pub(crate) fn token<'a>(request: &Incoming<'a>) -> Option<&'a str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches([' ', '\t']))
}

/// The claims of a client's JWT, if it is accepted.
pub(crate) async fn claims(
    config: &Config,
    link: &Link,
    keys: &ClientKeys,
    verified: &VerifiedJwts,
    token: &str,
) -> Result<Claims, Problem> {
    let Some(settings) = &config.jwt else { return Err(Problem::NotFound) };
    let jwt = Jwt::parse(token, FORM)?;
    // This comes before any key is looked for, so that a JWT that cannot be good costs no fetch.
    let policy = Policy {
        is_issuer: &|iss| iss == settings.issuer,
        audience: Audience::Among(&settings.audience),
        issued: Issued::Before,
    };
    policy.check_times(&jwt.claims, link.isolate.now()).and_then(|()| policy.check_parties(&jwt.claims))?;
    let uri = match &settings.keys {
        Keys::Inline(text) => {
            keys.inline(text).verify(&jwt, &*link.signatures, ANY_ISSUER).await?;
            return Ok(jwt.claims);
        }
        Keys::Remote(uri) => uri.as_str(),
    };
    let published = PublishedAt { variable: "JWKS_URI", uri };
    keys.check(&jwt, published, link, verified).await?;
    Ok(jwt.claims)
}

/// Where keys are published, and the variable that says so.
#[derive(Clone, Copy)]
pub(crate) struct PublishedAt<'a> {
    pub variable: &'static str,
    pub uri: &'a str,
}

impl ClientKeys {
    /// Whether one of the published keys has signed a token that anybody may have made.
    pub(crate) async fn check(
        &self,
        jwt: &Jwt<'_>,
        at: PublishedAt<'_>,
        link: &Link,
        verified: &VerifiedJwts,
    ) -> Result<(), Problem> {
        let PublishedAt { variable, uri } = at;
        let call = || fetched(link.clone(), variable, uri.to_owned(), verified.clone()).boxed_local();
        let source = DocumentSource { documents: &self.published, address: uri, call: &call, isolate: &link.isolate };
        source.verify(jwt, &*link.signatures, Presenter::Anybody, ANY_ISSUER).await.map_err(|unverified| {
            match unverified {
                Unverified::NoKeys(_) => Problem::KeysUnavailable,
                // If newer keys cannot be had, the last good ones decide.
                Unverified::Refused(flaw) | Unverified::Outdated(flaw, _) => flaw.into(),
            }
        })
    }
}

/// Fetches the key set. If that fails, a log line says why.
async fn fetched(link: Link, variable: &'static str, uri: String, verified: VerifiedJwts) -> FetchResult<KeySet> {
    let keys = KeySet::fetch(&*link.http, &uri).await.map_err(|none| match none {
        NoKeySet::Useless => Missing::Useless,
        none => Missing::Unavailable(none.to_string()),
    });
    if let Err(missing) = &keys {
        link.isolate.error(&format!("the keys at {variable} cannot be fetched: {missing}"));
    }
    let keys = keys?;
    // A JWT that the former keys signed may no longer be good.
    verified.forget();
    Ok((keys, link.isolate.now()))
}

/// A flaw, in the words of a client, or of an administrator whose JWT is Cloudflare Access's.
impl From<Flaw> for Problem {
    fn from(flaw: Flaw) -> Self {
        Self::InvalidToken(match flaw {
            Flaw::TooLong => "The token is too long.",
            Flaw::Malformed => "The token is no signed JWT.",
            Flaw::Algorithm => "The token's algorithm is not accepted (alg).",
            Flaw::Critical => "The token has critical extensions, which are not understood (crit).",
            Flaw::Type => "The token is of another type (typ).",
            Flaw::Issuer => "The token comes from another issuer (iss).",
            Flaw::Audience | Flaw::FurtherAudience => "The token is meant for another audience (aud).",
            Flaw::Party => "The token was issued to another client (azp).",
            Flaw::Endless => "The token has no end (exp).",
            Flaw::Expired => "The token has expired (exp).",
            Flaw::NotYet => "The token is not valid yet (nbf).",
            Flaw::Undated | Flaw::Issued => "The token is from the future (iat).",
            Flaw::UnknownKey => "The token is signed with a key that is not known.",
            Flaw::UnfittingKey | Flaw::UnusableKey => "The token's key is not meant for this (alg, use, key_ops).",
            Flaw::AmbiguousKey => "The token does not say which key signed it, and several may have (kid).",
            Flaw::BadSignature => "The token's signature is not accepted.",
        })
    }
}
