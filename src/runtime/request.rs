//! What the gateway needs for a request: the body, the applications, the limit for logins, checks of signatures.

use std::any::Any;
use std::borrow::Cow;
use std::time::Duration;

use futures::future::LocalBoxFuture;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The stream broke off.
    #[error("the body broke off")]
    Broken,
    /// It is longer than the limit.
    #[error("the body is too long")]
    TooLarge,
}

/// The body of the visitor's request.
pub trait RequestBody {
    /// Whether there is one. One that has been sent or read cannot be sent again.
    fn is_there(&self) -> bool;
    /// Its bytes, at most `limit` of them.
    fn read(&self, limit: usize) -> LocalBoxFuture<'_, Result<Vec<u8>, ReadError>>;
}

/// A request to the application: the visitor's own, body included, with these changes.
pub struct Outbound<'a> {
    /// The service or assets binding that it goes through; none: the network.
    pub binding: Option<&'a str>,
    /// Its URL.
    pub url: &'a str,
    /// Its method.
    pub method: &'a str,
    /// Whether no cache may answer it, or keep the answer.
    pub no_store: bool,
    /// Headers that are taken out, names in lower case.
    pub removed: &'a [&'a str],
    /// Headers that are put in.
    pub set: &'a [(&'a str, Cow<'a, str>)],
    /// The body, in place of the visitor's.
    pub body: Option<&'a [u8]>,
    /// `Content-Length`, where the visitor says it.
    pub length: Option<u64>,
    /// How long the response's headers may take, counted from when the whole request is sent.
    pub within: Duration,
}

/// Whether a request is a GET or HEAD with a body, of which HTTP says that it means nothing in general, and which some applications read.
/// The platform makes no such request, but one that came can be sent on as it is. Without a length it sends none of the body.
pub fn is_bodied_get(method: &str, length: Option<u64>) -> bool {
    matches!(method, "GET" | "HEAD") && length.is_some_and(|length| length > 0)
}

/// The application's response, up to its body.
pub struct Inbound {
    /// The status.
    pub status: u16,
    /// The headers, as `name,value` lines.
    pub lines: String,
    /// The platform's own response.
    pub raw: Box<dyn Any>,
}

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The visitor's body cannot be read.
    Body,
    /// The application cannot be reached.
    Unreachable,
    /// It does not answer in time.
    TimedOut,
}

/// The applications behind the gateway.
pub trait Applications {
    /// Sends a request; no redirect is followed.
    fn send<'a>(&'a self, request: Outbound<'a>) -> LocalBoxFuture<'a, Result<Inbound, SendError>>;
    /// Drops a response that nobody reads, so that its connection is free again.
    fn discard(&self, response: Inbound);
}

/// `LOGIN_LIMIT`, a rate limiting binding.
pub trait RateLimit {
    /// Whether another one with this key is within the limit; none where the binding does not answer. Without a binding all are.
    fn admits<'a>(&'a self, key: &'a str) -> LocalBoxFuture<'a, Option<bool>>;
}

/// A signature, and what it is checked with.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The public key, a bare JSON Web Key.
    pub key: &'a str,
    /// `alg` (RFC 7518).
    pub algorithm: &'static str,
    /// What the Web Cryptography API's `importKey` wants to know of the algorithm, as JSON.
    pub import: &'static str,
    /// The same for `verify`.
    pub verify: &'static str,
    /// What is signed.
    pub text: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
}

/// A private key, as `importKey` takes it.
#[derive(Clone, Copy)]
pub enum SigningKey<'a> {
    /// A bare JSON Web Key.
    Jwk(&'a str),
    /// PKCS #8 (RFC 5958).
    Pkcs8(&'a [u8]),
}

/// What is to be signed, and with what.
#[derive(Clone, Copy)]
pub struct Signing<'a> {
    /// The private key.
    pub key: SigningKey<'a>,
    /// `alg` (RFC 7518).
    pub algorithm: &'static str,
    /// What the Web Cryptography API's `importKey` wants to know of the algorithm, as JSON.
    pub import: &'static str,
    /// The same for `sign`.
    pub sign: &'static str,
    /// What is signed.
    pub text: &'a [u8],
}

/// Signatures.
pub trait Signatures {
    /// The signature; none where the key or the algorithm cannot be used.
    fn sign<'a>(&'a self, signing: Signing<'a>) -> LocalBoxFuture<'a, Option<Vec<u8>>>;
    /// Whether the signature is the key's. A key or algorithm that cannot be used is a no.
    fn verify<'a>(&'a self, signed: Signed<'a>) -> LocalBoxFuture<'a, bool>;
}
