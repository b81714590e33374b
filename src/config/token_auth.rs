//! `OIDC_TOKEN_AUTH`: how this client authenticates, and where its secret comes from.

/// How this client authenticates at the token endpoint (RFC 6749 section 2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenAuth {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
    /// `private_key_jwt` (OpenID Connect Core 1.0 section 9).
    PrivateKey,
    /// `none`: a public client.
    None,
}

/// Where a client's secret comes from.
#[derive(Clone, Copy)]
pub(super) enum SecretIs {
    /// The provider gave it; what it is called there.
    Given(&'static str),
    /// `APPLE_…`: the gateway makes it.
    AppleKey,
}
