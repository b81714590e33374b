//! What is wrong with a token.

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is longer than any honest one.
    #[error("the token is too long")]
    TooLong,
    /// It is no signed JWT.
    #[error("the token is malformed")]
    Malformed,
    /// Its algorithm is none of those that are accepted.
    #[error("the token's algorithm is not accepted (alg)")]
    Algorithm,
    /// RFC 7515 section 4.1.11: what must be understood is not.
    #[error("the token has critical header parameters (crit)")]
    Critical,
    /// It calls itself something else.
    #[error("the token is of another type (typ)")]
    Type,
    /// Another issuer's.
    #[error("the token comes from another issuer (iss)")]
    Issuer,
    /// It is for somebody else.
    #[error("the token is meant for another audience (aud)")]
    Audience,
    /// It is for others as well, and nothing says that they may have it.
    #[error("the token is meant for other audiences as well (aud)")]
    FurtherAudience,
    /// Issued to another client.
    #[error("the token was issued to another client (azp)")]
    Party,
    /// It does not say when it ends.
    #[error("the token does not say when it ends (exp)")]
    Endless,
    /// It has ended.
    #[error("the token has expired (exp)")]
    Expired,
    /// It has not begun.
    #[error("the token is not valid yet (nbf)")]
    NotYet,
    /// It does not say when it was issued.
    #[error("the token does not say when it was issued (iat)")]
    Undated,
    /// It was issued in the future, or too long ago.
    #[error("the token was not issued just now (iat)")]
    Issued,
    /// No key of this id.
    #[error("the token is signed with a key that is not known")]
    UnknownKey,
    /// The key of this id is for something else: for another algorithm, or for no signatures.
    #[error("the token's key is not meant for this (alg, use, key_ops)")]
    UnfittingKey,
    /// The key of this id is of the algorithm's type, but too weak, or on another curve.
    #[error("the token's key is too weak, or on another curve")]
    UnusableKey,
    /// Several keys may have signed it, and it does not say which one.
    #[error("the token does not say which key signed it (kid)")]
    AmbiguousKey,
    /// Not the signature of its key.
    #[error("the token's signature is not accepted")]
    BadSignature,
}

impl Flaw {
    /// Whether other keys could mend it: the key of an id may be another by now.
    pub const fn is_about_the_key(self) -> bool {
        matches!(self, Self::UnknownKey | Self::UnfittingKey | Self::UnusableKey | Self::BadSignature)
    }
}
