//! What a provider is asked at a login and a logout.

use crate::config::target::Target;
use crate::identity::Identity;

/// One authorization request.
#[derive(Clone, Copy)]
pub struct Authorization<'a> {
    /// `redirect_uri`.
    pub redirect_uri: &'a str,
    /// `state`.
    pub state: &'a str,
    /// `nonce`.
    pub nonce: &'a str,
    /// `code_verifier`, of which the challenge is sent.
    pub code_verifier: &'a str,
    /// From `/login`.
    pub hints: &'a [(String, String)],
    /// `resource`s beside the configured one: what access tokens will be asked for (RFC 8707 section 2.1).
    pub resources: &'a [&'a str],
    /// `id_token_hint`: whom a silent login is for.
    pub id_token_hint: Option<&'a str>,
}

/// One code, and what its tokens are checked against.
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// `code`.
    pub code: &'a str,
    /// `redirect_uri`, as in the authorization request.
    pub redirect_uri: &'a str,
    /// `code_verifier`.
    pub code_verifier: &'a str,
    /// `nonce`, as in the authorization request.
    pub nonce: &'a str,
    /// `iss` of the authorization response (RFC 9207).
    pub iss: Option<&'a str>,
    /// The organization that `/login` was asked for.
    pub organization: Option<&'a str>,
}

/// What a refresh is for.
#[derive(Clone, Debug)]
pub enum RefreshFor {
    /// The session's own access token.
    Session,
    /// The same, in another organization.
    Organization(String),
    /// An access token for this target.
    Target(Box<Target>),
}

/// One logout through the provider.
#[derive(Clone, Copy)]
pub struct EndSession<'a> {
    /// Who logs out.
    pub identity: &'a Identity,
    /// `post_logout_redirect_uri`: the gateway's `/logged-out`.
    pub post_logout_redirect_uri: &'a str,
    /// `state`.
    pub state: &'a str,
}
